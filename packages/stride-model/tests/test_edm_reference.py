"""Formulas and samplers against the numbers of two other implementations, stored in `data/edm_reference.json`.

`benchmarks/edm_reference.py` made them; the three functions below are its own.
"""

import json
from pathlib import Path

import pytest
import torch
from stride_model.loss import EDMLoss, loss_weight
from stride_model.precondition import EDMDenoiser, coefficients
from stride_model.samplers.churn import Churn
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.dpmpp_2m_sde import dpmpp_2m_sde
from stride_model.samplers.euler import euler
from stride_model.samplers.heun import heun
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec

REFERENCE = json.loads((Path(__file__).parent / "data" / "edm_reference.json").read_text(encoding="utf-8"))
GIVEN, PHYSICSNEMO, DIFFUSERS = REFERENCE["inputs"], REFERENCE["physicsnemo"], REFERENCE["diffusers"]


def denoise(x, sigma):
    """Exact for an equal mixture of N(1, 0.3²) and N(-1, 0.3²)."""
    variance = 0.3**2 + sigma**2
    return (0.3**2 * x + sigma**2 * torch.tanh(x / variance)) / variance


def network(u, c_noise):
    return u.sin() + c_noise.reshape(-1, 1, 1, 1)


def fixed_noise(draw, like):
    places = torch.arange(like.numel(), dtype=torch.float64)
    return (1.4 * torch.cos(1.7 * places + 2.3 * draw)).reshape(like.shape).to(like)


def numbers(values):
    return torch.tensor(values, dtype=torch.float64)


def start():
    levels = karras_schedule(*GIVEN["sampling"])
    return levels[0] * numbers(GIVEN["start"]).reshape(1, 1, 1, -1), levels


def stub(shape):
    """A denoiser whose raw network is the closed form, and whose conditioning is nothing."""
    spec = ModelSpec(
        in_dynamic_channels=1, out_channels=1, cond_lr_shape=(1, 1), target_hr_shape=shape, patch=1, channels=(2,),
        blocks=1, embedding_channels=2, lr_channels=1, lr_blocks=0, sigma_data=GIVEN["sigma_data"],
    )  # fmt: skip
    denoiser = EDMDenoiser(spec)
    denoiser.network.forward = lambda x, c_noise, *_: network(x, c_noise)
    return denoiser


def test_coefficients_and_weight():
    sigma = numbers(GIVEN["sigma"])
    found = coefficients(sigma, GIVEN["sigma_data"])
    for name in ("c_skip", "c_out", "c_in", "c_noise"):
        torch.testing.assert_close(getattr(found, name), numbers(PHYSICSNEMO[name]), rtol=1e-12, atol=0)
    weight = loss_weight(sigma, GIVEN["sigma_data"])
    torch.testing.assert_close(weight, numbers(PHYSICSNEMO["loss_weight"]), rtol=1e-12, atol=0)


def test_the_denoiser_around_a_network():
    sigma = torch.tensor(GIVEN["sigma"])
    x = torch.tensor(GIVEN["start"]).expand(len(sigma), 1, 1, -1)
    denoiser = stub((1, len(GIVEN["start"])))
    found = denoiser(x, sigma, denoiser.encode(torch.zeros(len(sigma), 1, 1, 1)))
    torch.testing.assert_close(found[:, 0, 0], torch.tensor(PHYSICSNEMO["denoised"]), rtol=1e-6, atol=1e-6)


def test_schedules():
    for arguments, expected in zip(GIVEN["schedules"], PHYSICSNEMO["timesteps"], strict=True):
        torch.testing.assert_close(karras_schedule(*arguments), numbers(expected), rtol=1e-12, atol=0)


@pytest.mark.parametrize("sampler", [heun, euler])
def test_deterministic_samplers(sampler):
    found = sampler(denoise, *start())
    torch.testing.assert_close(found.flatten(), numbers(PHYSICSNEMO[sampler.__name__]), rtol=1e-10, atol=1e-12)


def test_heun_with_churn():
    """The other implementation has gamma in float32."""
    x, levels = start()
    found = heun(denoise, x, levels, churn=Churn(**GIVEN["churn"]), noise=lambda draw: fixed_noise(draw, x))
    torch.testing.assert_close(found.flatten(), numbers(PHYSICSNEMO["heun_churn"]), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ["dpmpp_2m", "dpmpp_2m_sde"])
def test_solvers_of_second_order_in_one_call_a_step(name):
    """The other implementation keeps its state in float32."""
    x, levels = start()
    torch.testing.assert_close(levels.float(), torch.tensor(DIFFUSERS[f"{name}_sigmas"]), rtol=1e-5, atol=0)
    if name == "dpmpp_2m":
        found = dpmpp_2m(denoise, x, levels)
    else:
        found = dpmpp_2m_sde(denoise, x, levels, noise=lambda draw: fixed_noise(draw, x))
    torch.testing.assert_close(found.flatten(), numbers(DIFFUSERS[name]), rtol=5e-6, atol=5e-6)


def test_the_loss(monkeypatch):
    """Noise level and noise of the other implementation are fixed numbers too: draw 0 gives sigma, draw 1 the noise."""
    target = torch.tensor(GIVEN["loss_field"]).reshape(2, 1, 1, 2)
    sigma = (-1.2 + 1.2 * fixed_noise(0, torch.empty(2))).exp()
    monkeypatch.setattr(torch, "randn", lambda shape, **_: fixed_noise(1, torch.empty(shape)))
    denoiser = stub((1, 2))
    parts = EDMLoss()(denoiser, target, torch.zeros(2, 1, 1, 1), generator=torch.Generator(), sigma=sigma)
    assert parts.edm.item() == pytest.approx(PHYSICSNEMO["loss"], rel=1e-6)
