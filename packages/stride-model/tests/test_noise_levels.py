import math

import pytest
import torch
from stride_model.noise_levels import LogNormal, LogUniform


def generator():
    return torch.Generator().manual_seed(0)


def test_lognormal_moments():
    sigma = LogNormal(p_mean=-0.4, p_std=1.0).draw(20_000, generator())
    assert sigma.log().mean() == pytest.approx(-0.4, abs=0.03)
    assert sigma.log().std() == pytest.approx(1.0, abs=0.02)


def test_loguniform_is_even_in_the_logarithm_and_keeps_its_bounds():
    levels = LogUniform(0.01, 100.0)
    sigma = levels.draw(20_000, generator())
    assert 0.01 <= sigma.min() < 0.0102 and 98 < sigma.max() <= 100.0
    counts = torch.histc(sigma.log(), 4, math.log(0.01), math.log(100.0))
    assert (counts / 20_000 - 0.25).abs().max() < 0.015
    with pytest.raises(ValueError, match="must be above 0 and below"):
        LogUniform(1.0, 0.1)


@pytest.mark.parametrize("levels", [LogNormal(1.0, 1.8), LogUniform(0.002, 200.0)])
def test_share_above_is_what_is_drawn(levels):
    sigma = levels.draw(50_000, generator())
    for level in (0.1, 3.0, 80.0, 500.0):
        assert (sigma > level).float().mean().item() == pytest.approx(levels.share_above(level), abs=0.006)


@pytest.mark.parametrize("levels", [LogNormal(1.0, 1.8), LogUniform(0.002, 200.0)])
def test_a_batch_holds_one_level_of_each_part(levels):
    """One of eight levels lies in each eighth of the distribution, the batch's places being exchangeable."""
    random = generator()
    batches = torch.stack([levels.draw(8, random) for _ in range(400)])
    ranks = torch.tensor([[8 * levels.share_above(float(sigma)) for sigma in batch] for batch in batches])
    assert torch.equal(ranks.floor().sort(dim=1).values, torch.arange(8.0).expand(400, -1))
    assert (ranks.mean(dim=0) - 4).abs().max() < 0.5  # 4 standard errors


def test_levels_are_finite_for_any_batch():
    for n in (1, 3, 100_000):
        sigma = LogNormal(1.0, 1.8).draw(n, generator())
        assert sigma.dtype == torch.float32 and sigma.shape == (n,)
        assert bool(torch.isfinite(sigma).all()) and sigma.min() > 0


def test_the_mean_over_a_batch_scatters_less_than_with_independent_levels():
    random, levels = generator(), LogNormal(1.0, 1.8)
    means = torch.stack([levels.draw(8, random).log().mean() for _ in range(500)])
    assert means.std() < 0.3 * 1.8 / math.sqrt(8)


def test_the_papers_levels_never_reach_the_samplers_start():
    """N(-1.2, 1.2²) puts two in a million above sigma_max = 80."""
    assert LogNormal(-1.2, 1.2).share_above(80.0) == pytest.approx(1.63e-6, rel=0.02)
    assert LogNormal(1.0, 1.8).share_above(80.0) == pytest.approx(0.030, abs=0.001)
