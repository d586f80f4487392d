"""Whether the members keep targets together as the observations do: scores of pairs of targets."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.families.score_rows import score_rows
from stride_eval.joining import join_blocks, join_systems
from stride_eval.metrics.cross_correlation import cross_correlation
from stride_eval.metrics.energy_score import energy_score
from stride_eval.metrics.point_pairs import PointPairs
from stride_eval.metrics.variogram_score import variogram_score
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Block, Systems


def joint(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """Statistics of each pair of targets, under the first of the two.

    Each target is standardised by the mean and the standard deviation of its observed values. Pixels where either
    target is missing are left out.

    Args:
        systems: what is evaluated.
        config: how.

    Returns:
        Along target, ``other`` (target), system and time: ``cross_correlation``, the mean over members of the
        correlation of their two fields, with ``cross_correlation_lowest`` and ``_highest``; ``joint_energy``, the
        energy score of both fields as one vector; ``joint_variogram``, the variogram score of the difference of the
        two standardised targets at each pixel. Along target, other and time: ``observed_cross_correlation``. Empty
        for a single target.
    """
    targets = list(systems.targets)
    if len(targets) < 2:
        return xr.Dataset()
    scales = {key: _scale(systems.observed_sample(key)) for key in targets}
    rows = []
    for first, second in combinations(targets, 2):
        part = _pair(systems, (first, second), scales)
        rows.append(part.expand_dims(target=[first], other=[second]))
    pairs = xr.combine_by_coords(rows, join="outer", combine_attrs="drop")
    assert isinstance(pairs, xr.Dataset)
    return pairs.reindex(target=targets, other=targets)


def _scale(sample: np.ndarray) -> tuple[float, float]:
    spread = float(sample.std())
    return float(sample.mean()), spread if spread > 0 else 1.0


def _pair(systems: Systems, keys: tuple[str, str], scales: dict[str, tuple[float, float]]) -> xr.Dataset:
    """All dates of one pair of targets, some at a time; both targets' fields lie in memory together."""
    members = sum(systems.members(name) for name in systems.names)
    # Two targets, and as much again: standardised copies and correlations are made of them.
    per_date = 4 * 4 * int(np.prod(systems.shape)) * (1 + members)
    length = max(1, systems.block_bytes // per_date)
    blocks = []
    for start in range(0, len(systems.times), length):
        times = systems.times[start : start + length]
        both = [systems.block(key, times) for key in keys]
        present = both[0].observed.notnull() & both[1].observed.notnull()
        observed = _standardised([block.observed for block in both], keys, scales, present)
        found = {name: _statistics(both, observed, name, keys, scales, present) for name in systems.names}
        correlation = cross_correlation(observed.isel(variable=0), observed.isel(variable=1))
        blocks.append(join_systems(found).assign(observed_cross_correlation=correlation))
    return join_blocks(blocks)


def _standardised(
    fields: list[xr.DataArray], keys: tuple[str, str], scales: dict[str, tuple[float, float]], present: xr.DataArray
) -> xr.DataArray:
    parts = [
        ((field - scales[key][0]) / scales[key][1]).astype(np.float32) for field, key in zip(fields, keys, strict=True)
    ]
    return xr.concat(parts, "variable", join="override").where(present)


def _statistics(
    both: list[Block],
    observed: xr.DataArray,
    name: str,
    keys: tuple[str, str],
    scales: dict[str, tuple[float, float]],
    present: xr.DataArray,
) -> xr.Dataset:
    """One system's statistics of the pair on each date."""
    forecast = _standardised([block.members[name] for block in both], keys, scales, present)
    correlation = cross_correlation(forecast.isel(variable=0), forecast.isel(variable=1))
    pixels = observed.sizes["y"] * observed.sizes["x"]
    here = np.arange(pixels)
    pairs = PointPairs(here, pixels + here, np.ones(pixels), (2, observed.sizes["y"], observed.sizes["x"]))
    vector = ("variable", "y", "x")
    energy = energy_score(forecast, observed, dims=vector, estimator="auto")
    return xr.Dataset(
        {
            "cross_correlation": correlation.mean("member"),
            "cross_correlation_lowest": correlation.min("member"),
            "cross_correlation_highest": correlation.max("member"),
            "joint_energy": energy,
            "joint_variogram": variogram_score(forecast, observed, pairs=pairs, dims=vector, estimator="auto"),
        }
    )


def others(one: xr.Dataset) -> list[str]:
    """The targets that the results pair with this one."""
    if "cross_correlation" not in one:
        return []
    filled = one["joint_energy"].notnull().any(("system", "time"))
    return [str(key) for key in one["other"].values[filled.values]]


def figures(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[FigureRecord]:
    """The members' correlation with each other target against the observed one."""
    if not config.all_figures:
        return []
    from stride_eval.plots import cross_correlations

    return [cross_correlations.figure(one, spec, about, other) for other in others(one)]


def scores(one: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> list[Score]:
    """Error of the correlation, energy and variogram score of each pair of targets."""
    rows: list[Score] = []
    target = str(one["target"].item())
    for other in others(one):
        pair = one.sel(other=other)
        days = pair[["cross_correlation"]].assign(observed=pair["observed_cross_correlation"])
        # A date on which every member's field, or the observed one, is constant has no correlation: it is left out for
        # that system, and its n says so.
        rows += score_rows(
            interval(days, lambda m: m["cross_correlation"] - m["observed"], config), about, target,
            name=f"correlation_error_{other}", label=f"Correlation with {other}, error", units="1", best="zero",
            definition=f"Mean over dates of the correlation over pixels of {target} with {other} within each member, "
            "less the observed one.",
        )  # fmt: skip
        for name, label, words in (
            ("joint_energy", "Energy score", "the fair energy score of both fields as one vector"),
            (
                "joint_variogram", "Variogram score",
                "the fair variogram score (order 0.5) of the difference of the two at each pixel: tells members whose "
                "targets do not go together",
            ),
        ):  # fmt: skip
            rows += score_rows(
                interval(pair[[name]], lambda m, name=name: m[name], config), about, target,
                name=f"{name}_{other}", label=f"{label} with {other}", units="1", best="low", one_member="one member",
                definition=f"{target} and {other}, each standardised by the mean and standard deviation of its "
                f"observed values: {words}; dates count alike.",
            )  # fmt: skip
    return rows
