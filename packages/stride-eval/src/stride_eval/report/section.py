"""What the runner hands to the report for each family."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stride_eval.plots.record import FigureRecord


@dataclass
class Section:
    """One family's part of the report.

    Attributes:
        name: of the family.
        title: its heading.
        figures: with file names relative to the output folder.
    """

    name: str
    title: str
    figures: list[tuple[FigureRecord, str]] = field(default_factory=list)
