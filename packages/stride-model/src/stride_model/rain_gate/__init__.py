"""RainGate: the probability that a channel exceeds a threshold, its loss, its reliability, and gating of fields."""
