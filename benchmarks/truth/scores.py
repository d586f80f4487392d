"""How an ensemble compares with the truth: [n, members, V, N, N] against [n, V, N, N]."""

from __future__ import annotations

import torch
from torch import Tensor


def crps(ensemble: Tensor, truth: Tensor) -> Tensor:
    """Fair CRPS of each case, [n] (Ferro 2014): mean |x_i - y| - sum of |x_i - x_j| / (2 M (M - 1))."""
    members = ensemble.shape[1]
    ranks = torch.arange(1, members + 1, dtype=ensemble.dtype)
    ordered = ensemble.sort(dim=1).values
    spread = torch.einsum("m,nm...->n...", 2 * ranks - members - 1, ordered) / (members * (members - 1))
    return ((ensemble - truth[:, None]).abs().mean(dim=1) - spread).flatten(1).mean(dim=1)


def spread_skill(ensemble: Tensor, truth: Tensor) -> float:
    """Spread over the unbiased error of the mean: sqrt(mean var) / sqrt(MSE - mean var / M)."""
    variance = ensemble.var(dim=1).mean()
    error = (ensemble.mean(dim=1) - truth).square().mean() - variance / ensemble.shape[1]
    return float((variance / error).sqrt())


def spectrum(fields: Tensor) -> Tensor:
    """Isotropic power by whole wavenumbers 1 to N/2, mean over everything but the variable, [V, N / 2].

    Windowed (Hann) because the fields are not periodic.
    """
    n = fields.shape[-1]
    window = torch.hann_window(n, periodic=True, dtype=fields.dtype)
    centred = (fields - fields.mean(dim=(-2, -1), keepdim=True)) * window[:, None] * window
    power = torch.fft.fft2(centred).abs().square()
    power = power.reshape(-1, *power.shape[-3:]).mean(dim=0)
    wavenumber = torch.fft.fftfreq(n, 1 / n)
    bins = torch.hypot(wavenumber[:, None], wavenumber).round().long()
    return torch.stack([power[:, bins == k].mean(dim=1) for k in range(1, n // 2 + 1)], dim=1)


WET = 0.05
"""From this value on a pixel of the censored problem counts as wet."""


TRACE = 0.01
"""From this value on a pixel of the censored problem holds more than nothing."""


def wet_brier(ensemble: Tensor, truth: Tensor) -> float:
    """Brier score of the members' share of wet pixels against wet or dry."""
    return float(((ensemble >= WET).float().mean(dim=1) - (truth >= WET).float()).square().mean())


def false_drizzle(ensemble: Tensor, truth: Tensor, least: float = WET) -> float:
    """Share of the members' pixels that reach `least` where the truth is dry (below WET)."""
    return float(((ensemble >= least) & (truth < WET)[:, None]).float().mean())


def wet_where(ensemble: Tensor, where: Tensor) -> float:
    """Share of the members' pixels that are wet among those of cases and pixels [n, V, N, N]."""
    return float((ensemble >= WET).float().mean(dim=1)[where].mean())
