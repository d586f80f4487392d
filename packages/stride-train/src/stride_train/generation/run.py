"""Generating one system's ensemble for the times of a split, into the run folder."""

from __future__ import annotations

import datetime
import time as clock
from pathlib import Path

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_data.config import HOW_IT_IS_READ
from stride_vars.ensemble_format import EnsembleAttrs
from stride_vars.errors import nearest
from stride_vars.pmm import probability_matched_mean

from stride_train.checkpoint import Checkpoint, latest_checkpoint, load_checkpoint
from stride_train.config import ExperimentConfig
from stride_train.config.generation import MODEL_SYSTEM, SYSTEMS
from stride_train.data import open_data
from stride_train.errors import GenerationError
from stride_train.generation.domain import GeneratedDomain, generated_domain
from stride_train.generation.system import System
from stride_train.generation.systems import build_system
from stride_train.generation.targets import chosen_targets
from stride_train.generation.writer import CaseFields, EnsembleWriter, finished_with, unique_keys
from stride_train.progress import progress
from stride_train.provenance import content_id, package_versions
from stride_train.run_folder import RunFolder


def generate(
    run: RunFolder,
    config: ExperimentConfig,
    name: str = MODEL_SYSTEM,
    checkpoint: Path | None = None,
    *,
    folder: Path | None = None,
) -> Path:
    """Makes the saved ensemble of one system; a finished one is kept, a broken off one continued.

    Args:
        run: The run folder.
        config: Its experiment.
        name: `edm` for the trained model, or a baseline.
        checkpoint: The checkpoint to use; the newest of the run when None.
        folder: Where the ensemble goes; the run's own folder of ensembles when None.

    Returns:
        Path of the saved ensemble.

    Raises:
        StrideError: If the system is unknown, there is no checkpoint, or the data do not fit.
    """
    if name not in SYSTEMS:
        raise GenerationError(f"No system is called '{name}'.{nearest(name, SYSTEMS)}")
    if name == MODEL_SYSTEM:
        loaded = load_checkpoint(checkpoint or latest_checkpoint(run.checkpoints))
        _require_same_mode(loaded, config)
        adapter = open_data(config, statistics=loaded.data["statistics"])
    else:
        loaded = None
        adapter = open_data(config, statistics=run.statistics if run.statistics.is_file() else None)
    times = times_to_generate(adapter, config)
    domain = generated_domain(adapter, config.generate)
    path = run.ensemble(name) if folder is None else folder / f"{name}.zarr"
    fingerprint = content_id(
        {
            "system": name,
            "checkpoint": loaded.id if loaded else None,
            "seed": config.seed,
            "data": config.data.model_dump(mode="json", exclude=set(HOW_IT_IS_READ)),
            "generate": config.generate.model_dump(mode="json", exclude=_unasked(config, name)),
            "times": times,
        }
    )
    if finished_with(path, fingerprint):
        return path
    system = build_system(name, adapter, config, domain=domain, times=times, checkpoint=loaded)
    _write_all(system, adapter, config, domain, times, path, fingerprint)
    return path


def _unasked(config: ExperimentConfig, name: str) -> set[str]:
    """Keys of the `generate` section that do not decide what is in an ensemble."""
    # A key that says nothing as long as its switch is off is left out: ensembles of before it came still count.
    asked = config.generate
    return {
        "baselines",
        *(() if asked.start is not None else ("start",)),
        *(() if asked.domain is not None else ("domain", "tiles")),
        *(() if asked.targets else ("targets",)),
        *(() if asked.compile else ("compile",)),
        *(() if name == "climatology" else ("climatology_window_days",)),
        *(() if name == "analogues" else ("analogue_fields",)),
        *(() if asked.remove_drizzle else ("gate_probability", "gate_removes_at_most")),
    }


def _require_same_mode(checkpoint: Checkpoint, config: ExperimentConfig) -> None:
    together = not checkpoint.spec.use_film_vars
    if together != config.model.targets_together:
        raise GenerationError(
            f"The checkpoint '{checkpoint.path}' was trained with model.targets_together: {str(together).lower()}, but "
            "the experiment says the opposite: use the experiment it was trained with."
        )


def times_to_generate(adapter: Adapter, config: ExperimentConfig) -> list[str]:
    """Times of the split to generate.

    Raises:
        GenerationError: If there is no such split or it is empty.
    """
    split = config.generate.split
    if split not in adapter.splits:
        raise GenerationError(
            f"generate.split names '{split}', which data.splits lacks.{nearest(split, adapter.splits)}"
        )
    times = list(adapter.times(split))
    if not times:
        raise GenerationError(f"The split '{split}' holds no times: widen data.splits.{split}.")
    return times


def _write_all(
    system: System,
    adapter: Adapter,
    config: ExperimentConfig,
    domain: GeneratedDomain,
    times: list[str],
    path: Path,
    fingerprint: str,
) -> None:
    with_pmm = config.generate.pmm and system.members > 1
    with_target = adapter.fields(times[0], domain.box).target is not None
    targets = chosen_targets(adapter, config.generate.targets)
    writer = EnsembleWriter(
        path,
        adapter,
        domain.region,
        times,
        members=system.members,
        with_pmm=with_pmm,
        with_target=with_target,
        attrs=_root_attributes(system, adapter, config, domain),
        fingerprint=fingerprint,
        targets=targets,
    )
    todo = [time for time in times if time not in writer.done]
    with progress(f"generating {system.name}") as advance:
        begun = clock.monotonic()
        for number, time in enumerate(todo, start=1):
            members = system.generate(time)
            fields = adapter.fields(time, domain.box)
            target = fields.target
            if target is not None and fields.mask is not None:
                target = np.where(fields.mask, target, np.nan)
            target = None if target is None else target[list(targets)]
            pmm = probability_matched_mean(members) if with_pmm else None
            writer.write(time, CaseFields(members, pmm, target, fields.dynamic))
            rate = number * system.members / max(clock.monotonic() - begun, 1e-9)
            advance(number / len(todo), f"{number} of {len(todo)} times, {rate:.2g} fields a second")
    writer.finish()


def _root_attributes(
    system: System, adapter: Adapter, config: ExperimentConfig, domain: GeneratedDomain
) -> EnsembleAttrs:
    keys = unique_keys(adapter.target_names, adapter.target_vars)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return EnsembleAttrs(
        title=f"{config.name}: {system.name}, {system.members} member{'s' if system.members > 1 else ''}",
        experiment=config.name,
        system=system.name,
        config=config.model_dump(mode="json"),
        model_spec=system.model_spec,
        checkpoint_id=system.checkpoint_id,
        sampler=system.description,
        seed=config.seed,
        transforms=list(adapter.transforms) if system.model_spec else [],
        statistics_id=adapter.statistics_id or "",
        region=domain.region,
        package_versions=package_versions(),
        history=f"{now}: written by stride-generate",
        split=config.generate.split,
        targets=tuple(keys[number] for number in chosen_targets(adapter, config.generate.targets)),
    )
