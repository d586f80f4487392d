"""The learning rate over training: a linear rise, a plateau, a linear fall to zero."""


def learning_rate_factor(step: int, fraction: float, *, warmup_steps: int, decay_from: float) -> float:
    """Factor on the peak learning rate.

    Args:
        step: Steps done so far.
        fraction: Share of the budget that has passed.
        warmup_steps: Steps of the rise.
        decay_from: Share of the budget after which the rate falls; 1 for no fall.

    Returns:
        A number from 0 to 1.
    """
    rise = min(1.0, (step + 1) / (warmup_steps + 1))
    fall = 1.0 if decay_from >= 1.0 or fraction <= decay_from else (1.0 - fraction) / (1.0 - decay_from)
    return rise * fall
