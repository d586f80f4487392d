"""Baseline: empirical quantile mapping with a pair of distributions for every HR pixel.

Gudmundsson et al. 2012, doi:10.5194/hess-16-3383-2012, section 2. As the pooled mapping, but the quantiles of a pixel
are those of its own training values, so that local biases are removed; there are only as many values as training times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_vars.regions import Box

from stride_train.baselines.interpolated import Interpolated
from stride_train.baselines.quantile_mapping import extend
from stride_train.errors import GenerationError
from stride_train.progress import Advance

_BLOCK_BYTES = 2**29


@dataclass(frozen=True)
class PixelQuantiles:
    """Quantiles of pairs of distributions, one pair a pixel, at the same ranks.

    Attributes:
        source: float32 [..., Q], not decreasing: of the distribution that values come from.
        observed: float32 [..., Q]: of the distribution to map onto. Where quantiles of `source` are equal (dry days),
            those at their ranks are replaced by the middle of the first and the last.
        observed_ends: float32 [..., 2], smallest and largest quantile.
    """

    source: np.ndarray
    observed: np.ndarray
    observed_ends: np.ndarray

    @classmethod
    def empty(cls, shape: tuple[int, ...], quantiles: int) -> PixelQuantiles:
        """Without any values yet; pixels that get none stay NaN."""
        return cls(*(np.full((*shape, size), np.nan, np.float32) for size in (quantiles, quantiles, 2)))

    def learn(self, where: tuple[Any, ...], source: np.ndarray, observed: np.ndarray) -> None:
        """Takes the quantiles of some pixels from their values.

        Args:
            where: Index of the pixels.
            source: [..., N] values; pairs of which one is NaN do not count.
            observed: The observed values that belong to them.
        """
        missing = np.isnan(source) | np.isnan(observed)
        source, observed = (
            hazen_quantiles(np.where(missing, np.nan, values), self.quantiles) for values in (source, observed)
        )
        first, last = _runs(source)
        middle = 0.5 * (np.take_along_axis(observed, first, -1) + np.take_along_axis(observed, last, -1))
        self.source[where], self.observed[where], self.observed_ends[where] = source, middle, observed[..., [0, -1]]

    @property
    def quantiles(self) -> int:
        """How many there are."""
        return self.source.shape[-1]

    def map(self, values: np.ndarray, *, ratio_beyond: bool) -> np.ndarray:
        """Replaces each pixel's value by that of the same rank in its other distribution.

        Args:
            values: The shape of the pixels.
            ratio_beyond: Keep the ratio, not the difference, at the outermost quantile for values beyond it.

        Returns:
            float32 of the same shape; NaN at pixels without quantiles.
        """
        values = np.asarray(values, np.float32)
        above = _first_not_below(self.source, values)
        high, low = np.minimum(above, self.quantiles - 1), np.maximum(above - 1, 0)
        (x0, y0), (x1, y1) = (
            tuple(
                np.take_along_axis(table, at[..., None], -1)[..., 0].astype(np.float64)
                for table in (self.source, self.observed)
            )
            for at in (low, high)
        )
        step = x1 > x0
        weight = np.where(step, (values - x0) / np.where(step, x1 - x0, 1.0), 1.0)
        ends = (self.source[..., 0], self.source[..., -1]), (self.observed_ends[..., 0], self.observed_ends[..., 1])
        return extend(values, y0 + weight * (y1 - y0), *ends, ratio_beyond=ratio_beyond).astype(np.float32)


class QuantileMappingPerPixel:
    """Interpolation followed by empirical quantile mapping at every pixel: one member.

    With at least as many quantiles asked for as there are training times, the quantiles are the sorted training values,
    and mapping these gives back the observed ones. Beyond the outermost quantiles the ratio (for positive definite
    variables) or the difference (for others) there is kept. A pixel that is never observed in training is missing.
    """

    name = "quantile_mapping_per_pixel"
    members = 1
    checkpoint_id = ""
    model_spec: dict[str, Any] | None = None

    def __init__(
        self,
        adapter: Adapter,
        box: Box | None = None,
        *,
        quantiles: int,
        advance: Advance,
        targets: Sequence[int] | None = None,
        block_bytes: int = _BLOCK_BYTES,
    ):
        """Learns the distributions from the training split.

        Args:
            adapter: Gives the training fields.
            box: HR box of the fields; the region's when None. Its pixels' quantiles are learnt, wherever training crops
                lie.
            quantiles: Number of quantiles, evenly spaced in rank; as many as there are training times where those are
                fewer.
            advance: Told how far the reading is.
            targets: Numbers of the targets to make; None for all.
            block_bytes: Training values that are held at once; where there are more, rows of pixels are learnt block by
                block, and the training split is read as often.

        Raises:
            GenerationError: If a target's variable is not among the dynamic fields, or the training split holds no pair
                of values of a target.
        """
        self.adapter, self.box = adapter, box
        self.interpolated = Interpolated(adapter, box, targets)
        self.variables = [adapter.target_vars[number] for number in self.interpolated.targets]
        times = adapter.times("train")
        shape = (adapter.region.hr if box is None else box).shape
        self.tables = PixelQuantiles.empty((len(self.variables), *shape), min(quantiles, len(times)))
        bytes_per_row = 2 * 4 * len(times) * len(self.variables) * shape[1]
        rows = max(1, min(shape[0], block_bytes // bytes_per_row))
        blocks = [slice(first, min(first + rows, shape[0])) for first in range(0, shape[0], rows)]
        for number, block in enumerate(blocks):
            source = np.full((len(self.variables), block.stop - block.start, shape[1], len(times)), np.nan, np.float32)
            observed = np.full_like(source, np.nan)
            for index, time in enumerate(times):
                fields = adapter.fields(time, box)
                if fields.target is not None:
                    source[..., index] = self.interpolated.interpolate(fields.dynamic, shape)[:, block]
                    observed[..., index] = fields.target[self.interpolated.targets][:, block]
                advance((number + (index + 1) / len(times)) / len(blocks), _note(index + 1, len(times), number, blocks))
            for row in range(block.start, block.stop):
                at = row - block.start
                self.tables.learn((slice(None), row), source[:, at], observed[:, at])
        for variable_number, channel in enumerate(self.interpolated.targets):
            if np.isnan(self.tables.source[variable_number]).all():
                raise GenerationError(
                    f"Quantile mapping finds no training value of '{adapter.target_names[channel]}': check data.splits."
                )
        self.description: dict[str, Any] = {
            "method": "empirical quantile mapping of the interpolated field, at every pixel",
            "quantiles": self.tables.quantiles,
            "training_times": len(times),
            "fields": self.interpolated.description["fields"],
        }

    def generate(self, time: str, members: Sequence[int] | None = None) -> np.ndarray:
        """The mapped fields [1, C_out, H_hr, W_hr] of one time."""
        fields = self.interpolated.generate(time)[0]
        mapped = [
            table.map(field, ratio_beyond=variable.is_positive_definite)
            for field, table, variable in zip(fields, self._of_each(), self.variables, strict=True)
        ]
        return np.stack(mapped)[None]

    def _of_each(self) -> list[PixelQuantiles]:
        tables = self.tables
        return [
            PixelQuantiles(*parts) for parts in zip(tables.source, tables.observed, tables.observed_ends, strict=True)
        ]


def hazen_quantiles(values: np.ndarray, quantiles: int) -> np.ndarray:
    """Quantiles along the last axis at the ranks (i + 1/2) / Q, by Hazen's definition (Hyndman and Fan 1996, no. 5).

    With as many quantiles as values they are the sorted values.

    Args:
        values: [..., N], NaN where missing.
        quantiles: Their number Q.

    Returns:
        float32 [..., Q]; NaN where all values are missing.
    """
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(values).sum(axis=-1, keepdims=True)
    ranks = (np.arange(quantiles) + 0.5) / quantiles
    # Rounded, so that a rank that falls on a value takes it alone.
    place = np.clip(np.round(ranks * count - 0.5, 9), 0, np.maximum(count - 1, 0))
    low = place.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    below, above = (np.take_along_axis(ordered, at, -1).astype(np.float64) for at in (low, high))
    return (below + (place - low) * (above - below)).astype(np.float32)


def _runs(ordered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each place along the last axis the first and the last place that hold the same value."""
    size = ordered.shape[-1]
    places = np.broadcast_to(np.arange(size), ordered.shape)
    changes = ordered[..., 1:] != ordered[..., :-1]
    edge = np.ones((*ordered.shape[:-1], 1), bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, changes], -1), places, 0), axis=-1)
    ends = np.where(np.concatenate([changes, edge], -1), places, size - 1)
    return first, np.minimum.accumulate(ends[..., ::-1], axis=-1)[..., ::-1]


def _first_not_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each pixel the first place in its ordered values [..., Q] that is not below a value [...]; Q where all are."""
    low = np.zeros(values.shape, np.int64)
    high = np.full(values.shape, ordered.shape[-1], np.int64)
    for _ in range(ordered.shape[-1].bit_length()):
        middle = (low + high) // 2
        there = np.take_along_axis(ordered, np.minimum(middle, ordered.shape[-1] - 1)[..., None], -1)[..., 0]
        below = (there < values) & (low < high)
        low, high = np.where(below, middle + 1, low), np.where(below, high, middle)
    return low


def _note(done: int, times: int, block: int, blocks: Sequence[slice]) -> str:
    part = f", part {block + 1} of {len(blocks)}" if len(blocks) > 1 else ""
    return f"{done} of {times} times{part}"
