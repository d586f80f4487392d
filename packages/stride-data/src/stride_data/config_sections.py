"""The parts of the ``data`` section: sources, boxes, splits."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from stride_data.storage_options import StorageOptions, shown


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

Options = Annotated[dict[str, Any], AfterValidator(StorageOptions), PlainSerializer(shown)]
"""Options of a remote file system; shown and dumped without secrets."""


class Strict(BaseModel):
    """Unknown keys and values of another type are errors; nothing is converted silently."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class VariableConfig(Strict):
    """How one catalogue variable stands in a source's files.

    Attributes:
        name: Name in the file; without it, any name that the catalogue resolves to the key.
        units: Units of the values; overrides the file's attribute.
        accumulation: Period over which the file's amount was accumulated ("1 day"); makes a rate of it.
        valid_min: Values below are set to it (canonical units); stated in the metadata.
        select: Value of the coordinate (or, without one, position) along each further dimension, such as
            ``{height: 2, member: r1i1p1f1}``. The pressure level of a key such as ``t_850`` needs no entry.
    """

    name: str | None = None
    units: UnitText | None = None
    accumulation: str | None = None
    valid_min: float | None = None
    select: dict[str, int | float | str] = Field(default_factory=dict)


class DimsConfig(Strict):
    """Names of a file's dimensions, where CF attributes and usual names do not tell."""

    time: str | None = None
    y: str | None = None
    x: str | None = None


class SpacingConfig(Strict):
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


class SourceConfig(Strict):
    """One set of files on one grid.

    Attributes:
        files: Pattern with dates (``tp_{date:%Y%m%d}.nc``), one file, a ``*.zarr`` store, or a glob; relative to the
            root, or a URL. With ``{variable}`` or ``{level}`` in it, each variable has files of its own.
        storage_options: Options of the remote file system; they go before the section's.
        variables: Catalogue key to how it stands in the files.
        dims: Names of dimensions; found by CF where omitted.
        calendar: CF calendar; overrides the file's.
        duplicates: What to do about times that come again: refuse them, or keep the first or last one in the order of
            the files' names.
        block_average: Edge length in cells of the blocks that are averaged into one LR cell.
        regrid: How to bring the fields to ``data.lr_grid``: "bilinear" and "nearest" give values at its cells' centres,
            "conservative" keeps area means.
        npz_key: Array to take from ``.npz`` files; may be omitted when there is only one.
        flip_y: Reverse the rows.
        like: Take the coordinates of this other source.
        spacing: Or make regular coordinates.
        crs: Coordinate reference system of the coordinates (anything that pyproj reads); overrides the CF grid mapping.
    """

    files: str
    storage_options: Options = Field(default_factory=dict)
    variables: dict[str, Annotated[VariableConfig, BeforeValidator(_as_mapping)]] = Field(min_length=1)
    dims: DimsConfig = DimsConfig()
    calendar: str | None = None
    duplicates: Literal["refuse", "first", "last"] = "refuse"
    block_average: int | None = Field(default=None, ge=1)
    regrid: Literal["bilinear", "conservative", "nearest"] | None = None
    npz_key: str | None = None
    flip_y: bool = False
    like: str | None = None
    spacing: SpacingConfig | None = None
    crs: str | None = None

    @model_validator(mode="after")
    def _one_origin_of_coordinates(self) -> SourceConfig:
        if self.like is not None and self.spacing is not None:
            raise ValueError("'like' and 'spacing' both give coordinates; keep one of them")
        if self.regrid is not None and self.block_average is not None:
            raise ValueError("'regrid' and 'block_average' both make the LR field; keep one of them")
        return self


class LrGridConfig(Strict):
    """The grid that sources with ``regrid`` are brought to: a source's own, or blocks of a source's cells.

    Attributes:
        like: Name of the source whose grid to take.
        blocks_of: Name of the source whose cells to group.
        size: Edge length of a block in cells.
        margin: Blocks beyond the source's domain on every side.
    """

    like: str | None = None
    blocks_of: str | None = None
    size: int | None = Field(default=None, ge=1)
    margin: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_form(self) -> LrGridConfig:
        if (self.like is None) == (self.blocks_of is None):
            raise ValueError("give either like: SOURCE, or blocks_of: SOURCE with its size")
        if (self.size is None) != (self.blocks_of is None) or (self.margin and self.blocks_of is None):
            raise ValueError("size (and margin) belong to blocks_of: SOURCE, which needs a size")
        return self

    @property
    def source(self) -> str:
        """The source that the grid comes from."""
        return self.like or self.blocks_of or ""


class BoxConfig(Strict):
    """A box: ``y, x, height, width`` in cells, or ``south, north, west, east`` in coordinates.

    Attributes:
        y: First row; may be negative in a context box, which may begin before the HR grid.
        x: First column; on a grid that goes around the globe the box may go on beyond the last one.
        height: Rows.
        width: Columns.
        south: Bound of the cell centres; exchanged with ``north`` where that is smaller.
        north: The other bound.
        west: Bound of the cell centres; longitudes go from here eastwards to ``east``, modulo 360.
        east: The other bound.
        units: Units of the bounds ("degrees", "m", "km"); without, the grid's own. Degrees on a projected grid select
            by its two-dimensional latitude and longitude.
        margin: Instead of all others, in a context box: HR cells beyond the HR box on every side.
    """

    y: int | None = None
    x: int | None = None
    height: int | None = Field(default=None, gt=0)
    width: int | None = Field(default=None, gt=0)
    south: float | None = None
    north: float | None = None
    west: float | None = None
    east: float | None = None
    units: UnitText | None = None
    margin: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _one_complete_form(self) -> BoxConfig:
        indices = {name: getattr(self, name) for name in ("y", "x", "height", "width")}
        bounds = {name: getattr(self, name) for name in ("south", "north", "west", "east")}
        given = [form for form in (indices, bounds) if any(v is not None for v in form.values())]
        if self.margin is not None:
            if given or self.units is not None:
                raise ValueError("a margin says all of a context box; leave out the other keys")
            return self
        if len(given) != 1 or any(v is None for v in given[0].values()):
            raise ValueError(
                "give a box either as y, x, height, width in cells or as south, north, west, east in coordinates, "
                "all four"
            )
        if self.units is not None and not self.in_bounds:
            raise ValueError("units go with south, north, west, east; a box in cells has none")
        return self

    @property
    def in_indices(self) -> bool:
        """Whether the box is given in cells."""
        return self.y is not None

    @property
    def in_bounds(self) -> bool:
        """Whether the box is given in coordinates."""
        return self.south is not None


class RegionConfig(Strict):
    """Where samples come from.

    Attributes:
        name: The region's name.
        hr: Box on the HR grid; None takes the whole domain that all sources cover.
        shuffle: Box in which training crops of the ``hr`` box's size are drawn; None keeps the fixed box.
        lr: Box on the LR grid that covers the ``hr`` box and moves with it; None takes the co-located cells and
            ``lr_margin``. Its indices count LR cells in the direction of the HR grid's rows and columns.
        lr_margin: Extra LR cells on every side of the LR box.
        context: Box of the larger domain, in cells of the HR grid, in coordinates, or as a margin around the ``hr``
            box, with which it moves; read from the grid of ``data.context`` and ``data.context_static``.
    """

    name: str = "region"
    hr: BoxConfig | None = None
    shuffle: BoxConfig | None = None
    lr: BoxConfig | None = None
    lr_margin: int = Field(default=0, ge=0)
    context: BoxConfig | None = None

    @field_validator("hr", "shuffle", "lr")
    @classmethod
    def _on_its_grid(cls, value: BoxConfig | None) -> BoxConfig | None:
        if value is not None and value.margin is not None:
            raise ValueError("only a context box may be a margin; give y, x, height, width or bounds")
        if value is not None and value.in_indices and min(value.y or 0, value.x or 0) < 0:
            raise ValueError("y and x count from 0; only a context box may begin before the grid")
        return value

    @model_validator(mode="after")
    def _one_lr_box(self) -> RegionConfig:
        if self.lr is not None and self.lr_margin:
            raise ValueError("lr and lr_margin both say how far the LR box goes; keep one of them")
        return self


class SplitConfig(Strict):
    """The times of one split: years, start and end, a list, a random share, or those of another split.

    Attributes:
        years: First and last year, both included.
        start: First time, any leading part of an ISO time; included.
        end: Last time, included with everything that begins with it ("2012" includes all of 2012).
        dates: A list of times; a date alone takes all its times.
        random: Share of the times that no other kind of split takes, drawn with ``data.split_seed``.
        same_as: Name of the split whose times this one shares.
        needs_target: False also keeps times for which only the conditioning exists.
    """

    years: list[int] | None = Field(default=None, min_length=2, max_length=2)
    start: IsoText | None = None
    end: IsoText | None = None
    dates: list[IsoText] | None = Field(default=None, min_length=1)
    random: float | None = Field(default=None, gt=0, le=1)
    same_as: str | None = None
    needs_target: bool = True

    @model_validator(mode="after")
    def _one_form(self) -> SplitConfig:
        ranged = self.start is not None or self.end is not None
        stated = (self.years, self.dates, self.random, self.same_as)
        if ranged + sum(form is not None for form in stated) != 1:
            raise ValueError("give one of: years, start and end, dates, random, same_as")
        if self.random is not None and not self.needs_target:
            raise ValueError("a random share is drawn among times with a target; leave needs_target out")
        if self.years is not None and self.years[0] > self.years[1]:
            raise ValueError(f"years {self.years} run backwards")
        return self
