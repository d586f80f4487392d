"""Rows of the summary table that are lengths: effective resolution and useful scales; and the spectral distance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.families.ensemble_size import OF_EQUAL_SIZE
from stride_eval.families.fss_scores import fss_rows
from stride_eval.families.intervals import interval, numbers, resampled
from stride_eval.families.spectral_domain import domain_words, of_target
from stride_eval.metrics.effective_resolution import resolved_wavenumber
from stride_eval.metrics.fss_useful_scale import fss_useful_scale
from stride_eval.metrics.log_spectral_distance import log_spectral_distance
from stride_eval.plots.style import pretty_units
from stride_eval.provenance import Provenance
from stride_eval.scores import Resampled, Score

FACTOR = 2.0
"""How far off the power may be at scales that count as resolved."""

_DISTANCE = "Root mean square over wavenumbers of 10 log10 (power over observed power)."


def scale_scores(results: xr.Dataset, about: Provenance, config: EvalConfig) -> list[Score]:
    """Effective resolution and log-spectral distance of each system, and useful scale of each threshold."""
    rows: list[Score] = []
    unit = results.attrs.get("length_unit", "")
    for key, spec in about.specs.items():
        one = of_target(results, key)
        domain = domain_words(one, about.shape)
        if "spectrum" in one and bool((one["observed_spectrum"] > 0).any()):
            days = one[["spectrum", "observed_spectrum"]]
            # A system or date without spectrum (missing pixels) has none at any wavenumber.
            resolved = interval(
                days,
                lambda m: resolved_wavenumber(m["spectrum"], m["observed_spectrum"], factor=FACTOR),
                config,
            )
            distance = interval(
                days,
                lambda m: log_spectral_distance(m["spectrum"], m["observed_spectrum"]),
                config,
                biased=True,
                within=(0.0, np.inf),
            )
            for name in about.systems:
                rows.append(
                    Score(
                        name, key, "effective_resolution", "Effective resolution", unit,
                        *_lengths(resolved.sel(system=name)), n=_dates(resolved, name), best="low",
                        resampled=_resampled_lengths(resolved.sel(system=name)),
                        definition="Smallest wavelength at which the power of the members' own fields, there and at "
                        f"all larger scales, is within a factor of {FACTOR:g} of the observed power." + domain,
                    )
                )  # fmt: skip
                rows.append(
                    Score(
                        name, key, "log_spectral_distance", "Log-spectral distance", "dB",
                        *numbers(distance.sel(system=name)), n=_dates(distance, name), best="low",
                        resampled=resampled(distance.sel(system=name)),
                        definition=_DISTANCE + domain,
                    )
                )  # fmt: skip
        elif domain:
            rows += [
                Score(
                    name, key, "log_spectral_distance", "Log-spectral distance", "dB", np.nan, best="low",
                    definition=_DISTANCE + domain,
                )
                for name in about.systems
            ]  # fmt: skip
        rows += fss_rows(one, spec, about, config, float(results.attrs.get("pixel", 1.0)), unit)
        if one.sizes["window"] < 2:
            continue  # one window tells no scale
        for index in np.flatnonzero(np.isfinite(one["thresholds"].values)):
            level = float(one["thresholds"][index])
            here = one[["fss_numerator", "fss_denominator", "observed_events"]].isel(threshold=index)
            useful = interval(here, lambda m: 1.0 / _useful(m), config)
            for name in about.systems:
                value, lower, upper = (
                    length * float(results.attrs["pixel"]) for length in _lengths(useful.sel(system=name))
                )
                event = f"{level:g} {pretty_units(spec.units)}".strip()
                rows.append(
                    Score(
                        name, key, f"useful_scale_{level:g}", f"Useful scale ≥ {event}", unit,
                        value, lower, upper, n=_dates(useful, name), best="low",
                        resampled=_resampled_lengths(useful.sel(system=name), float(results.attrs["pixel"])),
                        definition="Smallest width of the neighbourhood from which on the fractions skill score of "
                        f"values of at least {event} is 0.5 + f0 / 2 or more, f0 being the observed share. Shares of "
                        f"few members are noisy: {OF_EQUAL_SIZE}.",
                    )
                )  # fmt: skip
    return rows


def _useful(means: xr.Dataset) -> xr.DataArray:
    denominator = means["fss_denominator"]
    skill = 1.0 - means["fss_numerator"] / denominator.where(denominator > 0)
    return fss_useful_scale(skill, means["observed_events"])


def _lengths(found: xr.Dataset) -> tuple[float, float, float]:
    """Inverse lengths, which the bootstrap can rank with 0 for "at no scale", as lengths; that one is infinite."""
    value, lower, upper = (np.inf if end == 0 else 1.0 / end for end in numbers(found))
    return value, upper, lower


def _resampled_lengths(found: xr.Dataset, pixel: float = 1.0) -> Resampled:
    inverse = resampled(found)
    with np.errstate(divide="ignore"):
        return replace(inverse, values=pixel / inverse.values)


def _dates(found: xr.Dataset, name: str) -> int:
    """Dates behind a system's number; components with further dimensions count alike in all of them."""
    return int(found["n"].sel(system=name).max())
