"""Help and the modules behind the command lines stay light: no torch, no file or plotting library."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"torch", "xarray", "matplotlib", "pandas", "dask", "scipy", "netCDF4", "zarr", "lightning_fabric"}
SUBCOMMANDS = {
    "stride": ["demo", "run"],
    "stride-data": ["check", "stats", "prepare", "batch"],
    "stride-eval": ["import", "export"],
}
# A peer needs 22 s; the promise is 1.5 s of a person's time, measured here as processor time on a busy machine.
SECONDS = 1.5
ATTEMPTS = 3


def scripts() -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in ("packages", "apps"):
        for path in sorted(ROOT.glob(f"{folder}/*/pyproject.toml")):
            found.update(tomllib.loads(path.read_text())["project"].get("scripts", {}))
    return found


def calls() -> list[tuple[str, ...]]:
    return [(name, *rest) for name in scripts() for rest in ([], *([sub] for sub in SUBCOMMANDS.get(name, [])))]


def ask_for_help(call: tuple[str, ...]) -> dict:
    """Print a command's help in a process of its own; the modules it loaded, its exit code and processor seconds."""
    module, function = scripts()[call[0]].split(":")
    code = f"""
import json, resource, sys
sys.argv = {[*call, "--help"]!r}
try:
    from {module} import {function}
    {function}()
    code = 0
except SystemExit as exit:
    code = exit.code
used = resource.getrusage(resource.RUSAGE_SELF)
report = {{"code": code, "modules": list(sys.modules), "seconds": used.ru_utime + used.ru_stime}}
print("\\0" + json.dumps(report))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, report = result.stdout.split("\0")
    return {**json.loads(report), "text": text}


def test_every_command_of_the_design_is_there():
    assert {"stride", "stride-data", "stride-train", "stride-generate", "stride-eval"} <= set(scripts())


@pytest.mark.parametrize("call", calls(), ids=" ".join)
def test_help_is_light(call):
    report = ask_for_help(call)
    assert report["code"] in (0, None)
    assert "--help" in report["text"]
    assert not HEAVY & set(report["modules"])
    seconds = [report["seconds"]]
    while min(seconds) > SECONDS and len(seconds) < ATTEMPTS:
        seconds.append(ask_for_help(call)["seconds"])
    assert min(seconds) <= SECONDS
