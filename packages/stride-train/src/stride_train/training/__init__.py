"""Training: the loop, averaged weights, sanity monitors and the history."""
