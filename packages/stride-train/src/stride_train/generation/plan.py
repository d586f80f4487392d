"""The work of an ensemble in pieces: some members of one case each, drawn in one batch."""

from __future__ import annotations

import functools
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Members of one case that are drawn at once.

    Attributes:
        case: Number of the case, from 0.
        members: Numbers of its members.
    """

    case: int
    members: range

    @property
    def name(self) -> str:
        """Under which its marker stands in the folder of an unfinished ensemble."""
        return f"{self.case:06d}-{self.members.start:05d}-{self.members.stop:05d}"


@dataclass(frozen=True)
class Plan:
    """All pieces, case after case.

    It depends on what is asked for alone, not on who does it: so a member is drawn in the same batch by one process and
    by many, before and after an interruption, and its field is the same bit for bit.

    Attributes:
        times: ISO times of the cases.
        members: Ensemble size.
        batch_size: Members of a piece; the last of a case may hold fewer.
    """

    times: tuple[str, ...]
    members: int
    batch_size: int

    @functools.cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """All pieces in order."""
        return tuple(piece for case in range(len(self.times)) for piece in self.of_case(case))

    def of_case(self, case: int) -> tuple[Piece, ...]:
        """The pieces of one case."""
        starts = range(0, self.members, self.batch_size)
        return tuple(Piece(case, range(first, min(first + self.batch_size, self.members))) for first in starts)
