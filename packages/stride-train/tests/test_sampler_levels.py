"""The default noise levels suit fields whose variance falls by decades from large scales to small ones."""

import pytest
import torch
from stride_train.config import SamplerConfig
from stride_train.generation.sampling import sample_members

VARIANCE = torch.logspace(-3, 0.6, 40, dtype=torch.float64)


def worst_error(config):
    """Of the variance at any scale: with the exact denoiser of a Gaussian field every mode is scaled by a factor."""
    amplitude = sample_members(
        config,
        lambda x, sigma: VARIANCE / (VARIANCE + sigma**2) * x,
        lambda draw: torch.ones(40, dtype=torch.float64),
        torch.device("cpu"),
    )
    return float((amplitude**2 / VARIANCE - 1).abs().max())


def test_the_default_keeps_the_variance_of_every_scale():
    default = SamplerConfig()
    assert default.network_calls == 18
    assert worst_error(default) < 0.05


def test_the_paper_s_levels_do_not():
    paper = SamplerConfig(method="heun", steps=18, sigma_min=0.002, sigma_max=80, rho=7)
    assert paper.network_calls == 35
    assert worst_error(paper) == pytest.approx(0.27, abs=0.01)
