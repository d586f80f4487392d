"""Each package imports only what lies below it, only what it declares, and declares only what it uses."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MEMBERS = sorted(path.parent for folder in ("packages", "apps") for path in ROOT.glob(f"{folder}/*/pyproject.toml"))
PROVIDERS = packages_distributions()
# Which folders or files of a package an extra serves; elsewhere its libraries are as good as undeclared.
SERVED_BY_EXTRA = {
    "torch": ("loaders",),
    "plot": ("report",),
    "remote": ("discovery",),
    "distributed": ("statistics", "workers.py"),
    "tensorboard": ("loggers.py",),
    "wandb": ("loggers.py",),
}
# Never imported by name: xarray finds them when it opens, writes or computes a file's arrays.
THROUGH_XARRAY = {"dask", "netcdf4", "zarr"}
# What the model must never know of; it sees channels and cells.
CLIMATE_WORDS = re.compile(
    r"precipitat|temperature|topograph|orograph|land.sea|era5|danra|netcdf|xarray|latitude|longitude|mm day",
    re.IGNORECASE,
)

member = pytest.mark.parametrize("folder", MEMBERS, ids=lambda folder: folder.name)


def normal(requirement: str) -> str:
    """A distribution's name as package indexes compare it: without extras and version."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def import_name(folder: Path) -> str:
    return next((folder / "src").iterdir()).name


def sources(folder: Path) -> list[Path]:
    return sorted((folder / "src").rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """Top-level names that a file imports anywhere, also inside functions and for type checking alone."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def distributions(file: Path, own: str) -> Iterator[set[str]]:
    """For each foreign import of a file, the distributions that may provide it."""
    for name in set(imported(file)) - {own} - sys.stdlib_module_names:
        yield {normal(provider) for provider in PROVIDERS.get(name, [name])}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts on the packages that lie under ``folder``."""
    paths = [str(path) for path in sorted(folder.glob("*/*/src"))]
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_are_kept():
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_contracts_cover_every_member():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert sorted(settings["root_packages"]) == sorted(import_name(folder) for folder in MEMBERS)


def test_each_contract_breaks_when_its_rule_is_broken(tmp_path):
    """One forbidden import for each contract, hidden inside a function, in a copy of the sources."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in MEMBERS:
        shutil.copytree(
            folder / "src",
            tmp_path / folder.relative_to(ROOT) / "src",
            ignore=shutil.ignore_patterns("__pycache__", "*.nc"),
        )
    broken = {
        "packages/stride-train": ("stride_train", "stride_eval"),  # layers: neither knows the other
        "packages/stride-model": ("stride_model", "stride_vars"),
        "packages/stride-eval": ("stride_eval", "torch"),
        "packages/stride-vars": ("stride_vars", "xarray"),
        "packages/stride-data": ("stride_data", "torch"),
        "apps/stride": ("stride_app", "stride_data.loaders"),
    }
    for place, (package, forbidden) in broken.items():
        (tmp_path / place / "src" / package / "breach.py").write_text(f"def f():\n    import {forbidden}\n")
    result = lint_imports(tmp_path)
    verdicts = re.findall(r" (KEPT|BROKEN)\b", result.stdout)
    assert verdicts == ["BROKEN"] * len(broken), result.stdout + result.stderr


@member
def test_only_declared_dependencies_are_imported(folder):
    declared = {normal(requirement) for requirement in project(folder)["dependencies"]}
    extras = project(folder).get("optional-dependencies", {})
    assert set(extras) <= set(SERVED_BY_EXTRA)
    for file in sources(folder):
        served = [name for name in extras if set(SERVED_BY_EXTRA[name]) & set(file.parts)]
        allowed = declared | {normal(requirement) for name in served for requirement in extras[name]}
        for providers in distributions(file, import_name(folder)):
            assert providers & allowed, f"{file.relative_to(ROOT)} imports {sorted(providers)}, which is not declared"


@member
def test_every_declared_dependency_is_used(folder):
    used = {name for file in sources(folder) for names in distributions(file, import_name(folder)) for name in names}
    declared = {normal(requirement) for requirement in project(folder)["dependencies"]}
    # The application brings every package for its commands, also those that it does not call itself.
    packages = {normal(project(other)["name"]) for other in MEMBERS} if folder.parent.name == "apps" else set()
    assert declared - used - packages - THROUGH_XARRAY == set()


@member
def test_tests_import_only_what_is_declared(folder):
    table = tomllib.loads((folder / "pyproject.toml").read_text())
    extras = [name for names in table["project"].get("optional-dependencies", {}).values() for name in names]
    listed = [*table["project"]["dependencies"], *table["dependency-groups"]["dev"], *extras, table["project"]["name"]]
    allowed = {normal(requirement) for requirement in listed}
    for file in sorted((folder / "tests").rglob("*.py")):
        for providers in distributions(file, "conftest"):
            assert providers & allowed, f"{file.relative_to(ROOT)} imports {sorted(providers)}, which is not declared"


@member
def test_a_member_is_complete(folder):
    for name in ("README.md", "CHANGELOG.md", f"src/{import_name(folder)}/py.typed"):
        assert (folder / name).is_file()
    assert project(folder)["version"] in (folder / "CHANGELOG.md").read_text(encoding="utf-8")
    assert any((folder / "tests").rglob("test_*.py"))


def test_the_model_holds_no_climate_word():
    for file in sources(ROOT / "packages" / "stride-model"):
        found = CLIMATE_WORDS.search(file.read_text(encoding="utf-8"))
        assert found is None, f"{file.relative_to(ROOT)} speaks of {found.group() if found else ''}"
