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


def test_the_papers_levels_never_reach_the_samplers_start():
    """N(-1.2, 1.2²) puts two in a million above sigma_max = 80."""
    assert LogNormal(-1.2, 1.2).share_above(80.0) == pytest.approx(1.63e-6, rel=0.02)
    assert LogNormal(1.0, 1.8).share_above(80.0) == pytest.approx(0.030, abs=0.001)
