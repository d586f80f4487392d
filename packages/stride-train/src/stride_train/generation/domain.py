"""The domain that is generated: the sample's box, or a larger one made of tiles of its size."""

from __future__ import annotations

from dataclasses import dataclass

from stride_data.adapter_protocol import Adapter
from stride_data.regions.domain import Domain
from stride_model.errors import SpecError
from stride_model.tiles.tiling import Tiling
from stride_vars.regions import Box, Region

from stride_train.config import GenerateConfig
from stride_train.errors import GenerationError

RIM_SHARE = 4
"""A tile's outermost quarter of the overlap does not count, at inner edges: what a network says there bends towards its
padding. Trimming it took a quarter off the difference to the untiled field; more gained little."""

LEAST_STEPS = 2
"""LR cells in the default overlap: a blend within one LR cell would break what the tiles say of the cell's mean."""


@dataclass(frozen=True)
class GeneratedDomain:
    """What is generated.

    Attributes:
        region: Its boxes; `hr` is the domain.
        tiling: Where the tiles lie, counted from the domain's first row and column; None for a single box.
        boxes: HR boxes of the tiles, row by row; one for a single box.
    """

    region: Region
    tiling: Tiling | None
    boxes: tuple[Box, ...]

    @property
    def box(self) -> Box:
        """The domain on the HR grid."""
        return self.region.hr


def generated_domain(adapter: Adapter, config: GenerateConfig) -> GeneratedDomain:
    """Works out what `generate.domain` and `generate.tiles` ask for.

    Raises:
        StrideError: If the domain is smaller than a sample's box, leaves the grids, or does not consist of whole LR
            cells; or the tiles overlap by more than leaves a step.
    """
    if config.domain is None:
        return GeneratedDomain(adapter.region, None, (adapter.region.hr,))
    domain = adapter.domain(config.domain, "generate.domain")
    if domain.region.hr.shape == domain.tile:
        return GeneratedDomain(domain.region, None, (domain.region.hr,))
    overlap = _overlap(domain, config.tiles.overlap)
    try:
        tiling = Tiling.over(
            domain.region.hr.shape, domain.tile, overlap=overlap, step=domain.step, rim=overlap // RIM_SHARE
        )
    except SpecError as error:
        raise GenerationError(f"generate.tiles do not fit generate.domain: {error}") from error
    return GeneratedDomain(domain.region, tiling, tuple(domain.boxes(tiling.corners)))


def _overlap(domain: Domain, asked: int | None) -> int:
    """The overlap asked for, or the default.

    Raises:
        GenerationError: If it leaves no step from one tile to the next.
    """
    axes = list(zip(domain.region.hr.shape, domain.tile, domain.step, strict=True))
    most = min(tile - step for size, tile, step in axes if size > tile)
    if asked is None:
        return min(most, max(min(domain.tile) // 4, LEAST_STEPS * max(domain.step)))
    if asked > most:
        raise GenerationError(
            f"generate.tiles.overlap: {asked} cells leave tiles of {domain.tile[0]} x {domain.tile[1]} "
            f"(data.region.hr) no step of {max(domain.step)} from one to the next: use at most {most}."
        )
    return asked
