"""Which events a target is judged by."""

from __future__ import annotations

import numpy as np
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig


def event_thresholds(key: str, spec: VariableSpec, sample: np.ndarray, config: EvalConfig) -> np.ndarray:
    """Thresholds of events ``>= threshold``, increasing, in the target's units.

    Those that the configuration names; else the wet threshold, where the variable has one, and quantiles of the
    observed values, rounded to two digits so that a caption can state them. A quantile below the wet threshold is
    left out.

    Args:
        key: the target's.
        spec: what it is.
        sample: observed values, ascending.
        config: ``thresholds``, ``threshold_quantiles``.
    """
    if key in config.thresholds:
        return _reached(np.unique(np.asarray(config.thresholds[key], dtype=float)))
    quantiles = np.quantile(sample, config.threshold_quantiles)
    if spec.wet_threshold is not None:
        quantiles = np.append(quantiles[quantiles > spec.wet_threshold], spec.wet_threshold)
    digits = _digits(sample)
    return _reached(np.unique(np.round(quantiles, digits)))


def _reached(thresholds: np.ndarray) -> np.ndarray:
    """Thresholds that a value written alike reaches, in single precision too.

    0.7 is stored as 0.69999999: without this, observations in steps of 0.1 would miss the event ``>= 0.7`` that they
    just reach, and members that are not rounded would not.
    """
    return np.minimum(thresholds, thresholds.astype(np.float32).astype(np.float64))


def _digits(sample: np.ndarray) -> int:
    """Decimals that leave two or three digits of the values' spread."""
    spread = float(sample[-1] - sample[0])
    return int(np.clip(2 - np.floor(np.log10(spread)), 0, 12)) if spread > 0 else 12
