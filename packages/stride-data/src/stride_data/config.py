"""The ``data`` section of an experiment, validated strictly: what the files are and what to make of them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from stride_vars.config_errors import describe
from stride_vars.errors import nearest

from stride_data.errors import DataError
from stride_data.transforms.registry import check_options
from stride_data.yaml_config import absolute, apply_overrides, expand_env, load_yaml

__all__ = [
    "DataConfig",
    "apply_overrides",
    "expand_env",
    "load_data_config",
    "load_yaml",
    "resolve_paths",
    "validate_data_config",
]


def _as_iso(value: Any) -> Any:
    # YAML reads an unquoted 2001-02-03 as a date and 2001 as a number; stamps are compared as ISO texts.
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return f"{value:04d}" if isinstance(value, int) and not isinstance(value, bool) else value


def _as_text(value: Any) -> Any:
    # `units: 1` is a number in YAML.
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_mapping(value: Any) -> Any:
    # `prcp:` with nothing behind it means "all defaults".
    return {} if value is None else value


IsoText = Annotated[str, BeforeValidator(_as_iso)]
UnitText = Annotated[str, BeforeValidator(_as_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class VariableConfig(_Strict):
    """How one catalogue variable stands in a source's files.

    Attributes:
        name: Name in the file; without it, any name that the catalogue resolves to the key.
        units: Units of the values; overrides the file's attribute.
        accumulation: Period over which the file's amount was accumulated ("1 day"); makes a rate of it.
        valid_min: Values below are set to it (canonical units); stated in the metadata.
    """

    name: str | None = None
    units: UnitText | None = None
    accumulation: str | None = None
    valid_min: float | None = None


class DimsConfig(_Strict):
    """Names of a file's dimensions, where CF attributes and usual names do not tell."""

    time: str | None = None
    y: str | None = None
    x: str | None = None


class SpacingConfig(_Strict):
    """Coordinates for files that carry none: first cell centre and step along each axis.

    Attributes:
        y: Step from one row to the next (negative when rows go towards smaller coordinates).
        x: Step from one column to the next.
        y0: Coordinate of the first row.
        x0: Coordinate of the first column.
        units: Units of the coordinates.
    """

    y: float
    x: float
    y0: float = 0.0
    x0: float = 0.0
    units: UnitText = "m"

    @field_validator("y", "x")
    @classmethod
    def _not_zero(cls, value: float) -> float:
        if value == 0:
            raise ValueError("a step of 0 makes no grid")
        return value


class SourceConfig(_Strict):
    """One set of files on one grid.

    Attributes:
        files: Pattern with dates (``tp_{date:%Y%m%d}.nc``), one file, a ``*.zarr`` store, or a glob; relative to the
            root.
        variables: Catalogue key to how it stands in the files.
        dims: Names of dimensions; found by CF where omitted.
        calendar: CF calendar; overrides the file's.
        block_average: Edge length in cells of the blocks that are averaged into one LR cell.
        npz_key: Array to take from ``.npz`` files; may be omitted when there is only one.
        flip_y: Reverse the rows.
        like: Take the coordinates of this other source.
        spacing: Or make regular coordinates.
    """

    files: str
    variables: dict[str, Annotated[VariableConfig, BeforeValidator(_as_mapping)]] = Field(min_length=1)
    dims: DimsConfig = DimsConfig()
    calendar: str | None = None
    block_average: int | None = Field(default=None, ge=1)
    npz_key: str | None = None
    flip_y: bool = False
    like: str | None = None
    spacing: SpacingConfig | None = None

    @model_validator(mode="after")
    def _one_origin_of_coordinates(self) -> SourceConfig:
        if self.like is not None and self.spacing is not None:
            raise ValueError("'like' and 'spacing' both give coordinates; keep one of them")
        return self


class BoxConfig(_Strict):
    """A box on the HR grid: ``y, x, height, width`` in indices, or ``south, north, west, east`` in coordinates."""

    y: int | None = Field(default=None, ge=0)
    x: int | None = Field(default=None, ge=0)
    height: int | None = Field(default=None, gt=0)
    width: int | None = Field(default=None, gt=0)
    south: float | None = None
    north: float | None = None
    west: float | None = None
    east: float | None = None

    @model_validator(mode="after")
    def _one_complete_form(self) -> BoxConfig:
        indices = {name: getattr(self, name) for name in ("y", "x", "height", "width")}
        bounds = {name: getattr(self, name) for name in ("south", "north", "west", "east")}
        given = [form for form in (indices, bounds) if any(v is not None for v in form.values())]
        if len(given) != 1 or any(v is None for v in given[0].values()):
            raise ValueError(
                "give a box either as y, x, height, width in cells or as south, north, west, east in coordinates, "
                "all four"
            )
        return self

    @property
    def in_indices(self) -> bool:
        """Whether the box is given in cells."""
        return self.y is not None


class RegionConfig(_Strict):
    """Where samples come from.

    Attributes:
        name: The region's name.
        hr: Box on the HR grid; None takes the whole domain that all sources cover.
        shuffle: Box in which training crops of the ``hr`` box's size are drawn; None keeps the fixed box.
        lr_margin: Extra LR cells on every side of the LR box.
    """

    name: str = "region"
    hr: BoxConfig | None = None
    shuffle: BoxConfig | None = None
    lr_margin: int = Field(default=0, ge=0)


class SplitConfig(_Strict):
    """The times of one split: years, start and end, a list, or those of another split.

    Attributes:
        years: First and last year, both included.
        start: First time, any leading part of an ISO time; included.
        end: Last time, included with everything that begins with it ("2012" includes all of 2012).
        dates: A list of times; a date alone takes all its times.
        same_as: Name of the split whose times this one shares.
        needs_target: False also keeps times for which only the conditioning exists.
    """

    years: list[int] | None = Field(default=None, min_length=2, max_length=2)
    start: IsoText | None = None
    end: IsoText | None = None
    dates: list[IsoText] | None = Field(default=None, min_length=1)
    same_as: str | None = None
    needs_target: bool = True

    @model_validator(mode="after")
    def _one_form(self) -> SplitConfig:
        ranged = self.start is not None or self.end is not None
        forms = [self.years is not None, ranged, self.dates is not None, self.same_as is not None]
        if sum(forms) != 1:
            raise ValueError("give one of: years, start and end, dates, same_as")
        if self.years is not None and self.years[0] > self.years[1]:
            raise ValueError(f"years {self.years} run backwards")
        return self


def _as_transform(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class DataConfig(_Strict):
    """The whole ``data`` section; see the package's README for a commented example.

    Attributes:
        root: Folder that ``files`` are relative to.
        variables_file: User TOML file or files that extend the variable catalogue.
        sources: The sets of files, by a name of the user's choice.
        target: ``source.key`` of each HR target, in channel order.
        dynamic: ``source.key`` of each LR conditioning variable, in channel order.
        static: ``source.key`` of each HR field without time, in channel order.
        region: Boxes.
        splits: Times of each split, by name; ``train`` is the one that statistics are computed on.
        transforms: Per ``source.key``, the scaling; by default the variable's own.
        statistics: Path of the statistics file.
        missing_conditioning: "refuse", or the value that replaces missing conditioning (canonical units).
        time_match: Whether times of sources are compared exactly or by date.
        cache_gb: Decoded fields kept in memory, in gigabytes.
    """

    root: str = "."
    variables_file: str | list[str] | None = None
    sources: dict[str, SourceConfig] = Field(min_length=1)
    target: list[str] = Field(min_length=1)
    dynamic: list[str] = Field(min_length=1)
    static: list[str] = []
    region: RegionConfig = RegionConfig()
    splits: dict[str, SplitConfig] = Field(min_length=1)
    transforms: dict[str, Annotated[dict[str, Any], BeforeValidator(_as_transform)]] = {}
    statistics: str | None = None
    missing_conditioning: Literal["refuse"] | float = "refuse"
    time_match: Literal["exact", "date"] = "exact"
    cache_gb: float = Field(default=4.0, gt=0)

    @field_validator("transforms")
    @classmethod
    def _known_transforms(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for channel, options in value.items():
            check_options(channel, options)
        return value

    @model_validator(mode="after")
    def _references_exist(self) -> DataConfig:
        known = [f"{name}.{key}" for name, source in self.sources.items() for key in source.variables]
        for role in ("target", "dynamic", "static"):
            names: list[str] = getattr(self, role)
            for name in names:
                if name not in known:
                    raise ValueError(f"{role} names '{name}', which no source declares.{nearest(name, known)}")
                if names.count(name) > 1:
                    raise ValueError(f"{role} names '{name}' twice")
        used = [*self.target, *self.dynamic, *self.static]
        for name in self.transforms:
            if name not in used:
                raise ValueError(f"transforms names '{name}', which is not used.{nearest(name, used)}")
        for name, source in self.sources.items():
            if source.like is not None and (source.like not in self.sources or source.like == name):
                others = [other for other in self.sources if other != name]
                raise ValueError(f"sources.{name}.like names '{source.like}'.{nearest(source.like, others)}")
        for name, split in self.splits.items():
            other = split.same_as
            if other is not None and (other not in self.splits or self.splits[other].same_as is not None):
                choices = [key for key, value in self.splits.items() if value.same_as is None]
                raise ValueError(f"splits.{name}.same_as names '{other}'.{nearest(other, choices)}")
        return self

    @property
    def variables_files(self) -> list[str]:
        """The user's catalogue files."""
        files = self.variables_file
        return [files] if isinstance(files, str) else files or []


def validate_data_config(section: Mapping[str, Any], where: str) -> DataConfig:
    """Validate a ``data`` section.

    Args:
        section: The section as a plain dictionary.
        where: The file, for the message.

    Raises:
        DataError: One sentence with the key path and, for an unknown key, the nearest right one.
    """
    try:
        return DataConfig.model_validate(dict(section))
    except ValidationError as exc:
        raise DataError(describe(exc, DataConfig, where)) from exc


def resolve_paths(section: Mapping[str, Any], base: str | Path) -> dict[str, Any]:
    """Make the paths of a ``data`` section absolute: ``root``, ``variables_file``, ``statistics``.

    Called with the YAML file's folder before ``--set`` overrides are applied, so that a path given by ``--set`` stays
    relative to the current folder.

    Args:
        section: The section as a plain dictionary, environment variables expanded.
        base: Folder that relative paths refer to.
    """
    result = dict(section)
    result["root"] = absolute(result.get("root") or ".", base)
    for key in ("statistics", "variables_file"):
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
    return validate_data_config(resolve_paths(section, Path.cwd()), str(path))
