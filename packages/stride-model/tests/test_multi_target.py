"""Several fields generated together: what ties them to each other is kept."""

import pytest
import torch
from stride_model.loss import EDMLoss
from stride_model.noise_levels import LogNormal
from stride_model.precondition import EDMDenoiser
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.heun import heun
from stride_model.samplers.member_noise import member_noise
from stride_model.schedule import karras_schedule
from stride_model.spec import ModelSpec

N, BLOCK, CORRELATION, NOISE = 8, 4, 0.7, 0.1


def correlation(members):
    """Pixel by pixel between the two channels, of what the members differ by: pooled over cases, then averaged."""
    apart = members - members.mean(dim=1, keepdim=True)
    covariance = torch.einsum("nmahw,nmbhw->abhw", apart, apart)
    return (covariance[0, 1] / (covariance[0, 0] * covariance[1, 1]).sqrt()).mean().item()


@pytest.mark.parametrize("sampler", [heun, dpmpp_2m])
def test_samplers_keep_the_correlation_of_an_exact_denoiser(sampler):
    """Two standard normal channels correlated with 0.7 in every pixel: D(x) = C (C + sigma² I)^-1 x."""
    pair = torch.tensor([[1.0, CORRELATION], [CORRELATION, 1.0]], dtype=torch.float64)

    def denoise(x, sigma):
        gain = pair @ torch.linalg.inv(pair + sigma.double() ** 2 * torch.eye(2, dtype=torch.float64))
        return torch.einsum("ab,nbhw->nahw", gain, x.double())

    levels = karras_schedule(32, 0.01, 40.0)
    members = sampler(denoise, levels[0] * member_noise(range(64), (2, 16, 16))(0), levels)
    # 64 members of 256 pixels: the estimate's standard error is (1 - 0.7²) / sqrt(64 * 256) = 0.004.
    assert correlation(members[None]) == pytest.approx(CORRELATION, abs=0.016)


class TwoFields:
    """Two Matern fields correlated with 0.7, told the block means of both with an error of 0.1."""

    def __init__(self):
        axis = torch.arange(N, dtype=torch.float64)
        places = torch.cartesian_prod(axis, axis)
        distance = 3**0.5 * torch.cdist(places, places) / 2
        pair = torch.tensor([[1.0, CORRELATION], [CORRELATION, 1.0]], dtype=torch.float64)
        self.covariance = torch.kron(pair, (1 + distance) * (-distance).exp())
        along = torch.eye(N // BLOCK, dtype=torch.float64).repeat_interleave(BLOCK, dim=1) / BLOCK
        self.blocks = torch.block_diag(torch.kron(along, along), torch.kron(along, along))
        self.root = torch.linalg.cholesky(self.covariance + 1e-9 * torch.eye(2 * N * N, dtype=torch.float64))

    def draw(self, n, generator):
        fields = torch.randn(n, 2 * N * N, generator=generator, dtype=torch.float64) @ self.root.T
        told = fields @ self.blocks.T
        told = told + NOISE * torch.randn(told.shape, generator=generator, dtype=torch.float64)
        return fields.reshape(n, 2, N, N).float(), told.reshape(n, 2, N // BLOCK, N // BLOCK).float()

    def conditional_correlation(self):
        """Of the two channels in a pixel given what is told, averaged over pixels."""
        across = self.covariance @ self.blocks.T
        told = self.blocks @ across + NOISE**2 * torch.eye(len(self.blocks), dtype=torch.float64)
        left = self.covariance - across @ torch.linalg.solve(told, across.T)
        variance = left.diagonal().reshape(2, N * N)
        return (left.diagonal(N * N) / (variance[0] * variance[1]).sqrt()).mean().item()


@pytest.mark.slow
def test_members_of_a_trained_network_are_correlated_as_the_exact_conditional():
    problem = TwoFields()
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    denoiser = EDMDenoiser(
        ModelSpec(
            in_dynamic_channels=2,
            out_channels=2,
            cond_lr_shape=(N // BLOCK, N // BLOCK),
            target_hr_shape=(N, N),
            patch=1,
            channels=(32, 32),
            blocks=1,
            embedding_channels=32,
            lr_channels=16,
            lr_blocks=1,
        )
    )
    steps, loss = 500, EDMLoss(LogNormal(-0.6, 1.6))
    optimizer = torch.optim.Adam(denoiser.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(denoiser, *problem.draw(48, generator), generator=generator).loss.backward()
        optimizer.step()
        schedule.step()
    denoiser.eval()
    cases, members = 16, 32
    _, told = problem.draw(cases, generator)
    levels = karras_schedule(24, 0.01, 40.0)
    noise = member_noise(range(cases * members), (2, N, N))
    with torch.no_grad():
        conditioning = denoiser.encode(told).expand_members(members)
        ensemble = heun(denoiser.bind(conditioning), levels[0] * noise(0), levels).reshape(cases, members, 2, N, N)
    exact = problem.conditional_correlation()
    assert 0.65 < exact < 0.75
    assert correlation(ensemble) == pytest.approx(exact, abs=0.05)
