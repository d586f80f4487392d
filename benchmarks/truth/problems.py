"""The problems, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from truth.linear_gaussian import Input, LinearGaussian, block_mean, matern

Case = dict[str, Tensor]


@dataclass(frozen=True)
class Problem:
    """A distribution to learn.

    Attributes:
        name: What it is called.
        fields: Target and inputs before `dry_below` and `season`.
        spec: Keys of the model's specification beside channel counts and shapes.
        dry_below: The target is what exceeds this value, else 0; None for the target itself.
        season: Size of a shift by the phase of the year, which the network is told as two features.
        one_at_a_time: Whether each case is about one of the target's variables, which a label names.
    """

    name: str
    fields: LinearGaussian
    spec: Mapping[str, Any] = field(default_factory=dict)
    dry_below: float | None = None
    season: float = 0.0
    one_at_a_time: bool = False

    def draw(self, n: int, generator: torch.Generator) -> Case:
        """Target and inputs of n cases."""
        case = self.fields.draw(n, generator)
        if self.season:
            phase = 2 * torch.pi * torch.rand(n, generator=generator)
            case["features"] = torch.stack([phase.sin(), phase.cos()], dim=1)
        if self.one_at_a_time:
            case["labels"] = torch.randint(len(case["target"][0]), (n,), generator=generator)
        case["target"] = self._observable(case["target"], case)
        return case

    def exact(self, case: Case, members: int, generator: torch.Generator) -> Tensor:
        """Members of the exact conditional given everything, [n, members, V, N, N]."""
        return self._observable(self.fields.exact(case, members, generator), case)

    def wet_probability(self, case: Case, wet: float) -> Tensor:
        """Probability that the target of a problem with `dry_below` reaches `wet` > 0, given all inputs."""
        assert self.dry_below is not None and not self.season
        mean, spread = self.fields.marginals(case)
        return torch.special.ndtr((mean - self.dry_below - wet) / spread).float()

    def _observable(self, latent: Tensor, case: Case) -> Tensor:
        if self.season:
            shift = self.season * case["features"][:, 1]
            latent = latent + shift.reshape(-1, *[1] * (latent.ndim - 1))
        if self.one_at_a_time:
            latent = torch.stack([fields[..., [k], :, :] for fields, k in zip(latent, case["labels"], strict=True)])
        return latent if self.dry_below is None else (latent - self.dry_below).clamp(min=0)


def gaussian(n: int) -> Problem:
    """One field, told the means of its 4 x 4 blocks."""
    return Problem("gaussian", _blocks_of_one(n))


def censored(n: int) -> Problem:
    """What exceeds a value of such a field: dry areas and amounts."""
    return Problem("censored", _blocks_of_one(n), dry_below=0.3)


def two_variables(n: int) -> Problem:
    """Two fields correlated with 0.7, told the block means of the first and, with noise, of the second."""
    one, cells = matern(n, n / 8), n * n
    pair = torch.tensor([[1.0, 0.7], [0.7, 1.0]], dtype=torch.float64)
    blocks = block_mean(n, 4)
    shown = torch.block_diag(blocks, blocks)
    shape = (2, n // 4, n // 4)
    everything, told = torch.eye(2 * cells, dtype=torch.float64), {"dynamic": Input(shown, shape, 0.1)}
    return Problem("two_variables", LinearGaussian(torch.kron(pair, one), everything, (2, n, n), told))


def with_statics(n: int = 16) -> Problem:
    """The field holds a static field of fine scale that block means do not show."""
    latents = torch.block_diag(matern(n, n / 8), 0.5 * matern(n, 1.0))
    both = torch.cat([torch.eye(n * n, dtype=torch.float64)] * 2, dim=1)
    ground = torch.cat([torch.zeros(n * n, n * n, dtype=torch.float64), torch.eye(n * n, dtype=torch.float64)], dim=1)
    inputs = {
        "dynamic": Input(block_mean(n, 4) @ both, (1, n // 4, n // 4)),
        "static": Input(ground, (1, n, n)),
    }
    return Problem("statics", LinearGaussian(latents, both, (1, n, n), inputs))


def with_stack(n: int = 16) -> Problem:
    """Three noisy looks at the block means, one a time step."""
    looks = torch.cat([block_mean(n, 4)] * 3)
    inputs = {"dynamic": Input(looks, (3, 1, n // 4, n // 4), 1.0)}
    return Problem("temporal_stack", LinearGaussian(matern(n, n / 8), _all(n), (1, n, n), inputs))


def with_context(n: int = 16) -> Problem:
    """A wide field with noisy block means of it within the box, and of the box's surroundings."""
    wide = 2 * n
    first = n // 2
    cells = torch.arange(wide * wide).reshape(wide, wide)[first : first + n, first : first + n].flatten()
    box = torch.eye(wide * wide, dtype=torch.float64)[cells]
    inputs = {
        "dynamic": Input(block_mean(n, 4) @ box, (1, n // 4, n // 4), 1.0),
        "context": Input(block_mean(wide, 4), (1, wide // 4, wide // 4), 1.0),
    }
    spec = {"context_cell": (0.25, 0.25), "context_offset": (first / 4, first / 4)}
    return Problem("context", LinearGaussian(matern(wide, n / 2), box, (1, n, n), inputs), spec)


def with_season(n: int = 16) -> Problem:
    """A shift by the phase of the year, which the block means of the rest do not show."""
    return Problem("day_of_year", _blocks_of_one(n), season=1.0)


def with_labels(n: int = 16) -> Problem:
    """Two targets of one network, one at a time: what the block means show of a field is added or taken away.

    The first is the field with detail of its own, the second the field's negative, half as large, with finer and
    stronger detail. Without the label only their mixture can be learnt.
    """
    latents = torch.block_diag(matern(n, n / 4), 0.1 * matern(n, n / 8), 0.4 * matern(n, n / 16))
    one, none = _all(n), torch.zeros(n * n, n * n, dtype=torch.float64)
    targets = torch.cat([torch.cat([one, one, none], dim=1), torch.cat([-0.5 * one, none, one], dim=1)])
    blocks = torch.cat([block_mean(n, 4) @ one, torch.zeros(n * n // 16, 2 * n * n, dtype=torch.float64)], dim=1)
    inputs = {"dynamic": Input(blocks, (1, n // 4, n // 4))}
    return Problem("labels", LinearGaussian(latents, targets, (2, n, n), inputs), one_at_a_time=True)


def with_dry_areas(n: int = 16) -> Problem:
    """The censored problem, small."""
    return censored(n)


PROBLEMS: dict[str, Callable[[int], Problem]] = {
    "gaussian": gaussian,
    "censored": censored,
    "two_variables": two_variables,
}
"""Whose whole conditional distribution is compared, for fields of n x n."""

SWITCHES: dict[str, Callable[[], Problem]] = {
    "statics": with_statics,
    "temporal_stack": with_stack,
    "context": with_context,
    "day_of_year": with_season,
    "labels": with_labels,
    "rain_gate": with_dry_areas,
}
"""Where one input must lower the CRPS, or the gate false drizzle."""


def without(name: str, case: Case) -> Case:
    """The case of a switch problem with its switch off."""
    if name == "temporal_stack":
        return {**case, "dynamic": case["dynamic"][:, -1]}
    told = {"statics": "static", "day_of_year": "features"}.get(name, name)
    return {key: value for key, value in case.items() if key != told}


def _all(n: int) -> Tensor:
    return torch.eye(n * n, dtype=torch.float64)


def _blocks_of_one(n: int) -> LinearGaussian:
    inputs = {"dynamic": Input(block_mean(n, 4), (1, n // 4, n // 4))}
    return LinearGaussian(matern(n, n / 8), _all(n), (1, n, n), inputs)
