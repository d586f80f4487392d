"""At which scales the systems are right: power spectra, fractions skill score, wavelet intensity-scale skill."""

from __future__ import annotations

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval, resampled
from stride_eval.families.scale_scores import scale_scores
from stride_eval.families.spectral_domain import Box, domain_words, of_target, spectral_box
from stride_eval.families.thresholds import event_thresholds
from stride_eval.grid import spacing
from stride_eval.joining import join_blocks, join_systems, join_targets
from stride_eval.metrics.fss import fss_components
from stride_eval.metrics.intensity_scale import intensity_scale_components
from stride_eval.metrics.spectra import power_spectrum
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block, Systems

TITLE = "Scales"

SMALL_SCALE_PIXELS = 8.0
"""Waves shorter than this many pixels are small where the low resolution is not known."""

SMALLEST_DOMAIN = 4
"""Rows or columns that a spectrum needs."""


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """Spectra and fractions per date.

    Args:
        systems: what is evaluated.
        config: ``thresholds``, ``windows``.

    Returns:
        Along target and time, for each system: ``spectrum`` (wavenumber), the mean of the members' spectra, and
        ``fss_numerator`` and ``fss_denominator`` (threshold, window), ``intensity_error`` (threshold, scale in pixels)
        and ``intensity_random`` (threshold), the sums of the intensity-scale skill; ``observed_spectrum``,
        ``observed_events`` (threshold), the observed share of pixels with the event; ``thresholds``; ``small_scale``,
        the wavelength below which the low resolution holds nothing. Attribute ``length_unit``: "km", or "pixel" where
        the coordinates tell no distance. Where pixels are always missing, spectra are of the largest rectangle without
        such, of ``spectrum_shape`` rows and columns (0 where there is none).
    """
    step = spacing(*systems.axes)
    windows = list(config.windows or _windows(min(systems.shape)))
    ratio = systems.resolution_ratio
    small_scale = 2.0 * ratio * step.y if ratio is not None and ratio > 1.5 else SMALL_SCALE_PIXELS * step.y
    parts = {}
    for key, spec in systems.specs.items():
        thresholds = event_thresholds(key, spec, systems.observed_sample(key), config)
        box = spectral_box(systems, key)
        blocks = []
        for block in systems.blocks(key):
            found = {
                name: _statistics(block, name, (step.y, step.x), thresholds, windows, box) for name in systems.names
            }
            blocks.append(join_systems(found).merge(_observed(block, (step.y, step.x), thresholds, box)))
        parts[key] = join_blocks(blocks).assign(
            thresholds=("threshold", thresholds),
            small_scale=small_scale,
            spectrum_shape=("side", [0, 0] if box is None else [side.stop - side.start for side in box]),
        )
    results = join_targets("scale", parts, systems)
    results.attrs.update(length_unit=step.unit, pixel=step.y)
    return results


def _windows(side: int) -> tuple[int, ...]:
    """Odd widths, about doubling, up to half the shorter side."""
    widths = [1]
    while 2 * widths[-1] + 1 <= max(1, side // 2):
        widths.append(2 * widths[-1] + 1)
    return tuple(widths)


def _statistics(
    block: Block, name: str, step: tuple[float, float], thresholds: np.ndarray, windows: list[int], box: Box | None
) -> xr.Dataset:
    """One system's spectrum and fractions of each date."""
    forecast = block.members[name]
    intensity = intensity_scale_components(forecast, block.observed, threshold=list(thresholds))
    fractions = fss_components(forecast, block.observed, threshold=list(thresholds), window=windows)
    return xr.Dataset(
        {
            **_spectrum(forecast, step, box),
            "fss_numerator": fractions["numerator"].drop_vars("threshold"),
            "fss_denominator": fractions["denominator"].drop_vars("threshold"),
            "intensity_error": intensity["squared_error"].drop_vars("threshold"),
            "intensity_random": intensity["random_error"].drop_vars("threshold"),
        }
    )


def _spectrum(field: xr.DataArray, step: tuple[float, float], box: Box | None) -> dict[str, xr.DataArray]:
    """Spectrum of each date, unless the domain is too small for one."""
    if box is None or min(field.sizes["y"], field.sizes["x"]) < SMALLEST_DOMAIN:
        return {}
    return {"spectrum": power_spectrum(field.isel(y=box[0], x=box[1]), spacing=step, dim=("member",))}


def _observed(block: Block, step: tuple[float, float], thresholds: np.ndarray, box: Box | None) -> xr.Dataset:
    levels = xr.DataArray(thresholds, dims="threshold")
    present = block.observed.notnull()
    events = (block.observed >= levels).where(present).mean(("y", "x"))
    spectrum = {f"observed_{name}": values for name, values in _spectrum(block.observed, step, box).items()}
    return xr.Dataset({**spectrum, "observed_events": events})


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """Spectra with their ratio to the observed; fractions skill score by window."""
    from stride_eval.plots import fractions, intensity_scale, spectrum

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = of_target(results, key)
        if "spectrum" in one and bool((one["observed_spectrum"] > 0).any()):
            figures.append(spectrum.figure(one, spec, about, config))
        if config.all_figures:
            figures.append(fractions.figure(one, spec, about, config))
            if one.sizes["scale"] > 1 and bool((one["intensity_random"] > 0).any()):
                figures.append(intensity_scale.figure(one, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """Power at small scales over the observed power there, effective resolution, scales of useful fractions."""
    about = Provenance.of(results)
    rows: list[Score] = scale_scores(results, about, config)
    for key in about.specs if "spectrum" in results else ():
        one = of_target(results, key)
        limit = float(one["small_scale"])
        small = one["wavenumber"] > 1.0 / limit
        if not bool(small.any()):
            continue
        days = xr.Dataset(
            {
                "power": one["spectrum"].where(small).sum("wavenumber", min_count=1),
                "observed": one["observed_spectrum"].where(small).sum("wavenumber", min_count=1),
            }
        )
        if not bool(days.to_dataarray().notnull().all("variable").any()):
            continue
        found = interval(days, lambda m: m["power"] / m["observed"], config)
        for name in about.systems:
            here = found.sel(system=name)
            rows.append(
                Score(
                    system=name,
                    target=key,
                    name="small_scale_ratio",
                    label="Small-scale power",
                    units="1",
                    value=float(here["estimate"]),
                    lower=float(here["lower"]),
                    upper=float(here["upper"]),
                    n=int(here["n"]),
                    best="one",
                    resampled=resampled(here),
                    definition="Variance of the members' own fields at wavelengths below "
                    f"{limit:g} {results.attrs['length_unit']}, which the low resolution does not hold, over the "
                    "observed variance there." + domain_words(one, about.shape),
                )
            )
    return rows
