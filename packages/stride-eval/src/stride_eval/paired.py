"""Differences of scores to the reference system, paired by date, and whether they are more than chance."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from scipy.special import ndtr, stdtrit

from stride_eval.scores import OBSERVED, Best, Resampled, Score, Verdict

FEWEST_BLOCKS = 8
"""Blocks of dates that a verdict needs; fewer can all fall to one side by chance."""


def compared(scores: Iterable[Score], reference: str | None, level: float) -> list[Score]:
    """The scores with ``difference``, its interval and ``verdict``, and without their resamples.

    Args:
        scores: of a family, of one region and season.
        reference: name of the reference system; None: nothing is compared.
        level: coverage of the intervals.

    Returns:
        As many scores in the same order. A score is compared where it has a direction (``best``), is not the
        reference's own, and both have resamples of the same dates.
    """
    scores = list(scores)
    standards = {(score.target, score.name): score for score in scores if score.system == reference}
    rows = []
    for score in scores:
        found = None
        if reference is not None and score.system not in (OBSERVED, reference):
            found = _against(score, standards.get((score.target, score.name)), level)
        rows.append(replace(score if found is None else found, resampled=None))
    return rows


def _against(score: Score, standard: Score | None, level: float) -> Score | None:
    """The score beside that of the reference; None where the two cannot be compared."""
    own = score.resampled
    if own is None or score.best is None or own.dates.sum() < 2:
        return None
    if standard is None:
        value = score.reference_value
        other = Resampled(np.full(own.values.shape, value), own.dates, own.blocks)
    else:
        value, other = standard.value, standard.resampled
    if math.isnan(score.value) or math.isnan(value) or other is None:
        return None
    if not (own.values.shape == other.values.shape and np.array_equal(own.dates, other.dates)):
        return None
    difference, lower, upper = paired_difference(
        (score.value, own.values), (value, other.values), best=score.best, blocks=own.blocks, level=level
    )
    if math.isnan(lower):
        return None
    return replace(
        score,
        difference=difference,
        difference_lower=lower,
        difference_upper=upper,
        verdict=_verdict(lower, upper, score.best, own.blocks),
    )


def paired_difference(
    value: tuple[float, np.ndarray], reference: tuple[float, np.ndarray], *, best: Best, blocks: int, level: float
) -> tuple[float, float, float]:
    """How much farther from good a score is than the reference's, with an interval.

    Scores that are best low or high are subtracted: d = a - b; a length that is infinite (resolved at no scale) is
    farther than any that is not. Where zero (or one) is best, d = |a| - |b| (of the logarithms). Percentiles of
    resampled |a| - |b| would be biased near zero. In their place stand the intervals of a - b and a + b, with signs
    turned so that both estimates count as positive: |a| < |b| where these two have opposite signs. The interval of d
    holds what they allow; it excludes zero only where both do, which is an intersection-union test.

    Args:
        value: the score, and its resamples.
        reference: the same of the reference, by the same dates.
        best: which values are good.
        blocks: of dates; for few of them percentiles are taken farther out, by Student's law.
        level: coverage.

    Returns:
        Difference, lower and upper end; NaN where no resample has both scores, or a score has no logarithm.

    Source:
        Berger (1996), Likelihood ratio tests and intersection-union tests, Institute of Statistics Mimeo Series 2288
        (test of two means of which neither is zero); Hesterberg (2014), https://arxiv.org/abs/1411.5279 (expanded
        percentiles).
    """
    (a, many_a), (b, many_b) = value, reference
    if best in ("low", "high"):
        difference = float(_less(np.array(a), np.array(b)))
        return (difference, *_percentiles(_less(many_a, many_b), blocks, level))
    if math.isinf(a) or math.isinf(b):
        return math.nan, math.nan, math.nan
    if best == "one":
        if a <= 0.0 or b <= 0.0:
            return math.nan, math.nan, math.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            many_a, many_b = np.log(many_a), np.log(many_b)
        a, b = math.log(a), math.log(b)
    turned_a, turned_b = math.copysign(1.0, a) * many_a, math.copysign(1.0, b) * many_b
    apart = _percentiles(_less(turned_a, turned_b), blocks, level)
    together = _percentiles(_less(turned_a, -turned_b), blocks, level)
    if math.isnan(apart[0]):
        return abs(a) - abs(b), math.nan, math.nan
    # |a| - |b| grows with a - b where a + b > 0 and with a + b where a - b > 0: extremes are at the corners.
    corners = [math.copysign(min(abs(s), abs(t)), s * t) if s and t else 0.0 for s in apart for t in together]
    return abs(a) - abs(b), min(corners), max(corners)


def _less(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """First less second; infinite lengths on both sides (resolved at no scale) are alike."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(a) & (a == b), 0.0, a - b)


def _percentiles(values: np.ndarray, blocks: int, level: float) -> tuple[float, float]:
    kept = values[~np.isnan(values)]
    if not kept.size:
        return math.nan, math.nan
    tail = (1.0 - level) / 2.0
    if blocks > 1:
        tail = float(ndtr(math.sqrt(blocks / (blocks - 1.0)) * stdtrit(blocks - 1, tail)))
    lower, upper = np.quantile(kept, [tail, 1.0 - tail], method="inverted_cdf")
    return float(lower), float(upper)


def _verdict(lower: float, upper: float, best: Best, blocks: int) -> Verdict:
    if lower <= 0.0 <= upper or blocks < FEWEST_BLOCKS:
        return "not significant"
    return "better" if (lower > 0.0) == (best == "high") else "worse"
