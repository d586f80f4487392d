"""Several systems side by side: their common targets, dates and pixels, read some dates at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from stride_vars.catalogue import Catalogue
from stride_vars.spec import VariableSpec

from stride_eval.errors import EvalError
from stride_eval.grid import axes, spacing
from stride_eval.reading import SavedEnsemble

BLOCK_BYTES = 128 * 2**20
"""Of one target's fields that are in memory at once; the scores need a few times this."""


@dataclass(frozen=True)
class Block:
    """Some dates of one target: the observed fields and every system's members on the pixels that they share.

    Attributes:
        observed: (time, y, x), canonical units; NaN where any system or the observation is missing.
        members: system -> (time, member, y, x), NaN on the same pixels.
    """

    observed: xr.DataArray
    members: Mapping[str, xr.DataArray]


@dataclass
class Systems:
    """The systems of one evaluation on the dates, grid and targets that they share.

    Attributes:
        saved: the opened ensembles by the user's names, in the user's order.
        specs: what each common target is, by key.
        times: common dates (ISO), ascending.
        dropped: system -> number of its dates that the others, or its own observations, lack.
        reference: the system that skill is measured against; None when there is one system alone.
    """

    saved: Mapping[str, SavedEnsemble]
    specs: Mapping[str, VariableSpec]
    times: tuple[str, ...]
    dropped: Mapping[str, int]
    reference: str | None
    catalogue: Catalogue
    block_bytes: int = BLOCK_BYTES
    _kept: dict[str, Block] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the systems in the user's order."""
        return tuple(self.saved)

    @property
    def targets(self) -> tuple[str, ...]:
        """Keys of the targets that every system holds."""
        return tuple(self.specs)

    def members(self, name: str) -> int:
        """Number of members of a system."""
        return self.saved[name].members

    @property
    def ensembles(self) -> tuple[str, ...]:
        """Systems of two members or more: those that have a spread."""
        return tuple(name for name in self.names if self.members(name) > 1)

    @property
    def first(self) -> SavedEnsemble:
        """The system whose observations and coordinates stand for all (they agree: checked on opening)."""
        return self.saved[self.names[0]]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the common grid."""
        return self.first.ensemble.sizes["y"], self.first.ensemble.sizes["x"]

    @cached_property
    def axes(self) -> tuple[xr.DataArray, xr.DataArray]:
        """Coordinates of rows and columns, with units and direction stated (see ``stride_eval.grid.axes``)."""
        return axes(self.first.ensemble)

    @property
    def resolution_ratio(self) -> float | None:
        """Pixels along a low-resolution cell, from the spacings of /conditioning; None where that is not known."""
        group = self.first.groups.get("conditioning")
        if group is None or not {"lr_y", "lr_x"} <= set(group.coords):
            return None
        fine, coarse = spacing(*self.axes), spacing(*axes(group, y="lr_y", x="lr_x"))
        return coarse.y / fine.y if fine.unit == coarse.unit == "km" else None

    def blocks(self, key: str) -> Iterator[Block]:
        """The common dates in turn, as many at a time as ``block_bytes`` holds of all systems together.

        Args:
            key: a target.

        Yields:
            Consecutive dates; each date once.
        """
        per_date = 4 * int(np.prod(self.shape)) * (1 + sum(self.members(name) for name in self.names))
        length = max(1, self.block_bytes // per_date)
        if len(self.times) <= length:
            # All fits at once: kept for the families that follow, in place of any other target's.
            if key not in self._kept:
                self._kept.clear()
                self._kept[key] = self.block(key, self.times)
            yield self._kept[key]
            return
        for start in range(0, len(self.times), length):
            yield self.block(key, self.times[start : start + length])

    def block(self, key: str, times: Sequence[str]) -> Block:
        """Some of the common dates, read and masked to the pixels that observation and systems share."""
        observed = self.read("target", self.names[0], key, times)
        members = {name: self.read("ensemble", name, key, times) for name in self.names}
        valid = np.isfinite(observed)
        for values in members.values():
            valid = valid & np.isfinite(values.values).all(axis=values.get_axis_num("member"))
        return Block(observed.where(valid), {name: values.where(valid) for name, values in members.items()})

    def observed_sample(self, key: str, limit: int = 2_000_000) -> np.ndarray:
        """Observed values for choosing thresholds and bins: all of them, or every n-th pixel when there are more.

        Returns:
            One-dimensional, finite, ascending.

        Raises:
            EvalError: every observed value is missing.
        """
        step = max(1, math.ceil(math.sqrt(len(self.times) * float(np.prod(self.shape)) / limit)))
        parts = []
        for start in range(0, len(self.times), 32):
            field = self.read("target", self.names[0], key, self.times[start : start + 32])
            values = field.values[:, ::step, ::step]
            parts.append(values[np.isfinite(values)])
        pooled = np.sort(np.concatenate(parts)).astype(np.float64)
        if not pooled.size:
            raise EvalError(
                f"every observed value of {key!r} is missing on the {len(self.times)} common dates; write observations "
                f"into /target of {str(self.first.path)!r}"
            )
        return pooled

    def static(self, key: str) -> np.ndarray | None:
        """A static field [y, x] by its catalogue key, from the first system that has it; None where none has."""
        for saved in self.saved.values():
            for name, array in saved.groups.get("static", xr.Dataset()).data_vars.items():
                if str(array.attrs.get("stride_variable", name)) == key and array.dims == ("y", "x"):
                    return np.asarray(array.values, dtype=np.float64)
        return None

    def fields(self, group: str, name: str, key: str, times: Sequence[str]) -> xr.DataArray | None:
        """Dates of a variable in /pmm or /conditioning, or None where the system has none of it."""
        saved = self.saved[name]
        if group not in saved.groups or key not in saved.groups[group].data_vars:
            return None
        if not set(times) <= set(saved.times_of(group)):
            return None
        return self.read(group, name, key, times)

    def _at(self, group: str, name: str, times: Sequence[str]) -> xr.Dataset:
        """Dates of a group, not read yet."""
        position = {time: index for index, time in enumerate(self.saved[name].times_of(group))}
        wanted = [position[time] for time in times]
        whole = wanted == list(range(wanted[0], wanted[0] + len(wanted)))
        return self.saved[name].groups[group].isel(time=slice(wanted[0], wanted[-1] + 1) if whole else wanted)

    def read(
        self, group: str, name: str, key: str, times: Sequence[str], *, first_member: bool = False
    ) -> xr.DataArray:
        """Dates of a variable in memory, with the first system's coordinates of time, rows and columns alone.

        Args:
            group: "ensemble", "target", "pmm" or "conditioning".
            name: of the system.
            key: of the variable.
            times: some of the group's dates.
            first_member: of an ensemble's members read the first alone.

        Raises:
            EvalError: the store is damaged there.
        """
        array = self._at(group, name, times)[key]
        if first_member:
            array = array.isel(member=0)
        try:
            values = array.values
        except Exception as error:  # every backend raises its own kinds for damaged chunks
            saved = self.saved[name]
            raise EvalError(
                f"system {name!r}: /{group}/{key} in {str(saved.path)!r} cannot be read between {times[0]} and "
                f"{times[-1]} "
                f"({' '.join(str(error).split())[:200]}); the store is damaged there: generate it again"
            ) from error
        coords: dict[str, Any] = {}
        if "y" in array.dims:
            coords = dict(zip(("y", "x"), self.axes, strict=True))
        # Times of the other systems may differ in type or calendar class; the labels agree, so the first system's
        # stand for all.
        coords["time"] = self._at("target", self.names[0], times)["time"].variable
        return xr.DataArray(
            values,
            dims=array.dims,
            coords=coords,
            name=key,
            attrs={"units": self.specs[key].units} if key in self.specs else array.attrs,
        )
