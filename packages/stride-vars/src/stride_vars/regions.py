"""Boxes on grids, and the region that is saved with every output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stride_vars.config_errors import describe
from stride_vars.errors import StrideError


class Box(BaseModel):
    """A rectangle of cells on one grid, in indices of the file's own row and column order.

    Attributes:
        y: Index of the first row.
        x: Index of the first column.
        height: Number of rows.
        width: Number of columns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    y: int = Field(ge=0)
    x: int = Field(ge=0)
    height: int = Field(gt=0)
    width: int = Field(gt=0)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.height, self.width)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Slices of the last two axes, ``field[..., *box.slices]``."""
        return (slice(self.y, self.y + self.height), slice(self.x, self.x + self.width))

    def contains(self, other: Box) -> bool:
        """Whether every cell of ``other`` is one of this box's cells (same grid)."""
        return (
            self.y <= other.y
            and self.x <= other.x
            and other.y + other.height <= self.y + self.height
            and other.x + other.width <= self.x + self.width
        )

    def shifted(self, rows: int, columns: int) -> Box:
        """The same size, moved.

        Raises:
            StrideError: If the box would leave the grid at its first row or column.
        """
        return self._checked(self.y + rows, self.x + columns, self.height, self.width, f"moved by ({rows}, {columns})")

    def expanded(self, margin: int) -> Box:
        """The box with ``margin`` more cells on every side.

        Raises:
            StrideError: If the box would leave the grid at its first row or column, or would be empty.
        """
        return self._checked(
            self.y - margin,
            self.x - margin,
            self.height + 2 * margin,
            self.width + 2 * margin,
            f"widened by {margin} cells on every side",
        )

    def scaled(self, ratio: Fraction, ratio_x: Fraction | None = None) -> Box:
        """The co-located box on a grid of another spacing whose first cell starts at the same edge.

        Args:
            ratio: Cells of the other grid per cell of this one: ``Fraction(1, 12)`` from a fine grid to one 12 times
                coarser.
            ratio_x: The same along columns, where it differs.

        Raises:
            StrideError: If an edge does not fall on an edge of the other grid.
        """
        along = {"y": ratio, "height": ratio, "x": ratio_x or ratio, "width": ratio_x or ratio}
        edges: dict[str, int] = {}
        for name, factor in along.items():
            edge = getattr(self, name) * Fraction(factor)
            if edge.denominator != 1:
                raise StrideError(
                    f"box {self}: {name}={getattr(self, name)} times {factor} is no whole number of cells on the other "
                    f"grid; make {name} a multiple of {Fraction(factor).denominator}."
                )
            edges[name] = int(edge)
        return Box(**edges)

    def _checked(self, y: int, x: int, height: int, width: int, what: str) -> Box:
        if y < 0 or x < 0 or height < 1 or width < 1:
            raise StrideError(
                f"box {self} {what} starts at row {y}, column {x} with {height} x {width} cells, outside its grid; "
                "choose a box further inside or a smaller change."
            )
        return Box(y=y, x=x, height=height, width=width)

    def __str__(self) -> str:
        return f"(y={self.y}, x={self.x}, height={self.height}, width={self.width})"


class Region(BaseModel):
    """The anchored boxes that belong together, saved with every output.

    Attributes:
        name: The region's name.
        hr: Output box on the high-resolution grid.
        lr: Input box on the low-resolution grid.
        shuffle: Box on the high-resolution grid in which training crops are drawn; None without random shuffle.
        context: Box of the larger domain on the grid of its fields; None without one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    hr: Box
    lr: Box
    shuffle: Box | None = None
    context: Box | None = None

    def to_attrs(self) -> dict[str, str]:
        """The region as file attributes: ``{"region": <JSON>}``."""
        return {"region": self.model_dump_json()}

    @classmethod
    def from_attrs(cls, attrs: Mapping[Any, Any]) -> Region:
        """Read the region back from a file's attributes.

        Raises:
            StrideError: If the attribute is missing or is not a region.
        """
        if "region" not in attrs:
            raise StrideError("attribute 'region' is missing: write it with Region.to_attrs().")
        try:
            return cls.model_validate(json.loads(attrs["region"]))
        except (TypeError, json.JSONDecodeError) as exc:
            raise StrideError(f"attribute 'region' is no JSON text: {exc}; write it with Region.to_attrs().") from exc
        except ValidationError as exc:
            raise StrideError(describe(exc, cls, "attribute 'region'")) from exc
