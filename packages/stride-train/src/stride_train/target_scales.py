"""How large the scaled targets are, as a whole and at their finest scales: what the model's preconditioning needs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.fine_scales import white_equivalent
from stride_model.spec import ModelSpec

from stride_train.errors import ExperimentError

_FIELDS = 64
_LEAST = 1e-3
"""Of sigma_data: what a fine scale is held for at least, so that the noise of float32 is not blown up."""


@dataclass(frozen=True)
class TargetScales:
    """Standard deviations of the scaled targets.

    Attributes:
        sigma_data: Over all targets (Karras et al. 2022, table 1).
        fine_scale_std: Of white noise with as much power, per output channel and scale; see
            `stride_model.spec.ModelSpec`.
    """

    sigma_data: float
    fine_scale_std: tuple[tuple[float, ...], ...] = ()

    @staticmethod
    def of(spec: ModelSpec) -> TargetScales:
        """Those that a network was made with."""
        return TargetScales(spec.sigma_data, spec.fine_scale_std)


def measure_target_scales(
    adapter: Adapter, *, fine_scales: int, together: bool = True, split: str = "train"
) -> TargetScales:
    """Measure over up to 64 evenly spread times.

    Over everything that training samples can show: the shuffle region where there is one.

    Args:
        adapter: Reads the targets.
        fine_scales: How many scales to measure.
        together: Whether the network has one output channel per target, or one that serves all in turn.
        split: Which times.

    Raises:
        ExperimentError: If nothing is observed.
    """
    times = adapter.times(split)
    total, total_of_squares, count = 0.0, 0.0, 0
    power, weights = torch.zeros(()), torch.zeros(())
    for time in [times[i] for i in np.unique(np.linspace(0, len(times) - 1, _FIELDS).astype(int))]:
        fields = adapter.fields(time, box=adapter.training_box)
        if fields.target is None:
            continue
        scaled = np.asarray(adapter.forward_target(fields.target), dtype=np.float64)
        seen = np.isfinite(scaled) if fields.mask is None else np.asarray(fields.mask, dtype=bool)
        if not seen.any():
            continue
        observed = scaled[seen]
        total += observed.sum()
        total_of_squares += np.square(observed).sum()
        count += observed.size
        if fine_scales:
            seen_pixels = seen.sum(axis=(1, 2))
            means = np.where(seen, scaled, 0).sum(axis=(1, 2)) / np.maximum(seen_pixels, 1)
            # The mean makes the least step at the edge of what is observed.
            filled = torch.from_numpy(np.where(seen, scaled, means[:, None, None]))
            weight = torch.from_numpy(seen_pixels)[:, None]
            power = power + weight * white_equivalent(filled[None], fine_scales, torch.from_numpy(seen)[None]) ** 2
            weights = weights + weight
    if count == 0:
        raise ExperimentError(f"No target value of the '{split}' split is observed: check data.splits and data.region.")
    sigma_data = math.sqrt(max(total_of_squares / count - (total / count) ** 2, 1e-12))
    if not fine_scales:
        return TargetScales(round(sigma_data, 6))
    power = power / weights.clamp(min=1)  # [targets, scales]
    stds = (power if together else power.mean(dim=0, keepdim=True)).sqrt().clamp(min=_LEAST * sigma_data)
    return TargetScales(round(sigma_data, 6), tuple(tuple(round(std, 6) for std in of.tolist()) for of in stds))
