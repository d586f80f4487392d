"""Several systems side by side: their common targets, dates and pixels, read some dates at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from stride_vars.catalogue import Catalogue
from stride_vars.spec import VariableSpec

from stride_eval.errors import EvalError
from stride_eval.grid import axes, spacing
from stride_eval.reading import SavedEnsemble
from stride_eval.single_fields import SingleField, single_field

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
        saved: the opened ensembles by the user's names, in the user's order; behind the name of a single field is the
            ensemble that it is of.
        specs: what each common target is, by key.
        times: common dates (ISO), ascending.
        dropped: system -> number of its dates that the others, or its own observations, lack.
        reference: the system that skill is measured against; None when there is one system alone.
        window: rows and columns of the saved grid that are read; None: all.
        mask: pixels of the window that count [y, x]; None: all.
        single_fields: name -> (system, "mean" or "pmm") of the systems that stand for another's members.
    """

    saved: Mapping[str, SavedEnsemble]
    specs: Mapping[str, VariableSpec]
    times: tuple[str, ...]
    dropped: Mapping[str, int]
    reference: str | None
    catalogue: Catalogue
    block_bytes: int = BLOCK_BYTES
    window: tuple[slice, slice] | None = None
    mask: np.ndarray | None = None
    single_fields: Mapping[str, tuple[str, SingleField]] = field(default_factory=dict)
    _kept: dict[str, Block] = field(default_factory=dict, repr=False)
    _around: Systems | None = field(default=None, repr=False)

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
        return 1 if name in self.single_fields else self.saved[name].members

    @property
    def ensembles(self) -> tuple[str, ...]:
        """Systems of two members or more: those that have a spread."""
        return tuple(name for name in self.names if self.members(name) > 1)

    @cached_property
    def observer(self) -> str | None:
        """The first system that holds observations: they stand for all; None where none does."""
        return next((name for name, saved in self.saved.items() if "target" in saved.groups), None)

    @property
    def first(self) -> SavedEnsemble:
        """The system whose coordinates stand for all (they agree: checked on opening)."""
        return self.saved[self.names[0]]

    def restricted_to(self, inside: np.ndarray) -> Systems:
        """The same systems on a part of the grid, cut to the smallest box around it; nothing outside is read.

        Fields that this object keeps in memory are not read again.

        Args:
            inside: pixels that belong [y, x], on this object's grid; at least one.
        """
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        mask = inside[box] if self.mask is None else inside[box] & self.mask[box]
        start = (0, 0) if self.window is None else (self.window[0].start, self.window[1].start)
        window = tuple(slice(side.start + first, side.stop + first) for side, first in zip(box, start, strict=True))
        # A box that is all inside has no mask: spectra and neighbourhoods are then those of a smaller domain.
        return replace(self, window=(window[0], window[1]), mask=None if mask.all() else mask, _kept={}, _around=self)

    def alone(self) -> Systems:
        """The same without fields in memory, for another process or thread."""
        return replace(self, _kept={}, _around=None)

    def _cut(self, array: xr.DataArray) -> xr.DataArray:
        """An array on the grid, cut to the window."""
        if self.window is None:
            return array
        return array.isel({dim: side for dim, side in zip(("y", "x"), self.window, strict=True) if dim in array.dims})

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the common grid, or of the window."""
        rows, columns = self.axes
        return rows.size, columns.size

    @cached_property
    def axes(self) -> tuple[xr.DataArray, xr.DataArray]:
        """Coordinates of rows and columns, with units and direction stated (see ``stride_eval.grid.axes``)."""
        rows, columns = axes(self.first.ensemble)
        return self._cut(rows), self._cut(columns)

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
                held = self._held_around(key)
                self._kept[key] = self.block(key, self.times) if held is None else held
            yield self._kept[key]
            return
        for start in range(0, len(self.times), length):
            yield self.block(key, self.times[start : start + length])

    def block(self, key: str, times: Sequence[str]) -> Block:
        """Some of the common dates, read and masked to the pixels that observation and systems share."""
        read = [name for name in self.names if name not in self.single_fields]
        members = {name: self.read("ensemble", name, key, times) for name in read}
        if self.observer is None:
            observed = xr.full_like(members[self.names[0]].isel(member=0, drop=True), np.nan)
            valid = xr.ones_like(observed, dtype=bool)
        else:
            observed = self.read("target", self.observer, key, times)
            valid = np.isfinite(observed)
        if self.mask is not None:
            valid = valid & self.mask
        for values in members.values():
            valid = valid & np.isfinite(values.values).all(axis=values.get_axis_num("member"))
        members = {name: values.where(valid) for name, values in members.items()}
        return self._with_single_fields(key, times, observed.where(valid), members)

    def _with_single_fields(
        self, key: str, times: Sequence[str], observed: xr.DataArray, members: dict[str, xr.DataArray]
    ) -> Block:
        for name, (ensemble, _) in self.single_fields.items():
            members[name] = single_field(self, name, key, times, members[ensemble])
        return Block(observed, {name: members[name] for name in self.names})

    def _held_around(self, key: str) -> Block | None:
        """All dates cut out of what the systems of the larger grid hold in memory; None where they do not."""
        around = self._around
        if around is None or around.times != self.times or key not in around._kept or self.window is None:
            return None
        starts = (0, 0) if around.window is None else (around.window[0].start, around.window[1].start)
        box = {
            dim: slice(side.start - start, side.stop - start)
            for dim, side, start in zip(("y", "x"), self.window, starts, strict=True)
        }

        def cut(values: xr.DataArray) -> xr.DataArray:
            values = values.isel(box)
            return values if self.mask is None else values.where(xr.DataArray(self.mask, dims=("y", "x")))

        whole = around._kept[key]
        # Single fields are made anew: the probability matched mean depends on the pixels that it is made of.
        members = {name: cut(values) for name, values in whole.members.items() if name not in self.single_fields}
        return self._with_single_fields(key, self.times, cut(whole.observed), members)

    def observed_sample(self, key: str, limit: int = 2_000_000) -> np.ndarray:
        """Observed values for choosing thresholds and bins: all of them, or every n-th pixel when there are more.

        Returns:
            One-dimensional, finite, ascending.

        Raises:
            EvalError: every observed value is missing.
        """
        if self.observer is None:
            raise EvalError(
                "no system has a /target group: scores need the observed fields; generate with targets, or add the "
                "observations under /target with the same time, y and x"
            )
        step = max(1, math.ceil(math.sqrt(len(self.times) * float(np.prod(self.shape)) / limit)))
        parts = []
        for start in range(0, len(self.times), 32):
            field = self.read("target", self.observer, key, self.times[start : start + 32])
            values = field.values if self.mask is None else np.where(self.mask, field.values, np.nan)
            values = values[:, ::step, ::step]
            parts.append(values[np.isfinite(values)])
        pooled = np.sort(np.concatenate(parts)).astype(np.float64)
        if not pooled.size:
            raise EvalError(
                f"every observed value of {key!r} is missing on the {len(self.times)} common dates; write observations "
                f"into /target of {str(self.saved[self.observer].path)!r}"
            )
        return pooled

    def static(self, key: str) -> np.ndarray | None:
        """A static field [y, x] by its catalogue key, from the first system that has it; None where none has."""
        for saved in self.saved.values():
            for name, array in saved.groups.get("static", xr.Dataset()).data_vars.items():
                if str(array.attrs.get("stride_variable", name)) == key and array.dims == ("y", "x"):
                    return np.asarray(self._cut(array).values, dtype=np.float64)
        return None

    def fields(self, group: str, name: str, key: str, times: Sequence[str]) -> xr.DataArray | None:
        """Dates of a variable in /pmm or /conditioning, or None where the system has none of it."""
        saved = self.saved[name]
        if name in self.single_fields or group not in saved.groups or key not in saved.groups[group].data_vars:
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
        array = self._cut(self._at(group, name, times)[key])
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
        # Times of the other systems may differ in type or calendar class; the labels agree, so one system's stand for
        # all.
        stands = ("ensemble", self.names[0]) if self.observer is None else ("target", self.observer)
        coords["time"] = self._at(*stands, times)["time"].variable
        return xr.DataArray(
            values,
            dims=array.dims,
            coords=coords,
            name=key,
            attrs={"units": self.specs[key].units} if key in self.specs else array.attrs,
        )
