"""Every sampler against the exact solution for Gaussian data, and what all of them share."""

import math

import pytest
import torch
from stride_model.samplers.churn import Churn
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.dpmpp_2m_sde import dpmpp_2m_sde
from stride_model.samplers.euler import euler
from stride_model.samplers.heun import heun
from stride_model.schedule import karras_schedule

MEAN, STD = 1.5, 0.7


def exact(x, sigma):
    """Denoiser of data ~ N(MEAN, STD²)."""
    return (STD**2 * x + sigma**2 * MEAN) / (STD**2 + sigma**2)


def solution(x, sigma_from, sigma_to):
    """Probability-flow ODE of the same data: (x - MEAN) / sqrt(STD² + sigma²) stays constant."""
    return MEAN + (x - MEAN) * math.sqrt((STD**2 + sigma_to**2) / (STD**2 + sigma_from**2))


def start(n, sigma):
    generator = torch.Generator().manual_seed(1)
    return MEAN + math.sqrt(STD**2 + sigma**2) * torch.randn(n, 1, 1, 1, generator=generator, dtype=torch.float64)


def no_noise(draw):
    return torch.zeros(1)


def noise_of(n):
    """Noise for many members at once; `member_noise` gives each a generator of its own, which takes longer."""
    return lambda draw: torch.randn(n, 1, 1, 1, generator=torch.Generator().manual_seed(draw), dtype=torch.float64)


def sde(denoise, x, sigmas, **options):
    return dpmpp_2m_sde(denoise, x, sigmas, **{"noise": no_noise, **options})


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2), (dpmpp_2m, 2)])
def test_order_of_convergence(sampler, order):
    x = start(5, 10.0)

    def error(steps):
        levels = karras_schedule(steps + 1, 0.1, 10.0)[:-1]  # ends above 0
        return (sampler(exact, x, levels) - solution(x, 10.0, 0.1)).abs().max()

    orders = [math.log2(error(n) / error(2 * n)) for n in (64, 128, 256)]
    assert orders[-1] == pytest.approx(order, abs=0.06)


@pytest.mark.parametrize(("sampler", "calls"), [(euler, 9), (heun, 17), (dpmpp_2m, 9), (sde, 9)])
def test_calls_of_the_denoiser(sampler, calls):
    seen = []
    sampler(lambda x, sigma: seen.append(float(sigma)) or exact(x, sigma), start(2, 80.0), karras_schedule(9))
    assert len(seen) == calls
    assert seen == sorted(seen, reverse=True) and seen[-1] > 0


@pytest.mark.parametrize("sampler", [euler, heun, dpmpp_2m, sde])
def test_one_step_is_the_denoiser(sampler):
    x = start(3, 80.0)
    torch.testing.assert_close(sampler(exact, x, karras_schedule(1)), exact(x, torch.tensor(80.0, dtype=torch.float64)))


def test_2m_by_hand():
    """Three levels 4, 2, 1 and an affine denoiser D(x) = x / 2: lambda falls by ln 2 each time, so r = 1."""
    x = torch.tensor([[8.0]], dtype=torch.float64)
    first = 0.5 * 8 + 0.5 * 4  # 6
    second = 0.5 * first + 0.5 * (3 + (3 - 4) / 2)  # 4.25
    found = dpmpp_2m(lambda x, sigma: x / 2, x, torch.tensor([4.0, 2.0, 1.0]))
    assert float(found) == pytest.approx(second)


def test_euler_and_heun_by_hand():
    """Levels 4, 2, 1 and D(x) = x / 2: the slope is x / (2 sigma)."""
    x, levels = torch.tensor([[8.0]], dtype=torch.float64), torch.tensor([4.0, 2.0, 1.0])
    assert float(euler(lambda x, sigma: x / 2, x, levels)) == 8 - 2 * 1 - 1 * 1.5
    first = 8 - 2 * (1 + 6 / 4) / 2  # Euler's 6 has the slope 6 / 4
    second = first - 1 * (first / 4 + (first - first / 4) / 2) / 2
    assert float(heun(lambda x, sigma: x / 2, x, levels)) == pytest.approx(second, rel=1e-12)


def test_churn_by_hand():
    """One step from 3 with gamma = 1/4 and noise 2: the level rises to 3.75."""
    x, levels = torch.tensor([[8.0]], dtype=torch.float64), torch.tensor([3.0, 1.0])
    churn = Churn(s_churn=0.25, s_noise=1.5)
    raised = 8 + math.sqrt(3.75**2 - 9) * 1.5 * 2
    found = euler(lambda x, sigma: x / 2, x, levels, churn=churn, noise=lambda draw: torch.full((1, 1), 2.0))
    assert float(found) == pytest.approx(raised + (1 - 3.75) * raised / 2 / 3.75, rel=1e-12)


def test_the_sde_sampler_by_hand():
    """Levels 4, 2, 1, D(x) = x / 2 and noise 1: e^-2h = 1/4; 3/4 goes to the denoiser, its root to noise."""
    x, levels = torch.tensor([[8.0]], dtype=torch.float64), torch.tensor([4.0, 2.0, 1.0])
    first = 8 / 4 + 0.75 * 4 + 2 * math.sqrt(0.75)
    second = first / 4 + 0.75 * (first / 2 + (first / 2 - 4) / 2) + math.sqrt(0.75)
    found = dpmpp_2m_sde(lambda x, sigma: x / 2, x, levels, noise=lambda draw: torch.ones(1, 1))
    assert float(found) == pytest.approx(second, rel=1e-7)


def test_2m_is_exact_where_the_denoiser_does_not_depend_on_x():
    """The ODE is then linear, and the last step to 0 gives the denoiser."""
    x = start(3, 10.0)
    found = dpmpp_2m(lambda x, sigma: torch.full_like(x, MEAN), x, torch.tensor([10.0, 3.0, 0.5]))
    torch.testing.assert_close(found, MEAN + 0.05 * (x - MEAN))


def test_without_fresh_noise_the_sde_sampler_is_2m():
    x, levels = start(4, 80.0), karras_schedule(12)
    torch.testing.assert_close(dpmpp_2m_sde(exact, x, levels, noise=no_noise, eta=0.0), dpmpp_2m(exact, x, levels))


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_the_sde_sampler_draws_from_the_data(eta):
    noise = noise_of(3000)
    x = 80.0 * noise(0)
    found = dpmpp_2m_sde(exact, x, karras_schedule(60), noise=noise, eta=eta)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.05)
    assert float(found.std()) == pytest.approx(STD, rel=0.05)
    assert abs(torch.corrcoef(torch.stack([x.flatten(), found.flatten()]))[0, 1]) < (1.0 if eta < 1 else 0.2)


def test_fresh_noise_forgets_the_start_and_the_ode_does_not():
    x = start(500, 80.0)
    noise = noise_of(500)
    stirred = dpmpp_2m_sde(exact, x, karras_schedule(40), noise=noise)
    followed = dpmpp_2m(exact, x, karras_schedule(40))
    assert abs(torch.corrcoef(torch.stack([x.flatten(), stirred.flatten()]))[0, 1]) < 0.15
    assert torch.corrcoef(torch.stack([x.flatten(), followed.flatten()]))[0, 1] > 0.999


@pytest.mark.parametrize(("sampler", "steps"), [(euler, 600), (heun, 80)])
def test_churn_keeps_the_distribution(sampler, steps):
    noise = noise_of(4000)
    x = 80.0 * noise(0)
    found = sampler(exact, x, karras_schedule(steps), churn=Churn(20.0), noise=noise)
    assert float(found.std()) == pytest.approx(STD, rel=0.05)
    with pytest.raises(ValueError, match=r"s_churn is above 0 .* pass noise="):
        sampler(exact, x, karras_schedule(4), churn=Churn(20.0))


def test_eta_has_its_bounds():
    with pytest.raises(ValueError, match=r"eta 1\.5 must lie between"):
        dpmpp_2m_sde(exact, start(1, 1.0), karras_schedule(3), noise=no_noise, eta=1.5)


@pytest.mark.parametrize("sampler", [euler, heun, dpmpp_2m, sde])
def test_float32_state_agrees_with_float64(sampler):
    x = start(5, 80.0)
    single = sampler(exact, x, karras_schedule(18), dtype=torch.float32)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), sampler(exact, x, karras_schedule(18)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("sampler", "steps", "rho", "worst"),
    [(heun, 18, 7, 0.24), (dpmpp_2m, 18, 7, 0.14), (dpmpp_2m, 18, 20, 0.06), (dpmpp_2m, 18, math.inf, 0.04)],
)
def test_variance_of_every_scale(sampler, steps, rho, worst):
    """A field is many Gaussians of variances from 4 (large scales) to 1e-3 (small): each should keep its own."""
    variance = torch.logspace(-3, 0.6, 40, dtype=torch.float64)
    levels = karras_schedule(steps, 0.005, 80.0, rho)
    amplitude = sampler(lambda x, sigma: variance / (variance + sigma**2) * x, levels[0].expand(40), levels)
    error = (amplitude**2 / variance - 1).abs().max()
    assert 0.8 * worst < error < worst
