import math

import pytest
import torch
from stride_model.samplers.churn import Churn
from stride_model.samplers.heun import heun
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule

MEAN, STD = 1.5, 0.7


def exact(x, sigma):
    """Denoiser of data ~ N(MEAN, STD²)."""
    return (STD**2 * x + sigma**2 * MEAN) / (STD**2 + sigma**2)


def solution(x, sigma_from, sigma_to):
    """Probability-flow ODE of the same data: (x - MEAN) / sqrt(STD² + sigma²) stays constant."""
    return MEAN + (x - MEAN) * math.sqrt((STD**2 + sigma_to**2) / (STD**2 + sigma_from**2))


class Counted:
    def __init__(self):
        self.sigmas = []

    def __call__(self, x, sigma):
        self.sigmas.append(float(sigma))
        return exact(x, sigma)


def start(n, sigma):
    generator = torch.Generator().manual_seed(1)
    return MEAN + math.sqrt(STD**2 + sigma**2) * torch.randn(n, 1, 1, 1, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("steps", [1, 2, 18])
def test_costs_2n_minus_1_calls(steps):
    counted = Counted()
    heun(counted, start(2, 80.0), karras_schedule(steps))
    assert len(counted.sigmas) == 2 * steps - 1


def test_one_step_is_the_denoiser():
    x = start(3, 80.0)
    torch.testing.assert_close(heun(exact, x, karras_schedule(1)), exact(x, torch.tensor(80.0, dtype=torch.float64)))


def test_reaches_the_odes_solution():
    x = start(5, 80.0)
    torch.testing.assert_close(heun(exact, x, karras_schedule(60)), solution(x, 80.0, 0.0), atol=2e-3, rtol=0)


def test_converges_with_order_two():
    x = start(5, 10.0)

    def error(steps):
        levels = karras_schedule(steps, 0.1, 10.0)[:-1]  # ends above 0: every step is Heun's
        return (heun(exact, x, levels) - solution(x, 10.0, 0.1)).abs().max()

    orders = [math.log2(error(n + 1) / error(2 * n + 1)) for n in (32, 64, 128)]
    assert orders[-1] == pytest.approx(2, abs=0.05)
    assert min(orders) > 1.85


@pytest.mark.parametrize(("steps", "sigma_max", "excess"), [(12, 80.0, 0.12), (18, 80.0, 0.05), (18, 15.0, 0.03)])
def test_few_steps_from_a_high_level_widen_the_ensemble_by_a_known_amount(steps, sigma_max, excess):
    """The step error of an exact denoiser: what remains of a spread error in practice is the network's."""
    x = torch.tensor([[MEAN + math.sqrt(0.25 + sigma_max**2)]], dtype=torch.float64)
    levels = karras_schedule(steps, 0.01, sigma_max)
    spread = heun(lambda x, sigma: (0.25 * x + sigma**2 * MEAN) / (0.25 + sigma**2), x, levels) - MEAN
    assert float(spread) / 0.5 - 1 == pytest.approx(excess, abs=0.01)


def test_float32_state_agrees_with_float64():
    x = start(5, 80.0)
    single = heun(exact, x, karras_schedule(18), dtype=torch.float32)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), heun(exact, x, karras_schedule(18)), atol=1e-4, rtol=1e-4)


def test_churn_keeps_the_marginal_distribution():
    n = 20_000
    noise = member_noise([4], (n, 1, 1))
    x = heun(
        exact,
        start(n, 80.0),
        karras_schedule(64),
        churn=Churn(s_churn=20),
        noise=lambda draw: noise(draw)[0][:, None],
    )
    assert x.mean() == pytest.approx(MEAN, abs=5 * STD / math.sqrt(n))
    assert x.std() == pytest.approx(STD, rel=0.03)


def test_gamma_is_capped_and_confined_to_its_range():
    churn = Churn(s_churn=1e6, s_min=0.5, s_max=50.0)
    assert churn.gamma(1.0, 18) == pytest.approx(math.sqrt(2) - 1)
    assert churn.gamma(0.49, 18) == 0
    assert churn.gamma(50.1, 18) == 0
    assert Churn(s_churn=1.8).gamma(1.0, 18) == pytest.approx(0.1)
    counted = Counted()
    levels = karras_schedule(18)
    heun(counted, start(2, 80.0), levels, churn=churn, noise=member_noise([0, 1], (1, 1, 1)))
    raised = [seen / float(level) for seen, level in zip(counted.sigmas[::2], levels[:-1], strict=True)]
    inside = [0.5 <= level <= 50 for level in levels[:-1].tolist()]
    for ratio, expected in zip(raised, inside, strict=True):
        assert ratio == pytest.approx(math.sqrt(2) if expected else 1.0)


def test_churn_draws_depend_on_the_member_alone():
    x = start(2, 80.0)
    both = heun(exact, x, karras_schedule(8), churn=Churn(4), noise=member_noise([7, 8], (1, 1, 1)))
    second = heun(exact, x[1:], karras_schedule(8), churn=Churn(4), noise=member_noise([8], (1, 1, 1)))
    assert torch.equal(both[1:], second)


def test_churn_without_noise_is_refused():
    with pytest.raises(ValueError, match="pass noise="):
        heun(exact, start(1, 80.0), karras_schedule(3), churn=Churn(1))
