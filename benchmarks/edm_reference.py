# /// script
# requires-python = ">=3.11"
# dependencies = ["nvidia-physicsnemo==2.2.2", "diffusers==0.42.1", "scipy"]
# ///
"""Make stride-model's `tests/data/edm_reference.json`: numbers of two other implementations of EDM to compare with.

    uv run --script benchmarks/edm_reference.py

Everything is evaluated in closed form on fixed inputs: the denoiser is the exact one of an equal mixture of N(1, 0.3²)
and N(-1, 0.3²), the raw network is sin(u) + c_noise, and what the libraries would draw as noise is replaced by
`fixed_noise`. The tests repeat these three functions.
"""

from __future__ import annotations

import json
import math
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor

SIGMA_DATA = 0.75  # exact in float32
LEVELS = (1e-3, 0.05, 0.75, 3.0, 80.0, 1e3)
SCHEDULES = ((18, 0.002, 80.0, 7.0), (5, 0.01, 30.0, 5.0), (2, 0.1, 10.0, 7.0))
START = (-1.5, -0.4, 0.1, 0.8, 2.0)
SAMPLING = (12, 0.01, 20.0, 7.0)
CHURN = {"s_churn": 4.0, "s_min": 0.05, "s_max": 10.0, "s_noise": 1.1}
LOSS_FIELD = (0.5, -0.25, 1.0, 0.0)


def denoise(x: Tensor, sigma: Tensor) -> Tensor:
    variance = 0.3**2 + sigma**2
    return (0.3**2 * x + sigma**2 * torch.tanh(x / variance)) / variance


def network(u: Tensor, c_noise: Tensor) -> Tensor:
    return u.sin() + c_noise.reshape(-1, 1, 1, 1)


def fixed_noise(draw: int, like: Tensor) -> Tensor:
    places = torch.arange(like.numel(), dtype=torch.float64)
    return (1.4 * torch.cos(1.7 * places + 2.3 * draw)).reshape(like.shape).to(like)


class Draws:
    """Hands out `fixed_noise` in the order of the calls, from a first number on."""

    def __init__(self, first: int = 1) -> None:
        self.draw = first

    def __call__(self, like: Tensor, **_: object) -> Tensor:
        noise = fixed_noise(self.draw, like)
        self.draw += 1
        return noise


def physicsnemo() -> dict:
    from physicsnemo.core import Module
    from physicsnemo.diffusion.metrics.legacy_losses import EDMLoss
    from physicsnemo.diffusion.noise_schedulers import EDMNoiseScheduler
    from physicsnemo.diffusion.preconditioners import EDMPreconditioner
    from physicsnemo.diffusion.samplers import EDMStochasticHeunSolver, EulerSolver, HeunSolver

    class Raw(Module):
        def forward(self, x, t, condition=None):
            return network(x, t)

    sigma = torch.tensor(LEVELS, dtype=torch.float64)
    preconditioner = EDMPreconditioner(Raw(), sigma_data=SIGMA_DATA).double()
    c_in, c_noise, c_out, c_skip = preconditioner.compute_coefficients(sigma)
    x = torch.tensor(START, dtype=torch.float64).expand(len(LEVELS), 1, 1, -1)
    found = {
        "c_in": c_in.flatten().tolist(),
        "c_noise": c_noise.flatten().tolist(),
        "c_out": c_out.flatten().tolist(),
        "c_skip": c_skip.flatten().tolist(),
        "denoised": preconditioner(x, sigma, condition=None)[:, 0, 0].tolist(),
        "loss_weight": EDMNoiseScheduler(sigma_data=SIGMA_DATA).loss_weight(sigma).tolist(),
        "timesteps": [
            EDMNoiseScheduler(low, high, rho).timesteps(n, dtype=torch.float64).tolist()
            for n, low, high, rho in SCHEDULES
        ],
    }
    n, low, high, rho = SAMPLING
    scheduler = EDMNoiseScheduler(low, high, rho)
    steps = scheduler.timesteps(n, dtype=torch.float64)
    field = torch.tensor(START, dtype=torch.float64).reshape(1, 1, 1, -1)
    slope = scheduler.get_denoiser(x0_predictor=lambda x, t: denoise(x, t.reshape(-1, 1, 1, 1)), denoising_type="ode")
    churned = EDMStochasticHeunSolver(
        slope,
        S_churn=CHURN["s_churn"],
        S_min=CHURN["s_min"],
        S_max=CHURN["s_max"],
        S_noise=CHURN["s_noise"],
        num_steps=n,
    )
    for name, solver in (("heun", HeunSolver(slope)), ("euler", EulerSolver(slope)), ("heun_churn", churned)):
        x = steps[0] * field
        with mock.patch("torch.randn_like", Draws()):
            for now, after in pairwise(steps):
                x = solver.step(x, now.reshape(1), after.reshape(1))
        found[name] = x.flatten().tolist()
    images = torch.tensor(LOSS_FIELD).reshape(2, 1, 1, 2)
    draws = Draws(0)
    with mock.patch("torch.randn", lambda shape, **_: draws(torch.empty(shape))), mock.patch("torch.randn_like", draws):
        loss = EDMLoss(P_mean=-1.2, P_std=1.2, sigma_data=SIGMA_DATA)(
            lambda x, sigma, *_, **__: preconditioner.float()(x, sigma.flatten()), images
        )
    found["loss"] = float(loss.mean())
    return found


def diffusers() -> dict:
    from diffusers import EDMDPMSolverMultistepScheduler

    n, low, high, rho = SAMPLING
    found = {}
    for name, algorithm in (("dpmpp_2m", "dpmsolver++"), ("dpmpp_2m_sde", "sde-dpmsolver++")):
        scheduler = EDMDPMSolverMultistepScheduler(
            sigma_min=low,
            sigma_max=high,
            sigma_data=SIGMA_DATA,
            sigma_schedule="karras",
            rho=rho,
            solver_order=2,
            algorithm_type=algorithm,
            solver_type="midpoint",
            lower_order_final=True,
            final_sigmas_type="zero",
        )
        scheduler.set_timesteps(n)
        # The first-order last step of short schedules is Lu et al.'s advice and what a last level of 0 asks for.
        x = (scheduler.sigmas[0] * torch.tensor(START)).reshape(1, 1, 1, -1)
        draws = Draws()
        module = "diffusers.schedulers.scheduling_edm_dpmsolver_multistep.randn_tensor"
        with mock.patch(module, lambda shape, **_: draws(torch.empty(shape))):  # noqa: B023
            for number, time in enumerate(scheduler.timesteps):
                sigma = scheduler.sigmas[number]
                root = (sigma**2 + SIGMA_DATA**2).sqrt()
                # The scheduler applies the preconditioning itself: hand it the raw output that gives this denoiser.
                raw = (denoise(x, sigma) - SIGMA_DATA**2 / root**2 * x) / (sigma * SIGMA_DATA / root)
                x = scheduler.step(raw, time, x).prev_sample
        found[name] = x.flatten().tolist()
        found[f"{name}_sigmas"] = scheduler.sigmas.tolist()
    return found


def main() -> None:
    assert math.isclose(SIGMA_DATA, float(torch.tensor(SIGMA_DATA)))
    content = {
        "provenance": {
            "made_by": "benchmarks/edm_reference.py",
            "nvidia-physicsnemo": version("nvidia-physicsnemo"),
            "diffusers": version("diffusers"),
            "called": [
                "physicsnemo.diffusion.preconditioners.EDMPreconditioner (compute_coefficients, forward)",
                "physicsnemo.diffusion.noise_schedulers.EDMNoiseScheduler (timesteps, loss_weight, get_denoiser)",
                "physicsnemo.diffusion.samplers.HeunSolver, EulerSolver, EDMStochasticHeunSolver (step)",
                "physicsnemo.diffusion.metrics.legacy_losses.EDMLoss",
                "diffusers.EDMDPMSolverMultistepScheduler (dpmsolver++ and sde-dpmsolver++, order 2, midpoint)",
            ],
        },
        "inputs": {
            "sigma_data": SIGMA_DATA,
            "sigma": LEVELS,
            "schedules": SCHEDULES,
            "start": START,
            "sampling": SAMPLING,
            "churn": CHURN,
            "loss_field": LOSS_FIELD,
        },
        "physicsnemo": physicsnemo(),
        "diffusers": diffusers(),
    }
    tests = Path(__file__).parents[1] / "packages" / "stride-model" / "tests"
    (tests / "data" / "edm_reference.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
