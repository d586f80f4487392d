"""Opens several systems and finds what they share, or says in one sentence why they cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from stride_vars.catalogue import Catalogue
from stride_vars.ensemble_variables import spec_from_attrs
from stride_vars.errors import StrideError, nearest
from stride_vars.spec import VariableSpec

from stride_eval.errors import EvalError
from stride_eval.reading import SavedEnsemble, open_ensemble
from stride_eval.scores import OBSERVED
from stride_eval.single_fields import SingleField, named_single_fields
from stride_eval.systems import Systems


def open_systems(
    paths: Mapping[str, Path],
    *,
    catalogue: Catalogue,
    reference: str | None = None,
    single_fields: Sequence[SingleField] = (),
) -> Systems:
    """Opens systems and finds what they share.

    Args:
        paths: name -> saved ensemble.
        catalogue: the known variables.
        reference: name of the system that skill is measured against. Default: the one with the fewest members, the
            first by name among equals; none when there is only one system. A single field is one only by name.
        single_fields: scored beside each ensemble as systems of their own.

    Raises:
        EvalError: no system, unreadable or foreign stores, no common date or target, grids or units or observed
            fields that differ, an unknown reference.
    """
    if not paths:
        raise EvalError("no system to evaluate; give at least one NAME=PATH")
    if OBSERVED in paths:
        raise EvalError(
            f"a system cannot be called {OBSERVED!r}: tables and figures use that word; choose another name"
        )
    saved = {name: open_ensemble(name, path) for name, path in paths.items()}
    named = named_single_fields({name: one.members for name, one in saved.items()}, single_fields)
    names = tuple(named)
    if reference is not None and reference not in named:
        raise EvalError(f"the reference {reference!r} is none of the systems.{nearest(reference, names)}")
    if reference is None and len(saved) > 1:
        reference = min(saved, key=lambda name: (saved[name].members, name))
    first, *others = saved.values()
    for other in others:
        _check_grids(first, other)
    times, dropped = _common_times(saved)
    specs = _common_targets(saved, catalogue)
    systems = Systems(saved, specs, times, dropped, reference, catalogue)
    for key in specs:
        _check_values(systems, key)
    return replace(
        systems,
        saved={name: saved[ensemble] for name, (ensemble, _) in named.items()},
        dropped={name: dropped[ensemble] for name, (ensemble, _) in named.items()},
        single_fields={name: (ensemble, kind) for name, (ensemble, kind) in named.items() if kind is not None},
    )


def _common_times(saved: Mapping[str, SavedEnsemble]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Dates that every system holds, members and observations alike, and how many each one loses."""
    held = {
        name: set(one.times) & set(one.times_of("target" if "target" in one.groups else "ensemble"))
        for name, one in saved.items()
    }
    common = set.intersection(*held.values())
    if not common:
        spans = ", ".join(
            f"{name!r} has {len(one.times)} from {min(one.times)} to {max(one.times)}"
            if one.times
            else f"{name!r} has none"
            for name, one in saved.items()
        )
        raise EvalError(f"the systems share no date with observations ({spans}); generate them for the same dates")
    return tuple(sorted(common)), {name: len(one.times) - len(common) for name, one in saved.items()}


def _common_targets(saved: Mapping[str, SavedEnsemble], catalogue: Catalogue) -> dict[str, VariableSpec]:
    """What each common target is; units agree between systems."""
    first, *others = saved.values()
    keys = [key for key in first.targets if all(key in other.targets for other in others)]
    if not keys:
        lists = ", ".join(f"{name!r} has {', '.join(one.targets)}" for name, one in saved.items())
        raise EvalError(f"the systems share no target variable ({lists}); evaluate them apart")
    specs: dict[str, VariableSpec] = {}
    for key in keys:
        for name, one in saved.items():
            for group in ("ensemble", "target") if "target" in one.groups else ("ensemble",):
                spec = _spec(one, group, key, catalogue)
                known = specs.setdefault(key, spec)
                if known.units != spec.units:
                    raise EvalError(
                        f"{key!r} is in {known.units!r} in system {first.name!r} but in {spec.units!r} in /{group} of "
                        f"system {name!r}; convert one of them"
                    )
    return specs


def _spec(one: SavedEnsemble, group: str, key: str, catalogue: Catalogue) -> VariableSpec:
    """What a saved variable is: found in the catalogue, or told by its own attributes."""
    attrs = one.groups[group][key].attrs
    where = f"system {one.name!r} ({str(one.path)!r}), /{group}"
    name = str(attrs.get("stride_variable", key))
    if name not in catalogue and "units" not in attrs:
        raise EvalError(
            f"{where}: unknown variable {name!r} without attributes; give it units and long_name, or describe it in a "
            "variables file and pass that with --set variables_file=PATH"
        )
    try:
        return spec_from_attrs(key, attrs, catalogue, where=where)
    except StrideError as error:
        raise EvalError(str(error)) from error


def _check_grids(first: SavedEnsemble, other: SavedEnsemble) -> None:
    """Refuses systems on different grids: values at unlike places cannot be compared."""
    for dim in ("y", "x"):
        one, two = first.ensemble.sizes[dim], other.ensemble.sizes[dim]
        if one != two:
            raise EvalError(
                f"systems {first.name!r} and {other.name!r} lie on different grids: {dim} has {one} and {two} points; "
                "bring them to one grid before the evaluation"
            )
        if dim in first.ensemble.coords and dim in other.ensemble.coords:
            here, there = (np.asarray(s.ensemble[dim].values, dtype=float) for s in (first, other))
            step = np.abs(np.diff(here)).min() if here.size > 1 else 1.0
            if not np.allclose(here, there, rtol=0.0, atol=0.01 * step):
                raise EvalError(
                    f"systems {first.name!r} and {other.name!r} lie on different grids: {dim} runs from {here[0]:g} to "
                    f"{here[-1]:g} and from {there[0]:g} to {there[-1]:g}; bring them to one grid before the evaluation"
                )


def _check_values(systems: Systems, key: str) -> None:
    """Refuses systems with other observations, or without values; looks at the first, middle and last common date."""
    count = len(systems.times)
    looked_at = sorted({systems.times[index] for index in (0, count // 2, count - 1)})
    for time in looked_at:
        fields = {
            name: systems.read("target", name, key, [time]).values
            for name in systems.names
            if "target" in systems.saved[name].groups
        }
        if systems.observer is None:
            break
        first = fields[systems.observer]
        scale = float(np.nanmax(np.abs(first))) if np.isfinite(first).any() else 1.0
        for name, values in fields.items():
            both = np.isfinite(values) & np.isfinite(first)
            if not np.allclose(values[both], first[both], rtol=1e-3, atol=max(1e-4 * scale, 1e-12)):
                raise EvalError(
                    f"systems {systems.observer!r} and {name!r} hold different observed fields of {key!r} on {time}; "
                    "they must be scored against the same /target"
                )
    for name in systems.names:
        if not any(
            np.isfinite(systems.read("ensemble", name, key, [time], first_member=True)).any() for time in looked_at
        ):
            raise EvalError(
                f"system {name!r}: every value of {key!r} is missing on {', '.join(looked_at)}; the members were not "
                f"generated, or are not finite: generate {str(systems.saved[name].path)!r} again"
            )
