"""Made-up precipitation with known properties, saved as ensembles: a calibrated system and three that are not.

Every field is a power of a Gaussian field cut off at zero. The observed field and the members of the calibrated system
share the field's large scales and differ in the small ones, drawn from the same law: so the observed field is
exchangeable with the members, and scores of calibration must say so. The other systems are wrong in a known way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.ndimage import zoom
from stride_vars.catalogue import Catalogue
from stride_vars.ensemble_format import EnsembleAttrs
from stride_vars.ensemble_variables import variable_attrs
from stride_vars.pmm import probability_matched_mean


@dataclass(frozen=True)
class Example:
    """Size of the made-up case.

    Attributes:
        dates: number of days.
        members: members of the ensembles.
        size: rows and columns.
        factor: pixels of one low-resolution cell along a side; divides ``size``.
        spacing: metres between pixels.
        seed: of everything that is drawn.
    """

    dates: int = 10
    members: int = 16
    size: int = 144
    factor: int = 12
    spacing: float = 2500.0
    seed: int = 1


def write_example(folder: Path, example: Example | None = None, *, netcdf: bool = False) -> dict[str, Path]:
    """Writes four systems as saved ensembles.

    Args:
        folder: where they go; made when missing.
        example: the size of the case.
        netcdf: one NetCDF4 file per system in place of a Zarr store.

    Returns:
        System -> path: "calibrated", "underdispersive" (half the small-scale variance), "interpolated" (one member:
        the low resolution brought to the fine grid), "quantile_mapped" (one member: that, with the observed climate's
        distribution).
    """
    example = example or Example()
    folder.mkdir(parents=True, exist_ok=True)
    observed, coarse, systems = draw(example)
    paths = {}
    for name, members in systems.items():
        path = folder / f"{name}.{'nc' if netcdf else 'zarr'}"
        tree = saved_ensemble(name, members, observed, coarse, example)
        if netcdf:
            tree.to_netcdf(path)
        else:
            tree.to_zarr(path, mode="w", zarr_format=3, consolidated=False)
        paths[name] = path
    return paths


def draw(example: Example) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Observed [time, y, x], low resolution [time, lr_y, lr_x] and systems [time, member, y, x], all in mm day-1."""
    rng = np.random.default_rng(example.seed)
    share = 0.75  # of the variance that the low resolution tells
    size, dates = example.size, example.dates
    longest = 2.0 * example.factor  # pixels: the shortest wave that the low resolution holds
    large = np.stack([_gaussian_field(rng, size, longest, np.inf) for _ in range(dates)])
    large = np.sqrt(share) * large + rng.normal(0.0, 0.7, (dates, 1, 1))

    def small(scale: float) -> np.ndarray:
        return np.sqrt(1 - share) * scale * np.stack([_gaussian_field(rng, size, 2.0, longest) for _ in range(dates)])

    observed = _rain(large + small(1.0))
    calibrated = np.stack([_rain(large + small(1.0)) for _ in range(example.members)], axis=1)
    narrow = np.stack([_rain(large + small(0.5)) for _ in range(example.members)], axis=1)
    f = example.factor
    coarse = observed.reshape(dates, size // f, f, size // f, f).mean(axis=(2, 4))
    smooth = np.stack([np.asarray(zoom(field, f, order=1, mode="nearest", grid_mode=True)) for field in coarse])
    climate = _rain(
        np.stack([_gaussian_field(rng, size, longest, np.inf) for _ in range(dates)]) * np.sqrt(share)
        + rng.normal(0.0, 0.7, (dates, 1, 1))
        + small(1.0)
    )
    levels = np.linspace(0.0, 1.0, 501)
    mapped = np.interp(smooth, *_increasing(np.quantile(smooth, levels), np.quantile(climate, levels)))
    systems = {
        "calibrated": calibrated,
        "underdispersive": narrow,
        "interpolated": smooth[:, None],
        "quantile_mapped": mapped[:, None],
    }
    return observed, coarse, {name: values.astype(np.float32) for name, values in systems.items()}


def saved_ensemble(
    name: str, members: np.ndarray, observed: np.ndarray, coarse: np.ndarray, example: Example
) -> xr.DataTree:
    """The layout of a saved ensemble around arrays: what any producer writes."""
    spec = Catalogue.load().get("prcp")
    attrs = variable_attrs(spec)
    hr = {dim: _axis(dim, example.size, example.spacing) for dim in ("y", "x")}
    lr_size = example.size // example.factor
    lr = {f"lr_{dim}": _axis(dim, lr_size, example.spacing * example.factor) for dim in ("y", "x")}
    lr = {dim: (dim, axis[1], axis[2]) for dim, axis in lr.items()}
    time = {"time": ("time", np.datetime64("2014-06-01", "ns") + np.arange(example.dates) * np.timedelta64(3, "D"))}

    def group(dims: tuple[str, ...], values: np.ndarray, coords: Mapping[str, object]) -> xr.Dataset:
        return xr.Dataset({spec.key: (dims, values.astype(np.float32), attrs)}, coords={**time, **coords})

    pmm = probability_matched_mean(members, axis=1) if members.shape[1] > 1 else None
    groups = {
        "/ensemble": group(("time", "member", "y", "x"), members, {**hr, "member": np.arange(members.shape[1])}),
        "/target": group(("time", "y", "x"), observed, hr),
        "/conditioning": group(("time", "lr_y", "lr_x"), coarse, lr),
    }
    if pmm is not None:
        groups["/pmm"] = group(("time", "y", "x"), pmm, hr)
    root = EnsembleAttrs(targets=(spec.key,), title="Made-up precipitation", system=name, seed=example.seed)
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=root.to_attrs()), **groups})


def _axis(dim: str, size: int, spacing: float) -> tuple[str, np.ndarray, dict[str, str]]:
    """Cell centres from the northern or western edge, as regional archives without a projection count them."""
    side = {"y": ("south of the northern", "south"), "x": ("east of the western", "east")}[dim]
    attrs = {"units": "m", "long_name": f"distance {side[0]} edge", "positive_direction": side[1]}
    return dim, (np.arange(size) + 0.5) * spacing, attrs


def _gaussian_field(rng: np.random.Generator, size: int, shortest: float, longest: float) -> np.ndarray:
    """Field of variance one with a power-law spectrum, of wavelengths between two limits in pixels."""
    frequency = np.hypot(np.fft.fftfreq(2 * size)[:, None], np.fft.rfftfreq(2 * size)[None, :])
    amplitude = np.zeros_like(frequency)
    kept = (frequency > 1.0 / longest) & (frequency <= 1.0 / shortest) & (frequency > 0)
    amplitude[kept] = np.maximum(frequency[kept], 1.0 / 48.0) ** -1.6
    noise = np.fft.rfft2(rng.standard_normal((2 * size, 2 * size)))
    field = np.fft.irfft2(noise * amplitude, s=(2 * size, 2 * size))
    return (field / field.std())[:size, :size]


def _rain(gaussian: np.ndarray) -> np.ndarray:
    """Dry below the median of the standard Gaussian's upper 60 %, a power above."""
    return 5.0 * np.maximum(gaussian + 0.1, 0.0) ** 1.8


def _increasing(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs with strictly increasing x, the largest y of each: what interpolation needs over the many zeros."""
    kept = np.append(np.diff(x) > 0, True)
    return x[kept], y[kept]
