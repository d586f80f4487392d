"""On a machine without torch: write a small ensemble as any project could, score it with stride-eval, check the score.

Needs stride-eval alone. Nothing of STRIDE is used to write the file or to compute what the score must be.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import xarray as xr

TIMES, MEMBERS, SIZE = 6, 5, 24


def draw() -> tuple[np.ndarray, np.ndarray]:
    """Members [time, member, y, x] and observation [time, y, x], mm day-1, two thirds of it dry."""
    rng = np.random.default_rng(3)
    rain = np.maximum(0, rng.normal(size=(TIMES, MEMBERS + 1, SIZE, SIZE)) - 0.4) * 8
    return rain[:, 1:].astype(np.float32), rain[:, 0].astype(np.float32)


def write(path: Path, members: np.ndarray, observed: np.ndarray) -> None:
    """The smallest file of the saved-ensemble format that can be scored."""
    axis = np.arange(SIZE) * 2500.0
    coordinates = {
        "time": np.datetime64("2015-06-01", "ns") + np.arange(TIMES) * np.timedelta64(1, "D"),
        "y": ("y", axis, {"units": "m"}),
        "x": ("x", axis, {"units": "m"}),
    }
    units = {"units": "mm day-1"}
    ensemble = xr.Dataset({"prcp": (("time", "member", "y", "x"), members, units)}, coordinates)
    target = xr.Dataset({"prcp": (("time", "y", "x"), observed, units)}, coordinates)
    root = xr.Dataset(
        attrs={"stride_format": "stride-ensemble", "stride_format_version": 1, "targets": json.dumps(["prcp"])}
    )
    xr.DataTree.from_dict({"/": root, "/ensemble": ensemble, "/target": target}).to_zarr(path, zarr_format=3)


def fair_crps(members: np.ndarray, observed: np.ndarray) -> float:
    """mean|x_i - y| - sum_ij |x_i - x_j| / (2 M (M - 1)), term by term, averaged over everything."""
    error = np.abs(members - observed[:, None]).mean(axis=1)
    pairs = np.abs(members[:, :, None] - members[:, None]).sum(axis=(1, 2))
    return float((error - pairs / (2 * MEMBERS * (MEMBERS - 1))).mean(dtype=np.float64))


def scored_crps(table: Path) -> float:
    """The CRPS that stride-eval wrote."""
    with table.open(newline="", encoding="utf-8") as lines:
        found = [row["value"] for row in csv.DictReader(lines) if (row["system"], row["name"]) == ("foreign", "crps")]
    if len(found) != 1:
        sys.exit(f"{table} holds {len(found)} values of CRPS, expected one")
    return float(found[0])


def main() -> None:
    """Write, score, compare."""
    for name in ("torch", "stride_model", "stride_data", "stride_train", "lightning_fabric"):
        if importlib.util.find_spec(name) is not None:
            sys.exit(f"{name} is installed here: this check needs an environment of stride-eval alone")
    members, observed = draw()
    write(Path("foreign.zarr"), members, observed)
    subprocess.run(["stride-eval", "foreign=foreign.zarr", "--out", "evaluation"], check=True)

    page = Path("evaluation/report.html").read_text(encoding="utf-8")
    if "foreign" not in page or "data:image/png;base64," not in page:
        sys.exit("the report names no system or holds no figure")
    expected, got = fair_crps(members, observed), scored_crps(Path("evaluation/scores.csv"))
    if not np.isclose(got, expected, rtol=1e-4):
        sys.exit(f"CRPS is {got}, expected {expected}")
    print(f"stride-eval scored a foreign ensemble without torch: CRPS {got:.4f} mm day-1, as computed by hand")


if __name__ == "__main__":
    main()
