"""An ensemble as one field: its mean, or its probability matched mean, scored beside it as a system of one member."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import xarray as xr
from stride_vars.pmm import probability_matched_mean

from stride_eval.errors import EvalError

if TYPE_CHECKING:
    from stride_eval.systems import Systems

SingleField = Literal["mean", "pmm"]

_WORDS: dict[SingleField, str] = {"mean": "mean", "pmm": "PMM"}


def named_single_fields(
    members: dict[str, int], kinds: Sequence[SingleField]
) -> dict[str, tuple[str, SingleField | None]]:
    """Names of all systems with those of their single fields behind each.

    Args:
        members: system -> number of members.
        kinds: which single fields every system of two members or more gets.

    Returns:
        Name -> (system, single field; None: the system itself), in order.

    Raises:
        EvalError: a system has the name of another's single field.
    """
    found: dict[str, tuple[str, SingleField | None]] = {}
    for name, number in members.items():
        found[name] = (name, None)
        for kind in dict.fromkeys(kinds) if number > 1 else ():
            own = f"{name} {_WORDS[kind]}"
            if own in members:
                raise EvalError(
                    f"the system {own!r} has the name of the {_WORDS[kind]} of {name!r}; rename it, or leave {kind!r} "
                    "out of single_fields"
                )
            found[own] = (name, kind)
    return found


def ensembles_behind(names: Sequence[str]) -> dict[str, tuple[str, SingleField]]:
    """Those of some systems that are called single fields of others of them, each with that system and its kind."""
    found: dict[str, tuple[str, SingleField]] = {
        f"{name} {word}": (name, kind) for name in names for kind, word in _WORDS.items() if f"{name} {word}" in names
    }
    return {name: behind for name, behind in found.items() if behind[0] not in found}


def single_field(systems: Systems, name: str, key: str, times: Sequence[str], members: xr.DataArray) -> xr.DataArray:
    """The field of a system that stands for another's members.

    Args:
        systems: that it is one of.
        name: of the single field.
        key: of the target.
        times: dates of ``members``.
        members: of the ensemble behind it (time, member, y, x), NaN where no score is taken.

    Returns:
        (time, member, y, x) with one member. The probability matched mean is the saved one where the ensemble holds it;
        else it is made of the pixels at hand, in a region of those of the region.
    """
    parent, kind = systems.single_fields[name]
    axis = members.get_axis_num("member")
    if kind == "mean":
        field = members.mean("member", dtype=np.float64).astype(members.dtype)
    elif (saved := systems.fields("pmm", parent, key, times)) is not None:
        field = saved.where(members.notnull().all("member"))
    else:
        values = probability_matched_mean(members.values, axis=axis)
        field = members.isel(member=0, drop=True).copy(data=values)
    return field.expand_dims("member", axis=axis)
