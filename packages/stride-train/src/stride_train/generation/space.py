"""How much an ensemble takes on disk at most, and whether the disk has that much."""

from __future__ import annotations

import math
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_vars.regions import Region

from stride_train.errors import GenerationError
from stride_train.generation.plan import Plan

_BLOCK = 4096  # files take whole blocks of this size on common file systems
_METADATA = 2**18  # descriptions of all groups and arrays
_FRAMES = 1.01  # values that do not compress grow a little


@dataclass(frozen=True)
class EnsembleSize:
    """Bytes on disk of the parts of an ensemble, if nothing of it could be compressed.

    Attributes:
        member: Of one member of one case.
        case: Of what belongs to a case beside its members, with observed fields.
        fixed: Of coordinates, static fields and descriptions.
    """

    member: int
    case: int
    fixed: int

    @classmethod
    def of(cls, adapter: Adapter, region: Region, *, targets: int, summaries: int) -> EnsembleSize:
        """Adds up the fields.

        Args:
            adapter: Its channels and coordinates.
            region: Boxes of the fields.
            targets: Targets that are written.
            summaries: Fields of each target made from all members.
        """
        hr, lr = _field(region.hr.shape), _field(region.lr.shape)
        coordinates = [*adapter.hr_coords(region.hr).values(), *adapter.lr_coords(region.lr).values()]
        of_group = sum(_file(np.asarray(values).nbytes) for _, values, _ in coordinates)
        groups = 4 + summaries  # ensemble, target, conditioning, static
        return cls(
            member=targets * hr,
            case=targets * hr * (summaries + 1) + len(adapter.cond_names) * adapter.temporal_steps * lr,
            fixed=groups * of_group + len(adapter.static_names) * hr + _METADATA,
        )

    def missing(self, plan: Plan, done: Collection[str]) -> int:
        """Bytes of what is not written yet, at most.

        Args:
            plan: All pieces.
            done: Names of the pieces that are on disk.
        """
        left = [piece for piece in plan.pieces if piece.name not in done]
        times = 16 * len(plan.times) * 8
        fixed = 0 if done else self.fixed + times
        return fixed + self.member * sum(len(piece.members) for piece in left) + self.case * len({p.case for p in left})


def free_space(path: Path) -> int:
    """Bytes that may still be written to the disk of a path, which need not exist; quotas are not seen."""
    there = path.absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


def require_room(path: Path, needed: int) -> None:
    """Refuses to begin what the disk cannot hold.

    Raises:
        GenerationError: If less is free than may be needed.
    """
    free = free_space(path)
    if needed > free:
        raise GenerationError(
            f"The ensemble '{path}' may take up to {in_words(needed)} more (uncompressed), but its disk has "
            f"{in_words(free)} free: free some space, choose another folder with --out, or, if you know that it "
            "compresses well enough, add --ignore-space."
        )


def in_words(count: int) -> str:
    """A number of bytes with a unit of a fitting size."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    return f"{size:.3g} {unit}"


def _field(shape: tuple[int, int]) -> int:
    """Bytes of one field of float32 in a file of its own."""
    return _file(4 * shape[0] * shape[1])


def _file(size: int) -> int:
    return math.ceil(_FRAMES * size / _BLOCK) * _BLOCK
