"""What captions of figures over time have in common: events, steps, runs of dates, members followed by number."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.plots.style import pretty_units

CONVENTION = (
    "Members are followed from date to date by their number: where each date was drawn by itself, that holds no memory "
    "beyond what the conditioning brings."
)


def event_word(spec: VariableSpec) -> str:
    """What the event is called: wet, hot, or high."""
    if spec.wet_threshold is not None:
        return "wet"
    return "hot" if spec.units in {"K", "degC"} else "high"


def event_words(results: xr.Dataset, spec: VariableSpec) -> str:
    """``wet: at least 1 mm day⁻¹``; where the threshold is a quantile, it says so."""
    units = pretty_units(spec.units)
    origin = "" if spec.wet_threshold is not None else ", the 0.9 quantile of the observed values"
    return f"{event_word(spec)}: at least {float(results['event_threshold']):g} {units}".rstrip() + origin


def step_words(step: float) -> str:
    """``1 day``, ``6 h``, ``3 days``."""
    if step % 86400.0 == 0:
        count = round(step / 86400.0)
        return f"{count} day{'s' if count != 1 else ''}"
    return f"{step / 3600.0:g} h"


def run_words(results: xr.Dataset) -> str:
    """How many pairs and runs of dates entered."""
    pairs, runs = int((results["follows"] > 0).sum()), int(results.attrs["runs"])
    return (
        f"{pairs} pair{'s' if pairs != 1 else ''} of dates {step_words(results.attrs['step'])} apart in {runs} "
        f"unbroken run{'s' if runs != 1 else ''} (longest {int(results.attrs['longest_run'])} dates)"
    )


def isolated_sentence(results: xr.Dataset, dates: int) -> str:
    """Why there is nothing to see."""
    if dates == 1:
        return "There is one date alone, so spells, lags and spectra are not defined."
    return (
        f"No two of the {dates} dates are consecutive (the nearest are {step_words(results.attrs['step'])} apart), so "
        "spells, lags and spectra are not defined."
    )


def few_pairs_sentence(results: xr.Dataset, config: EvalConfig) -> str:
    """Why there is no correlation to see."""
    pairs = int((results["follows"] > 0).sum())
    return (
        f"There {'is' if pairs == 1 else 'are'} {pairs} pair{'s' if pairs != 1 else ''} of consecutive dates; of fewer "
        f"than {config.fewest_pairs} (fewest_pairs) no correlation in time is given, because it would be biased "
        "towards negative values."
    )
