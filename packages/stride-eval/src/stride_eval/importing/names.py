"""The file of names: how another producer calls the variables, dimensions and files of an ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from stride_vars.config_errors import describe

from stride_eval.errors import EvalError
from stride_eval.yaml_file import read_mapping

Lenient = Field(strict=False)
"""YAML knows lists but no tuples, and strings but no paths."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class VariableNames(_Strict):
    """How one variable stands in the files.

    Attributes:
        name: its name there; null: the one variable whose name or standard name means STRIDE's key.
        files: files of this variable, where each variable has files of its own; null: those of its section.
        units: units of the values; they go before the file's attribute.
        accumulation: period over which an amount was accumulated ("1 day"); makes a rate of it.
        missing: a number that stands for a missing value, where the file does not say so itself.
        select: value of the coordinate (or, without one, position) along each further dimension, such as
            ``{height: 2}``.
    """

    name: str | None = None
    files: Annotated[tuple[str, ...], Lenient] | None = None
    units: str | None = None
    accumulation: str | None = None
    missing: float | None = None
    select: dict[str, int | float | str] = Field(default_factory=dict)

    @field_validator("units", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        """YAML reads ``units: 1`` as a number."""
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    @model_validator(mode="before")
    @classmethod
    def _one_file(cls, data: Any) -> Any:
        return _as_list(data, "files")


class DimensionNames(_Strict):
    """Names of the files' dimensions, where CF attributes and usual names do not tell.

    Attributes:
        time: of the cases.
        member: of the members; not needed where each member has files of its own.
        y: of the rows.
        x: of the columns.
    """

    time: str | None = None
    member: str | None = None
    y: str | None = None
    x: str | None = None


class SourceNames(_Strict):
    """Where one group of fields lies and what it is called there.

    Attributes:
        files: a file, a Zarr store or a glob of them, or a list; ``{date:%Y%m%d}`` stands for the time of a file that
            holds one, ``{member}`` for the member of files that hold one member each.
        group: group inside each file; null: its root.
        dims: names of the dimensions.
        calendar: of the times, where the files do not say it or say it wrong.
        variables: STRIDE's key -> how the variable stands in the files.
    """

    files: Annotated[tuple[str, ...], Lenient] = ()
    group: str | None = None
    dims: DimensionNames = DimensionNames()
    calendar: str | None = None
    variables: dict[str, VariableNames] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _plain_forms(cls, data: Any) -> Any:
        """One file needs no list, and a variable that goes by its usual name no entry: ``msl:``."""
        data = _as_list(data, "files")
        if isinstance(data, dict) and isinstance(data.get("variables"), dict):
            entries = {key: {} if entry is None else entry for key, entry in data["variables"].items()}
            data = {**data, "variables": entries}
        return data

    def files_of(self, key: str) -> tuple[str, ...]:
        """Patterns of the files that hold a variable."""
        return self.variables[key].files or self.files


class NamesConfig(_Strict):
    """What ``stride-eval import`` reads.

    Attributes:
        title: of the saved ensemble; null: made from the name of the system.
        system: what the producer or method is called; null: the name of the file of names.
        root: folder that relative paths start from; itself relative to the file of names.
        variables_file: TOML file of further variables, laid out as the catalogue of stride-vars.
        match_times: ``exact``: a case and its observation carry the same time; ``day``: the same day, whatever the
            hour; one field a day is then needed.
        ensemble: the members; its variables are the targets.
        target: the observed fields; null: none, and the ensemble can be looked at but not scored. Without ``files``
            they lie in those of the ensemble.
        conditioning: low-resolution fields that the members were made from; null: none.
        static: fields without time on the members' grid, such as the land fraction ``lsm``; null: none.
    """

    title: str | None = None
    system: str | None = None
    root: str = "."
    variables_file: str | None = None
    match_times: Literal["exact", "day"] = "exact"
    ensemble: SourceNames
    target: SourceNames | None = None
    conditioning: SourceNames | None = None
    static: SourceNames | None = None

    @model_validator(mode="after")
    def _fits(self) -> NamesConfig:
        for name in ("ensemble", "conditioning", "static"):
            source: SourceNames | None = getattr(self, name)
            for key in source.variables if source else ():
                if source is not None and not source.files_of(key):
                    raise ValueError(f"{name}.files is missing; say where the fields lie, such as 'files: rain_*.nc'")
        if self.target is not None:
            lacking = sorted(set(self.ensemble.variables) - set(self.target.variables))
            further = sorted(set(self.target.variables) - set(self.ensemble.variables))
            if lacking:
                raise ValueError(f"target.variables has no '{lacking[0]}', which ensemble.variables has; add it")
            if further:
                raise ValueError(
                    f"target.variables has '{further[0]}', which ensemble.variables has not; leave it out, or add the "
                    "members"
                )
        return self

    def sources(self) -> dict[str, SourceNames]:
        """Group of the saved ensemble -> where its fields lie, for the groups that are given."""
        given = {name: getattr(self, name) for name in ("ensemble", "target", "conditioning", "static")}
        found = {name: source for name, source in given.items() if source is not None}
        if self.target is not None and not self.target.files:
            found["target"] = self.target.model_copy(update={"files": self.ensemble.files})
        return found


def load_names(path: Path) -> NamesConfig:
    """Reads a file of names; its ``root`` and ``variables_file`` become paths from the current folder.

    Raises:
        EvalError: a file that cannot be read, or a key or value that is wrong.
    """
    data = read_mapping(path, "file of names")
    try:
        config = NamesConfig.model_validate(data)
    except ValidationError as error:
        raise EvalError(describe(error, NamesConfig, str(path))) from error
    folder = path.parent
    changes: dict[str, Any] = {"root": str(folder / Path(config.root).expanduser())}
    if config.variables_file is not None:
        changes["variables_file"] = str(folder / Path(config.variables_file).expanduser())
    if config.system is None:
        changes["system"] = path.stem
    return config.model_copy(update=changes)


def _as_list(data: Any, key: str) -> Any:
    return {**data, key: [data[key]]} if isinstance(data, dict) and isinstance(data.get(key), str) else data
