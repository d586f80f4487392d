"""Which of many tests to believe: control of the false discovery rate."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, reduced_dims
from stride_eval.metrics.errors import MetricError


def false_discovery(p: xr.DataArray, *, alpha: float = 0.1, dim: Dims = ...) -> xr.Dataset:
    """Rejects the tests whose p-value is at most p* = max{p_(i): p_(i) <= alpha i / N}.

    On average no more than a share ``alpha`` of the rejected hypotheses is true. With the strong spatial correlation of
    atmospheric fields the procedure is conservative: ``alpha`` of twice the level of the field significance is right
    (0.10 for 0.05).

    Args:
        p: p-values between 0 and 1; missing ones are no tests.
        alpha: the false discovery rate.
        dim: dimensions of the tests that belong together (the pixels of a map).

    Returns:
        ``rejected`` (the shape of ``p``), ``threshold`` p* (-1 where none is rejected) and ``n`` tests.

    Raises:
        MetricError: alpha or a p-value outside 0..1, or an unknown dimension.

    Source:
        Benjamini & Hochberg (1995), https://doi.org/10.1111/j.2517-6161.1995.tb02031.x; Wilks (2016),
        https://doi.org/10.1175/BAMS-D-15-00267.1.
    """
    if not 0.0 < alpha < 1.0:
        raise MetricError(f"alpha is {alpha}; give a share between 0 and 1, for example 0.1")
    if bool(((p < 0) | (p > 1)).any()):
        raise MetricError("p-values must lie between 0 and 1; give probabilities, not per cent")
    names = reduced_dims(p, dim)
    threshold = xr.apply_ufunc(
        _largest_believed, p, kwargs={"alpha": alpha, "axes": len(names)}, input_core_dims=[names]
    )
    return xr.Dataset({"rejected": p <= threshold, "threshold": threshold, "n": p.notnull().sum(names)})


def _largest_believed(p: np.ndarray, *, alpha: float, axes: int) -> np.ndarray:
    kept = p.shape[: p.ndim - axes]
    ordered = np.sort(p.reshape(*kept, -1), axis=-1)
    n = np.isfinite(ordered).sum(axis=-1, keepdims=True)
    rank = np.arange(1, ordered.shape[-1] + 1)
    believed = ordered <= alpha * rank / np.maximum(n, 1)
    # A p-value of 0 is rejected too: a threshold of -1 rejects nothing, 0 those alone.
    return np.where(believed, ordered, -1.0).max(axis=-1, initial=-1.0)
