"""What an evaluation does: strict configuration, from a file and from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from stride_vars.config_errors import describe

from stride_eval.errors import EvalError
from stride_eval.regions import NAME, Region
from stride_eval.seasons import written_out
from stride_eval.single_fields import SingleField
from stride_eval.yaml_file import read_mapping

Mode = Literal["minimal", "metrics", "plots", "full"]

Rank = Literal["best", "median", "worst"]

Lenient = Field(strict=False)
"""YAML knows lists but no tuples, and strings but no paths."""


Month = Annotated[int, Field(ge=1, le=12)]


class EvalConfig(BaseModel):
    """Configuration of an evaluation; the section ``evaluate:`` of an experiment file.

    Attributes:
        families: which families run, in the report's order; null: all that are registered.
        mode: ``minimal``: scores and the essential figures; ``metrics``: scores and tables, no figure; ``plots``:
            figures drawn again from the finished results in the output folder; ``full``: everything.
        reference: system that skill is measured against; null: the one with the fewest members, first by name among
            equals.
        single_fields: ``mean`` and ``pmm``: the mean and the probability matched mean of each ensemble of two members
            or more, scored as systems of one member beside it.
        title: heading of the report; null: named after the systems.
        dates: dates of the quicklooks (``2014-06-01``, or a full time stamp); null: chosen by the observed mean.
        quicklooks: how many dates are chosen when ``dates`` is null.
        ranked_dates: quicklooks of the dates that the first system beside the reference did ``best``, ``median`` and
            ``worst`` on, by its CRPS less that of the reference.
        quicklook_members: how many members each quicklook shows.
        browser_megabytes: what the images of the report's date browser (the quicklooks' dates and members) may take
            together; 0: no browser.
        thresholds: target -> event thresholds in its units, of the fractions skill score, the threshold-weighted CRPS
            and the economic value; a target not named here gets its wet threshold and the
            ``threshold_quantiles`` of its observed values.
        threshold_quantiles: quantiles of the observed values that serve as event thresholds.
        tail_quantiles: quantiles that the extremes are compared at.
        coverage_levels: coverages of the central intervals that are checked.
        windows: widths of the square neighbourhoods of the fractions skill score, odd numbers of pixels; null: chosen
            from the size of the grid.
        smallest_object: pixels that an object of the features has at least.
        seasons: name -> months (``winter: [12, 1, 2]``), beside all dates; DJF, MAM, JJA and SON stand for their
            months, also as a list (``[DJF, JJA]``).
        regions: name -> part of the grid, beside the whole of it (see ``Region``): ``{rows: [0, 40], columns: [10,
            60]}``, ``{latitude: [55, 58], longitude: [8, 11]}``, ``{mask: file.nc, variable: basin}``, ``land`` or
            ``sea``.
        fewest_pairs: dates, or pairs of dates, that a correlation in time needs; of fewer it is not given.
        resamples: resamples of the bootstrap over dates.
        block_length: dates in a row that a resample draws together; null: the cube root of the number of dates.
        level: confidence level of the intervals.
        seed: of the bootstrap.
        variables_file: TOML file of further variables, laid out as the catalogue of stride-vars.
        dpi: resolution of the figures.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    families: Annotated[tuple[str, ...], Lenient] | None = None
    mode: Mode = "full"
    reference: str | None = None
    single_fields: Annotated[tuple[SingleField, ...], Lenient] = ()
    title: str | None = None
    dates: Annotated[tuple[str, ...], Lenient] | None = None
    quicklooks: int = Field(default=3, ge=0)
    ranked_dates: Annotated[tuple[Rank, ...], Lenient] = ("best", "median", "worst")
    quicklook_members: int = Field(default=4, ge=1)
    browser_megabytes: float = Field(default=5.0, ge=0.0)
    thresholds: dict[str, Annotated[tuple[float, ...], Lenient]] = Field(default_factory=dict)
    threshold_quantiles: Annotated[tuple[float, ...], Lenient] = (0.9, 0.99)
    tail_quantiles: Annotated[tuple[float, ...], Lenient] = (0.9, 0.99, 0.999)
    coverage_levels: Annotated[tuple[float, ...], Lenient] = (0.5, 0.8, 0.9)
    windows: Annotated[tuple[int, ...], Lenient] | None = None
    smallest_object: int = Field(default=4, ge=1)
    seasons: dict[Annotated[str, Field(min_length=1)], Annotated[tuple[Month, ...], Lenient, Field(min_length=1)]] = (
        Field(default_factory=dict)
    )
    regions: dict[Annotated[str, Field(pattern=NAME)], Region] = Field(default_factory=dict)
    fewest_pairs: int = Field(default=20, ge=2)
    resamples: int = Field(default=1000, ge=100)
    block_length: int | None = Field(default=None, ge=1)
    level: float = Field(default=0.95, gt=0.0, lt=1.0)
    seed: int = 0
    variables_file: Annotated[Path, Lenient] | None = None
    dpi: int = Field(default=110, ge=40, le=600)

    @model_validator(mode="before")
    @classmethod
    def _read_dates(cls, data: Any) -> Any:
        """YAML reads an unquoted 2014-06-01 as a date: written back as text."""
        if isinstance(data, Mapping) and isinstance(data.get("dates"), Iterable) and not isinstance(data["dates"], str):
            return {**data, "dates": [str(date).replace(" ", "T") for date in data["dates"]]}
        return data

    @field_validator("seasons", mode="before")
    @classmethod
    def _name_months(cls, seasons: Any) -> Any:
        return written_out(seasons)

    @model_validator(mode="after")
    def _sensible(self) -> EvalConfig:
        for name in ("threshold_quantiles", "tail_quantiles", "coverage_levels"):
            if any(not 0.0 < share < 1.0 for share in getattr(self, name)):
                raise ValueError(f"{name} must lie between 0 and 1")
        for name in ("seasons", "regions"):
            if "all" in getattr(self, name):
                raise ValueError(f"{name}: 'all' stands for the whole; choose another name")
        if self.windows is not None and any(window < 1 or window % 2 == 0 for window in self.windows):
            raise ValueError("windows must be odd numbers of pixels, so that each has a centre")
        return self

    @property
    def all_figures(self) -> bool:
        """Whether figures are drawn that are not essential."""
        return self.mode in {"plots", "full"}

    def resolved_block_length(self, dates: int) -> int:
        """Dates drawn together by the bootstrap when ``dates`` dates are scored."""
        return min(self.block_length or max(1, round(dates ** (1 / 3))), max(dates, 1))


def load_config(path: Path | None = None, overrides: Iterable[str] = (), **chosen: Any) -> EvalConfig:
    """The configuration from a file, ``key=value`` overrides and choices made by name.

    Args:
        path: a YAML file whose top level, or whose section ``evaluate:``, holds the keys of ``EvalConfig``; None:
            defaults.
        overrides: texts ``key=value`` or ``key.inner=value``; the value is read as YAML.
        chosen: keys that the command line sets by options of their own; None means not chosen.

    Raises:
        EvalError: a file that cannot be read, or a key or value that is wrong.
    """
    data = {} if path is None else _read(path)
    where = "the evaluation's configuration" if path is None else str(path)
    for override in overrides:
        _set(data, override)
    data.update({key: value for key, value in chosen.items() if value is not None})
    try:
        return EvalConfig.model_validate(data)
    except ValidationError as error:
        raise EvalError(describe(error, EvalConfig, where)) from error


def _read(path: Path) -> dict[str, Any]:
    data = read_mapping(path, "configuration file")
    if "evaluate" not in data:
        return data
    section = data["evaluate"] or {}
    if not isinstance(section, dict):
        raise EvalError(f"{str(path)!r}: evaluate holds {type(section).__name__} where keys and values are expected")
    return dict(section)


def _set(data: dict[str, Any], override: str) -> None:
    import yaml

    key, separator, text = override.partition("=")
    if not separator or not key.strip():
        raise EvalError(f"--set {override!r} is no key=value; write for example --set quicklooks=2")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise EvalError(
            f"--set {override!r}: the value cannot be read as YAML ({' '.join(str(error).split())})"
        ) from error
    *parents, last = key.strip().split(".")
    inner = data
    for parent in parents:
        inner = inner.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise EvalError(f"--set {override!r}: {parent!r} is a value and holds no keys of its own")
    inner[last] = value
