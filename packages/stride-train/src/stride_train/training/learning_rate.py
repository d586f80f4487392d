"""The learning rate over training: a linear rise, a plateau, a fall."""

import math

from stride_train.config.training import Decay


def learning_rate_factor(
    step: int, fraction: float, *, warmup_steps: int, decay_from: float, decay: Decay = "linear"
) -> float:
    """Factor on the peak learning rate.

    Args:
        step: Steps done so far.
        fraction: Share of the budget that has passed.
        warmup_steps: Steps of the rise.
        decay_from: Share of the budget after which the rate falls; 1 for no fall.
        decay: The curve of the fall. `linear` and `cosine` (Loshchilov and Hutter 2017, arXiv 1608.03983, eq. 5) end at
            zero; `inverse_sqrt` (Karras et al. 2024, arXiv 2312.02696, eq. 67) ends at sqrt(decay_from).

    Returns:
        A number from 0 to 1.
    """
    rise = min(1.0, (step + 1) / (warmup_steps + 1))
    if decay == "none" or decay_from >= 1.0 or fraction <= decay_from:
        return rise
    if decay == "inverse_sqrt":
        return rise * math.sqrt(decay_from / fraction)
    left = (1.0 - fraction) / (1.0 - decay_from)
    return rise * (left if decay == "linear" else 0.5 * (1.0 - math.cos(math.pi * left)))
