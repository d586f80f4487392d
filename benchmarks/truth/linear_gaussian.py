"""Fields that are linear in Gaussian latents, observed linearly: every conditional is Gaussian and known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True)
class Input:
    """What a network is told.

    Attributes:
        matrix: [Q, L], what it shows of the latents.
        shape: Of one case's tensor, product Q.
        noise: Standard deviation of its error.
    """

    matrix: Tensor
    shape: tuple[int, ...]
    noise: float = 0.0


@dataclass(frozen=True)
class LinearGaussian:
    """Latents l ~ N(0, C), target A l, inputs B_k l + noise.

    Attributes:
        covariance: C, float64 [L, L].
        target: A, float64 [D, L].
        shape: Of one case's target, [V, N, N] with product D.
        inputs: By the name under which the network takes them.
    """

    covariance: Tensor
    target: Tensor
    shape: tuple[int, ...]
    inputs: Mapping[str, Input]
    _root: Tensor = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_root", root(self.covariance))

    def draw(self, n: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Target and inputs of n cases, float32."""
        latents = torch.randn(n, len(self._root), generator=generator, dtype=torch.float64) @ self._root.T
        drawn = {"target": (latents @ self.target.T).reshape(n, *self.shape)}
        for name, given in self.inputs.items():
            values = latents @ given.matrix.T
            values = values + given.noise * torch.randn(values.shape, generator=generator, dtype=torch.float64)
            drawn[name] = values.reshape(n, *given.shape)
        return {name: values.float() for name, values in drawn.items()}

    def exact(
        self, case: Mapping[str, Tensor], members: int, generator: torch.Generator, told: tuple[str, ...] | None = None
    ) -> Tensor:
        """Members of the exact conditional, float32 [n, members, V, N, N].

        Args:
            case: What `draw` gave.
            members: Ensemble size.
            generator: Source of the members.
            told: Inputs to condition on; all when omitted.
        """
        mean, spread = self._conditional(case, told)
        noise_fields = torch.randn(len(mean), members, spread.shape[1], generator=generator, dtype=torch.float64)
        return (mean[:, None] + noise_fields @ spread.T).reshape(len(mean), members, *self.shape).float()

    def marginals(self, case: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Mean [n, V, N, N] and standard deviation [V, N, N] of each pixel given all inputs, float64."""
        mean, spread = self._conditional(case, None)
        return mean.reshape(-1, *self.shape), spread.square().sum(dim=1).sqrt().reshape(self.shape)

    def _conditional(self, case: Mapping[str, Tensor], told: tuple[str, ...] | None) -> tuple[Tensor, Tensor]:
        """Mean [n, D], and a root of the covariance [D, D]."""
        names = tuple(self.inputs) if told is None else told
        matrix = torch.cat([self.inputs[name].matrix for name in names])
        noise = torch.cat([torch.full((len(self.inputs[n].matrix),), self.inputs[n].noise ** 2) for n in names])
        observed = torch.cat([case[name].flatten(1) for name in names], dim=1).double()
        across = self.target @ self.covariance @ matrix.T
        gain = torch.linalg.solve(matrix @ self.covariance @ matrix.T + torch.diag(noise.double() + 1e-10), across.T).T
        spread = root(self.target @ self.covariance @ self.target.T - gain @ across.T)
        return observed @ gain.T, spread


def root(covariance: Tensor) -> Tensor:
    """R with R R^T = covariance, for covariances that are singular too."""
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()


def matern(n: int, length: float) -> Tensor:
    """Covariance of unit variance between the cells of an n x n grid: Matern with smoothness 3/2, [n n, n n].

    Args:
        n: Cells along a side.
        length: Length scale in cells.
    """
    places = torch.cartesian_prod(torch.arange(n, dtype=torch.float64), torch.arange(n, dtype=torch.float64))
    distance = 3**0.5 * torch.cdist(places, places) / length
    return (1 + distance) * (-distance).exp()


def block_mean(n: int, size: int) -> Tensor:
    """Matrix of the means over blocks of size x size cells, [(n / size)^2, n n]."""
    along = torch.eye(n // size, dtype=torch.float64).repeat_interleave(size, dim=1) / size
    return torch.kron(along, along)
