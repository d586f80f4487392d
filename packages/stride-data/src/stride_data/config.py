"""The ``data`` section of an experiment, validated strictly: what the files are and what to make of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, field_validator, model_validator
from stride_vars.config_errors import describe

from stride_data.config_sections import (
    BoxConfig,
    DimsConfig,
    LrGridConfig,
    Options,
    RegionConfig,
    SourceConfig,
    SpacingConfig,
    SplitConfig,
    Strict,
    VariableConfig,
)
from stride_data.errors import DataError, hint
from stride_data.periods import parse_offset
from stride_data.storage_options import hide_all
from stride_data.transforms.registry import check_options
from stride_data.urls import check_url, is_url
from stride_data.yaml_config import absolute, apply_overrides, expand_env, load_yaml

__all__ = [
    "HOW_IT_IS_READ",
    "BoxConfig",
    "DataConfig",
    "DimsConfig",
    "LrGridConfig",
    "RegionConfig",
    "SourceConfig",
    "SpacingConfig",
    "SplitConfig",
    "VariableConfig",
    "apply_overrides",
    "expand_env",
    "load_data_config",
    "load_yaml",
    "resolve_paths",
    "validate_data_config",
]


HOW_IT_IS_READ = frozenset({"root", "store", "storage_options", "cache_gb"})
"""Keys that say where the data lie and how they are read, but not what they are.

The same data have other values of them on another machine, or once a training store is prepared.
"""


def _as_transform(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class DataConfig(Strict):
    """The whole ``data`` section; see the package's README for a commented example.

    Attributes:
        root: Folder that ``files`` are relative to, or a URL (``s3://bucket/folder``).
        storage_options: Options of the root's remote file system. Write secrets as ``${NAME}``: the references are
            kept, and replaced only when files are opened.
        variables_file: User TOML file or files that extend the variable catalogue.
        sources: The sets of files, by a name of the user's choice.
        target: ``source.key`` of each HR target, in channel order.
        dynamic: ``source.key`` of each LR conditioning variable, in channel order.
        static: ``source.key`` of each HR field without time, in channel order.
        context: ``source.key`` of each variable of the larger domain, in channel order.
        context_static: ``source.key`` of each field without time of the larger domain, on the same grid.
        lr_grid: The grid that sources with ``regrid`` are brought to.
        region: Boxes.
        splits: Times of each split, by name; ``train`` is the one that statistics are computed on.
        split_seed: Seed of random splits.
        split_block: Period whose times stay together in random splits ("7 days"); each time is drawn alone without it.
        transforms: Per ``source.key``, the scaling; by default the variable's own.
        statistics: Path of the statistics file.
        statistics_of: "same" refuses a file of other dates, region or files than this configuration's; "any" takes it.
        store: Path or URL of a training store to read instead of the archive.
        missing_conditioning: "refuse", or the value that replaces missing conditioning (canonical units); or one of
            the two for each ``source.key`` named, all others being refused.
        lags: Offsets in time of the dynamic fields ("-1 day", "0 days"), in the order of the stack; by default the
            target's own time.
        lag_gaps: Whether times whose stack lacks a field are refused or dropped.
        time_features: Numbers that say where in the year ("day_of_year") and the day ("time_of_day") a sample lies.
        time_match: Whether times of sources are compared exactly or by date.
        cache_gb: Decoded fields kept in memory, in gigabytes.
    """

    root: str = "."
    storage_options: Options = Field(default_factory=dict)
    variables_file: str | list[str] | None = None
    sources: dict[str, SourceConfig] = Field(min_length=1)
    target: list[str] = Field(min_length=1)
    dynamic: list[str] = Field(min_length=1)
    static: list[str] = Field(default_factory=list)
    context: list[str] = Field(default_factory=list)
    context_static: list[str] = Field(default_factory=list)
    lr_grid: LrGridConfig | None = None
    region: RegionConfig = RegionConfig()
    splits: dict[str, SplitConfig] = Field(min_length=1)
    split_seed: int = 0
    split_block: str | None = None
    transforms: dict[str, Annotated[dict[str, Any], BeforeValidator(_as_transform)]] = Field(default_factory=dict)
    statistics: str | None = None
    statistics_of: Literal["same", "any"] = "same"
    store: str | None = None
    missing_conditioning: float | str | dict[str, float | str] = "refuse"
    lags: list[str] = Field(default_factory=lambda: ["0 days"], min_length=1)
    lag_gaps: Literal["refuse", "drop"] = "refuse"
    time_features: list[Literal["day_of_year", "time_of_day"]] = Field(default_factory=list)
    time_match: Literal["exact", "date"] = "exact"
    cache_gb: float = Field(default=4.0, gt=0)

    @field_validator("root")
    @classmethod
    def _root_without_credentials(cls, value: str) -> str:
        check_url(value, "data.root")
        return value

    @field_validator("store")
    @classmethod
    def _store_without_credentials(cls, value: str | None) -> str | None:
        if value is not None:
            check_url(value, "data.store")
        return value

    @field_validator("sources")
    @classmethod
    def _files_without_credentials(cls, value: dict[str, SourceConfig]) -> dict[str, SourceConfig]:
        for name, source in value.items():
            if is_url(source.files):
                check_url(source.files, f"data.sources.{name}.files")
        return value

    @field_validator("sources")
    @classmethod
    def _like_names_another_source(cls, value: dict[str, SourceConfig]) -> dict[str, SourceConfig]:
        for name, source in value.items():
            if source.like is not None and (source.like not in value or source.like == name):
                others = [other for other in value if other != name]
                raise ValueError(f"{name}.like names '{source.like}'{hint(source.like, others)}")
        return value

    @field_validator("lr_grid")
    @classmethod
    def _grid_of_a_source(cls, value: LrGridConfig | None, info: ValidationInfo) -> LrGridConfig | None:
        sources: dict[str, SourceConfig] = info.data.get("sources", {})
        brought = [name for name, source in sources.items() if source.regrid is not None]
        if value is not None and sources:
            if value.source not in sources:
                raise ValueError(f"names '{value.source}'{hint(value.source, sources)}")
            if value.source in brought:
                raise ValueError(f"is that of '{value.source}', which has no grid of its own since it has a regrid key")
        return value

    @field_validator("target", "dynamic", "static", "context", "context_static")
    @classmethod
    def _declared_channels(cls, value: list[str], info: ValidationInfo) -> list[str]:
        sources: dict[str, SourceConfig] = info.data.get("sources", {})
        known = [f"{name}.{key}" for name, source in sources.items() for key in source.variables]
        for name in value:
            if sources and name not in known:
                raise ValueError(f"no source declares '{name}'{hint(name, known)}")
            if value.count(name) > 1:
                raise ValueError(f"'{name}' stands there twice")
        return value

    @model_validator(mode="after")
    def _regrid_needs_a_grid(self) -> DataConfig:
        brought = [name for name, source in self.sources.items() if source.regrid is not None]
        if brought and self.lr_grid is None:
            raise ValueError(
                f"data.sources.{brought[0]}.regrid needs data.lr_grid, such as {{like: SOURCE}} or "
                "{blocks_of: SOURCE, size: 12}"
            )
        return self

    @field_validator("split_block")
    @classmethod
    def _a_period(cls, value: str | None) -> str | None:
        if value is not None and parse_offset(value) <= datetime.timedelta():
            raise ValueError("is no period longer than nothing; write '7 days'")
        return value

    @field_validator("splits")
    @classmethod
    def _random_shares_of_a_whole(cls, value: dict[str, SplitConfig]) -> dict[str, SplitConfig]:
        shares = [split.random for split in value.values() if split.random is not None]
        if sum(shares) > 1 + 1e-9:
            raise ValueError(f"random shares add up to {sum(shares):g}; they must not exceed 1")
        return value

    @field_validator("splits")
    @classmethod
    def _same_as_names_another_split(cls, value: dict[str, SplitConfig]) -> dict[str, SplitConfig]:
        for name, split in value.items():
            other = split.same_as
            if other is not None and (other not in value or value[other].same_as is not None):
                choices = [key for key, choice in value.items() if choice.same_as is None]
                raise ValueError(f"{name}.same_as names '{other}'{hint(other, choices)}")
        return value

    @field_validator("transforms")
    @classmethod
    def _known_transforms(cls, value: dict[str, dict[str, Any]], info: ValidationInfo) -> dict[str, dict[str, Any]]:
        roles = ("target", "dynamic", "static", "context", "context_static")
        used = [name for role in roles for name in info.data.get(role, [])]
        for channel, options in value.items():
            if used and channel not in used:
                raise ValueError(f"'{channel}' is not used{hint(channel, used)}")
            check_options(channel, options)
        return value

    @field_validator("missing_conditioning")
    @classmethod
    def _refuse_or_a_number(
        cls, value: float | str | dict[str, float | str], info: ValidationInfo
    ) -> float | str | dict[str, float | str]:
        stated = value if isinstance(value, dict) else {"": value}
        roles = ("dynamic", "static", "context", "context_static")
        used = [name for role in roles for name in info.data.get(role, [])]
        for name, what in stated.items():
            if name and used and name not in used:
                raise ValueError(f"'{name}' is no conditioning{hint(name, used)}")
            if isinstance(what, str) and what != "refuse":
                raise ValueError("write 'refuse', or the number that replaces missing values")
        return value

    @field_validator("lags")
    @classmethod
    def _offsets_in_time(cls, value: list[str]) -> list[str]:
        offsets = [parse_offset(text) for text in value]
        if len(set(offsets)) < len(offsets):
            raise ValueError(f"{value} names an offset twice")
        return value

    @field_validator("time_features")
    @classmethod
    def _features_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError(f"{value} names a feature twice")
        return value

    def missing_conditioning_of(self, channel: str) -> float | str:
        """What is done about missing values of a conditioning channel: "refuse", or the value to fill with."""
        stated = self.missing_conditioning
        return stated.get(channel, "refuse") if isinstance(stated, dict) else stated

    @field_validator("region")
    @classmethod
    def _context_has_box_and_channels(cls, value: RegionConfig, info: ValidationInfo) -> RegionConfig:
        channels = [name for role in ("context", "context_static") for name in info.data.get(role, [])]
        if channels and value.context is None:
            raise ValueError(f"{channels[0]} is context, but no context box is given; add one, such as {{margin: 48}}")
        if value.context is not None and not channels:
            raise ValueError("context gives a box, but data.context and data.context_static name no variable; add some")
        return value

    @property
    def split_block_days(self) -> float | None:
        """Length in days of the blocks that random splits keep together."""
        return None if self.split_block is None else parse_offset(self.split_block) / datetime.timedelta(days=1)

    @property
    def variables_files(self) -> list[str]:
        """The user's catalogue files."""
        files = self.variables_file
        return [files] if isinstance(files, str) else files or []


class _Experiment(Strict):
    data: DataConfig


def validate_data_config(section: Mapping[str, Any], where: str, *, nested: bool = True) -> DataConfig:
    """Validate a ``data`` section.

    Args:
        section: The section as a plain dictionary.
        where: The file, for the message.
        nested: Whether the keys in the message begin with ``data.``.

    Raises:
        DataError: One sentence with the key path and, for an unknown key, the nearest right one.
    """
    section = hide_all(section)
    try:
        if nested:
            return _Experiment.model_validate({"data": dict(section)}).data
        return DataConfig.model_validate(dict(section))
    except ValidationError as exc:
        raise DataError(describe(exc, _Experiment if nested else DataConfig, where)) from exc


def resolve_paths(section: Mapping[str, Any], base: str | Path) -> dict[str, Any]:
    """Make the paths of a ``data`` section absolute: ``root``, ``variables_file``, ``statistics``, ``store``.

    Called with the YAML file's folder before ``--set`` overrides are applied, so that a path given by ``--set`` stays
    relative to the current folder.

    Args:
        section: The section as a plain dictionary, environment variables expanded.
        base: Folder that relative paths refer to.
    """
    result = dict(section)
    result["root"] = absolute(result.get("root") or ".", base)
    for key in ("statistics", "variables_file", "store"):
        value = result.get(key)
        if isinstance(value, str):
            result[key] = absolute(value, base)
        elif isinstance(value, list):
            result[key] = [absolute(item, base) if isinstance(item, str) else item for item in value]
    return result


def load_data_config(path: str | Path, overrides: Iterable[str] = ()) -> DataConfig:
    """Read the data configuration of a file.

    Args:
        path: YAML file: an experiment (its ``data`` section is used, the other keys are ignored) or a data section.
        overrides: ``key.path=value`` texts; keys as they stand in the file (``data.root=...`` in an experiment).

    Returns:
        The validated configuration; its paths are absolute.

    Raises:
        DataError: If the file, a key or a value is wrong.
    """
    path = Path(path)
    content = load_yaml(path)
    nested = "data" in content
    section = content["data"] if nested else content
    if not isinstance(section, dict):
        raise DataError(f"{path}: key 'data' must hold a section with keys such as root, sources, target.")
    section = resolve_paths(expand_env(section, "data" if nested else ""), path.parent)
    changed = apply_overrides({"data": section} if nested else section, overrides)
    section = expand_env(changed["data"] if nested else changed)
    if not isinstance(section, dict):
        raise DataError(f"{path}: --set made 'data' a single value; set one of its keys, such as data.root=FOLDER.")
    return validate_data_config(resolve_paths(section, Path.cwd()), str(path), nested=nested)
