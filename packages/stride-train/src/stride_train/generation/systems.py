"""Systems by name: the trained model and the baselines."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from stride_data.adapter_protocol import Adapter

from stride_train.averages.choice import ChosenWeights
from stride_train.baselines.analogues import Analogues
from stride_train.baselines.climatology import Climatology
from stride_train.baselines.interpolated import Interpolated
from stride_train.baselines.quantile_mapping import QuantileMapping
from stride_train.baselines.quantile_mapping_per_pixel import QuantileMappingPerPixel
from stride_train.checkpoint import Checkpoint
from stride_train.config import ExperimentConfig
from stride_train.config.generation import MODEL_SYSTEM
from stride_train.generation.diffusion import DiffusionSystem
from stride_train.generation.domain import GeneratedDomain
from stride_train.generation.system import System
from stride_train.generation.targets import chosen_targets
from stride_train.progress import Advance, progress


def build_system(
    name: str,
    adapter: Adapter,
    config: ExperimentConfig,
    *,
    domain: GeneratedDomain,
    times: Sequence[str],
    checkpoint: Checkpoint | None = None,
    weights: ChosenWeights | None = None,
) -> System:
    """Makes a system ready to generate; baselines read the training split for it.

    Args:
        name: One of `stride_train.config.generation.SYSTEMS`.
        adapter: The data.
        config: The experiment.
        domain: Where.
        times: All times that are generated, which training times must not stand for.
        checkpoint: The trained weights, for the model.
        weights: Which of them; what the experiment asks for of the checkpoint alone when None.

    Raises:
        StrideError: If the system cannot be made from this data, checkpoint and experiment.
    """
    if name == MODEL_SYSTEM:
        assert checkpoint is not None, "the model comes with its weights"
        return DiffusionSystem(checkpoint, adapter, config.generate, seed=config.seed, domain=domain, weights=weights)
    if name == Interpolated.name:
        return Interpolated(adapter, domain.box, chosen_targets(adapter, config.generate.targets))
    with progress(f"fitting {name.replace('_', ' ')}") as advance:
        system = _fitted(name, adapter, config, domain, times, advance)
    if isinstance(system, Climatology | Analogues):
        _say_what_is_less(system, config.generate.members)
    return system


def _fitted(
    name: str,
    adapter: Adapter,
    config: ExperimentConfig,
    domain: GeneratedDomain,
    times: Sequence[str],
    advance: Advance,
) -> System:
    asked, seed = config.generate, config.seed
    targets = chosen_targets(adapter, asked.targets)
    if name == QuantileMapping.name:
        return QuantileMapping(
            adapter, domain.box, quantiles=asked.quantiles, seed=seed, advance=advance, targets=targets
        )
    if name == QuantileMappingPerPixel.name:
        return QuantileMappingPerPixel(adapter, domain.box, quantiles=asked.quantiles, advance=advance, targets=targets)
    if name == Climatology.name:
        return Climatology(
            adapter,
            domain.box,
            members=asked.members,
            window_days=asked.climatology_window_days,
            seed=seed,
            times=times,
            advance=advance,
            targets=targets,
        )
    return Analogues(
        adapter,
        domain.box,
        members=asked.members,
        fields=asked.analogue_fields,
        times=times,
        advance=advance,
        targets=targets,
    )


def _say_what_is_less(system: Climatology | Analogues, members: int) -> None:
    """One line each on standard error, where the ensemble is not all that one would think."""
    observed = system.observed
    if system.members < members:
        _say(
            f"{system.name}: {system.members} members, not {members}: the training split holds no more observed times "
            "of other dates"
        )
    if observed.with_gaps:
        _say(
            f"{system.name}: members have gaps, since hardly a training time is observed throughout; an evaluation "
            "leaves their pixels out"
        )
    elif observed.left_out:
        _say(f"{system.name}: {observed.left_out} training times that are not observed throughout are left out")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
