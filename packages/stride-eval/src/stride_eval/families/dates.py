"""Single dates to look at: what the systems were given, what they made of it, what was observed."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.ensemble_variables import spec_from_attrs
from stride_vars.errors import StrideError, nearest
from stride_vars.pmm import probability_matched_mean
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.families.ranked_dates import ranked_dates
from stride_eval.grid import axes
from stride_eval.joining import join_systems, join_targets
from stride_eval.plots.record import FigureRecord
from stride_eval.provenance import Provenance
from stride_eval.scores import Score
from stride_eval.systems import Systems

TITLE = "Dates"

NEEDS_TARGETS = False

_SHARES = {1.0: "highest", 0.5: "median", 0.75: "upper-quartile", 0.0: "lowest", 0.25: "lower-quartile"}


def compute(systems: Systems, config: EvalConfig) -> xr.Dataset:
    """The fields of the chosen dates.

    Args:
        systems: what is evaluated.
        config: ``dates`` or ``quicklooks``, ``ranked_dates``, ``quicklook_members``.

    Returns:
        Along target and time: ``observed`` (NaN where no system holds observations); for each system ``members`` (the
        first few), ``mean``, ``pmm`` (as saved, else computed), ``spread`` (ddof = 1), the last two NaN for one member;
        ``conditioning`` on the low-resolution grid where it was saved, with its variable as JSON in
        ``conditioning_spec``; ``land`` where a land fraction was
        saved; ``choice``, why each date was chosen.

    Raises:
        EvalError: a date is asked for that is not common to the systems.
    """
    parts = {}
    for key in systems.specs:
        chosen = chosen_dates(systems, key, config)
        labels = list(chosen)
        if not labels:
            continue
        block = systems.block(key, labels)
        part = xr.Dataset({"observed": block.observed})
        part = part.merge(
            join_systems(
                {name: _fields(systems, name, key, labels, block.members[name], config) for name in systems.names}
            )
        )
        part = part.assign(choice=("time", list(chosen.values())))
        conditioning = _conditioning(systems, key, labels)
        if conditioning is not None:
            part = part.merge(conditioning)
        land = systems.static("lsm")
        if land is not None:
            part = part.assign(land=(("y", "x"), land))
        parts[key] = part
    results = join_targets("dates", parts, systems)
    # Targets choose dates of their own: where one has none there is no text either.
    words = [name for name in ("choice", "conditioning_spec") if name in results]
    return results.assign({name: results[name].fillna("").astype(str) for name in words})


def chosen_dates(systems: Systems, key: str, config: EvalConfig) -> dict[str, str]:
    """Dates to show, in calendar order, each with the reason in words.

    Without dates in the configuration they are chosen by the observed mean over the domain, not by a score: the
    highest, the median, the upper quarter, and so on; without observations by the mean of the first system. Those that
    a system did best and worst on stand beside them and are called so.
    """
    chosen = dict.fromkeys((_match(date, systems.times) for date in config.dates or ()), "chosen")
    if config.dates is None:
        chosen = _by_mean(systems, key, config.quicklooks)
    for label, words in ranked_dates(systems, key, config.ranked_dates):
        chosen[label] = f"{chosen[label]}; {words}" if label in chosen else words
    return dict(sorted(chosen.items()))


def _by_mean(systems: Systems, key: str, number: int) -> dict[str, str]:
    if not number:
        return {}
    means = []
    for block in systems.blocks(key):
        field = block.observed if systems.observer is not None else block.members[systems.names[0]].mean("member")
        means.append(field.mean(("y", "x"), dtype=np.float64))
    mean = xr.concat(means, dim="time").fillna(-np.inf).values
    order = np.argsort(mean, kind="stable")
    shares = list(_SHARES) if number <= len(_SHARES) else list(np.linspace(1.0, 0.0, number))
    whose = "observed mean" if systems.observer is not None else f"mean of {systems.names[0]}"
    chosen: dict[str, str] = {}
    for share in shares[:number]:
        label = systems.times[int(order[round(share * (len(order) - 1))])]
        word = _SHARES.get(share, f"{share:.0%} quantile of the")
        chosen.setdefault(label, f"{word} {whose} of the {len(order)} dates")
    return chosen


def _match(date: str, times: tuple[str, ...]) -> str:
    """The common date that the user means."""
    for time in times:
        if time == date or time.startswith(f"{date}T") or (len(date) > 10 and time.startswith(date)):
            return time
    days = [time.removesuffix("T00:00:00") for time in times]
    raise EvalError(f"the date {date} is none of the {len(times)} common dates.{nearest(date, days)}")


def _fields(
    systems: Systems, name: str, key: str, labels: list[str], members: xr.DataArray, config: EvalConfig
) -> xr.Dataset:
    """What is shown of one system."""
    shown = members.isel(member=slice(0, config.quicklook_members)).drop_vars("member", errors="ignore")
    mean = members.mean("member", dtype=np.float64)
    if members.sizes["member"] == 1:
        none = xr.full_like(mean, np.nan)
        return xr.Dataset({"members": shown, "mean": mean, "pmm": none, "spread": none})
    saved = systems.fields("pmm", name, key, labels)
    if saved is None:
        pmm = xr.DataArray(
            probability_matched_mean(members.values, axis=members.get_axis_num("member")),
            dims=("time", "y", "x"),
            coords=mean.coords,
        )
    else:
        pmm = saved.where(mean.notnull())
    return xr.Dataset({"members": shown, "mean": mean, "pmm": pmm, "spread": members.std("member", ddof=1)})


def _conditioning(systems: Systems, key: str, labels: list[str]) -> xr.Dataset | None:
    """The low-resolution field of the target's own variable, else the first; of the first system that saved it."""
    for name, saved in systems.saved.items():
        group = saved.groups.get("conditioning")
        if group is None:
            continue
        spatial = [str(variable) for variable, array in group.data_vars.items() if array.dims[-2:] == ("lr_y", "lr_x")]
        own = [variable for variable in spatial if str(group[variable].attrs.get("stride_variable", variable)) == key]
        for variable in [*own, *spatial][:1]:
            field = systems.fields("conditioning", name, variable, labels)
            if field is None:
                continue
            if "lag" in field.dims:  # the field nearest the target in time
                nearest = int(np.abs(field["lag"].values).argmin()) if "lag" in field.coords else -1
                field = field.isel(lag=nearest, drop=True)
            rows, columns = axes(group, y="lr_y", x="lr_x")
            field = field.assign_coords(lr_y=rows.variable, lr_x=columns.variable).drop_vars(
                ["y", "x"], errors="ignore"
            )
            spec = _conditioning_spec(systems, variable, dict(group[variable].attrs))
            return xr.Dataset({"conditioning": field, "conditioning_spec": spec.model_dump_json()})
    return None


def _conditioning_spec(systems: Systems, variable: str, attrs: dict[str, object]) -> VariableSpec:
    """What the low-resolution variable is; a stranger is drawn by its name and the range of its values."""
    try:
        return spec_from_attrs(variable, attrs, systems.catalogue)
    except StrideError:
        return VariableSpec(key="conditioning", long_name=variable, units=str(attrs.get("units", "1")))


def plot(results: xr.Dataset, config: EvalConfig) -> list[FigureRecord]:
    """One page of maps a date."""
    from stride_eval.plots import quicklook

    about = Provenance.of(results)
    figures = []
    for key, spec in about.specs.items():
        one = results.sel(target=key)
        for index in range(one.sizes.get("time", 0)):
            if bool(one["mean"].isel(time=index).notnull().any()):
                figures.append(quicklook.figure(one, index, spec, about, config))
    return figures


def compute_and_plot(systems: Systems, config: EvalConfig) -> tuple[xr.Dataset, list[FigureRecord]]:
    """Results and their figures."""
    results = compute(systems, config)
    return results, plot(results, config)


def scores(results: xr.Dataset, config: EvalConfig) -> list[Score]:
    """None: dates are for looking."""
    return []
