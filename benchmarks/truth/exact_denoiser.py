"""The exact denoiser of a problem whose conditional distribution is Gaussian: sampling without training error."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from truth.linear_gaussian import LinearGaussian
from truth.problems import Case


def exact_denoiser(fields: LinearGaussian, case: Case, members: int) -> Callable[[Tensor, Tensor], Tensor]:
    """D(x; sigma) = mean + S (S + sigma² I)^-1 (x - mean), with the conditional mean and covariance S of each case.

    Args:
        fields: The problem; its target must be Gaussian (nothing censored, no season).
        case: What `draw` gave.
        members: Members of each case, which stand side by side in x.

    Returns:
        A function of x [n * members, V, N, N] and sigma, 0-d; float64.
    """
    matrix = torch.cat([given.matrix for given in fields.inputs.values()])
    noise = torch.cat([torch.full((len(given.matrix),), given.noise**2) for given in fields.inputs.values()])
    observed = torch.cat([case[name].flatten(1) for name in fields.inputs], dim=1).double()
    across = fields.target @ fields.covariance @ matrix.T
    gain = torch.linalg.solve(matrix @ fields.covariance @ matrix.T + torch.diag(noise.double() + 1e-10), across.T).T
    mean = (observed @ gain.T).repeat_interleave(members, dim=0)
    variances, modes = torch.linalg.eigh(fields.target @ fields.covariance @ fields.target.T - gain @ across.T)
    variances = variances.clamp(min=0)

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        shares = variances / (variances + sigma.double() ** 2)
        flat = ((x.flatten(1).double() - mean) @ modes * shares) @ modes.T + mean
        return flat.reshape(x.shape)

    return denoise
