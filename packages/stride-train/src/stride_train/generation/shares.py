"""Which part of the work is this process's, where several on one machine or many divide it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from stride_train.errors import GenerationError

_STARTERS = (
    ("torchrun", "RANK", ("WORLD_SIZE",)),
    # The number of tasks of the step goes before that of the job, of which the step may be a part.
    ("SLURM", "SLURM_PROCID", ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS")),
)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Share:
    """Share `rank` of `of` equal ones.

    Attributes:
        rank: Number of the share, from 0.
        of: How many there are.
    """

    rank: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            GenerationError: If there is no such share.
        """
        if self.of < 1 or not 0 <= self.rank < self.of:
            raise GenerationError(
                f"There is no share {self.rank} of {self.of}: shares are counted from 0, so give --rank 0 to "
                f"--rank {max(self.of, 1) - 1} with --of {max(self.of, 1)}."
            )

    def part(self, items: Sequence[Item]) -> Sequence[Item]:
        """The consecutive items of this share; the shares are disjoint and hold all, sizes differ by one at most."""
        count = len(items)
        return items[count * self.rank // self.of : count * (self.rank + 1) // self.of]

    def __str__(self) -> str:
        return f"share {self.rank} of {self.of}"


def find_share(rank: int | None, of: int | None, environment: Mapping[str, str] | None = None) -> Share:
    """The share that is asked for, or that torchrun or SLURM gave this process; all of the work without either.

    Args:
        rank: Number that the user gives, from 0.
        of: Number of shares that the user gives.
        environment: Environment variables; the process's own when None.

    Raises:
        GenerationError: If one of the two numbers is missing or they do not fit.
    """
    if rank is not None or of is not None:
        if rank is None or of is None:
            raise GenerationError("--rank and --of belong together: write for example --rank 0 --of 4.")
        return Share(rank, of)
    found = os.environ if environment is None else environment
    for starter, number, totals in _STARTERS:
        total = next((name for name in totals if found.get(name)), None)
        if found.get(number) and total is not None:
            try:
                return Share(int(found[number]), int(found[total]))
            except ValueError:
                raise GenerationError(
                    f"The environment of {starter} is not understood: {number} is '{found[number]}' and {total} is "
                    f"'{found[total]}': give --rank and --of."
                ) from None
    return Share()


def local_rank(environment: Mapping[str, str] | None = None) -> int:
    """Number of this process among those that torchrun or SLURM started on this machine; 0 without either."""
    found = os.environ if environment is None else environment
    for name in ("LOCAL_RANK", "SLURM_LOCALID"):
        if found.get(name, "").isdigit():
            return int(found[name])
    return 0
