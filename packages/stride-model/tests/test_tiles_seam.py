"""No seam: differences between neighbours across tile borders are distributed as those elsewhere.

Fields are Gaussian with a known covariance, seen through block means. A tile's exact denoiser knows its own noisy
pixels and its own block means and nothing beyond, as a network does: what is tested is the tiling, without any training
error.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from stride_model.conditioning.maps import Conditioning
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.tiles.denoiser import TiledDenoiser
from stride_model.tiles.tiling import Tiling

DOMAIN, TILE, BLOCK, LENGTH = (8, 112), (8, 48), 8, 4.0
OVERLAP = 2 * BLOCK
CASES, MEMBERS = 40, 8
LEVELS = karras_schedule(12, 0.01, 20.0)


def matern(rows: int, columns: int) -> torch.Tensor:
    """Covariance of unit variance between pixels, smoothness 3/2."""
    places = torch.cartesian_prod(torch.arange(rows).double(), torch.arange(columns).double())
    distance = 3**0.5 * torch.cdist(places, places) / LENGTH
    return (1 + distance) * (-distance).exp()


def block_means(rows: int, columns: int) -> torch.Tensor:
    """Matrix that takes the means over blocks."""
    along = [torch.eye(n // BLOCK).double().repeat_interleave(BLOCK, dim=1) / BLOCK for n in (rows, columns)]
    return torch.kron(*along)


class ExactDenoiser:
    """E[x | x + sigma n, block means] of a box of a Gaussian field; its map is the mean given the block means."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.spec = SimpleNamespace(target_hr_shape=shape, out_channels=1)
        prior, means = matern(*shape), block_means(*shape)
        gain = torch.linalg.solve(means @ prior @ means.T, means @ prior).T
        values, vectors = torch.linalg.eigh(prior - gain @ means @ prior)
        self.gain, self.values, self.vectors = gain.float(), values.clamp(min=0).float(), vectors.float()

    def encode(self, blocks: torch.Tensor) -> Conditioning:
        mean = blocks.flatten(1) @ self.gain.T
        return Conditioning((mean.unflatten(1, (1, *self.spec.target_hr_shape)),))

    def __call__(self, x: torch.Tensor, sigma: torch.Tensor, conditioning: Conditioning) -> torch.Tensor:
        mean = conditioning.levels[0]
        along = (x.float() - mean).flatten(1) @ self.vectors
        kept = self.values / (self.values + sigma.float().expand(len(x))[:, None] ** 2)
        return mean + ((along * kept) @ self.vectors.T).unflatten(1, x.shape[1:])


class Problem:
    """Cases of a domain, and their members by several ways; three tiles side by side, two overlaps."""

    def __init__(self) -> None:
        self.tiling = Tiling.over(DOMAIN, TILE, overlap=OVERLAP, step=(BLOCK, BLOCK), rim=OVERLAP // 4)
        self.tile, self.whole = ExactDenoiser(TILE), ExactDenoiser(DOMAIN)
        drawn = torch.randn(CASES, DOMAIN[0] * DOMAIN[1], generator=torch.Generator().manual_seed(3))
        root = torch.linalg.cholesky(matern(*DOMAIN) + 1e-8 * torch.eye(drawn.shape[1]).double())
        blocks = drawn.double() @ root.T @ block_means(*DOMAIN).T
        self.blocks = blocks.float().unflatten(1, (1, DOMAIN[0] // BLOCK, DOMAIN[1] // BLOCK))
        self.mean = self.whole.encode(self.blocks).levels[0][:, 0].repeat_interleave(MEMBERS, 0)

    def of_tiles(self, case: int) -> torch.Tensor:
        width = TILE[1] // BLOCK
        return torch.stack([self.blocks[case, ..., x // BLOCK : x // BLOCK + width] for x in self.tiling.columns])

    def fused(self) -> torch.Tensor:
        """Tiles fused at every call, [cases * members, H, W]."""
        tiled = TiledDenoiser(self.tile, self.tiling, batch=100)
        return torch.cat([sampled(tiled.bind(tiled.encode(self.of_tiles(case))), case) for case in range(CASES)])

    def untiled(self) -> torch.Tensor:
        """The exact denoiser of the whole domain, on the same noise."""
        return torch.cat([sampled(bound(self.whole, self.blocks[case][None]), case) for case in range(CASES)])

    def stitched(self, *, same_noise: bool) -> torch.Tensor:
        """Tiles sampled one by one to the end, then cut in the middle of their overlaps."""
        tiling = self.tiling
        fuse = TiledDenoiser(self.tile, Tiling(DOMAIN, TILE, tiling.rows, tiling.columns, rim=OVERLAP // 2)).fuse
        fields = []
        for case in range(CASES):
            blocks = self.of_tiles(case)
            tiles = [
                (number, sampled(bound(self.tile, blocks[[number]]), case, 0 if same_noise else number + 1, place))
                for number, place in enumerate(tiling.slices)
            ]
            fields.append(fuse(tiles))
        return torch.cat(fields)


def bound(denoiser: ExactDenoiser, blocks: torch.Tensor):
    maps = denoiser.encode(blocks).expand_members(MEMBERS)
    return lambda x, sigma: denoiser(x, sigma, maps)


def sampled(denoise, case: int, other: int = 0, place=(slice(None), slice(None))) -> torch.Tensor:
    """Members of a case, from the domain's noise or from other noise; of the whole domain or a part."""
    seeds = [MEMBERS * (case + CASES * other) + member for member in range(MEMBERS)]
    noise = member_noise(seeds, (1, *DOMAIN))(0)[..., *place]
    return dpmpp_2m(denoise, LEVELS[0] * noise, LEVELS)[:, 0].float()


def steps(fields: torch.Tensor, columns: list[int]) -> np.ndarray:
    """Absolute differences between these columns and the next."""
    return (fields[..., 1:] - fields[..., :-1]).abs()[..., columns].numpy()


def kolmogorov_smirnov(one: np.ndarray, other: np.ndarray) -> float:
    """Largest difference between two empirical distribution functions."""
    one, other = np.sort(one, axis=None), np.sort(other, axis=None)
    at = np.concatenate([one, other])
    return float(
        np.abs(np.searchsorted(one, at, "right") / one.size - np.searchsorted(other, at, "right") / other.size).max()
    )


@pytest.fixture(scope="module")
def problem():
    torch.set_num_threads(1)
    return Problem()


@pytest.fixture(scope="module")
def ways(problem):
    """Deviations from the exact conditional mean, by the way in which members were drawn."""
    fields = {
        "fused": problem.fused(),
        "untiled": problem.untiled(),
        "stitched": problem.stitched(same_noise=True),
        "independent": problem.stitched(same_noise=False),
    }
    return {name: field - problem.mean for name, field in fields.items()}


def border_against_inside(fields: torch.Tensor, offsets: range) -> tuple[float, float]:
    """Ratio of the mean steps across borders to those inside, and the Kolmogorov-Smirnov distance of the two.

    Overlaps begin at columns 32 and 64. The same places relative to the LR blocks, but within one tile, lie two blocks
    before the first and after each.
    """
    border = steps(fields, [start + k for start in (32, 64) for k in offsets])
    inside = steps(fields, [start + k for start in (16, 48, 80) for k in offsets])
    return float(border.mean() / inside.mean()), kolmogorov_smirnov(border, inside)


def test_the_tiles_are_where_the_test_looks(problem):
    assert problem.tiling.columns == (0, 32, 64) and problem.tiling.rows == (0,)


MIDDLE = range(OVERLAP // 2 - 1, OVERLAP // 2)
"""Where stitched tiles are cut."""
OVER = range(-1, OVERLAP)
"""All steps of an overlap, from the one into it to the one out of it."""


def test_steps_across_borders_are_as_those_inside(ways):
    for offsets in (MIDDLE, OVER):
        ratio, distance = border_against_inside(ways["fused"], offsets)
        assert ratio == pytest.approx(1, abs=0.03)
        assert distance < 0.02, "the untiled fields' own, from sampling, is about 0.01"


def test_steps_are_those_of_the_untiled_field_at_every_column_of_the_overlaps(ways):
    columns = [start + k for start in (32, 64) for k in OVER]
    ratios = steps(ways["fused"], columns).mean((0, 1)) / steps(ways["untiled"], columns).mean((0, 1))
    assert np.abs(ratios - 1).max() < 0.02


def test_tiles_put_together_after_sampling_have_a_seam(ways):
    """So the test above could have failed."""
    ratio, distance = border_against_inside(ways["independent"], MIDDLE)
    assert ratio > 2 and distance > 0.3
    ratio, distance = border_against_inside(ways["stitched"], MIDDLE)
    assert ratio > 1.03 and distance > 0.025, "even where tiles start from the same noise"


def test_fused_fields_are_close_to_the_untiled_ones_and_as_variable(ways):
    difference, spread = (
        float(field.square().mean().sqrt()) for field in (ways["fused"] - ways["untiled"], ways["untiled"])
    )
    assert difference < 0.05 * spread
    for first in (32, 64):
        overlap = slice(first, first + OVERLAP)
        assert float(ways["fused"][..., overlap].var() / ways["untiled"][..., overlap].var()) == pytest.approx(
            1, abs=0.03
        )
