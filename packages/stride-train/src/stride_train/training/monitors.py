"""Sanity monitors: small ensembles on a few validation times, drawn while training goes on.

They tell whether training is on its way (CRPS falls; spread fits the error; as many wet pixels and as much power at
small scales as observed) and are no evaluation: that is for stride-eval, on saved ensembles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser

from stride_train.config import MonitorConfig, SamplerConfig
from stride_train.generation.draw import draw_members
from stride_train.training.ensemble_scores import EnsembleScores, TargetReading
from stride_train.training.small_scales import pixel_spacing


@dataclass(frozen=True)
class ValidationCase:
    """A small ensemble with what it was made from and what happened, in canonical units.

    Attributes:
        time: ISO time.
        members: [M, C, H, W].
        observed: [C, H, W], NaN where nothing is observed.
        dynamic: Low-resolution fields as the adapter gives them, [C_dyn, H_lr, W_lr] or, of a stack of steps, [T, ...].
    """

    time: str
    members: np.ndarray
    observed: np.ndarray
    dynamic: np.ndarray


@dataclass(frozen=True)
class MonitorReading:
    """What the monitors saw.

    Attributes:
        targets: By the targets' names; those that are observed nowhere are left out.
        crps: CRPS of the one target in its canonical units; of several, the mean of their CRPS, each in units of the
            target's standard deviation over the training split.
        shown: The cases of the quicklook picture, in order of time; none when it is switched off.
    """

    targets: Mapping[str, TargetReading]
    crps: float
    shown: tuple[ValidationCase, ...] = field(default=(), compare=False, repr=False)

    def row(self, several: bool) -> dict[str, float]:
        """The numbers as columns of the history.

        Args:
            several: Whether there are several targets, whose columns carry their names.
        """
        row = {"crps": self.crps}
        for name, reading in self.targets.items():
            found = {column: value for column, value in asdict(reading).items() if value is not None}
            row |= {target_column(column, name): value for column, value in found.items()} if several else found
        return row


def target_column(column: str, target: str) -> str:
    """Column of the history that holds a number of one of several targets, such as `crps/danra.prcp`."""
    return f"{column}/{target}"


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
    """Draws the small ensembles and compares them with what was observed.

    Args:
        denoiser: The network with the weights to look at.
        adapter: Gives the validation fields.
        config: Cases, members and sampler steps.
        sampler: Noise levels of the real generation; its number of steps is replaced.
        seed: Seed of the members' noise: the same at every reading, so that readings compare.
        split: The validation split.
        precision: Autocast to this type; None computes in float32.

    Returns:
        The reading; None when nothing is observed at the split's times or the monitors are off.
    """
    names, spacing = adapter.target_names, pixel_spacing(adapter.hr_coords())
    scores = {
        name: EnsembleScores(variable, spacing) for name, variable in zip(names, adapter.target_vars, strict=True)
    }
    shown: list[ValidationCase] = []
    few_steps = sampler.model_copy(update={"steps": config.sampler_steps})
    for case in _validation_cases(denoiser, adapter, config, few_steps, seed=seed, split=split, precision=precision):
        for channel, of_target in enumerate(scores.values()):
            of_target.add(case.members[:, channel], case.observed[channel])
        if config.quicklook:
            # The times with most structure: a picture of dry fields shows nothing.
            shown = sorted([*shown, case], key=_structure, reverse=True)[: config.quicklook_cases]
    readings = {name: reading for name, of_target in scores.items() if (reading := of_target.reading()) is not None}
    if not readings:
        return None
    if len(names) == 1:
        crps = readings[names[0]].crps
    else:
        scales = _climatological_scales(adapter)
        crps = float(np.mean([reading.crps / scales.get(name, 1.0) for name, reading in readings.items()]))
    return MonitorReading(readings, crps, tuple(sorted(shown, key=lambda case: case.time)))


def _validation_cases(
    denoiser: EDMDenoiser,
    adapter: Adapter,
    config: MonitorConfig,
    sampler: SamplerConfig,
    *,
    seed: int,
    split: str,
    precision: torch.dtype | None,
) -> Iterator[ValidationCase]:
    """The same few times at every reading, evenly spread over the split, each with an ensemble."""
    times = adapter.times(split) if split in adapter.splits else []
    if not times or config.cases == 0:
        return
    for number in np.unique(np.linspace(0, len(times) - 1, config.cases).round().astype(int)):
        time = times[number]
        fields = adapter.fields(time)
        if fields.target is None:
            continue
        members = draw_members(
            denoiser,
            adapter.sample(time),
            adapter,
            sampler,
            seed=seed,
            time=time,
            members=range(config.members),
            batch_size=config.members,
            precision=precision,
        )
        observed = fields.target if fields.mask is None else np.where(fields.mask, fields.target, np.nan)
        yield ValidationCase(time, members, observed, fields.dynamic)


def _structure(case: ValidationCase) -> float:
    """Standard deviation of the first target's observed field."""
    seen = case.observed[0][np.isfinite(case.observed[0])]
    return float(seen.std()) if seen.size else 0.0


def _climatological_scales(adapter: Adapter) -> dict[str, float]:
    """Standard deviation of each target over the training split, where it is known and not zero."""
    variables = (adapter.metadata().get("statistics") or {}).get("variables", {})
    found = {name: variables.get(name, {}).get("std") for name in adapter.target_names}
    return {name: float(std) for name, std in found.items() if std}
