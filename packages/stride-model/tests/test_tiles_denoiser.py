"""The tiled denoiser equals the untiled one wherever a tile sees all that matters."""

import pytest
import torch
from stride_model.conditioning.maps import Conditioning
from stride_model.errors import SpecError
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.dpmpp_2m_sde import dpmpp_2m_sde
from stride_model.samplers.euler import euler
from stride_model.samplers.heun import Churn, heun
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec
from stride_model.tiles.denoiser import TiledDenoiser
from stride_model.tiles.tiling import Tiling

CELL, MARGIN = 4, 2
LOCAL = ModelSpec(
    in_dynamic_channels=2,
    in_static_channels=1,
    out_channels=1,
    cond_lr_shape=(8 + 2 * MARGIN, 8 + 2 * MARGIN),
    target_hr_shape=(32, 32),
    lr_margins=(MARGIN,) * 4,
    use_rain_gate=True,
    gated_channels=(0,),
    gate_thresholds=(0.5,),
    patch=1,
    channels=(8,),
    blocks=1,
    embedding_channels=16,
    lr_channels=8,
    lr_blocks=0,
)
"""A network that sees 7 pixels in each direction: four 3x3 convolutions from the statics through the maps to the head,
and one more each in the first layer and the block. Its LR path sees one cell beside the two that it interpolates
between, which the margin holds."""
REACH = 7


def domain_fields(rows: int, columns: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """LR fields with their margins, and statics, of a domain of so many pixels."""
    generator = torch.Generator().manual_seed(seed)
    lr = torch.randn(1, 2, rows // CELL + 2 * MARGIN, columns // CELL + 2 * MARGIN, generator=generator)
    return lr, torch.randn(1, 1, rows, columns, generator=generator)


def of_tiles(tiling: Tiling, lr: torch.Tensor, static: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same fields cut for each tile."""
    height, width = (size // CELL + 2 * MARGIN for size in tiling.tile)
    corners = [(row // CELL, column // CELL) for row, column in tiling.corners]
    return (
        torch.cat([lr[..., row : row + height, column : column + width] for row, column in corners]),
        torch.cat([static[..., *place] for place in tiling.slices]),
    )


@pytest.fixture
def both(perturbed):
    """Untiled and tiled denoisers of a domain with the same weights, and their conditioning."""

    def make(domain=(64, 72), overlap=16, rim=REACH, batch=5, spec=LOCAL):
        tile = perturbed(spec)
        shape = tuple(size // CELL + 2 * MARGIN for size in domain)
        whole = EDMDenoiser(spec.model_copy(update={"target_hr_shape": domain, "cond_lr_shape": shape})).eval()
        whole.load_state_dict(tile.state_dict())
        tiling = Tiling.over(domain, spec.target_hr_shape, overlap=overlap, step=(CELL, CELL), rim=rim)
        tiled = TiledDenoiser(tile, tiling, batch=batch)
        fields = domain_fields(*domain)
        with torch.no_grad():
            return whole, whole.encode(*fields), tiled, tiled.encode(*of_tiles(tiling, *fields))

    return make


def test_equal_to_untiled_where_the_rim_holds_all_that_the_network_sees(both):
    whole, maps, tiled, tile_maps = both()
    assert len(tiled.tiling) == 12
    x = 3 * torch.randn(3, 1, 64, 72, generator=torch.Generator().manual_seed(1))
    for sigma in (0.01, 1.0, 80.0):
        with torch.no_grad():
            untiled = whole(x, torch.tensor(sigma), maps.expand_members(3))
            ours = tiled(x, torch.tensor(sigma), tile_maps.expand_members(3))
        torch.testing.assert_close(ours, untiled, rtol=1e-5, atol=2e-5)
    torch.testing.assert_close(tile_maps.gate_logits, maps.gate_logits, rtol=1e-5, atol=2e-5)


def test_without_the_rim_the_padding_shows(both):
    whole, maps, tiled, tile_maps = both(rim=0)
    x = 3 * torch.randn(1, 1, 64, 72, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        difference = tiled(x, torch.tensor(1.0), tile_maps) - whole(x, torch.tensor(1.0), maps)
    assert difference.abs().max() > 1e-3


@pytest.mark.parametrize("sampler", ["heun", "euler", "dpmpp_2m", "dpmpp_2m_sde"])
def test_every_sampler_draws_the_untiled_sample(both, sampler):
    whole, maps, tiled, tile_maps = both()
    noise, levels = member_noise([0, 1], (1, 64, 72)), karras_schedule(6, 0.01, 20.0)

    def sample(denoise):
        x = levels[0] * noise(0)
        match sampler:
            case "heun":
                return heun(denoise, x, levels, churn=Churn(s_churn=3.0), noise=noise)
            case "euler":
                return euler(denoise, x, levels)
            case "dpmpp_2m":
                return dpmpp_2m(denoise, x, levels)
            case _:
                return dpmpp_2m_sde(denoise, x, levels, noise=noise)

    untiled, ours = sample(whole.bind(maps.expand_members(2))), sample(tiled.bind(tile_maps.expand_members(2)))
    torch.testing.assert_close(ours, untiled, rtol=1e-4, atol=1e-4)


def test_one_tile_is_exactly_the_untiled_result(perturbed, tiny, case):
    tile = perturbed(tiny)
    tiled = TiledDenoiser(tile, Tiling.over((16, 16), (16, 16), overlap=4))
    x, dynamic, static = case(tiny, batch=1)
    with torch.no_grad():
        untiled = tile(x, torch.tensor(0.7), tile.encode(dynamic, static))
        ours = tiled(x, torch.tensor(0.7), tiled.encode(dynamic, static))
    assert torch.equal(ours, untiled)


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
def test_the_batch_of_tiles_does_not_matter(both, batch):
    _, _, reference, maps = both()
    _, _, tiled, tile_maps = both(batch=batch)
    x = torch.randn(4, 1, 64, 72, generator=torch.Generator().manual_seed(2))
    sigma = torch.tensor([0.1, 0.5, 2.0, 9.0])
    with torch.no_grad():
        torch.testing.assert_close(tiled(x, sigma, tile_maps), reference(x, sigma, maps), rtol=1e-5, atol=1e-5)


def test_encoded_once_per_case_and_never_more_tiles_at_once_than_the_batch(both, monkeypatch):
    encoded, denoised = [], []
    encode, forward = EDMDenoiser.encode, EDMDenoiser.forward

    def counted_encode(self, dynamic, *rest, **named):
        encoded.append(dynamic.shape[0])
        return encode(self, dynamic, *rest, **named)

    def counted_forward(self, x, *rest):
        denoised.append(x.shape[0])
        return forward(self, x, *rest)

    monkeypatch.setattr(EDMDenoiser, "encode", counted_encode)
    monkeypatch.setattr(EDMDenoiser, "forward", counted_forward)
    _, _, tiled, maps = both(batch=5)
    assert encoded[1:] == [5, 5, 2], "12 tiles, each once; the first call is the untiled one's"
    levels = karras_schedule(3, 0.01, 20.0)
    for seeds in ([0, 1], [2]):
        noise = member_noise(seeds, (1, 64, 72))
        heun(tiled.bind(maps.expand_members(len(seeds))), levels[0] * noise(0), levels)
    assert len(encoded) == 4, "neither members nor steps encode again"
    assert max(denoised) <= 5
    assert sum(denoised) == 12 * 3 * (2 * 3 - 1), "each tile of each member once a call"


def test_memory_is_bounded_by_the_tile(both):
    """No tensor that the network sees is larger than a batch of tiles, however large the domain."""
    _, _, tiled, maps = both(domain=(96, 128), batch=2)
    sizes = []
    for module in tiled.denoiser.modules():
        module.register_forward_hook(lambda _m, _i, out: sizes.append(out.numel() if torch.is_tensor(out) else 0))
    with torch.no_grad():
        tiled(torch.randn(3, 1, 96, 128), torch.tensor(1.0), maps)
    widest = 2 * 8  # expansion x channels
    assert max(sizes) <= 2 * widest * 32 * 32


def test_what_does_not_fit_is_refused(both, perturbed):
    _, _, tiled, maps = both()
    with pytest.raises(SpecError, match="the conditioning has 1 tiles but the tiling 12"):
        tiled.encode(*domain_fields(32, 32))
    with pytest.raises(SpecError, match=r"x has shape \[1, 1, 32, 32\] but the domain is \[64, 72\]"):
        tiled(torch.zeros(1, 1, 32, 32), torch.tensor(1.0), maps)
    with pytest.raises(SpecError, match=r"tiles of \(16, 16\) pixels are not the network's box \(32, 32\)"):
        TiledDenoiser(tiled.denoiser, Tiling.over((32, 32), (16, 16), overlap=4))
    with pytest.raises(SpecError, match="a batch of 0 holds no tile"):
        TiledDenoiser(tiled.denoiser, tiled.tiling, batch=0)


def test_encodings_join():
    first, second = (Conditioning((torch.full((n, 2, 3, 3), float(n)),), embedding=torch.zeros(n, 4)) for n in (2, 1))
    joined = Conditioning.join([first, second])
    assert joined.batch == 3 and joined.gate_logits is None
    assert joined.embedding is not None and joined.embedding.shape == (3, 4)
    assert joined.levels[0][:, 0, 0, 0].tolist() == [2, 2, 1]


def test_a_gate_that_sees_fields_judges_the_domain_as_if_untiled(both):
    spec = ModelSpec(**{**LOCAL.model_dump(), "gate_input": "conditioning_and_denoised"})
    whole, maps, tiled, tile_maps = both(spec=spec)
    generator = torch.Generator().manual_seed(1)
    field, noise = torch.randn(2, 3, 1, 64, 72, generator=generator)
    with torch.no_grad():
        untiled = whole.gate_logits_of_field(maps.expand_members(3), field, noise)
        ours = tiled.gate_logits_of_field(tile_maps, field, noise)
    assert untiled.std() > 0.01
    torch.testing.assert_close(ours, untiled, rtol=1e-5, atol=2e-5)
