"""Starting from a noised field keeps the scales whose power is above the noise's, and no others.

The denoiser is exact for Gaussian fields on a periodic grid, whose covariance the discrete Fourier transform makes
diagonal. The field that is started from is a draw of the same distribution without its small scales.
"""

import pytest
import torch
from stride_model.samplers.dpmpp_2m import dpmpp_2m
from stride_model.samplers.euler import euler
from stride_model.samplers.heun import heun
from stride_model.samplers.member_noise import member_noise
from stride_model.samplers.scale_control import start_from

N, MEMBERS = 32, 48
_frequency = torch.fft.fftfreq(N, 1 / N, dtype=torch.float64)
WAVENUMBER = torch.hypot(_frequency[:, None], _frequency)
POWER = 400.0 / (1 + (WAVENUMBER / 2) ** 2) ** 2.5
"""Variance of each mode of an orthonormal Fourier transform; white noise of standard deviation s has s² in each."""
CUT = 12  # beyond this wavenumber the field that is started from has nothing


def transform(fields):
    return torch.fft.fft2(fields, norm="ortho")


def exact(x, sigma):
    return torch.fft.ifft2(transform(x) * POWER / (POWER + sigma**2), norm="ortho").real


def smooth_field(seed=1):
    white = transform(torch.randn(1, N, N, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))
    kept = torch.where(WAVENUMBER < CUT, POWER.sqrt(), 0.0)
    return torch.fft.ifft2(white * kept, norm="ortho").real


def started(sigma, sampler=heun, seed=1, n=64):
    field = smooth_field(seed)
    noise = member_noise(range(MEMBERS), (1, N, N))
    x, sigmas = start_from(field, noise, sigma=sigma, n=n, sigma_min=1e-3)
    return field, sampler(exact, x, sigmas)


def by_ring(values):
    """Mean over rings of whole wavenumbers 1 to N/2, the last axes [N, N] to [N/2]."""
    rings = WAVENUMBER.round().long()
    return torch.stack([values[..., rings == k].mean(dim=-1) for k in range(1, N // 2 + 1)], dim=-1)


def coherence(field, members):
    """Of start field and members, by wavenumber, over members and the modes of a ring."""
    a, b = transform(field).expand(len(members), 1, N, N), transform(members)
    cross = by_ring((a * b.conj()).real).mean(dim=(0, 1))
    return cross**2 / (by_ring(a.abs() ** 2).mean(dim=(0, 1)) * by_ring(b.abs() ** 2).mean(dim=(0, 1)))


@pytest.mark.parametrize("sampler", [heun, dpmpp_2m, euler])
def test_each_scale_is_kept_in_the_share_that_theory_gives(sampler):
    """Modes of the result are sqrt(v / (v + sigma²)) (field + sigma n): known for every member, no statistics."""
    sigma = 2.0
    field, members = started(sigma, sampler, n=400 if sampler is euler else 100)
    noise = member_noise(range(MEMBERS), (1, N, N))(0).double()
    expected = transform(field + sigma * noise) * (POWER / (POWER + sigma**2)).sqrt()
    error = (transform(members) - expected).abs().square().mean() / expected.abs().square().mean()
    assert error.sqrt() < (0.02 if sampler is euler else 2e-3)


def test_large_scales_are_kept_and_small_ones_are_the_models():
    sigma = 2.0
    field, members = started(sigma)
    found, strong = coherence(field, members), by_ring(POWER)
    assert (found[strong > 20 * sigma**2] > 0.9).all()
    assert (found[CUT:] < 0.05).all()
    # Beyond the field's own scales the members have the power of the distribution, which there is far below sigma².
    ratio = by_ring(transform(members).abs() ** 2).mean(dim=(0, 1)) / strong
    assert by_ring(transform(field).abs() ** 2)[0, CUT:].max() < 1e-20
    assert (ratio[CUT:] - (sigma**2 / (strong + sigma**2))[CUT:]).abs().max() < 0.1
    assert ratio[CUT:].min() > 0.8


def test_the_crossover_moves_with_sigma():
    """Coherence one half lies where the field's power is sigma²."""

    def crossover(sigma):
        field, members = started(sigma)
        return int((coherence(field, members) > 0.5).sum()), int((by_ring(POWER) > sigma**2).sum())

    found = [crossover(sigma) for sigma in (1.0, 2.0, 5.0, 12.0)]
    for kept, expected in found:
        assert abs(kept - expected) <= 1
    assert [kept for kept, _ in found] == sorted([kept for kept, _ in found], reverse=True)
    assert found[0][0] >= found[-1][0] + 4


def test_members_differ_at_small_scales_and_agree_at_large_ones():
    _, members = started(2.0)
    modes = transform(members)
    spread = by_ring(modes.var(dim=0)[0].real) / by_ring(modes.abs().square().mean(dim=0)[0])
    assert spread[0] < 0.05 < 0.8 < spread[CUT:].min()


def test_from_a_high_sigma_nothing_is_kept():
    field, members = started(300.0)
    assert coherence(field, members).max() < 0.15


def test_state_and_levels_by_hand():
    field = torch.tensor([[[1.0, 2.0]]])
    x, sigmas = start_from(field, lambda draw: torch.full((3, 1, 1, 2), 0.5), sigma=4.0, n=3, sigma_min=1.0, rho=1.0)
    assert torch.equal(x, torch.tensor([[[[3.0, 4.0]]]]).expand(3, 1, 1, 2))
    torch.testing.assert_close(sigmas, torch.tensor([4.0, 2.5, 1.0, 0.0], dtype=torch.float64))
    with pytest.raises(ValueError, match=r"sigma 0\.5 must be above sigma_min 1\.0"):
        start_from(field, lambda draw: field, sigma=0.5, n=3, sigma_min=1.0)
