"""Writing a saved ensemble: one Zarr v3 store, a case at a time, resumable, never half-written under its own name."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from stride_data.adapter_protocol import Adapter
from stride_vars.ensemble_format import EnsembleAttrs
from stride_vars.ensemble_variables import variable_attrs
from stride_vars.regions import Region
from stride_vars.spec import VariableSpec

from stride_train.errors import GenerationError

_DONE = "stride-done.json"
_FINGERPRINT = "stride_fingerprint"


@dataclass(frozen=True)
class CaseFields:
    """All fields of one case, in canonical physical units.

    Attributes:
        ensemble: [M, C_out, H, W], C_out the targets that are written.
        pmm: [C_out, H, W], or None.
        target: [C_out, H, W] with NaN where not observed, or None.
        conditioning: [C_dyn, H_lr, W_lr], or [T, C_dyn, H_lr, W_lr] with temporal stacking.
    """

    ensemble: np.ndarray
    pmm: np.ndarray | None
    target: np.ndarray | None
    conditioning: np.ndarray


class EnsembleWriter:
    """Writes the cases of one saved ensemble into `<name>.partial`, then renames it.

    A store that was left behind by a killed run is continued when it has the same fingerprint, and replaced otherwise.
    """

    def __init__(
        self,
        path: Path,
        adapter: Adapter,
        region: Region,
        times: Sequence[str],
        *,
        members: int,
        with_pmm: bool,
        with_target: bool,
        attrs: EnsembleAttrs,
        fingerprint: str,
        targets: Sequence[int] | None = None,
    ):
        """Lays the store out, or finds one to continue.

        Args:
            path: Where the finished store will be.
            adapter: Names, units, coordinates.
            region: Boxes of the fields.
            times: ISO times of the cases, in order.
            members: Ensemble size.
            with_pmm: Whether the probability matched mean will be given.
            with_target: Whether the observed fields will be given.
            attrs: Root attributes.
            fingerprint: Id of everything that determines the content.
            targets: Numbers of the adapter's targets that are written; None for all.
        """
        self.path, self.times = path, list(times)
        self.partial = path.with_name(f"{path.name}.partial")
        self._done_file = self.partial / _DONE
        self.done: set[str] = set()
        keys = unique_keys(adapter.target_names, adapter.target_vars)
        self._targets = [keys[number] for number in (range(len(keys)) if targets is None else targets)]
        if self._continues(fingerprint):
            self.done = set(json.loads(self._done_file.read_text(encoding="utf-8")))
        else:
            shutil.rmtree(self.partial, ignore_errors=True)
            self._lay_out(adapter, region, members, with_pmm, with_target, attrs, fingerprint)
        self._root = zarr.open_group(self.partial, mode="r+", zarr_format=3)
        self._names = {
            "target": self._targets,
            "conditioning": unique_keys(adapter.cond_names, adapter.cond_vars),
        }

    def _continues(self, fingerprint: str) -> bool:
        if not self._done_file.is_file():
            return False
        return zarr.open_group(self.partial, mode="r").attrs.get(_FINGERPRINT) == fingerprint

    def write(self, time: str, case: CaseFields) -> None:
        """Writes one case; it counts as done only when all its fields are on disk."""
        index = self.times.index(time)
        for channel, name in enumerate(self._names["target"]):
            self._put("ensemble", name, index, case.ensemble[:, channel])
            if case.pmm is not None:
                self._put("pmm", name, index, case.pmm[channel])
            if case.target is not None:
                self._put("target", name, index, case.target[channel])
        for channel, name in enumerate(self._names["conditioning"]):
            self._put("conditioning", name, index, case.conditioning[..., channel, :, :])
        self.done.add(time)
        temporary = self._done_file.with_suffix(".partial")
        temporary.write_text(json.dumps(sorted(self.done)), encoding="utf-8")
        temporary.replace(self._done_file)

    def finish(self) -> None:
        """Gives the store its name; an older one of that name is replaced."""
        missing = [time for time in self.times if time not in self.done]
        if missing:
            raise GenerationError(f"The ensemble '{self.path}' lacks {len(missing)} cases: run the same command again.")
        self._done_file.unlink()
        with warnings.catch_warnings():
            # xarray reads and writes it, though the specification does not name it yet.
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(str(self.partial), zarr_format=3)
        old = self.path.with_name(f"{self.path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if self.path.exists():
            self.path.replace(old)
        self.partial.replace(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def _put(self, group: str, name: str, index: int, values: np.ndarray) -> None:
        array = self._root[f"{group}/{name}"]
        assert isinstance(array, zarr.Array)
        array[index] = values.astype(np.float32)

    def _lay_out(
        self,
        adapter: Adapter,
        region: Region,
        members: int,
        with_pmm: bool,
        with_target: bool,
        attrs: EnsembleAttrs,
        fingerprint: str,
    ) -> None:
        self.partial.parent.mkdir(parents=True, exist_ok=True)
        root = zarr.open_group(self.partial, mode="w", zarr_format=3)
        root.attrs.update({**attrs.to_attrs(), _FINGERPRINT: fingerprint})
        cases = _time_coordinate(self.times, adapter.calendar)
        hr = _coordinates(adapter.hr_coords(region.hr))
        lr = _coordinates(adapter.lr_coords(region.lr))
        member = {
            "member": ("member", np.arange(members), {"long_name": "ensemble member", "standard_name": "realization"})
        }
        height, width = region.hr.shape
        described = _described(adapter.target_names, adapter.target_vars)
        targets = {name: described[name] for name in self._targets}
        fields = {"time": len(self.times), "y": height, "x": width}
        self._group(root, "ensemble", {**cases, **member, **hr}, {**fields, "member": members}, _MEMBER_DIMS, targets)
        if with_pmm:
            self._group(root, "pmm", {**cases, **hr}, fields, _FIELD_DIMS, targets)
        if with_target:
            self._group(root, "target", {**cases, **hr}, fields, _FIELD_DIMS, targets)
        lr_height, lr_width = region.lr.shape
        steps = adapter.lag_hours if adapter.temporal_steps > 1 else ()
        self._group(
            root,
            "conditioning",
            {**cases, **lr, **({"lag": _lag_coordinate(steps)} if steps else {})},
            {"time": len(self.times), "lag": len(steps), "lr_y": lr_height, "lr_x": lr_width},
            _STACKED_LR_DIMS if steps else _LR_DIMS,
            _described(adapter.cond_names, adapter.cond_vars),
        )
        if adapter.static_names:
            statics = _described(adapter.static_names, adapter.static_vars)
            self._group(root, "static", hr, {"y": height, "x": width}, ("y", "x"), statics)
            values = adapter.fields(self.times[0], region.hr).static
            assert values is not None, "the adapter names static fields"
            for channel, name in enumerate(statics):
                array = root[f"static/{name}"]
                assert isinstance(array, zarr.Array)
                array[:] = values[channel].astype(np.float32)
        self._done_file.write_text("[]", encoding="utf-8")

    def _group(
        self,
        root: zarr.Group,
        group: str,
        coords: Mapping[str, Any],
        sizes: Mapping[str, int],
        dims: tuple[str, ...],
        variables: Mapping[str, dict[str, Any]],
    ) -> None:
        """One group: coordinates through xarray (CF encoding), empty arrays of one chunk a field through zarr."""
        xr.Dataset(coords=coords).to_zarr(self.partial, group=group, mode="a", zarr_format=3, consolidated=False)
        shape = tuple(sizes[dim] for dim in dims)
        chunks = tuple(1 if dim in ("time", "member", "lag") else size for dim, size in zip(dims, shape, strict=True))
        auxiliary = " ".join(name for name in coords if name not in dims and set(_dims_of(coords[name])) <= set(dims))
        parent = root[group]
        assert isinstance(parent, zarr.Group)
        for name, attributes in variables.items():
            parent.create_array(
                name,
                shape=shape,
                chunks=chunks,
                dtype="float32",
                fill_value=float("nan"),
                dimension_names=dims,
                attributes={**attributes, **({"coordinates": auxiliary} if auxiliary else {})},
            )


_MEMBER_DIMS = ("time", "member", "y", "x")
_FIELD_DIMS = ("time", "y", "x")
_LR_DIMS = ("time", "lr_y", "lr_x")
_STACKED_LR_DIMS = ("time", "lag", "lr_y", "lr_x")


def finished_with(path: Path, fingerprint: str) -> bool:
    """Whether a finished store of this fingerprint stands at the path."""
    if not (path / "zarr.json").is_file():
        return False
    try:
        return zarr.open_group(path, mode="r").attrs.get(_FINGERPRINT) == fingerprint
    except (OSError, ValueError, KeyError):
        return False


def unique_keys(names: Sequence[str], variables: Sequence[VariableSpec]) -> list[str]:
    """Names of variables in the store: the catalogue key, with its source in front where two sources share it."""
    keys = [variable.key for variable in variables]
    return [key if keys.count(key) == 1 else name.replace(".", "_") for key, name in zip(keys, names, strict=True)]


def _described(names: Sequence[str], variables: Sequence[VariableSpec]) -> dict[str, dict[str, Any]]:
    return {
        name: variable_attrs(variable) for name, variable in zip(unique_keys(names, variables), variables, strict=True)
    }


def _coordinates(coords: Mapping[str, tuple[Any, np.ndarray, dict[str, Any]]]) -> dict[str, Any]:
    return {name: (dims, values, attributes) for name, (dims, values, attributes) in coords.items()}


def _dims_of(entry: tuple[Any, ...]) -> tuple[str, ...]:
    return (entry[0],) if isinstance(entry[0], str) else tuple(entry[0])


def _lag_coordinate(hours: Sequence[float]) -> tuple[str, np.ndarray, dict[str, str]]:
    # "h" and not "hours", which xarray would turn into time differences on reading.
    attributes = {"units": "h", "long_name": "offset in time from the target, negative before it"}
    return ("lag", np.asarray(hours, np.float64), attributes)


def _time_coordinate(times: Sequence[str], calendar: str) -> dict[str, Any]:
    """Times as a CF coordinate in their own calendar."""
    import cftime

    moments = [cftime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S", calendar=calendar) for time in times]
    units = f"hours since {times[0].replace('T', ' ')}"
    hours = np.asarray(cftime.date2num(moments, units, calendar=calendar), dtype=np.float64)
    return {"time": ("time", hours, {"units": units, "calendar": calendar, "standard_name": "time", "axis": "T"})}
