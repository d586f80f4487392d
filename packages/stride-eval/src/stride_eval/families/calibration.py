"""Whether probabilities mean what they say: parts of the CRPS and the Brier score, ranks, intervals, ROC."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families import calibration_scores
from stride_eval.families.calibration_parts import ORDER_SUMS
from stride_eval.families.decisions import shown_thresholds
from stride_eval.metrics.climate_uncertainty import equal_groups
from stride_eval.metrics.order_statistics import order_statistic_sums
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block

PIXELS = ("y", "x")


def statistics(block: Block, name: str, spec: VariableSpec, thresholds: np.ndarray, config: EvalConfig) -> xr.Dataset:
    """One system's statistics of each date.

    Returns:
        ``order_above``, ``order_below``, ``order_n_above``, ``order_n_below`` (order): sums over pixels of how far, and
        how often, each of the ordered members lies above and below the observation. What is said of events follows
        from the ``value_counts`` of the part on decisions, ranks and PIT from the family's ``rank_counts``.
    """
    sums = order_statistic_sums(block.members[name], block.observed, dim=PIXELS)
    return xr.Dataset({f"order_{key}": sums[key] for key in ORDER_SUMS})


def climate(block: Block) -> xr.Dataset:
    """The observed values of each date: ``climate_value`` and ``climate_count`` by group of equal count."""
    groups = equal_groups(block.observed, dim=PIXELS)
    return xr.Dataset({f"climate_{key}": values for key, values in groups.items()})


def figures(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[FigureRecord]:
    """PIT with coverage and width; reliability diagrams; with all figures also ROC and the parts of the scores."""
    from stride_eval.plots import brier_parts, coverage, crps_parts, reliability, roc

    found = []
    if about.ensembles:
        found.append(coverage.figure(one, spec, about, config))
        if shown_thresholds(one):
            found.append(reliability.figure(one, spec, about, config))
    if not config.all_figures:
        return found
    if about.ensembles:
        found.append(crps_parts.figure(one, spec, about, config))
    if shown_thresholds(one):
        found += [roc.figure(one, spec, about, config), brier_parts.figure(one, spec, about, config)]
    return found


def scores(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[Score]:
    """Parts of the CRPS; slope and convexity of the ranks; coverage and width; Brier score, its parts, ROC area."""
    rows = []
    if about.ensembles:
        rows += calibration_scores.crps_rows(one, spec, about, config)
        rows += calibration_scores.rank_rows(one, about, config)
        for level in config.coverage_levels:
            rows += calibration_scores.coverage_rows(one, spec, about, config, level)
    for index in shown_thresholds(one):
        rows += calibration_scores.event_rows(one, spec, about, config, index)
    return rows
