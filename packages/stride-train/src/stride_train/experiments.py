"""Finding and reading experiment files.

An experiment is named by a path, or by the name of one that an installed package offers through the entry-point group
`stride.experiments` (a Python package that holds YAML files).
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import yaml
from pydantic import ValidationError
from stride_data.config import apply_overrides, expand_env, load_yaml, resolve_paths
from stride_vars.config_errors import describe
from stride_vars.errors import nearest

from stride_train.config import ExperimentConfig
from stride_train.errors import ExperimentError

EMBEDDED = "era5-1deg-demo"
"""The experiment that `stride-train` runs when it is given none."""

_GROUP = "stride.experiments"


def offered_experiments() -> dict[str, Path]:
    """Experiment files of the installed packages, by name."""
    found: dict[str, Path] = {}
    for point in entry_points(group=_GROUP):
        folder = Path(str(importlib.resources.files(point.value)))
        found.update({path.stem: path for path in sorted(folder.glob("*.yaml"))})
    return found


def find_experiment(name_or_path: str | Path) -> Path:
    """Path of an experiment file, from a path or the name of an offered experiment.

    Raises:
        ExperimentError: If there is neither such a file nor such a name.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path.resolve()
    offered = offered_experiments()
    if len(path.parts) == 1 and path.name.removesuffix(".yaml") in offered:
        return offered[path.name.removesuffix(".yaml")]
    if path.suffix in {".yaml", ".yml"} or len(path.parts) > 1:
        raise ExperimentError(f"There is no experiment file '{path}': check the path.")
    if not offered:
        raise ExperimentError(
            f"No experiment is called '{path}': no installed package offers experiments, so name a YAML file."
        )
    raise ExperimentError(f"No experiment is called '{path}': name a YAML file.{nearest(str(path), offered)}")


def load_experiment(name_or_path: str | Path, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Reads and checks an experiment.

    Args:
        name_or_path: A YAML file, or the name of an offered experiment.
        overrides: `key.path=value` changes, values in YAML. Relative paths in them are meant from the current folder;
            those in the file from the file's folder.

    Raises:
        StrideError: If the file is missing, is no YAML, or holds a key or value that is not allowed.
    """
    path = find_experiment(name_or_path)
    # A key that is overridden is emptied first: its value in the file may use an environment variable that is not set.
    content = apply_overrides(load_yaml(path), [f"{text.partition('=')[0]}=null" for text in overrides if "=" in text])
    if isinstance(content.get("data"), dict):
        content["data"] = resolve_paths(expand_env(content["data"], "data"), path.parent)
    content = apply_overrides(content, overrides)
    if isinstance(content.get("data"), dict):
        content["data"] = resolve_paths(expand_env(content["data"], "data"), Path.cwd())
    return parse_experiment(content, where=str(path))


def parse_experiment(content: dict, where: str) -> ExperimentConfig:
    """Checks an experiment that is already a dictionary.

    Raises:
        ExperimentError: If a key or value is not allowed; the message names its path.
    """
    try:
        return ExperimentConfig.model_validate(content)
    except ValidationError as error:
        raise ExperimentError(describe(error, ExperimentConfig, where)) from error


def dump_experiment(config: ExperimentConfig) -> str:
    """The resolved experiment as YAML, every default written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
