# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "stride-train",
#     "tensorstore",
#     "xbatcher",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-train = { path = "../packages/stride-train", editable = true }
# stride-data = { path = "../packages/stride-data", editable = true }
# stride-model = { path = "../packages/stride-model", editable = true }
# stride-vars = { path = "../packages/stride-vars", editable = true }
# ///
"""Speed of reading training samples: random 128 x 128 crops with their LR, context and static fields, as batches.

    uv run --script benchmarks/data_loading.py [--quick] [--json FILE] [--work FOLDER]

Every contender delivers the same batches of float32 arrays of the same crops in the same physical units, which is
checked; nothing is scaled, except in the last rows, which say so. Crops are new in every round, as in training;
contenders take turns; medians of the rounds are given. All files lie in the operating system's cache.

The archive is made by the script (per-day NetCDF, uncompressed, 5 GB; 0.7 GB with --quick); the DANRA days are used
too where the environment variable STRIDE_REALDATA says where they are. The ratios are those of the made archive.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

DAYS = {"quick": 600, "full": 4200}
CELLS = (384, 768)
RATIO = 16
CROP = 128
CONTEXT_MARGIN = 64  # HR cells
BATCH = 16
FIRST_DAY = np.datetime64("2000-01-01", "D")
LR_VARIABLES = ("prcp", "t2m", "msl")
LR_PARTS = {"dynamic", "context"}

KEPT_GB = 0.01  # decoded fields of the archive: those of a few samples, as if the archive were far larger than memory

Batch = dict[str, np.ndarray]
Deliver = Callable[[list["Request"]], Batch]


@dataclasses.dataclass(frozen=True)
class Request:
    """One sample: its time, and by part the first row and column, height and width of its box.

    The store holds the cells that samples can need, so its arrays (and their copies) have indices of their own.
    """

    time: str
    position: int
    day: str
    boxes: dict[str, tuple[int, int, int, int]]
    stored: dict[str, tuple[int, int, int, int]]

    def slices(self, part: str, *, stored: bool = False) -> tuple[slice, slice]:
        y, x, height, width = (self.stored if stored else self.boxes)[part]
        return slice(y, y + height), slice(x, x + width)


@dataclasses.dataclass
class Archive:
    """An archive, its configuration, and what peers must know to read it themselves."""

    name: str
    section: dict[str, Any]
    hr: str
    lr: str
    variables: dict[str, tuple[str, ...]]  # by part, the names in the file
    block: int  # edge of the blocks that make LR cells out of the LR file's
    factor: float  # LR file's units to canonical ones
    ground: Path
    statics: tuple[str, ...]
    gigabytes: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller archive, fewer rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where the archive is made (default: temporary)")
    parser.add_argument("--keep", action="store_true", help="leave the archive there")
    parser.add_argument("--rounds", type=int, help="turns of each contender (default 7, or 5 with --quick)")
    parser.add_argument("--days", type=int, help="days of the archive (default 4200, or 600 with --quick)")
    options = parser.parse_args()
    rounds = options.rounds or (5 if options.quick else 7)
    days = options.days or DAYS["quick" if options.quick else "full"]
    results: dict[str, Any] = {"quick": options.quick, "rounds": rounds, "cpus": os.cpu_count(), "archives": {}}
    with work_folder(options.work, keep=options.keep) as work:
        synthetic = make_archive(work / "synthetic", days)
        archives = [synthetic]
        if folder := os.environ.get("STRIDE_REALDATA"):
            archives.insert(0, danra(Path(folder) / "danra_era5_small"))
        for archive in archives:
            results["archives"][archive.name] = measure_archive(archive, work / f"stores-{archive.name}", rounds)
        ours = results["archives"][synthetic.name]["samples_per_second"]
        results["store_over_xarray"] = ours["store"] / ours["xarray, a file a sample"]
        results["store_over_xbatcher"] = ours["store"] / ours["xbatcher on the store"]
        results["store_over_memmap"] = ours["store"] / ours["np.memmap"]
        results["trainer"] = measure_trainer(synthetic, work, steps=20 if options.quick else 60)
        results["trainer_wait_share"] = results["trainer"]["wait_share"]
        results["statistics"] = measure_statistics(synthetic, work)
        results["stats_peak_gb"] = results["statistics"]["peak_gb"]
        results["stats_over_read"] = results["statistics"]["seconds"] / results["statistics"]["read_seconds"]
    show(results)
    if options.json:
        part = options.json.with_name(options.json.name + ".part")
        part.write_text(json.dumps(results, indent=2) + "\n")
        part.replace(options.json)


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def work_folder(folder: Path | None, *, keep: bool) -> Iterator[Path]:
    """The folder for archives and stores, removed at the end unless it is to be kept."""
    made = folder is None
    folder = Path(tempfile.mkdtemp(prefix="stride-benchmark-")) if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    finally:
        for name in ("synthetic", "stores-synthetic", "stores-danra", "run", "statistics") if not keep else ():
            shutil.rmtree(folder / name, ignore_errors=True)
        if made and not keep:
            folder.rmdir()


# The archives


def make_archive(root: Path, days: int) -> Archive:
    """Rain of known seed at 384 x 768 cells, and three variables at a sixteenth of it; what is there is kept."""
    import netCDF4

    dates = [str(FIRST_DAY + day).replace("-", "") for day in range(days)]
    if not (root / "ground.nc").exists():
        for folder in ("hr", "lr"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    def write(path: Path, step: int, day: int | None, fields: dict[str, tuple[str, np.ndarray]]) -> None:
        with netCDF4.Dataset(path, "w") as file:
            for name, size in (("y", CELLS[0] // step), ("x", CELLS[1] // step)):
                file.createDimension(name, size)
                axis = file.createVariable(name, "f8", (name,))
                axis.units, axis.axis = "m", name.upper()
                axis[:] = (np.arange(size) + 0.5) * 2500.0 * step
            dims: tuple[str, ...] = ("y", "x")
            if day is not None:
                file.createDimension("time", 1)
                axis = file.createVariable("time", "f8", ("time",))
                axis.units = f"days since {FIRST_DAY}"
                axis[:] = day
                dims = ("time", "y", "x")
            for name, (units, values) in fields.items():
                variable = file.createVariable(name, "f4", dims)
                variable.units = units
                variable[:] = values

    coarse = (CELLS[0] // RATIO, CELLS[1] // RATIO)
    missing = [day for day in range(days) if not (root / "lr" / f"lr_{dates[day]}.nc").exists()]
    for count, day in enumerate(missing):
        if count % 500 == 0:
            say(f"making the archive: day {day} of {days}")
        rng = np.random.default_rng((20, day))
        rain = np.maximum(rng.standard_normal(CELLS, np.float32) * 6 - 2, 0)
        write(root / "hr" / f"hr_{dates[day]}.nc", 1, day, {"prcp": ("mm day-1", rain)})
        blocks = rain.reshape(coarse[0], RATIO, coarse[1], RATIO).mean(axis=(1, 3))
        others = rng.standard_normal((2, *coarse), np.float32)
        fields = {
            "prcp": ("mm day-1", blocks),
            "t2m": ("K", 280 + 8 * others[0]),
            "msl": ("hPa", 1010 + 10 * others[1]),
        }
        write(root / "lr" / f"lr_{dates[day]}.nc", RATIO, day, fields)
    height = 100 * np.abs(np.random.default_rng(3).standard_normal(CELLS, np.float32))
    write(root / "ground.nc", 1, None, {"orog": ("m", height), "lsm": ("1", (height > 50).astype(np.float32))})
    last, middle = FIRST_DAY + days - 1, FIRST_DAY + int(days * 0.9)
    section = {
        "root": str(root),
        "sources": {
            "hr": {"files": "hr/hr_{date:%Y%m%d}.nc", "variables": {"prcp": {}}},
            "lr": {"files": "lr/lr_{date:%Y%m%d}.nc", "variables": {name: {} for name in LR_VARIABLES}},
            "ground": {"files": "ground.nc", "variables": {"orog": {}, "lsm": {}}},
        },
        "target": ["hr.prcp"],
        "dynamic": [f"lr.{name}" for name in LR_VARIABLES],
        "static": ["ground.orog", "ground.lsm"],
        "region": {
            "hr": {"y": 128, "x": 256, "height": CROP, "width": CROP},
            "shuffle": {"y": 0, "x": 0, "height": CELLS[0], "width": CELLS[1]},
        },
        "splits": {"train": {"end": str(middle)}, "val": {"start": str(middle + 1), "end": str(last)}},
    }
    files = [path for folder in ("hr", "lr") for path in (root / folder).iterdir()]
    return Archive(
        "synthetic",
        with_context(section, [f"lr.{name}" for name in LR_VARIABLES]),
        str(root / "hr" / "hr_{}.nc"),
        str(root / "lr" / "lr_{}.nc"),
        {"target": ("prcp",), "dynamic": LR_VARIABLES},
        1,
        1.0,
        root / "ground.nc",
        ("orog", "lsm"),
        sum(path.stat().st_size for path in files) / 1e9,
    )


def danra(root: Path) -> Archive:
    """The DANRA days; LR cells are means of 16 x 16 cells of the interpolated ERA5, so that 128 is whole LR cells."""
    section = {
        "root": str(root),
        "sources": {
            "danra": {
                "files": "danra/tp_tot_{date:%Y%m%d}.nc",
                "variables": {"prcp": {"name": "tp_tot", "accumulation": "1 day"}},
            },
            "era5": {
                "files": "era5/tp_589x789_{date:%Y%m%d}.nc",
                "block_average": RATIO,
                "variables": {"prcp": {"name": "tp", "accumulation": "1 day"}},
            },
            "ground": {"files": "static/topo_lsm.nc", "variables": {"orog": {"name": "topo"}, "lsm": {}}},
        },
        "target": ["danra.prcp"],
        "dynamic": ["era5.prcp"],
        "static": ["ground.orog", "ground.lsm"],
        "region": {
            "hr": {"y": 128, "x": 352, "height": CROP, "width": CROP},
            "shuffle": {"y": 0, "x": 0, "height": 384, "width": 768},
        },
        "splits": {"train": {"years": [1991, 2012]}, "val": {"years": [2013, 2015]}},
    }
    files = [path for folder in ("danra", "era5") for path in (root / folder).glob("*.nc")]
    return Archive(
        "danra",
        with_context(section, ["era5.prcp"]),
        str(root / "danra" / "tp_tot_{}.nc"),
        str(root / "era5" / "tp_589x789_{}.nc"),
        {"target": ("tp_tot",), "dynamic": ("tp",)},
        RATIO,
        1000.0,
        root / "static" / "topo_lsm.nc",
        ("topo", "lsm"),
        sum(path.stat().st_size for path in files) / 1e9,
    )


def with_context(section: dict[str, Any], channels: list[str]) -> dict[str, Any]:
    """The section with a context of the LR variables in a wider box, where this version of stride-data has one."""
    from stride_data.config import DataConfig

    if "context" not in DataConfig.model_fields:
        return section
    region = {**section["region"], "context": {"margin": CONTEXT_MARGIN}}
    return {**section, "region": region, "context": channels}


def without_context(section: dict[str, Any]) -> dict[str, Any]:
    """The section as danra-era5-small has it, without context; crops stay where those with context may begin."""
    kept = {key: value for key, value in section.items() if key != "context"}
    region = {key: value for key, value in section["region"].items() if key != "context"}
    margin = CONTEXT_MARGIN if "context" in section else 0
    inside = {"height": CELLS[0] - 2 * margin, "width": CELLS[1] - 2 * margin}
    return {**kept, "region": {**region, "shuffle": {"y": margin, "x": margin, **inside}}}


# The contenders


def measure_archive(archive: Archive, work: Path, rounds: int) -> dict[str, Any]:
    """Samples per second of each contender."""
    from stride_data.adapter import GriddedAdapter
    from stride_data.config import validate_data_config
    from stride_data.store.prepare import plan_store, prepare_store

    def adapter(**changes: Any) -> GriddedAdapter:
        return GriddedAdapter.from_config(validate_data_config({**archive.section, **changes}, "benchmark"))

    store = work / "store.zarr"
    begun = time.perf_counter()
    prepare_store(plan_store(direct := adapter(cache_gb=KEPT_GB)), store)
    seconds = time.perf_counter() - begun
    say(f"{archive.name}: store prepared in {seconds:.0f} s")
    stored = adapter(store=str(store))
    arrays = plain_arrays(store, work, direct)
    contenders: dict[str, tuple[Deliver, int]] = {  # with the samples of one round
        "xarray, a file a sample": (xarray_files(archive), 2),
        "xbatcher on the store": (xbatcher_on(store, stored), 2),
        "np.memmap": (memmap(arrays), 16),
        "archive, 10 MB kept": (ours(direct), 2),
        "store": (ours(stored), 16),
        "store by zarr-python": (ours(by_zarr(adapter(store=str(store)), store)), 2),
        "store by tensorstore": (tensorstore_on(store, stored), 16),
        "xbatcher on np.memmap": (xbatcher_on(store, stored, arrays), 8),
    }
    found: dict[str, list[float]] = {name: [] for name in contenders}
    warm(archive, work)
    for turn in range(rounds + 1):  # the first turn compares, and lets each contender open and remember what it does
        same = requests(stored, np.random.default_rng((8, turn)), BATCH * (16 if turn else 128))
        expected = contenders["archive, 10 MB kept"][0](same[:BATCH])
        for name, (deliver, batches) in contenders.items():
            batches = batches if turn or batches < 16 else 128
            taken = [same[start : start + BATCH] for start in range(0, BATCH * batches, BATCH)]
            prepared = getattr(deliver, "prepare", None)
            if prepared is not None:
                prepared([request for batch in taken for request in batch])
            begun = time.perf_counter()
            delivered = [deliver(batch) for batch in taken]
            found[name].append(BATCH * batches / (time.perf_counter() - begun))
            compare(delivered[0], expected, name)
        say(f"{archive.name}: round {turn} of {rounds}")
    rates = {name: statistics.median(values[1:]) for name, values in found.items()}
    rates |= measure_scaled(adapter, store, rounds)
    return {
        "gigabytes": archive.gigabytes,
        "days": len(direct.sources[direct.target_names[0].split(".")[0]].times),
        "shapes": {part: list(values.shape[1:]) for part, values in expected.items()},
        "prepare_seconds": seconds,
        "samples_per_second": rates,
    }


def warm(archive: Archive, work: Path) -> None:
    """Read all files once, so that they lie in the system's cache; says so where they cannot."""
    roots = (Path(archive.section["root"]), work)
    files = [path for root in roots for path in root.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    memory = int(told["MemAvailable"].split()[0]) * 1024
    if size > 0.9 * memory:
        say(f"{archive.name}: {size / 1e9:.0f} GB of files, {memory / 1e9:.0f} GB of memory: not all will be warm")
    block = bytearray(2**22)
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.readinto(block):
                pass


def compare(got: Batch, expected: Batch, name: str) -> None:
    """Every contender delivers the same numbers."""
    assert got.keys() == expected.keys(), (name, list(got), list(expected))
    for part, values in expected.items():
        assert got[part].dtype == np.float32, (name, part)
        np.testing.assert_allclose(got[part], values, rtol=2e-6, atol=1e-6, err_msg=f"{name}: {part}")


def requests(adapter: Any, rng: np.random.Generator, count: int) -> list[Request]:
    """Random times and places, and where the boxes of each part lie."""
    times, crops = adapter.times("train"), adapter.geometry.crops
    all_times = adapter.sources[adapter.target_names[0].split(".")[0]].times
    positions = {time: position for position, time in enumerate(all_times)}
    found: list[Request] = []
    for _ in range(count):
        time_ = times[rng.integers(len(times))]
        y, x = crops.rows[rng.integers(len(crops.rows))], crops.columns[rng.integers(len(crops.columns))]
        hr = adapter.region.hr.model_copy(update={"y": int(y), "x": int(x)})
        found.append(Request(time_, positions[time_], time_[:10].replace("-", ""), *boxes_of(adapter, hr)))
    return found


def boxes_of(adapter: Any, hr: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """First row and column, height and width of each part's box, from the HR box; in the archive and in the store."""
    boxes = {"target": hr, "static": hr, "dynamic": adapter.geometry.lr_box(hr)}
    if "context" in names_of(adapter):
        boxes["context"] = adapter.geometry.context_box(hr)
    origins = {part: adapter.sources[names[0].split(".")[0]].box for part, names in names_of(adapter).items()}
    archive = {part: (box.y, box.x, box.height, box.width) for part, box in boxes.items()}
    stored = {part: (y - origins[part].y, x - origins[part].x, *size) for part, (y, x, *size) in archive.items()}
    return archive, stored


def names_of(adapter: Any) -> dict[str, tuple[str, ...]]:
    """``source.key`` of the channels of each part."""
    names = {"target": adapter.target_names, "static": adapter.static_names, "dynamic": adapter.cond_names}
    context = getattr(adapter, "context_names", ())
    return {**names, "context": context} if context else names


def ours(adapter: Any) -> Deliver:
    """Batches of physical fields, as transforms see them."""
    from stride_vars.regions import Box

    parts = list(names_of(adapter))

    def deliver(batch: list[Request]) -> Batch:
        places = ((request.boxes["target"][0], request.boxes["target"][1]) for request in batch)
        boxes = [Box(y=y, x=x, height=CROP, width=CROP) for y, x in places]
        found = adapter.field_batch([request.time for request in batch], boxes)
        return {part: getattr(found, part) for part in parts}

    return deliver


def xarray_files(archive: Archive) -> Deliver:
    """Opening the day's files for every sample; static fields are read once."""
    import xarray as xr

    with xr.open_dataset(archive.ground) as ground:
        statics = np.stack([ground[name].values for name in archive.statics]).astype(np.float32)

    def coarse(dataset: Any, request: Request, part: str) -> np.ndarray:
        rows, columns = request.slices(part)
        block = archive.block
        fine = {
            "y": slice(rows.start * block, rows.stop * block),
            "x": slice(columns.start * block, columns.stop * block),
        }
        values = np.stack([dataset[name].isel(time=0, **fine).values for name in archive.variables["dynamic"]])
        if block > 1:
            shape = (len(values), rows.stop - rows.start, block, columns.stop - columns.start, block)
            values = (values.astype(np.float32) * np.float32(archive.factor)).reshape(shape)
            values = values.mean(axis=(2, 4), dtype=np.float64)
        return values.astype(np.float32)

    def deliver(batch: list[Request]) -> Batch:
        parts: dict[str, list[np.ndarray]] = {part: [] for part in batch[0].boxes}
        for request in batch:
            rows, columns = request.slices("target")
            with xr.open_dataset(archive.hr.format(request.day)) as dataset:
                (name,) = archive.variables["target"]
                parts["target"].append(dataset[name].isel(y=rows, x=columns).values.astype(np.float32))
            with xr.open_dataset(archive.lr.format(request.day)) as dataset:
                for part in LR_PARTS & batch[0].boxes.keys():
                    parts[part].append(coarse(dataset, request, part))
            parts["static"].append(statics[:, rows, columns])
        return {part: np.stack(values) for part, values in parts.items()}

    return deliver


def plain_arrays(store: Path, work: Path, adapter: Any) -> dict[str, list[np.ndarray]]:
    """The store's arrays as plain files, mapped: what somebody writes by hand for speed."""
    import zarr

    arrays: dict[str, np.ndarray] = {}
    for name in (*adapter.target_names, *adapter.cond_names, *adapter.static_names):
        path = work / f"{name}.npy"
        source, key = name.split(".")
        array = zarr.open_array(store, path=f"{source}/{key}", mode="r")
        if not path.exists():
            written = np.lib.format.open_memmap(path, "w+", np.float32, array.shape)
            for start in range(0, array.shape[0], array.shards[0]):
                written[start : start + array.shards[0]] = array[start : start + array.shards[0]]
            del written
        arrays[name] = np.load(path, mmap_mode="r")
    return {part: [arrays[name] for name in names] for part, names in names_of(adapter).items()}


def memmap(arrays: dict[str, Any]) -> Deliver:
    """Plain mapped arrays, copied straight into the batch."""

    def deliver(batch: list[Request]) -> Batch:
        found: Batch = {}
        for part, channels in arrays.items():
            shape = batch[0].boxes[part][2:]
            out = found[part] = np.empty((len(batch), len(channels), *shape), np.float32)
            for i, request in enumerate(batch):
                rows, columns = request.slices(part, stored=True)
                for channel, array in enumerate(channels):
                    out[i, channel] = (
                        array[rows, columns] if part == "static" else array[request.position, rows, columns]
                    )
        return found

    return deliver


def xbatcher_on(store: Path, adapter: Any, arrays: dict[str, Any] | None = None) -> Deliver:
    """xbatcher's patches, one generator for each shape of box; the generators are made before the clock starts.

    Patches of all days would fill the memory, so the generators hold the days of the round.
    """
    import xarray as xr
    import xbatcher

    groups = {name: xr.open_zarr(store, group=name, chunks=None) for name in adapter.sources}
    names = names_of(adapter)
    crops = adapter.geometry.crops
    step, counts = crops.rows[1] - crops.rows[0], (len(crops.rows), len(crops.columns))
    generators: dict[str, Any] = {}
    places: dict[str, int] = {}

    def dataset(part: str, days: list[int], first: Request, last: Request) -> Any:
        (y0, x0, *_), (y1, x1, height, width) = first.stored[part], last.stored[part]
        chosen = {"y": slice(y0, y1 + height), "x": slice(x0, x1 + width)}
        if arrays is None:
            fields = {name: groups[name.split(".")[0]][name.split(".")[1]] for name in names[part]}
        else:
            dims = ("y", "x") if part == "static" else ("time", "y", "x")
            fields = {name: (dims, array) for name, array in zip(names[part], arrays[part], strict=True)}
        fields = xr.Dataset(fields).isel(**chosen)
        return fields if part == "static" else fields.isel(time=days)

    def prepare(batch: list[Request]) -> None:
        generators.clear()
        places.clear()
        days = sorted({request.position for request in batch})
        places.update({"rows": crops.rows[0], "columns": crops.columns[0]})
        first, last = (corner(adapter, rows, columns) for rows, columns in ((0, 0), (-1, -1)))
        places.update({str(day): position for position, day in enumerate(days)})
        fine = xr.merge([dataset("target", days, first, last), dataset("static", days, first, last)], join="override")
        for part, fields in (("fine", fine), *((p, dataset(p, days, first, last)) for p in names.keys() & LR_PARTS)):
            height, width = first.boxes["target" if part == "fine" else part][2:]
            stride = step if part == "fine" else step // RATIO
            generators[part] = xbatcher.BatchGenerator(
                fields.drop_vars(["y", "x"], errors="ignore"),
                input_dims={"time": 1, "y": height, "x": width},
                input_overlap={"y": height - stride, "x": width - stride},
            )

    def deliver(batch: list[Request]) -> Batch:
        parts: dict[str, list[np.ndarray]] = {part: [] for part in batch[0].boxes}
        for request in batch:
            row = (request.boxes["target"][0] - places["rows"]) // step
            column = (request.boxes["target"][1] - places["columns"]) // step
            index = (places[str(request.position)] * counts[0] + row) * counts[1] + column
            fine = generators["fine"][index]
            parts["target"].append(np.stack([fine[name].values[0] for name in names["target"]]))
            parts["static"].append(np.stack([fine[name].values for name in names["static"]]))
            for part in parts.keys() & LR_PARTS:
                patch = generators[part][index]
                parts[part].append(np.stack([patch[name].values[0] for name in names[part]]))
        return {part: np.stack(values) for part, values in parts.items()}

    deliver.prepare = prepare  # type: ignore[attr-defined]
    return deliver


def corner(adapter: Any, row: int, column: int) -> Request:
    """The boxes of the first or the last place where a crop may begin."""
    crops = adapter.geometry.crops
    hr = adapter.region.hr.model_copy(update={"y": crops.rows[row], "x": crops.columns[column]})
    return Request("", 0, "", *boxes_of(adapter, hr))


def by_zarr(adapter: Any, store: Path) -> Any:
    """The adapter with zarr-python in the place of our reader."""
    from stride_data.store.source import ZarrArray

    for name, source in adapter.sources.items():
        source._timed = {key: ZarrArray(str(store), f"{name}/{key}") for key in source._timed}
    return adapter


def tensorstore_on(store: Path, adapter: Any) -> Deliver:
    """The store's arrays by tensorstore, read straight into the batch; static fields are kept in memory."""
    import tensorstore as ts

    def opened(name: str) -> Any:
        path = str(store / name.replace(".", "/"))
        return ts.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": path}}, read=True).result()

    arrays = {part: [opened(name) for name in names] for part, names in names_of(adapter).items()}
    arrays["static"] = [np.asarray(array.read().result()) for array in arrays["static"]]

    def read(batch: list[Request]) -> Batch:
        found: Batch = {}
        pending: list[Any] = []
        for part, channels in arrays.items():
            out = found[part] = np.empty((len(batch), len(channels), *batch[0].boxes[part][2:]), np.float32)
            for i, request in enumerate(batch):
                rows, columns = request.slices(part, stored=True)
                for channel, array in enumerate(channels):
                    if part == "static":
                        out[i, channel] = array[rows, columns]
                    else:
                        pending.append((out, i, channel, array[request.position, rows, columns].read()))
        for out, i, channel, reading in pending:
            out[i, channel] = reading.result()
        return found

    return read


def measure_scaled(adapter: Callable[..., Any], store: Path, rounds: int) -> dict[str, float]:
    """Our whole contract batches: crops drawn, fields scaled, torch tensors with coordinates and masks."""
    from stride_data.loaders import make_loader

    found: dict[str, float] = {}
    stored = adapter(store=str(store))
    stored.load_statistics(stored.compute_statistics())
    cached = adapter(cache_gb=KEPT_GB)
    cached.load_statistics(stored.statistics)
    for name, one, batches in (
        ("archive, 10 MB kept: scaled, by the loader", cached, 2),
        ("store: scaled, by the loader", stored, 16),
    ):
        loader = make_loader(one, "train", batch_size=BATCH, seed=1, shuffle=True, crops_per_field=8)
        rates: list[float] = []
        for turn in range(rounds + 1):
            loader.set_epoch(turn)
            iterator = iter(loader)
            begun = time.perf_counter()
            count = sum(1 for _, batch in zip(range(batches), iterator, strict=False))
            rates.append(count * BATCH / (time.perf_counter() - begun))
        found[name] = statistics.median(rates[1:])
    return found


# The trainer


def measure_trainer(archive: Archive, work: Path, steps: int) -> dict[str, float]:
    """Share of its time that the real trainer waits for the default loader, with the default model, on the CPU."""
    from stride_data.config import validate_data_config
    from stride_train.config import ExperimentConfig
    from stride_train.run_folder import RunFolder
    from stride_train.training import run as training
    from stride_train.training.trainer import Trainer

    say("training")
    waited: list[float] = []
    marks: list[float] = []
    batches = Trainer._batches

    def timed(self: Any, steps_done: int) -> Iterator[dict[str, Any]]:
        iterator = batches(self, steps_done)
        while True:
            begun = time.perf_counter()
            batch = next(iterator)
            marks.append(time.perf_counter())
            waited.append(marks[-1] - begun)
            yield batch

    section = without_context(archive.section)
    section["store"] = str(work / f"stores-{archive.name}" / "store.zarr")
    config = ExperimentConfig.model_validate(
        {
            "name": "benchmark",
            "seed": 1,
            "data": validate_data_config(section, "benchmark"),
            # As danra-era5-small.yaml has it.
            "train": {
                "budget": f"{steps}steps",
                "batch_size": 4,
                "crops_per_field": 4,
                "accelerator": "cpu",
                "checkpoint_every": "1000000steps",
                "monitor": {"every": "1000000steps", "cases": 0},
            },
        }
    )
    Trainer._batches = timed  # type: ignore[method-assign]
    try:
        run = RunFolder(work / "run")
        shutil.rmtree(run.path, ignore_errors=True)
        run.path.mkdir(parents=True)
        training.train(config, run, resume=False)
    finally:
        Trainer._batches = batches  # type: ignore[method-assign]
    # The first steps make buffers and start threads.
    skip = min(5, steps // 4)
    total = marks[-1] - marks[skip]
    return {
        "steps": steps,
        "step_seconds": total / (len(marks) - 1 - skip),
        "wait_share": sum(waited[skip + 1 :]) / total,
    }


# The statistics


def measure_statistics(archive: Archive, work: Path) -> dict[str, float]:
    """Time and memory of `stride-data stats` in its own process, and the time to read the same bytes once."""
    import yaml

    say("statistics")
    folder = work / "statistics"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "data.yaml"
    # Every day is in the training split.
    splits = {"train": {"start": str(FIRST_DAY)}}
    config.write_text(yaml.safe_dump({"data": {**archive.section, "splits": splits}}))
    files = sorted(Path(archive.section["root"]).rglob("*.nc"))
    sum(len(path.read_bytes()) for path in files)  # into the system's cache, as far as it goes
    begun = time.perf_counter()
    size = sum(len(path.read_bytes()) for path in files)
    read_seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    command = [sys.executable, "-m", "stride_data.cli", "stats", str(config), "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(resident, [process.pid, *children(process.pid)])))
        time.sleep(0.02)
    if process.returncode:
        sys.exit("stride-data stats failed")
    seconds = time.perf_counter() - begun
    return {"gigabytes": size / 1e9, "seconds": seconds, "read_seconds": read_seconds, "peak_gb": peak / 1e9}


def resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def children(pid: int) -> list[int]:
    """Processes started by a process, and by those."""
    try:
        found = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return found + [grandchild for child in found for grandchild in children(child)]


def show(results: dict[str, Any]) -> None:
    """The tables."""
    for name, found in results["archives"].items():
        shapes = ", ".join(f"{part} {' x '.join(map(str, shape))}" for part, shape in found["shapes"].items())
        print(f"\n{name}: {found['days']} days, {found['gigabytes']:.2f} GB of files; a sample: {shapes}")
        print(f"store prepared in {found['prepare_seconds']:.1f} s; batches of {BATCH}; not scaled unless said")
        print(f"{'':46}{'samples/s':>12}{'ms/sample':>12}{'store is':>12}")
        rates = found["samples_per_second"]
        for contender, rate in rates.items():
            ratio = f"{rates['store'] / rate:11.2f}x" if "scaled" not in contender else ""
            print(f"{contender:46}{rate:12.0f}{1000 / rate:12.3f}{ratio:>12}")
    trainer, stats = results["trainer"], results["statistics"]
    print(f"\ntrainer on the CPU: {trainer['step_seconds']:.3f} s a step, of which waiting {trainer['wait_share']:.2%}")
    print(
        f"stride-data stats of {stats['gigabytes']:.2f} GB: {stats['seconds']:.1f} s, {stats['peak_gb']:.2f} GB of "
        f"memory; reading the files once takes {stats['read_seconds']:.1f} s\n"
    )
    for key in (
        "store_over_xarray",
        "store_over_xbatcher",
        "store_over_memmap",
        "trainer_wait_share",
        "stats_peak_gb",
        "stats_over_read",
    ):
        print(f"{key}: {results[key]:.4g}")


if __name__ == "__main__":
    main()
