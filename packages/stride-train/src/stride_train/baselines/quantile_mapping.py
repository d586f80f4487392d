"""Baseline: empirical quantile mapping of the interpolated LR field onto the observed distribution.

Quantiles of both are taken over all pixels and times of the training split, each value of the interpolated field is
replaced by the observed value of the same rank (Panofsky and Brier 1968; Gudmundsson et al. 2012,
doi:10.5194/hess-16-3383-2012, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_vars.regions import Box

from stride_train.baselines.interpolated import Interpolated
from stride_train.errors import GenerationError
from stride_train.progress import Advance
from stride_train.seeds import derived_seed

_PIXELS_PER_TIME = 20_000
_NOTHING = float(np.finfo(np.float32).tiny)


class QuantileMapping:
    """Interpolation followed by empirical quantile mapping, pooled over the training pixels: one member.

    Ranks between two quantiles are interpolated linearly. Above the largest training quantile the ratio (for positive
    definite variables) or the difference (for others) at that quantile is kept; below the smallest, likewise.
    """

    name = "quantile_mapping"
    members = 1
    checkpoint_id = ""
    model_spec: dict[str, Any] | None = None

    def __init__(
        self,
        adapter: Adapter,
        box: Box | None = None,
        *,
        quantiles: int,
        seed: int,
        advance: Advance,
        targets: Sequence[int] | None = None,
    ):
        """Learns both distributions from the training split.

        Args:
            adapter: Gives the training fields; all that training samples can show.
            box: HR box of the mapped fields; the region's when None. The quantiles are those of the training fields.
            quantiles: Number of quantiles, evenly spaced in rank.
            seed: Chooses the pixels of each time where a field is larger than 20 000 of them.
            advance: Told how far the reading is.
            targets: Numbers of the targets to make; None for all.

        Raises:
            GenerationError: If the training split holds no pair of values.
        """
        self.adapter = adapter
        self.interpolated = Interpolated(adapter, box, targets)
        names = [adapter.target_names[number] for number in self.interpolated.targets]
        self.variables = [adapter.target_vars[number] for number in self.interpolated.targets]
        pairs: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in names]
        times = adapter.times("train")
        for number, time in enumerate(times):
            fields = adapter.fields(time, adapter.training_box)
            if fields.target is None:
                continue
            target = fields.target[self.interpolated.targets]
            lr = self.interpolated.interpolate(fields.dynamic, target.shape[-2:])
            chooser = np.random.default_rng(derived_seed(seed, self.name, time))
            for channel, store in enumerate(pairs):
                both = np.isfinite(target[channel]) & np.isfinite(lr[channel])
                source, observed = lr[channel][both], target[channel][both]
                if source.size > _PIXELS_PER_TIME:
                    chosen = chooser.choice(source.size, _PIXELS_PER_TIME, replace=False)
                    source, observed = source[chosen], observed[chosen]
                store.append((source, observed))
            advance((number + 1) / len(times), f"{number + 1} of {len(times)} times")
        ranks = (np.arange(quantiles) + 0.5) / quantiles
        self.tables: list[tuple[np.ndarray, np.ndarray]] = []
        for name, store in zip(names, pairs, strict=True):
            if not any(source.size for source, _ in store):
                raise GenerationError(f"Quantile mapping finds no training value of '{name}': check data.splits.")
            source = np.concatenate([pair[0] for pair in store])
            observed = np.concatenate([pair[1] for pair in store])
            self.tables.append((np.quantile(source, ranks), np.quantile(observed, ranks)))
        self.description: dict[str, Any] = {
            "method": "empirical quantile mapping of the interpolated field, pooled over training pixels",
            "quantiles": quantiles,
            "fields": self.interpolated.description["fields"],
        }

    def generate(self, time: str, members: Sequence[int] | None = None) -> np.ndarray:
        """The mapped fields [1, C_out, H_hr, W_hr] of one time."""
        fields = self.interpolated.generate(time)[0]
        mapped = [
            map_quantiles(field, *table, ratio_beyond=variable.is_positive_definite)
            for field, table, variable in zip(fields, self.tables, self.variables, strict=True)
        ]
        return np.stack(mapped)[None].astype(np.float32)


def map_quantiles(values: np.ndarray, source: np.ndarray, observed: np.ndarray, *, ratio_beyond: bool) -> np.ndarray:
    """Replaces values by those of the same rank in another distribution.

    Args:
        values: Any shape.
        source: Quantiles [Q] of the distribution that the values come from, not decreasing.
        observed: Quantiles [Q] at the same ranks of the distribution to map onto.
        ratio_beyond: Keep the ratio, not the difference, at the outermost quantile for values beyond it.

    Returns:
        Mapped values of the same shape. Where many quantiles share one source value (dry pixels), the middle of their
        ranks counts.
    """
    levels, first = np.unique(source, return_index=True)
    last = np.append(first[1:], source.size) - 1
    mapped = np.interp(values, levels, 0.5 * (observed[first] + observed[last]))
    return extend(values, mapped, (source[0], source[-1]), (observed[0], observed[-1]), ratio_beyond=ratio_beyond)


def extend(
    values: np.ndarray,
    mapped: np.ndarray,
    source: tuple[np.ndarray, np.ndarray],
    observed: tuple[np.ndarray, np.ndarray],
    *,
    ratio_beyond: bool,
) -> np.ndarray:
    """Mapped values with those beyond the outermost quantiles replaced.

    Args:
        values: Any shape.
        mapped: What they were mapped to.
        source: Smallest and largest quantile of the distribution that the values come from, broadcast to them.
        observed: The same two of the distribution that was mapped onto.
        ratio_beyond: Keep the ratio, not the difference, at the outermost quantile.
    """
    for beyond, edge_source, edge_observed in (
        (values > source[1], source[1], observed[1]),
        (values < source[0], source[0], observed[0]),
    ):
        if ratio_beyond:
            something = edge_source > _NOTHING
            ratio = np.where(something, edge_observed / np.where(something, edge_source, 1.0), 1.0)
            mapped = np.where(beyond, values * ratio, mapped)
        else:
            mapped = np.where(beyond, values + (edge_observed - edge_source), mapped)
    return mapped
