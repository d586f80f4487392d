# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "stride-eval",
#     "dask",
#     "numba",
#     "scores",
#     "scoringrules",
#     "xskillscore",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-15T00:00:00Z"
#
# [tool.uv.sources]
# stride-eval = { path = "../packages/stride-eval", editable = true }
# stride-vars = { path = "../packages/stride-vars", editable = true }
# ///
"""Speed and memory of the scores: our CRPS against its peers, and the memory of the probabilistic family out of core.

    uv run --script benchmarks/evaluation.py [--quick] [--json FILE]

The peers (xskillscore with numba, scoringrules, scores) are installed into the script's own environment. Every
measurement runs in a fresh process, so that its memory is its own; the implementations take turns, several rounds, and
medians are given. The clock starts when code is compiled ("import s" is what importing and compiling took). Memory is
what the process takes beyond its state with imports done, inputs built and code compiled.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CASES = {  # days, members, rows, columns
    "small": (10, 16, 128, 128),
    "large": (50, 32, 128, 128),
}
SUITES = {"quick": (40, 8, 96), "full": (120, 16, 192)}  # dates, members, rows and columns
STORES = {"quick": (90, 32, 256, 256), "full": (365, 32, 256, 256)}
PEERS = ("stride fair", "stride ecdf", "xskillscore", "without numba", "scoringrules pwm", "scores fair")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small case and a quarter of the days")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each implementation (default 3)")
    parser.add_argument("--memory-limit-gb", type=float, default=8.0, help="an implementation that asks for more fails")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(WORKERS[options.worker[0]](*options.worker[1:], limit=options.memory_limit_gb)))
        return
    results: dict[str, Any] = {"quick": options.quick, "rounds": options.rounds}
    results |= {"memory_limit_gb": options.memory_limit_gb, "crps": {}}
    for case in ["small"] if options.quick else list(CASES):
        results["crps"][case] = compare_crps(case, options.rounds, options.memory_limit_gb)
    small = results["crps"]["small"]
    if failed := small["stride fair"].get("failed"):
        sys.exit(f"our own CRPS failed: {failed}")
    peer = small["xskillscore"].get("seconds")
    results["crps_vs_xskillscore"] = None if peer is None else peer / small["stride fair"]["seconds"]
    results["probabilistic"] = measure_probabilistic(
        STORES["quick" if options.quick else "full"], options.memory_limit_gb
    )
    results["probabilistic_peak_gb"] = results["probabilistic"].get("peak_gb")
    results["suite"] = measure_suite(SUITES["quick" if options.quick else "full"], options.memory_limit_gb)
    results["suite_over_read"] = results["suite"].get("ratio")
    show(results)
    if options.json:
        part = options.json.with_name(options.json.name + ".part")
        part.write_text(json.dumps(results, indent=2) + "\n")
        part.replace(options.json)


def compare_crps(case: str, rounds: int, limit: float) -> dict[str, dict[str, Any]]:
    """Seconds and extra memory of each implementation, in turn."""
    runs: dict[str, list[dict]] = {name: [] for name in PEERS}
    for turn in range(rounds):
        for name in PEERS:
            if turn and "failed" in runs[name][0]:
                continue
            print(f"  CRPS, {case} case, round {turn + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
            runs[name].append(in_fresh_process("crps", name, case, limit=limit))
    return {
        name: {"failed": found[0]["failed"]}
        if "failed" in found[0]
        else {
            key: statistics.median(run[key] for run in found)
            for key in ("seconds", "cpu_seconds", "load_seconds", "extra_gb", "mean")
        }
        for name, found in runs.items()
    }


def measure_probabilistic(shape: tuple[int, ...], limit: float) -> dict[str, Any]:
    """The probabilistic family in full of a saved ensemble."""
    print(f"  the probabilistic family of {' x '.join(map(str, shape))} values on disk", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="stride-benchmark-") as folder:
        store = str(Path(folder) / "ensemble.zarr")
        in_fresh_process("write", store, *map(str, shape), limit=limit)
        read = in_fresh_process("read", store, limit=limit)
        scored = in_fresh_process("probabilistic", store, limit=limit)
    values = shape[0] * shape[1] * shape[2] * shape[3]
    return {"shape": shape, "input_gb": 4 * values / 1e9, "read_seconds": read.get("seconds"), **scored}


def measure_suite(size: tuple[int, int, int], limit: float) -> dict[str, Any]:
    """Every family, figures included, over reading each chunk once."""
    print(
        f"  the full suite of {size[0]} dates, {size[1]} members, {size[2]} pixels a side", file=sys.stderr, flush=True
    )
    with tempfile.TemporaryDirectory(prefix="stride-benchmark-") as folder:
        return {"size": size, **in_fresh_process("suite", folder, *map(str, size), limit=limit)}


def in_fresh_process(*arguments: str, limit: float) -> dict[str, Any]:
    """What a worker prints, or how it failed."""
    command = [sys.executable, __file__, "--memory-limit-gb", str(limit), "--worker", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended by signal {-done.returncode}"]
        return {"failed": lines[-1][:100]}
    return json.loads(done.stdout.splitlines()[-1])


def crps_worker(name: str, case: str, *, limit: float) -> dict[str, float]:
    """One implementation: compiled on a few points, then measured on all."""
    import numpy as np
    import xarray as xr

    start = time.perf_counter()
    score = CRPS[name]()
    loaded = time.perf_counter() - start
    rng = np.random.default_rng(1)
    days, members, rows, columns = CASES[case]

    def draw(days: int) -> tuple[xr.DataArray, xr.DataArray]:
        """Rain: most values are exactly zero."""
        values = np.maximum(rng.normal(-0.5, 1, (days, members + 1, rows, columns)), 0).astype(np.float32)
        forecast = xr.DataArray(np.ascontiguousarray(values[:, 1:]), dims=("time", "member", "y", "x"))
        return forecast, xr.DataArray(np.ascontiguousarray(values[:, 0]), dims=("time", "y", "x"))

    few = [array.isel(y=slice(4)) for array in draw(1)]
    start = time.perf_counter()
    score(*few)
    loaded += time.perf_counter() - start
    pair = draw(days)
    limit_memory(limit)
    before = reset_peak()
    start, cpu = time.perf_counter(), time.process_time()
    result = score(*pair)
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - cpu,
        "load_seconds": loaded,
        "extra_gb": peak() - before,
        "mean": float(np.mean(np.asarray(result, np.float64))),
    }


def stride(estimator: str) -> Callable:
    """Our CRPS of every point."""
    from stride_eval.metrics.crps import crps_ensemble

    return lambda forecast, observed: crps_ensemble(forecast, observed, estimator=estimator)  # type: ignore[arg-type]


def xskillscore() -> Callable:
    """Its CRPS of every point (ecdf; compiled, since numba is installed)."""
    import numba  # noqa: F401
    import xskillscore as xs

    return lambda forecast, observed: xs.crps_ensemble(observed, forecast, member_dim="member", dim=[])


def xskillscore_without_numba() -> Callable:
    """The same, as it is where numba is not installed."""
    sys.modules["numba"] = None  # type: ignore[assignment]
    import xskillscore as xs

    return lambda forecast, observed: xs.crps_ensemble(observed, forecast, member_dim="member", dim=[])


def scoringrules() -> Callable:
    """Its lean fair estimator on arrays."""
    import scoringrules as sr

    return lambda forecast, observed: sr.crps_ensemble(observed.values, forecast.values, m_axis=1, estimator="pwm")


def scores() -> Callable:
    """Its fair CRPS of every point."""
    from scores.probability import crps_for_ensemble

    return lambda forecast, observed: crps_for_ensemble(
        forecast, observed, "member", method="fair", preserve_dims="all"
    )


CRPS = {
    "stride fair": lambda: stride("fair"),
    "stride ecdf": lambda: stride("ecdf"),
    "xskillscore": xskillscore,
    "without numba": xskillscore_without_numba,
    "scoringrules pwm": scoringrules,
    "scores fair": scores,
}


def write_worker(store: str, *shape: str, limit: float) -> dict[str, Any]:
    """A rain-like saved ensemble with its observation, a day in a chunk, uncompressed, written day by day."""
    import numpy as np
    import zarr
    from stride_vars.catalogue import Catalogue
    from stride_vars.ensemble_format import EnsembleAttrs
    from stride_vars.ensemble_variables import variable_attrs

    days, members, rows, columns = map(int, shape)
    rng = np.random.default_rng(2)
    spec = Catalogue.load().get("prcp")
    root = zarr.create_group(store, attributes=dict(EnsembleAttrs(targets=(spec.key,), seed=2).to_attrs()))
    made = {}
    for name, dims in {"ensemble": ("time", "member", "y", "x"), "target": ("time", "y", "x")}.items():
        sizes = {"time": days, "member": members, "y": rows, "x": columns}
        group = root.create_group(name)
        made[name] = group.create_array(
            spec.key,
            shape=[sizes[dim] for dim in dims],
            chunks=[1, *(sizes[dim] for dim in dims[1:])],
            dtype="float32",
            compressors=None,
            dimension_names=dims,
            attributes=variable_attrs(spec),
        )
        axes = {"y": ({"units": "m"}, 2500.0), "x": ({"units": "m"}, 2500.0), "member": ({}, 1)}
        for dim in dims:
            attributes, step = axes.get(dim, ({"units": "days since 2014-01-01", "calendar": "standard"}, 1))
            values = np.arange(sizes[dim]) * step
            group.create_array(dim, data=values, dimension_names=(dim,), attributes=attributes)
    for day in range(days):
        values = np.maximum(rng.standard_normal((members + 1, rows, columns), np.float32) - 0.5, 0)
        made["ensemble"][day], made["target"][day] = values[1:], values[0]
    return {}


def read_worker(store: str, *, limit: float) -> dict[str, float]:
    """Reads every chunk once, and does nothing with it but a sum."""
    import xarray as xr

    data = xr.open_datatree(store, engine="zarr", consolidated=False, chunks={})
    start = time.perf_counter()
    for group in ("ensemble", "target"):
        data[group].to_dataset().sum().compute()
    return {"seconds": time.perf_counter() - start}


def probabilistic_worker(store: str, *, limit: float) -> dict[str, Any]:
    """The whole family: results, scores with intervals and figures; peak memory of the process, imports included."""
    import xarray as xr
    from stride_eval import registry
    from stride_eval.config import EvalConfig
    from stride_eval.opening import open_systems
    from stride_vars.catalogue import Catalogue

    limit_memory(limit)
    family, config, seconds = registry.family("probabilistic"), EvalConfig(), {}
    start = time.perf_counter()
    systems = open_systems({"ensemble": Path(store)}, catalogue=Catalogue.load())
    results: xr.Dataset = family.compute(systems, config)
    seconds["results"] = time.perf_counter() - start
    start = time.perf_counter()
    scores = {score.name: score.value for score in family.scores(results, config) if score.system == "ensemble"}
    seconds["scores"] = time.perf_counter() - start
    start = time.perf_counter()
    figures = len(family.plot(results, config))
    seconds["figures"] = time.perf_counter() - start
    verdict = {name: scores[name] for name in ("crps", "spread_skill")} | {"scores": len(scores), "figures": figures}
    return {"seconds": sum(seconds.values()), "parts": seconds, "peak_gb": peak(), **verdict}


def suite_worker(folder: str, dates: str, members: str, size: str, *, limit: float) -> dict[str, Any]:
    """One process: reads every chunk of one system once with zarr, then computes and draws every family of it."""
    import zarr
    from stride_eval import registry
    from stride_eval.config import EvalConfig
    from stride_eval.opening import open_systems
    from stride_eval.synthetic import Example, write_example
    from stride_vars.catalogue import Catalogue

    example = Example(dates=int(dates), members=int(members), size=int(size), factor=8)
    path = write_example(Path(folder), example)["calibrated"]
    config, families = EvalConfig(), {name: registry.family(name) for name in registry.names()}
    limit_memory(limit)
    start, read = time.perf_counter(), 0
    for _, array in zarr.open_group(str(path), mode="r").members(max_depth=None):
        if isinstance(array, zarr.Array):
            if not array.shape:
                read += array[...].nbytes
                continue
            step = array.chunks[0]
            for first in range(0, array.shape[0], step):
                read += array[first : first + step].nbytes
    reading, seconds = time.perf_counter() - start, {}
    systems = open_systems({"calibrated": path}, catalogue=Catalogue.load())
    for name, family in families.items():
        start = time.perf_counter()
        results, _ = family.compute_and_plot(systems, config)
        family.scores(results, config)
        seconds[name] = time.perf_counter() - start
    total = sum(seconds.values())
    return {"read_seconds": reading, "read_gb": read / 1e9, "seconds": seconds, "ratio": total / reading}


WORKERS: dict[str, Callable[..., dict]] = {
    "crps": crps_worker,
    "write": write_worker,
    "read": read_worker,
    "probabilistic": probabilistic_worker,
    "suite": suite_worker,
}


def limit_memory(gigabytes: float) -> None:
    """More than this beyond what is held now fails as a MemoryError, before it can hurt the machine."""
    import resource

    with Path("/proc/self/statm").open() as statm:
        held = int(statm.read().split()[0]) * resource.getpagesize()
    limit = held + int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def reset_peak() -> float:
    """Sets the high-water mark back to the memory held now (Linux), and returns it."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> float:
    """Highest resident memory since the last reset, in GB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e9
    raise RuntimeError("this system does not report VmHWM")


def show(results: dict[str, Any]) -> None:
    """The tables."""
    for case, found in results["crps"].items():
        days, members, rows, columns = CASES[case]
        print(f"\nCRPS of every point: {days} x {rows} x {columns} points, {members} members")
        print(
            f"{'':18}{'seconds':>10}{'/ ours':>8}{'CPU s':>10}{'/ ours':>8}{'extra GB':>10}{'import s':>10}{'mean':>10}"
        )
        ours = found["stride fair"]
        for name, row in found.items():
            if "failed" in row:
                print(f"{name:18}  failed within {results['memory_limit_gb']:g} GB: {row['failed']}")
            else:
                times = [f"{row[key]:10.3f}{row[key] / ours[key]:8.1f}" for key in ("seconds", "cpu_seconds")]
                rest = f"{row['extra_gb']:10.3f}{row['load_seconds']:10.2f}{row['mean']:10.5f}"
                print(f"{name:18}{''.join(times)}{rest}")
    part = results["probabilistic"]
    shape = " x ".join(map(str, part["shape"]))
    print(f"\nThe probabilistic family of {shape} values ({part['input_gb']:.2f} GB on disk)")
    if "failed" in part:
        print(f"  failed: {part['failed']}")
    else:
        print(f"  peak memory {part['peak_gb']:.2f} GB")
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in part["parts"].items())
        print(f"  {part['seconds']:.1f} s: {parts} (reading alone: {part['read_seconds']:.1f} s)")
        print(f"  {part['scores']} scores, {part['figures']} figures; CRPS {part['crps']:.4f}, ", end="")
        print(f"spread-skill {part['spread_skill']:.3f}")
    part = results["suite"]
    print(f"\nThe full suite of {' dates, '.join(map(str, part['size'][:2]))} members, {part['size'][2]} pixels a side")
    if "failed" in part:
        print(f"  failed: {part['failed']}")
    else:
        print(f"  reading {part['read_gb']:.2f} GB: {part['read_seconds']:.2f} s")
        print("  " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in part["seconds"].items()))
    print()
    for key in ("crps_vs_xskillscore", "probabilistic_peak_gb", "suite_over_read"):
        print(f"{key}: {'not measured' if results[key] is None else format(results[key], '.2f')}")


if __name__ == "__main__":
    main()
