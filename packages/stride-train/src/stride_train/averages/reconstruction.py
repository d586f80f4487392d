"""Averages of any length, put together after training from those that were stored (Karras et al. 2024, appendix C)."""

from __future__ import annotations

from collections.abc import KeysView, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from stride_train.averages.power import flat_name
from stride_train.averages.profiles import LONGEST, Fit, Profile, exponent_of, fit_profiles
from stride_train.averages.snapshots import StoredAverages
from stride_train.errors import GenerationError

LARGEST_RESIDUAL = 0.1
"""A length whose profile is missed by more than this share of its norm is refused."""

LARGEST_MAGNIFICATION = 16.0
"""A length whose combination magnifies the rounding of half precision more is refused: beyond, it would change the
weights by more than half a percent."""

_SHORTEST = 0.005
_SCANNED = 120


@dataclass(frozen=True)
class Reconstruction:
    """An average as a combination of stored ones.

    Attributes:
        length: Its relative width sigma_rel.
        images: Its time: images seen.
        stored: What it is made of; only those that count.
        factors: Of each of `stored`, the factors of its lengths.
        residual: What is missed of its profile, as a share of the profile's norm.
    """

    length: float
    images: int
    stored: tuple[StoredAverages, ...]
    factors: tuple[tuple[float, ...], ...]
    residual: float

    def parameters(self) -> dict[str, torch.Tensor]:
        """The averaged parameters, float32, by name; added up in float64, one stored file at a time.

        Raises:
            GenerationError: If the files do not hold the same parameters.
        """
        total: dict[str, torch.Tensor] = {}
        names: KeysView[str] | None = None
        for stored, factors in zip(self.stored, self.factors, strict=True):
            tensors = stored.read()
            if names is not None and tensors.keys() != names:
                raise GenerationError(
                    f"'{stored.path}' holds other averages than '{self.stored[0].path}': use the snapshots of one "
                    "training."
                )
            names = tensors.keys()
            for length, factor in zip(stored.lengths, factors, strict=True):
                prefix = flat_name(length, "")
                for name, value in tensors.items():
                    if name.startswith(prefix):
                        own = name.removeprefix(prefix)
                        total.setdefault(own, torch.zeros_like(value, dtype=torch.float64))
                        total[own].add_(value.double(), alpha=factor)
        return {name: value.float() for name, value in total.items()}


def reconstruct(stored: Sequence[StoredAverages], length: float, images: int) -> Reconstruction:
    """Finds the combination of stored averages that comes nearest to one of another length.

    A stored average is returned as it is.

    Args:
        stored: What there is; those later than `images` are left out, since an average knows no later weights.
        length: Relative width sigma_rel.
        images: Time at which the average is asked for.

    Raises:
        GenerationError: If nothing is stored, or the length is too short or too long for what is.
    """
    known = [one for one in sorted(stored, key=lambda one: one.images) if one.images <= images and one.lengths]
    if not known:
        raise GenerationError(
            f"There is no stored average of the weights up to image {images}, of which one of length {length:g} could "
            "be made: train with train.power_averages, or generate with the weights ema or raw."
        )
    for one in known:
        if one.images == images and length in one.lengths:
            factors = tuple(float(each == length) for each in one.lengths)
            return Reconstruction(length, images, (one,), (factors,), 0.0)
    if not 0 < length <= LONGEST:
        raise GenerationError(f"There is no average of length {length:g}: choose one above 0 and up to 0.288.")
    profiles = _profiles(known)
    [fit] = fit_profiles([Profile(exponent_of(length), images)], profiles)
    if not _good(fit):
        why, otherwise = f"they miss {100 * fit.residual:.0f} % of it", "train with more train.snapshots"
        if fit.residual <= LARGEST_RESIDUAL:
            why, otherwise = f"their rounding would be magnified {fit.magnification:.0f} times", "take the weights raw"
        reach = reachable(known, images)
        instead = "" if reach is None else f"choose one from {reach[0]:.3f} to {reach[1]:.3f}, or "
        raise GenerationError(
            f"An average of length {length:g} at image {images} cannot be made of the {len(profiles)} stored ones, "
            f"since {why}: {instead}{otherwise}."
        )
    factors = iter(fit.weights.tolist())
    each = tuple(tuple(next(factors) for _ in one.lengths) for one in known)
    return Reconstruction(length, images, tuple(known), each, fit.residual)


def reachable(stored: Sequence[StoredAverages], images: int) -> tuple[float, float] | None:
    """Shortest and longest length that stored averages give at a time, to about 3 %; None when there is none."""
    known = [one for one in stored if one.images <= images and one.lengths]
    if not known:
        return None
    lengths = np.geomspace(_SHORTEST, LONGEST, _SCANNED)[:-1].tolist()
    fits = fit_profiles([Profile(exponent_of(length), images) for length in lengths], _profiles(known))
    found = [length for length, fit in zip(lengths, fits, strict=True) if _good(fit)]
    return (found[0], found[-1]) if found else None


def _good(fit: Fit) -> bool:
    return fit.residual <= LARGEST_RESIDUAL and fit.magnification <= LARGEST_MAGNIFICATION


def _profiles(stored: Sequence[StoredAverages]) -> list[Profile]:
    return [Profile(exponent_of(length), one.images) for one in stored for length in one.lengths]
