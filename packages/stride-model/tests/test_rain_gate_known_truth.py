"""The gate where the probability is known: what exceeds a value of a Gaussian field, given the means of its blocks."""

import pytest
import torch
from stride_model.precondition import EDMDenoiser
from stride_model.rain_gate.entropy import exceeds, rain_gate_loss
from stride_model.rain_gate.gating import gate
from stride_model.rain_gate.reliability import Reliability
from stride_model.rain_gate.removed_amount import RemovedAmount
from stride_model.spec import ModelSpec

SIDE, BLOCK, DRY_BELOW, WET = 16, 4, 0.3, 0.05


class Censored:
    """Target = max(f - DRY_BELOW, 0) of a field f with Matern covariance (smoothness 3/2, length 3 pixels)."""

    def __init__(self):
        places = torch.cartesian_prod(torch.arange(SIDE).double(), torch.arange(SIDE).double())
        distance = 3**0.5 * torch.cdist(places, places) / 3.0
        covariance = (1 + distance) * (-distance).exp()
        along = torch.eye(SIDE // BLOCK).double().repeat_interleave(BLOCK, dim=1) / BLOCK
        self.blocks = torch.kron(along, along)
        self.root = torch.linalg.cholesky(covariance + 1e-9 * torch.eye(SIDE**2))
        across = covariance @ self.blocks.T
        self.gain = torch.linalg.solve(self.blocks @ across, across.T).T
        values, vectors = torch.linalg.eigh(covariance - self.gain @ across.T)
        self.spread = vectors * values.clamp(min=0).sqrt()

    def draw(self, n, generator):
        field = torch.randn(n, SIDE**2, generator=generator).double() @ self.root.T
        target = (field - DRY_BELOW).clamp(min=0).reshape(n, 1, SIDE, SIDE).float()
        return target, (field @ self.blocks.T).reshape(n, 1, SIDE // BLOCK, SIDE // BLOCK).float()

    def probability(self, means):
        mean = means.flatten(1).double() @ self.gain.T
        exact = torch.special.ndtr((mean - DRY_BELOW - WET) / self.spread.square().sum(dim=1).sqrt())
        return exact.reshape(-1, 1, SIDE, SIDE)

    def members(self, means, members, noise, generator):
        """Of the exact conditional, with the white noise of an imperfect generator on top: drizzle where it is dry."""
        mean = (means.flatten(1).double() @ self.gain.T)[:, None]
        field = mean + torch.randn(len(means), members, SIDE**2, generator=generator).double() @ self.spread.T
        amount = (field - DRY_BELOW).clamp(min=0)
        amount = amount + noise * torch.randn(amount.shape, generator=generator)
        return amount.clamp(min=0).reshape(-1, members, SIDE, SIDE).float()


@pytest.fixture(scope="module")
def problem():
    return Censored()


@pytest.fixture(scope="module")
def trained(problem):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    denoiser = EDMDenoiser(
        ModelSpec(
            in_dynamic_channels=1,
            out_channels=1,
            cond_lr_shape=(SIDE // BLOCK, SIDE // BLOCK),
            target_hr_shape=(SIDE, SIDE),
            channels=(16,),
            blocks=1,
            patch=1,
            embedding_channels=8,
            lr_channels=16,
            lr_blocks=1,
            use_rain_gate=True,
            gated_channels=(0,),
            gate_thresholds=(WET,),
        )
    )
    steps, generator = 300, torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam([*denoiser.encoder.parameters(), *denoiser.gate.parameters()])
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, total_steps=steps)
    for _ in range(steps):
        target, means = problem.draw(32, generator)
        optimizer.zero_grad()
        rain_gate_loss(denoiser.encode(means).gate_logits, target, (0,), (WET,)).backward()
        optimizer.step()
        schedule.step()
    return denoiser.eval()


def test_reliability_is_within_sampling_error_and_the_brier_score_near_the_exact_one(problem, trained):
    target, means = problem.draw(300, torch.Generator().manual_seed(2))
    with torch.no_grad():
        logits = trained.encode(means).gate_logits
    wet, exact = exceeds(target, (0,), (WET,)), problem.probability(means)
    ours, theirs = Reliability(), Reliability()
    for case in range(len(target)):
        ours.add(logits[case], wet[case])
        theirs.add(torch.logit(exact[case]), wet[case])
    assert theirs.error < 2 * theirs.sampling_error
    assert ours.error < ours.sampling_error + 0.01
    for row in ours.table():
        assert row.count > 1000
        assert abs(row.observed - row.predicted) < 4 * row.standard_error + 0.015
    assert ours.brier < 1.02 * theirs.brier
    climatology = float(wet.float().var())
    assert theirs.brier < 0.75 * climatology  # the exact probabilities have skill, and so have ours
    assert (torch.sigmoid(logits) - exact).abs().mean() < 0.03


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_gating_dries_nothing_out_while_false_drizzle_falls(problem, trained, noise):
    """Chosen on some cases, used on others: the mean changes by less than 1 %."""
    generator = torch.Generator().manual_seed(3)
    target, means = problem.draw(200, generator)
    member = problem.members(means, 1, noise, generator)
    with torch.no_grad():
        logits = trained.encode(means).gate_logits
    chosen = []
    for amounts in (target, member):
        removed = RemovedAmount()
        for case in range(len(amounts)):
            removed.add(logits[case], amounts[case])
        chosen.append(removed.probability(0.005))
    target, means = problem.draw(100, generator)
    ensemble = problem.members(means, 8, noise, generator)[:, :, None]
    with torch.no_grad():
        logits = trained.encode(means).gate_logits[:, None]
    kept = gate(ensemble, logits, (0,), (0.0,), min(chosen))

    def false_drizzle(fields, least):
        return float(((fields >= least) & (target < WET)[:, None]).float().mean())

    assert abs(kept.double().mean() / ensemble.double().mean() - 1) < 0.01
    assert false_drizzle(kept, WET) < 0.985 * false_drizzle(ensemble, WET)
    if noise:  # without any there is almost no trace to remove
        assert false_drizzle(kept, 0.01) < 0.9 * false_drizzle(ensemble, 0.01)
    brier = [
        float(((f >= WET).float().mean(dim=1) - (target >= WET).float()).square().mean()) for f in (kept, ensemble)
    ]
    assert brier[0] < brier[1]
