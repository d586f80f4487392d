"""Writing a saved ensemble: one Zarr v3 store, laid out first, then filled field by field."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from stride_data.adapter_protocol import Adapter
from stride_vars.ensemble_coordinates import GRID_MAPPING, axis_attrs, lag_attrs, links, member_attrs, time_attrs
from stride_vars.ensemble_format import EnsembleAttrs
from stride_vars.ensemble_variables import summary_attrs, variable_attrs
from stride_vars.regions import Region
from stride_vars.spec import VariableSpec

_FINGERPRINT = "stride_fingerprint"


@dataclass(frozen=True)
class CaseFields:
    """What is saved of one case beside its members, in canonical physical units.

    Attributes:
        summaries: By group (`pmm`, `mean`, `spread`), [C_out, H, W], C_out the targets that are written.
        target: [C_out, H, W] with NaN where not observed, or None.
        conditioning: [C_dyn, H_lr, W_lr], or [T, C_dyn, H_lr, W_lr] with temporal stacking.
    """

    summaries: Mapping[str, np.ndarray]
    target: np.ndarray | None
    conditioning: np.ndarray


class EnsembleWriter:
    """Lays one saved ensemble out, and writes its cases into it.

    A chunk is one field, so processes that write different members or cases never touch the same file.
    """

    def __init__(
        self,
        adapter: Adapter,
        region: Region,
        times: Sequence[str],
        *,
        members: int,
        summaries: Sequence[str],
        target_times: Sequence[str],
        targets: Sequence[int] | None = None,
    ):
        """Says what the ensemble holds; touches nothing.

        Args:
            adapter: Names, units, coordinates.
            region: Boxes of the fields.
            times: ISO times of the cases, in order.
            members: Ensemble size.
            summaries: Groups of the fields made from all members that will be given: `pmm`, `mean`, `spread`.
            target_times: Times whose observed fields will be given, in order; without any there is no such group.
            targets: Numbers of the adapter's targets that are written; None for all.
        """
        self.adapter, self.region, self.times, self.members = adapter, region, list(times), members
        self.summaries, self.target_times = tuple(summaries), list(target_times)
        keys = unique_keys(adapter.target_names, adapter.target_vars)
        self._targets = [keys[number] for number in (range(len(keys)) if targets is None else targets)]
        self._conditioning = unique_keys(adapter.cond_names, adapter.cond_vars)
        self._target_places = {time: place for place, time in enumerate(self.target_times)}
        self._root: zarr.Group | None = None
        self._arrays: dict[tuple[str, str], zarr.Array] = {}

    def open(self, store: Path) -> None:
        """Opens a store that was laid out, to write to it."""
        self._root = zarr.open_group(store, mode="r+", zarr_format=3)
        self._arrays = {}

    def write_members(self, case: int, members: range, fields: np.ndarray) -> None:
        """Writes some members of a case.

        Args:
            case: Its number.
            members: Numbers of the members, consecutive.
            fields: [len(members), C_out, H, W].
        """
        for channel, name in enumerate(self._targets):
            self._put("ensemble", name, (case, slice(members.start, members.stop)), fields[:, channel])

    def read_members(self, case: int) -> np.ndarray:
        """All members of a case as they were written, float32 [M, C_out, H, W]."""
        fields = [np.asarray(self._array("ensemble", name)[case], dtype=np.float32) for name in self._targets]
        return np.stack(fields, axis=1)

    def write_case(self, case: int, fields: CaseFields) -> None:
        """Writes what belongs to a case beside its members."""
        for channel, name in enumerate(self._targets):
            for group, summary in fields.summaries.items():
                self._put(group, name, case, summary[channel])
            if fields.target is not None:
                self._put("target", name, self._target_places[self.times[case]], fields.target[channel])
        for channel, name in enumerate(self._conditioning):
            self._put("conditioning", name, case, fields.conditioning[..., channel, :, :])

    def consolidate(self, store: Path) -> None:
        """Puts the metadata of all groups into the root's, where readers find it with one look."""
        with warnings.catch_warnings():
            # xarray reads and writes it, though the specification does not name it yet.
            warnings.filterwarnings("ignore", message="Consolidated metadata")
            zarr.consolidate_metadata(str(store), zarr_format=3)

    def _array(self, group: str, name: str) -> zarr.Array:
        if (group, name) not in self._arrays:
            assert self._root is not None, "the store is open"
            array = self._root[f"{group}/{name}"]
            assert isinstance(array, zarr.Array)
            self._arrays[group, name] = array
        return self._arrays[group, name]

    def _put(self, group: str, name: str, place: Any, values: np.ndarray) -> None:
        self._array(group, name)[place] = values.astype(np.float32)

    def lay_out(self, store: Path, attrs: EnsembleAttrs, fingerprint: str) -> None:
        """Writes everything but the fields that change from case to case.

        Args:
            store: Where; nothing is there.
            attrs: Root attributes.
            fingerprint: Id of everything that determines the content.
        """
        adapter, region = self.adapter, self.region
        root = zarr.open_group(store, mode="w", zarr_format=3)
        root.attrs.update({**attrs.to_attrs(), _FINGERPRINT: fingerprint})
        cases = _time_coordinate(self.times, adapter.calendar)
        hr = _coordinates(adapter.hr_coords(region.hr))
        lr = _coordinates(adapter.lr_coords(region.lr))
        member = {"member": ("member", np.arange(self.members), member_attrs())}
        height, width = region.hr.shape
        described = _described(adapter.target_names, adapter.target_vars)
        targets = {name: described[name] for name in self._targets}
        fields = {"time": len(self.times), "y": height, "x": width}
        sizes = {**fields, "member": self.members}
        self._group(root, store, "ensemble", {**cases, **member, **hr}, sizes, _MEMBER_DIMS, targets)
        for group in self.summaries:
            variables = {name: summary_attrs(attributes, group) for name, attributes in targets.items()}
            self._group(root, store, group, {**cases, **hr}, fields, _FIELD_DIMS, variables)
        if self.target_times:
            observed = _time_coordinate(self.target_times, adapter.calendar, since=self.times[0])
            sizes = {**fields, "time": len(self.target_times)}
            self._group(root, store, "target", {**observed, **hr}, sizes, _FIELD_DIMS, targets)
        lr_height, lr_width = region.lr.shape
        steps = adapter.lag_hours if adapter.temporal_steps > 1 else ()
        self._group(
            root,
            store,
            "conditioning",
            {**cases, **lr, **({"lag": _lag_coordinate(steps)} if steps else {})},
            {"time": len(self.times), "lag": len(steps), "lr_y": lr_height, "lr_x": lr_width},
            _STACKED_LR_DIMS if steps else _LR_DIMS,
            _described(adapter.cond_names, adapter.cond_vars),
        )
        if adapter.static_names:
            statics = _described(adapter.static_names, adapter.static_vars)
            self._group(root, store, "static", hr, {"y": height, "x": width}, ("y", "x"), statics)
            values = adapter.fields(self.times[0], region.hr).static
            assert values is not None, "the adapter names static fields"
            for channel, name in enumerate(statics):
                array = root[f"static/{name}"]
                assert isinstance(array, zarr.Array)
                array[:] = values[channel].astype(np.float32)

    def _group(
        self,
        root: zarr.Group,
        store: Path,
        group: str,
        coords: Mapping[str, Any],
        sizes: Mapping[str, int],
        dims: tuple[str, ...],
        variables: Mapping[str, dict[str, Any]],
    ) -> None:
        """One group: coordinates through xarray (CF encoding), empty arrays of one chunk a field through zarr."""
        # Coordinates have no missing values, and CF wants none stated.
        plain = {name: {"_FillValue": None} for name in coords}
        xr.Dataset(coords=coords).to_zarr(
            store, group=group, mode="a", zarr_format=3, consolidated=False, encoding=plain
        )
        shape = tuple(sizes[dim] for dim in dims)
        chunks = tuple(1 if dim in ("time", "member", "lag") else size for dim, size in zip(dims, shape, strict=True))
        linked = links({name: _dims_of(entry) for name, entry in coords.items()}, dims)
        parent = root[group]
        assert isinstance(parent, zarr.Group)
        # xarray lists them for the group, CF for each field.
        parent.attrs.pop("coordinates", None)
        for name, attributes in variables.items():
            parent.create_array(
                name,
                shape=shape,
                chunks=chunks,
                dtype="float32",
                fill_value=float("nan"),
                dimension_names=dims,
                attributes={**attributes, **linked},
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


def saved_members(store: Path) -> int:
    """Ensemble size of a store that was laid out."""
    members = zarr.open_group(store, mode="r")["ensemble/member"]
    assert isinstance(members, zarr.Array)
    return members.shape[0]


def unique_keys(names: Sequence[str], variables: Sequence[VariableSpec]) -> list[str]:
    """Names of variables in the store: the catalogue key, with its source in front where two sources share it."""
    keys = [variable.key for variable in variables]
    return [key if keys.count(key) == 1 else name.replace(".", "_") for key, name in zip(keys, names, strict=True)]


def _described(names: Sequence[str], variables: Sequence[VariableSpec]) -> dict[str, dict[str, Any]]:
    return {
        name: variable_attrs(variable) for name, variable in zip(unique_keys(names, variables), variables, strict=True)
    }


def _coordinates(coords: Mapping[str, tuple[Any, np.ndarray, dict[str, Any]]]) -> dict[str, Any]:
    mapping = next((attributes for name, (_, _, attributes) in coords.items() if name.endswith(GRID_MAPPING)), None)

    located = any(name.removeprefix("lr_") == "latitude" for name in coords)

    def described(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
        role = name.removeprefix("lr_")
        return axis_attrs(role, attributes, mapping, located=located) if role in ("y", "x") else attributes

    return {name: (dims, values, described(name, attributes)) for name, (dims, values, attributes) in coords.items()}


def _dims_of(entry: tuple[Any, ...]) -> tuple[str, ...]:
    return (entry[0],) if isinstance(entry[0], str) else tuple(entry[0])


def _lag_coordinate(hours: Sequence[float]) -> tuple[str, np.ndarray, dict[str, str]]:
    return ("lag", np.asarray(hours, np.float64), lag_attrs())


def _time_coordinate(times: Sequence[str], calendar: str, since: str | None = None) -> dict[str, Any]:
    """Times as a CF coordinate in their own calendar, counted from the first one or from another time."""
    import cftime

    moments = [cftime.datetime.strptime(time, "%Y-%m-%dT%H:%M:%S", calendar=calendar) for time in times]
    units = f"hours since {(since or times[0]).replace('T', ' ')}"
    hours = np.asarray(cftime.date2num(moments, units, calendar=calendar), dtype=np.float64)
    return {"time": ("time", hours, time_attrs(units, calendar))}
