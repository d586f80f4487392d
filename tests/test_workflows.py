"""A change to a package runs the workflow of that package and of everything that stands on it."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = ROOT / ".github" / "workflows"


def members() -> dict[str, tuple[str, set[str]]]:
    """Name -> folder and the workspace members it depends on directly."""
    found = {}
    for path in sorted([*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("apps/*/pyproject.toml")]):
        project = tomllib.loads(path.read_text())["project"]
        names = {re.match(r"[\w-]+", requirement).group() for requirement in project["dependencies"]}  # type: ignore[union-attr]
        found[project["name"]] = (str(path.parent.relative_to(ROOT)), names)
    return {name: (folder, names & set(found)) for name, (folder, names) in found.items()}


MEMBERS = members()


def below(name: str) -> set[str]:
    """A member and everything it stands on."""
    return {name}.union(*(below(other) for other in MEMBERS[name][1]))


def load(name: str) -> dict:
    content = yaml.safe_load((WORKFLOWS / f"{name}.yml").read_text())
    content["on"] = content.pop(True)  # YAML 1.1 reads the key "on" as a boolean
    return content


@pytest.mark.parametrize("name", MEMBERS)
def test_a_package_runs_when_it_or_what_it_stands_on_changes(name):
    workflow = load(name)
    expected = {f"{MEMBERS[other][0]}/**" for other in below(name)}
    shared = {
        "pyproject.toml",
        "conftest.py",
        ".ci/**",
        f".github/workflows/{name}.yml",
        ".github/workflows/package.yml",
    }
    for event in ("push", "pull_request"):
        assert set(workflow["on"][event]["paths"]) == expected | shared
    assert f"alone-{name}" in workflow["jobs"]["test"]["with"]["stages"].split()


def test_workflows_name_stages_that_exist():
    listed = subprocess.run([ROOT / ".ci" / "run", "--list"], check=True, capture_output=True, text=True)
    stages = set(listed.stdout.split())
    named = {stage for name in MEMBERS for stage in load(name)["jobs"]["test"]["with"]["stages"].split()}
    whole = load("whole")["jobs"]["whole"]["steps"][-1]["run"].split()
    assert whole[0] == ".ci/run"
    assert named | set(whole[1:]) <= stages


def test_every_workflow_is_of_a_package_or_of_the_whole():
    assert {path.stem for path in WORKFLOWS.glob("*.yml")} == {*MEMBERS, "package", "whole"}
