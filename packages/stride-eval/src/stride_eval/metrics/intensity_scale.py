"""Wavelet intensity-scale skill: at which scale and intensity events are in the right place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from stride_eval.metrics.arguments import Dims, check_pair, describe, increasing, reduced_dims
from stride_eval.metrics.errors import MetricError


def intensity_scale_components(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | Sequence[float],
    dims: tuple[str, str] = ("y", "x"),
    member_dim: str = "member",
    min_valid: float = 0.5,
) -> xr.Dataset:
    """Squared binary error by threshold and scale, one set of sums a field.

    The error Z = 1[forecast >= threshold] - 1[observed >= threshold] of each member is split by the Haar wavelet: W_s
    of scale s = 1, 2, 4, ... pixels is the mean of Z over squares of s pixels a side less that over squares of 2 s; the
    last component, of scale 2^L, is the mean over the whole tile (the bias). The components are orthogonal: their
    squares sum to Z². A random forecast of the same shares of events p_f and p_o has the error p_f (1 - p_o) + p_o (1 -
    p_f), taken member by member and date by date, so that knowing wet days from dry ones is no skill here.

    Domains that are no square of 2^L pixels are covered by square tiles of the largest 2^L that fits the shorter side,
    spread evenly from edge to edge; tiles overlap where the sides are no multiples of 2^L, and pixels in several tiles
    count in each. Nothing is padded.

    Args:
        forecast: ensemble with dimension ``member_dim``, or a single field (PMM, ensemble mean) without it.
        observed: the observation, on the same points.
        threshold: number or increasing numbers in the units of the field.
        dims: the two spatial dimensions.
        member_dim: the ensemble dimension.
        min_valid: a pixel where the observation or a member is missing has no error and no event, and does not count;
            the split stays exact over the pixels that count, but squares across the edge of a gap pass some of their
            error to other scales. Tiles with less than this share of valid pixels are left out.

    Returns:
        For the dimensions that remain (time), mean over members: ``squared_error`` along ``scale`` (pixels; sums of
        W²), ``random_error`` and ``n_pixels`` (without member mean), plus ``threshold`` where several were given. All
        of them add up over days.

    Raises:
        MetricError: thresholds that do not increase, a share outside 0..1, or fields that do not lie on the same
            points.

    Source:
        Casati, Ross & Stephenson (2004), https://doi.org/10.1017/S1350482704001239; frequency bias in the random error
        and tiling of domains: Casati (2010), https://doi.org/10.1175/2009WAF2222257.1.
    """
    if isinstance(forecast, xr.DataArray) and member_dim not in forecast.dims:
        forecast = forecast.expand_dims(member_dim)
    check_pair(forecast, observed, member_dim)
    spatial = list(dims)
    for name in spatial:
        reduced_dims(observed, name)
    levels = increasing(np.atleast_1d(threshold), "threshold", at_least=1)
    if not 0 < min_valid <= 1:
        raise MetricError(f"min_valid is {min_valid}; give a share above 0, at most 1")
    side = _largest_power_of_two(min(observed.sizes[name] for name in spatial))
    scales = 2 ** np.arange(side.bit_length())
    whole = dict.fromkeys(spatial, -1)
    sums = xr.apply_ufunc(
        _components,
        forecast if forecast.chunks is None else forecast.chunk({**whole, member_dim: -1}),
        observed if observed.chunks is None else observed.chunk(whole),
        kwargs={"levels": levels, "side": side, "min_valid": min_valid},
        input_core_dims=[[member_dim, *spatial], spatial],
        output_core_dims=[["threshold", "component"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"threshold": len(levels), "component": len(scales) + 2}},
        keep_attrs=False,
    ).assign_coords(threshold=levels)
    if np.ndim(threshold) == 0:
        sums = sums.squeeze("threshold")
    error = sums.isel(component=slice(0, -2)).rename(component="scale").assign_coords(scale=scales)
    error["scale"].attrs = {"long_name": "scale", "units": "pixel"}
    return xr.Dataset(
        {
            "squared_error": describe(error, "sum of squared wavelet components of the binary error", "1"),
            "random_error": describe(
                sums.isel(component=-2), "expected sum of squared error of a random forecast", "1"
            ),
            "n_pixels": describe(sums.isel(component=-1), "number of valid pixels", "1"),
        },
        attrs={"event": ">= threshold", "tile": side},
    )


def intensity_scale_from_components(components: xr.Dataset, *, dim: Dims = ...) -> xr.DataArray:
    """Intensity-scale skill from summed components: 1 - squared_error / (random_error / number of scales).

    Args:
        components: from :func:`intensity_scale_components`, with all its scales.
        dim: dimensions to sum over first; ``...`` takes all but ``threshold`` and ``scale``.

    Returns:
        At most 1 (perfect); 0 where the scale holds its even share of a random forecast's error, negative where more.
        The mean over scales is the Heidke skill score of one date and member. NaN where a random forecast has no error:
        no event at all, or events everywhere.

    Raises:
        MetricError: an unknown dimension.
    """
    error, random = components["squared_error"], components["random_error"]
    if dim is ...:
        dim = [name for name in error.dims if name not in ("threshold", "scale")]
    names = reduced_dims(error, dim)
    random = random.sum(names)
    skill = 1.0 - error.sum(names) * error.sizes["scale"] / random.where(random > 0)
    return describe(skill.transpose(..., "scale"), "intensity-scale skill score", "1")


def intensity_scale_skill(
    forecast: xr.DataArray,
    observed: xr.DataArray,
    *,
    threshold: float | Sequence[float],
    dims: tuple[str, str] = ("y", "x"),
    member_dim: str = "member",
    min_valid: float = 0.5,
    dim: Dims = ...,
) -> xr.DataArray:
    """Intensity-scale skill score by threshold and scale, of the summed :func:`intensity_scale_components`.

    Args:
        forecast: ensemble with dimension ``member_dim``, or a single field without it; members are scored one by one.
        observed: the observation, on the same points.
        threshold: number or increasing numbers in the units of the field; the event is ``>=``.
        dims: the two spatial dimensions.
        member_dim: the ensemble dimension.
        min_valid: least share of valid pixels in a tile.
        dim: dimensions to sum over before dividing; ``...`` takes all but ``threshold`` and ``scale``.

    Returns:
        At most 1 (perfect), 0 for a random forecast's share; NaN where there is nothing to score.

    Raises:
        MetricError: as :func:`intensity_scale_components`.
    """
    components = intensity_scale_components(
        forecast, observed, threshold=threshold, dims=dims, member_dim=member_dim, min_valid=min_valid
    )
    return intensity_scale_from_components(components, dim=dim)


def _largest_power_of_two(count: int) -> int:
    return 1 << (count.bit_length() - 1)


def _starts(count: int, side: int) -> np.ndarray:
    """First pixels of as few tiles as cover ``count`` pixels, spread evenly."""
    tiles = -(-count // side)
    return np.round(np.linspace(0, count - side, tiles)).astype(int)


def _components(
    forecast: np.ndarray, observed: np.ndarray, *, levels: np.ndarray, side: int, min_valid: float
) -> np.ndarray:
    """Forecast [..., M, y, x], observed [..., y, x] -> [..., threshold, scales + 2]; one field in memory at a time."""
    kept = np.broadcast_shapes(forecast.shape[:-3], observed.shape[:-2])
    forecast = np.broadcast_to(forecast, (*kept, *forecast.shape[-3:]))
    observed = np.broadcast_to(observed, (*kept, *observed.shape[-2:]))
    corners = [(y, x) for y in _starts(observed.shape[-2], side) for x in _starts(observed.shape[-1], side)]
    result = np.zeros((*kept, len(levels), side.bit_length() + 2))
    for index in np.ndindex(kept):
        members, truth = forecast[index], observed[index]
        valid = ~(np.isnan(truth) | np.isnan(members).any(axis=0))
        tiles = [(slice(y, y + side), slice(x, x + side)) for y, x in corners]
        tiles = [tile for tile in tiles if valid[tile].mean() >= min_valid]
        n = sum(int(valid[tile].sum()) for tile in tiles)
        for row, level in enumerate(levels if n else ()):
            event, seen = (members >= level) & valid, (truth >= level) & valid
            error = np.zeros(side.bit_length())
            predicted, happened = np.zeros(len(members)), 0
            for tile in tiles:
                error += _haar_energy(event[:, *tile].astype(np.float64) - seen[tile])
                predicted += event[:, *tile].sum(axis=(1, 2))
                happened += seen[tile].sum()
            random = (predicted * (n - happened) + happened * (n - predicted)) / n
            result[(*index, row)] = [*(error / len(members)), random.mean(), n]
    return result


def _haar_energy(error: np.ndarray) -> np.ndarray:
    """Sum of squares of each Haar component of [M, s, s], from the scale of one pixel to the mean of all.

    Means over nested squares are orthogonal projections: what a component holds is the difference of their energies.
    """
    area, mean = 1, error
    energy = [float((mean**2).sum())]
    while mean.shape[-1] > 1:
        half = mean.shape[-1] // 2
        mean = mean.reshape(len(mean), half, 2, half, 2).mean(axis=(2, 4))
        area *= 4
        energy.append(area * float((mean**2).sum()))
    # The means of whole numbers over powers of two are exact, and so are these differences.
    return np.append(-np.diff(energy), energy[-1])
