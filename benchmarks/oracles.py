# /// script
# requires-python = ">=3.11"
# dependencies = [
#     "stride-eval",
#     "lmoments3",
#     "numba",
#     "properscoring",
#     "pywavelets",
#     "scikit-image",
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
"""Largest difference of each metric from independent libraries: the column "deviation" of docs/metrics.md.

    uv run --script benchmarks/oracles.py [--json FILE] [--only NAME ...]

The fields have 20 days of 40 x 50 points and 16 members in float64, with ties, an all-dry day, a missing day and
scattered gaps, values up to about 40. Every oracle gets the points that are present in the observation and in all
members. The peers are installed into the script's own environment, never by a package.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import warnings
from pathlib import Path

from independent import calibration, distributions, probabilities, scales, times  # noqa: F401  (they enter their checks)
from independent.case import hard_case
from independent.checks import CHECKS

LIBRARIES = (
    "scoringrules",
    "scores",
    "xskillscore",
    "properscoring",
    "scipy",
    "lmoments3",
    "pywavelets",
    "scikit-image",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="checks whose name contains one of these")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    case = hard_case()
    results = []
    for name, function in CHECKS.items():
        if options.only and not any(part in name for part in options.only):
            continue
        for oracle, deviation in function(case):
            results.append({"metric": name, "oracle": oracle, "deviation": deviation})
            print(f"{name:45.45}  {oracle:50.50}  {deviation:.1g}", flush=True)
    versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
    print(", ".join(f"{library} {version}" for library, version in versions.items()))
    if options.json:
        options.json.write_text(json.dumps({"versions": versions, "deviations": results}, indent=2) + "\n")


if __name__ == "__main__":
    main()
