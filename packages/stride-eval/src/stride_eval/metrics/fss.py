"""Fractions skill score of an ensemble or of a single field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, check_pair, describe, increasing, reduced_dims
from stride_eval.metrics.errors import MetricError
from stride_eval.metrics.window_sums import PAD, window_sums

Edges = Literal["valid", "clipped", "zero"]
"""``valid``: windows inside the domain; ``clipped``: around every pixel, cut at edges; ``zero``: no event outside."""


def fss_components(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | Sequence[float],
    window: int | Sequence[int],
    dims: tuple[str, str] = ("y", "x"),
    member_dim: str = "member",
    edges: Edges = "valid",
    min_valid: float = 0.5,
) -> xr.Dataset:
    """Numerator and denominator of the fractions skill score of ``value >= threshold``, one pair a field.

    In each window, o is the share of observed pixels with the event and f the neighbourhood ensemble probability: the
    share of pixels, averaged over members. numerator = sum (f - o)², denominator = sum (f² + o²) over windows. FSS = 1
    - numerator / denominator, after summing both over days. With one member, or none, f is that of a single field and
    the score is the ordinary FSS.

    Args:
        forecast: ensemble with dimension ``member_dim``, or a single field (PMM, ensemble mean) without it.
        observed: the observation, on the same points.
        threshold: number or increasing numbers in the units of the field.
        window: odd width of the square window in pixels, or several of them, increasing.
        dims: the two spatial dimensions.
        member_dim: the ensemble dimension.
        edges: ``valid`` scores windows wholly inside the domain; ``clipped`` one window around every pixel, with
            fractions of the part inside; ``zero`` the same with the outside counted as pixels without the event (the
            habit of pysteps).
        min_valid: pixels where the observation or a member is missing are left out of both fractions; a window counts
            when at least this share of its pixels inside the domain is valid.

    Returns:
        ``numerator``, ``denominator``, ``n_windows``, ``n_pixels`` and ``n_events`` (observed, at grid scale) for the
        dimensions that remain (time), plus ``threshold`` and ``window`` where several were given. All of them add up
        over days.

    Raises:
        MetricError: an even window or one larger than the domain, an unknown edge handling, or fields that do not lie
            on the same points.

    Source:
        Roberts & Lean (2008), https://doi.org/10.1175/2007MWR2123.1; neighbourhood ensemble probability: Schwartz et
        al. (2010), https://doi.org/10.1175/2009WAF2222267.1; probabilistic FSS: Necker et al. (2024),
        https://doi.org/10.1002/qj.4824; sum before
        dividing: Mittermaier (2021), https://doi.org/10.1175/MWR-D-18-0106.1.
    """
    if isinstance(forecast, xr.DataArray) and member_dim not in forecast.dims:
        forecast = forecast.expand_dims(member_dim)
    members = check_pair(forecast, observed, member_dim)
    spatial = list(dims)
    for name in spatial:
        reduced_dims(observed, name)
    levels = increasing(np.atleast_1d(threshold), "threshold", at_least=1)
    widths = _check_windows(window, min(observed.sizes[name] for name in spatial), edges)
    if edges not in PAD:
        raise MetricError(f"there is no edge handling {edges!r}; choose {', '.join(map(repr, PAD))}")
    if not 0 < min_valid <= 1:
        raise MetricError(f"min_valid is {min_valid}; give a share above 0, at most 1")
    whole = dict.fromkeys(spatial, -1)
    sums = xr.apply_ufunc(
        _components,
        forecast if forecast.chunks is None else forecast.chunk({**whole, member_dim: -1}),
        observed if observed.chunks is None else observed.chunk(whole),
        kwargs={"levels": levels, "widths": widths, "edges": edges, "min_valid": min_valid},
        input_core_dims=[[member_dim, *spatial], spatial],
        output_core_dims=[["threshold", "window", "component"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"threshold": len(levels), "window": len(widths), "component": 5}},
        keep_attrs=False,
    ).assign_coords(threshold=levels, window=np.asarray(widths))
    sums = sums.squeeze([name for name, value in (("threshold", threshold), ("window", window)) if np.ndim(value) == 0])
    names = {
        "numerator": "sum of (forecast fraction - observed fraction)2",
        "denominator": "sum of forecast fraction2 + observed fraction2",
        "n_windows": "number of windows",
        "n_pixels": "number of valid pixels",
        "n_events": "number of observed events",
    }
    parts = {key: describe(sums.isel(component=index), text, "1") for index, (key, text) in enumerate(names.items())}
    return xr.Dataset(parts, attrs={"members": members, "edges": edges, "event": ">= threshold"})


def fss_from_components(components: xr.Dataset, *, dim: Dims = ...) -> xr.DataArray:
    """Fractions skill score from summed components.

    Args:
        components: from :func:`fss_components`.
        dim: dimensions to sum over first; ``...`` takes all but ``threshold`` and ``window``.

    Returns:
        Between 0 and 1 (perfect); NaN where neither forecast nor observation has an event: nothing to score, not a
        success.

    Raises:
        MetricError: an unknown dimension.
    """
    if dim is ...:
        dim = [name for name in components["numerator"].dims if name not in ("threshold", "window")]
    names = reduced_dims(components["numerator"], dim)
    numerator, denominator = components["numerator"].sum(names), components["denominator"].sum(names)
    return describe(1.0 - numerator / denominator.where(denominator > 0), "fractions skill score", "1")


def fss(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | Sequence[float],
    window: int | Sequence[int],
    dims: tuple[str, str] = ("y", "x"),
    member_dim: str = "member",
    edges: Edges = "valid",
    min_valid: float = 0.5,
    dim: Dims = ...,
) -> xr.DataArray:
    """Fractions skill score: 1 - summed numerator / summed denominator of :func:`fss_components`.

    Above 0.5 + f0 / 2, with f0 the observed base rate at grid scale, a scale counts as skilful (Roberts & Lean 2008).

    Args:
        forecast: ensemble with dimension ``member_dim``, or a single field without it.
        observed: the observation, on the same points.
        threshold: number or increasing numbers in the units of the field; the event is ``>=``.
        window: odd width of the window in pixels, or several.
        dims: the two spatial dimensions.
        member_dim: the ensemble dimension.
        edges: ``valid``, ``clipped`` or ``zero``.
        min_valid: least share of valid pixels in a window.
        dim: dimensions to sum over before dividing; ``...`` takes all but ``threshold`` and ``window``.

    Returns:
        Between 0 and 1 (perfect); NaN where neither forecast nor observation has an event.

    Raises:
        MetricError: as :func:`fss_components`.
    """
    components = fss_components(
        forecast,
        observed,
        threshold=threshold,
        window=window,
        dims=dims,
        member_dim=member_dim,
        edges=edges,
        min_valid=min_valid,
    )
    return fss_from_components(components, dim=dim)


def _check_windows(window: int | Sequence[int], side: int, edges: str) -> list[int]:
    """Widths as integers: odd, so that a window has a centre, and for ``valid`` inside the domain."""
    widths = increasing(np.atleast_1d(window), "window", at_least=1)
    for width in widths:
        if width != int(width) or width < 1 or int(width) % 2 == 0:
            raise MetricError(f"window {width:g} is not an odd number of pixels; choose {int(width) // 2 * 2 + 1}")
        if edges == "valid" and width > side:
            raise MetricError(
                f"window {int(width)} is larger than the domain's {side} pixels; "
                "choose a smaller one, or edges='clipped'"
            )
    return [int(width) for width in widths]


def _components(
    forecast: np.ndarray, observed: np.ndarray, *, levels: np.ndarray, widths: list[int], edges: str, min_valid: float
) -> np.ndarray:
    """Forecast [..., M, y, x], observed [..., y, x] -> [..., threshold, window, 5]; one field in memory at a time."""
    kept = np.broadcast_shapes(forecast.shape[:-3], observed.shape[:-2])
    forecast = np.broadcast_to(forecast, (*kept, *forecast.shape[-3:]))
    observed = np.broadcast_to(observed, (*kept, *observed.shape[-2:]))
    result = np.zeros((*kept, len(levels), len(widths), 5))
    for index in np.ndindex(kept):
        members, truth = forecast[index], observed[index]
        valid = ~(np.isnan(truth) | np.isnan(members).any(axis=0))
        for row, level in enumerate(levels):
            # Counts, not shares: whole numbers keep sums over windows exact.
            count = np.where(valid, (members >= level).sum(axis=0), 0)
            event = np.where(valid, truth >= level, 0)
            for column, width in enumerate(widths):
                sums = window_sums(np.stack([count, event]), valid, width=width, edges=edges, min_valid=min_valid)
                f, o = sums[0] / len(members), sums[1]
                parts = ((f - o) ** 2).sum(), (f**2 + o**2).sum(), f.size, valid.sum(), event.sum()
                result[(*index, row, column)] = parts
    return result
