"""Profiles of power-function averages and their fit (Karras et al. 2024, arXiv 2312.02696, section 3 and appendix C).

An average at time t weighs the weights of every earlier time tau by p(tau) = (gamma + 1) tau^gamma / t^(gamma + 1): a
power function that grows until t, so that its length is a share of the training and the first weights never count. The
length is named by the relative width sigma_rel, the profile's standard deviation as a share of t. Time is counted in
images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LONGEST = 1 / math.sqrt(12)
"""The relative width of gamma = 0, where all weights since the start count the same."""


def exponent_of(length: float) -> float:
    """Exponent gamma of a relative width sigma_rel: the largest root of a cubic.

    sigma_rel^-2 = (gamma + 2)^2 (gamma + 3) / (gamma + 1), multiplied out.

    Args:
        length: sigma_rel, above 0 and at most `LONGEST`.

    Raises:
        ValueError: If it lies elsewhere.
    """
    if not 0 < length <= LONGEST:
        raise ValueError(f"the relative width {length:g} must be above 0 and at most 1/sqrt(12), about 0.288")
    inverse = length**-2
    roots = np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse])
    return max(0.0, float(roots.real.max()))


def relative_width(exponent: float) -> float:
    """sigma_rel of an exponent: the standard deviation of its profile, as a share of t."""
    return math.sqrt((exponent + 1) / (exponent + 3)) / (exponent + 2)


def new_share(exponent: float, batch_size: int, images_seen: int) -> float:
    """Share 1 - beta of the newest weights when an average moves on by one step.

    beta = (1 - batch / t)^(gamma + 1), the paper's update in images. The weights after a step stand for the images of
    that step, and their share in every later average is exactly the profile's integral over these images, whatever the
    sizes of the batches. The first step replaces what was there before.

    Args:
        exponent: gamma.
        batch_size: Images of this step.
        images_seen: Images seen up to and including this step.
    """
    if batch_size >= images_seen:
        return 1.0
    return -math.expm1((exponent + 1) * math.log1p(-batch_size / images_seen))


@dataclass(frozen=True)
class Profile:
    """How an average weighs the past.

    Attributes:
        exponent: gamma.
        images: Images seen when it was taken, t.
    """

    exponent: float
    images: float


def inner_products(some: Sequence[Profile], others: Sequence[Profile]) -> np.ndarray:
    """Integrals over time of the products of two profiles, float64 [len(some), len(others)].

    Of (a, s) and (b, t) with s <= t: (a + 1)(b + 1) / (a + b + 1) (s / t)^b / t.
    """
    a, s = (np.array([getattr(p, key) for p in some], float)[:, None] for key in ("exponent", "images"))
    b, t = (np.array([getattr(p, key) for p in others], float)[None, :] for key in ("exponent", "images"))
    earlier, later = np.minimum(s, t), np.maximum(s, t)
    return (a + 1) * (b + 1) / (a + b + 1) * (earlier / later) ** np.where(s < t, b, a) / later


@dataclass(frozen=True)
class Fit:
    """A profile put together from others.

    Attributes:
        weights: Factor of each of them, float64; they add up to 1.
        residual: What is missed, as a share of the profile's own norm (both in the mean square over time).
    """

    weights: np.ndarray
    residual: float

    @property
    def magnification(self) -> float:
        """How much larger independent errors of what is combined are in the combination."""
        return float(np.linalg.norm(self.weights))


def fit_profiles(wanted: Sequence[Profile], stored: Sequence[Profile]) -> list[Fit]:
    """Least-squares combinations of stored profiles (appendix C).

    The factors are made to add up to 1, which the paper leaves open: so that weights which stand still are returned as
    they are, and a slow drift is followed better.

    Args:
        wanted: The profiles to come near to, each for itself.
        stored: What there is; no two the same.
    """
    norms = np.sqrt(np.diagonal(inner_products(stored, stored)))
    gram = inner_products(stored, stored) / np.outer(norms, norms)
    right = inner_products(stored, wanted) / norms[:, None]
    own = np.diagonal(inner_products(wanted, wanted))
    # Lagrange: the gradient of the squared distance is orthogonal to the plane where the factors add up to 1.
    sums = norms.min() / norms
    system = np.block([[gram, sums[:, None]], [sums[None, :], np.zeros((1, 1))]])
    right_sides = np.vstack([right, np.full((1, len(wanted)), norms.min())])
    solved = np.linalg.lstsq(system, right_sides, rcond=1e-14)[0][:-1]
    missed = own - 2 * (solved * right).sum(axis=0) + (solved * (gram @ solved)).sum(axis=0)
    residuals = np.sqrt(np.maximum(0.0, missed / own))
    return [Fit(factors / norms, float(residual)) for factors, residual in zip(solved.T, residuals, strict=True)]
