"""Opening a training store for a configuration, and saying what it lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from stride_vars.catalogue import Catalogue
from stride_vars.errors import StrideError
from stride_vars.spec import VariableSpec

from stride_data.config import DataConfig
from stride_data.discovery.remote import reason_of, remote_error
from stride_data.discovery.times import decode_times
from stride_data.errors import DataError
from stride_data.storage_options import expanded
from stride_data.store.grid_arrays import PREFIX, read_grid
from stride_data.store.identity import identity
from stride_data.store.needs import needs_of
from stride_data.store.record import FORMAT, FORMAT_VERSION, RECORD, TIME_UNITS, StoredField, stored_box
from stride_data.store.source import StoredArray, StoreSource, is_local, lacking, open_array, shard_names
from stride_data.store.tiles import ShardMaps

if TYPE_CHECKING:
    from stride_data.adapter import GriddedAdapter

# What is read may be less than what is stored; ``require_needs`` sees to that.
_CHECKED_OTHERWISE = frozenset(
    (
        "sources",
        "target",
        "dynamic",
        "static",
        "context",
        "context_static",
        "region",
        "splits",
        "lags",
        "lag_gaps",
    )
)
_AGAIN = "prepare one of this configuration with `stride-data prepare`"


def open_store(config: DataConfig, store: str, catalogue: Catalogue) -> dict[str, StoreSource]:
    """Sources of a configuration, read from a store; the archive is not looked at.

    Args:
        config: The configuration.
        store: Path or URL of the store.
        catalogue: The variables.

    Returns:
        Sources by name, in the configuration's order.

    Raises:
        DataError: If there is no store, it is half prepared, or was made from other sources or units.
    """
    options = expanded(config.storage_options, "data.storage_options")
    root = _open_group(store, options)
    made_from, asked = root.attrs["config"], identity(config)
    recorded = made_from["sources"]
    for key in {**asked, **made_from}.keys() - _CHECKED_OTHERWISE:
        if asked.get(key) != made_from.get(key):
            raise _differs(store, f"data.{key}", made_from.get(key), asked.get(key))
    maps = ShardMaps()
    sources: dict[str, StoreSource] = {}
    names: list[str] = []
    for name, wanted in asked["sources"].items():
        if name not in recorded:
            raise DataError(f"{store}: this store holds {', '.join(recorded)}, no source {name}; {_AGAIN}.")
        _check_same(wanted, recorded[name], store, name)
        sources[name] = _open_source(root, store, name, config, catalogue, maps, options)
    for name in recorded:
        for array in root[name].attrs[RECORD]["arrays"]:
            metadata = root[f"{name}/{array}"].metadata.to_dict()
            names.extend(f"{name}/{array}/{shard}" for shard in shard_names(metadata))
    _check_whole(root, store, names)
    return sources


def require_needs(adapter: GriddedAdapter, store: str) -> None:
    """Refuse a store that lacks something that samples of the configuration can need.

    Args:
        adapter: The configuration's, reading the store.
        store: Its path or URL.

    Raises:
        DataError: Naming the first variable, time or cells that are missing.
    """
    options = expanded(adapter.config.storage_options, "data.storage_options")
    if dict(_open_group(store, options).attrs["config"]) == identity(adapter.config):
        return  # made for this very configuration
    for name, need in needs_of(adapter).items():
        source: Any = adapter.sources[name]
        for keys, timed in ((need.timed, True), (need.static, False)):
            for key in keys:
                if not source.holds(key, timed=timed):
                    raise lacking(store, name, f"the variable {key}")
        gone = [time for time in need.times if time not in set(source.stored)]
        if gone:
            raise lacking(store, name, f"{len(gone)} of {len(need.times)} times, the first is {gone[0]},")
        if need.box is not None and not source.box.contains(need.box):
            raise lacking(store, name, f"cells of the box {need.box} (it holds {source.box})")


def _open_group(store: str, options: Mapping[str, Any]) -> Any:
    import zarr
    from zarr.errors import GroupNotFoundError

    if is_local(store) and not Path(store).is_dir():
        raise DataError(f"{store}: there is no such training store; make it with `stride-data prepare`.")
    try:
        root = zarr.open_group(store, mode="r", storage_options=None if is_local(store) else dict(options))
    except Exception as exc:
        if not is_local(store) and not isinstance(exc, GroupNotFoundError):
            raise remote_error(store, exc, options) from None
        raise DataError(
            f"{store}: cannot be opened as a training store ({reason_of(exc, options)}); {_AGAIN}."
        ) from exc
    if root.attrs.get("stride_format") != FORMAT:
        raise DataError(f"{store}: is no training store; {_AGAIN}.")
    if root.attrs.get("stride_format_version") != FORMAT_VERSION:
        raise DataError(
            f"{store}: has format version {root.attrs.get('stride_format_version')}, this program reads "
            f"{FORMAT_VERSION}; {_AGAIN}."
        )
    return root


def _check_same(wanted: Mapping[str, Any], recorded: Mapping[str, Any], store: str, name: str) -> None:
    """Refuse a source that stands otherwise in the configuration than when the store was made."""
    for key in {**wanted, **recorded}:
        one, other = wanted.get(key), recorded.get(key)
        where = f"data.sources.{name}.{key}"
        if key == "variables":
            one, other = one or {}, other or {}
            gone = [variable for variable in one if variable not in other]
            if gone:
                raise lacking(store, name, f"the variable {gone[0]}")
            different = [variable for variable in one if one[variable] != other[variable]]
            if not different:
                continue
            one, other, where = one[different[0]], other[different[0]], f"{where}.{different[0]}"
        if one != other:
            raise _differs(store, where, other, one)


def _differs(store: str, key: str, recorded: Any, wanted: Any) -> DataError:
    return DataError(
        f"{store}: this store was made with {key} = {_said(recorded)}, but the configuration says {_said(wanted)}; "
        f"{_AGAIN}, or correct the key."
    )


def _said(value: Any) -> str:
    return "its default" if value in (None, {}) else str(value)


def _open_source(
    root: Any,
    store: str,
    name: str,
    config: DataConfig,
    catalogue: Catalogue,
    maps: ShardMaps,
    options: Mapping[str, Any],
) -> StoreSource:
    group = root[name]
    record = group.attrs[RECORD]
    calendar = str(record["calendar"])
    fields = {
        key: _field(record["fields"][key], catalogue, key, store, f"data.sources.{name}.variables")
        for key in config.sources[name].variables
    }
    arrays: dict[bool, dict[str, StoredArray]] = {True: {}, False: {}}
    for array, told in record["arrays"].items():
        metadata = group[array].metadata.to_dict()
        arrays[told["timed"]][told["key"]] = open_array(store, f"{name}/{array}", metadata, maps, options)

    def times(array: str) -> tuple[str, ...]:
        where = f"{store}/{name}"
        return tuple(decode_times(group[array][...], TIME_UNITS, calendar, where)) if array in group else ()

    return StoreSource(
        name,
        fields,
        read_grid(group, record["grid"]),
        calendar,
        times(f"{PREFIX}time"),
        record["origin"],
        store=store,
        box=stored_box(record),
        stored=times("time"),
        timed=arrays[True],
        static=arrays[False],
    )


def _field(told: Mapping[str, Any], catalogue: Catalogue, key: str, store: str, where: str) -> StoredField:
    try:
        spec = catalogue.get(key)
    except StrideError as exc:
        raise DataError(f"{where}: {exc}") from exc
    stored = VariableSpec.model_validate(told["spec"])
    if stored.units != spec.units:
        raise DataError(
            f"{store}: holds {key} in '{stored.units}', but the catalogue says '{spec.units}'; {_AGAIN}, or correct "
            "data.variables_file."
        )
    return StoredField(spec, told["name"], told["units"], told["valid_min"])


def _check_whole(root: Any, store: str, names: list[str]) -> None:
    """Refuse a store of which shards are missing: where there is no shard, Zarr's own rule is to read NaN."""
    if is_local(store):
        there = np.array([(Path(store) / name).exists() for name in names], bool)
    else:
        from zarr.core.sync import sync

        async def exist() -> list[bool]:
            return await asyncio.gather(*(root.store.exists(name) for name in names))

        there = np.array(sync(exist()), bool)
    if not there.all():
        raise DataError(
            f"{store}: only {int(there.sum())} of its {len(names)} shards are there, the first that is missing is "
            f"{names[int(there.argmin())]}; the command `stride-data prepare` that made it finishes it."
        )
