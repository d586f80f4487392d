"""Useful scale of the fractions skill score."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import describe, reduced_dims


def fss_useful_scale(
    skill: xr.DataArray, observed_rate: xr.DataArray | float, *, window_dim: str = "window"
) -> xr.DataArray:
    """Smallest window from which on the fractions skill score stays at or above 0.5 + f0 / 2.

    Half way between the score of a random forecast (f0) and a perfect one (1).

    Args:
        skill: from :func:`~stride_eval.metrics.fss.fss`, along ``window_dim`` with the widths as its coordinate.
        observed_rate: f0, the observed share of pixels with the event at grid scale.
        window_dim: the dimension of the windows.

    Returns:
        One of the windows, in the units of their coordinate; nothing is interpolated. Infinite where even the largest
        window is not useful, NaN where it has no score.

    Raises:
        MetricError: no dimension ``window_dim``.

    Source:
        Roberts & Lean (2008), https://doi.org/10.1175/2007MWR2123.1.
    """
    reduced_dims(skill, window_dim)
    falling = skill.sortby(window_dim, ascending=False)
    useful = (falling >= 0.5 + observed_rate / 2.0).astype(int).cumprod(window_dim).astype(bool)
    smallest = falling[window_dim].astype(float).where(useful, np.inf).min(window_dim)
    return describe(smallest.where(falling.isel({window_dim: 0}, drop=True).notnull()), "useful scale")
