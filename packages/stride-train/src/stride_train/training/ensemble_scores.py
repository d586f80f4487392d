"""Scores of small ensembles of one variable: sums over all cases first, ratios and roots at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from stride_vars.spec import VariableSpec

from stride_train.training.small_scales import small_scale_power


@dataclass(frozen=True)
class TargetReading:
    """What the monitors saw of one target; None where a number is not defined.

    Attributes:
        crps: Fair CRPS, mean over the observed pixels of all cases, in canonical units.
        spread_skill: Spread of the members over the unbiased error of their mean; 1 when reliable, below when the
            members are too much alike. None when that error lies within its sampling noise.
        spectrum_ratio: Power of the members over that of the observed fields in the shortest third of the resolved
            wavelengths; below 1 when members are too smooth, above when they are too grainy. None when no case is
            observed in every pixel.
        bias: Mean of the members less mean of the observed, in canonical units.
        bias_percent: The same in percent of the observed mean, of an amount such as precipitation.
        wet_fraction: Share of generated pixels at or above the wet threshold; None for a variable without one.
        wet_fraction_observed: The same of the observed fields.
    """

    crps: float
    spread_skill: float | None
    spectrum_ratio: float | None
    bias: float
    bias_percent: float | None
    wet_fraction: float | None
    wet_fraction_observed: float | None


class EnsembleScores:
    """Adds up what the scores of one variable need, case by case; pixels that are not observed count nowhere."""

    def __init__(self, variable: VariableSpec, spacing: tuple[float, float]):
        """Starts with nothing.

        Args:
            variable: Whose fields will come.
            spacing: Distance of neighbouring rows and columns, in one unit of length.
        """
        self.variable, self.spacing = variable, spacing
        self.pixels = self.members = 0
        self.crps = self.variance = self.squared_error = 0.0
        self.generated = self.observed = 0.0
        self.wet = self.wet_observed = 0.0
        self.power = self.power_observed = 0.0

    def add(self, members: np.ndarray, observed: np.ndarray) -> None:
        """Adds one case.

        Args:
            members: [M, H, W] in canonical units, M at least 2 and the same for all cases.
            observed: [H, W], NaN where nothing is observed.
        """
        seen = np.isfinite(observed)
        if not seen.any():
            return
        drawn, truth = members[:, seen].astype(np.float64), observed[seen].astype(np.float64)
        mean = drawn.mean(axis=0)
        self.members = len(members)
        self.pixels += truth.size
        self.crps += float(fair_crps(drawn, truth).sum())
        self.variance += float(drawn.var(axis=0, ddof=1).sum())
        self.squared_error += float(np.square(mean - truth).sum())
        self.generated += float(mean.sum())
        self.observed += float(truth.sum())
        if self.variable.wet_threshold is not None:
            self.wet += float((drawn >= self.variable.wet_threshold).mean(axis=0).sum())
            self.wet_observed += float((truth >= self.variable.wet_threshold).sum())
        if seen.all():
            # Of every member, and averaged then: the mean lacks what the members do not agree on.
            self.power += float(small_scale_power(members, self.spacing).mean())
            self.power_observed += float(small_scale_power(observed, self.spacing))

    def reading(self) -> TargetReading | None:
        """The scores; None when nothing was observed."""
        n = self.pixels
        if n == 0:
            return None
        wet = self.variable.wet_threshold is not None
        bias = (self.generated - self.observed) / n
        percent = self.variable.is_amount and self.observed > 0
        return TargetReading(
            crps=self.crps / n,
            spread_skill=spread_skill(self.variance / n, self.squared_error / n, self.members),
            spectrum_ratio=self.power / self.power_observed if self.power_observed > 0 else None,
            bias=bias,
            bias_percent=100.0 * bias * n / self.observed if percent else None,
            wet_fraction=self.wet / n if wet else None,
            wet_fraction_observed=self.wet_observed / n if wet else None,
        )


def spread_skill(variance: float, squared_error: float, members: int) -> float | None:
    """Spread of an ensemble over the unbiased error of its mean (Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1).

    The squared error of the mean of M members holds variance / M of sampling error, which an infinite ensemble would
    not have (Leutbecher & Palmer 2008, doi:10.1016/j.jcp.2007.02.014).

    Args:
        variance: Mean variance of the members, divisor M - 1.
        squared_error: Mean squared error of the ensemble mean.
        members: M.

    Returns:
        The ratio; None when nothing is left of the error.
    """
    skill = squared_error - variance / members
    return math.sqrt(variance / skill) if skill > 0 else None


def fair_crps(members: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Fair CRPS of an ensemble (Ferro 2014, doi:10.1002/qj.2270), by sorting.

    Args:
        members: [M, ...], M at least 2.
        observed: [...].

    Returns:
        Scores [...] in the units of the input, float64.
    """
    ordered = np.sort(members.astype(np.float64), axis=0)
    size = ordered.shape[0]
    # sum over pairs |x_i - x_j| = 2 sum_i (2 i - M - 1) x_(i), i = 1..M
    factors = (2 * np.arange(1, size + 1) - size - 1).reshape(-1, *([1] * observed.ndim))
    spread = (factors * ordered).sum(axis=0) / (size * (size - 1))
    return np.abs(ordered - observed).mean(axis=0) - spread
