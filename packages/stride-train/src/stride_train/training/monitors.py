"""Sanity monitors: a small ensemble on a few validation times, drawn while training goes on.

They tell whether training is on its way (CRPS falls; as many wet pixels as observed) and are no evaluation: that is for
stride-eval, on saved ensembles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser

from stride_train.config import MonitorConfig, SamplerConfig
from stride_train.generation.draw import draw_members


@dataclass(frozen=True)
class MonitorReading:
    """What the monitors saw.

    Attributes:
        crps: Fair CRPS of the small ensemble, mean over its pixels and targets, in the targets' canonical units.
        wet_fraction: Share of generated pixels at or above the wet threshold; None when no target has one.
        wet_fraction_observed: The same of the observed fields.
    """

    crps: float
    wet_fraction: float | None
    wet_fraction_observed: float | None


def monitor(
    denoiser: EDMDenoiser,
    adapter: Adapter,
    config: MonitorConfig,
    sampler: SamplerConfig,
    *,
    seed: int,
    split: str,
    precision: torch.dtype | None,
) -> MonitorReading | None:
    """Draws the small ensemble and compares it with what was observed.

    Args:
        denoiser: The network with the weights to look at.
        adapter: Gives the validation fields.
        config: Cases, members and sampler steps.
        sampler: Noise levels of the real generation; its number of steps is replaced.
        seed: Seed of the members' noise: the same at every reading, so that readings compare.
        split: The validation split.
        precision: Autocast to this type; None computes in float32.

    Returns:
        The reading; None when the split has no times or the monitors are off.
    """
    times = adapter.times(split) if split in adapter.splits else []
    if not times or config.cases == 0:
        return None
    chosen = [times[i] for i in np.unique(np.linspace(0, len(times) - 1, config.cases).round().astype(int))]
    few_steps = sampler.model_copy(update={"steps": config.sampler_steps})
    thresholds = [variable.wet_threshold for variable in adapter.target_vars]
    scores: list[float] = []
    wet: list[np.ndarray] = []
    wet_observed: list[np.ndarray] = []
    for time in chosen:
        sample = adapter.sample(time)
        target = adapter.fields(time).target
        if target is None:
            continue
        members = draw_members(
            denoiser,
            sample,
            adapter,
            few_steps,
            seed=seed,
            time=time,
            members=range(config.members),
            batch_size=config.members,
            precision=precision,
        )
        observed = np.isfinite(target) if sample["mask"] is None else np.asarray(sample["mask"], dtype=bool)
        scores.append(float(np.mean(fair_crps(members, target)[observed])))
        for channel, threshold in enumerate(thresholds):
            if threshold is not None:
                wet.append((members[:, channel][:, observed[channel]] >= threshold).ravel())
                wet_observed.append(target[channel][observed[channel]] >= threshold)
    if not scores:
        return None
    return MonitorReading(
        crps=float(np.mean(scores)),
        wet_fraction=float(np.mean(np.concatenate(wet))) if wet else None,
        wet_fraction_observed=float(np.mean(np.concatenate(wet_observed))) if wet else None,
    )


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
