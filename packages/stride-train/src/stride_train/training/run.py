"""Training one experiment in its run folder, from scratch or from where it stopped."""

from __future__ import annotations

import contextlib
import sys
from contextlib import nullcontext

from pydantic import ValidationError
from stride_data.adapter_protocol import Adapter
from stride_data.config import HOW_IT_IS_READ
from stride_model.parameters import summary

from stride_train.assemble import assemble_spec
from stride_train.checkpoint import Checkpoint, list_checkpoints
from stride_train.config import ExperimentConfig
from stride_train.data import prepare_statistics
from stride_train.errors import ExperimentError
from stride_train.generation.domain import generated_domain
from stride_train.progress import progress
from stride_train.run_folder import RunFolder, write_text
from stride_train.target_scales import TargetScales, measure_target_scales
from stride_train.training.loggers import require_loggers
from stride_train.training.processes import Processes, launch
from stride_train.training.record import MONITORED_SPLIT
from stride_train.training.resumption import clear_unfinished, newest_readable
from stride_train.training.trainer import Trainer, TrainingResult

# What may change between the sessions of one training: how long it goes on, what it reports and where its data lie, not
# what is learnt.
_MAY_CHANGE = {
    "train": {
        "budget",
        "log_every",
        "checkpoint_every",
        "keep_last",
        "snapshots",
        "num_workers",
        "monitor",
        "early_stopping",
        "loggers",
        "accelerator",
        "devices",
        "accumulate",
        "sharding",
        "compile",
    },
    "data": HOW_IT_IS_READ,
}


def train(config: ExperimentConfig, run: RunFolder, *, resume: bool) -> TrainingResult:
    """Trains the experiment until its budget is used up.

    Args:
        config: The experiment.
        run: Where everything goes.
        resume: Go on from the newest checkpoint.

    Raises:
        StrideError: If the data, the run folder or a checkpoint are wrong, or the loss is not finite.
    """
    processes = launch(config.train)
    processes.from_first(lambda: require_loggers(config.train.loggers))
    checkpoint = processes.first_then_others(lambda: _where_it_stopped(run, resume=resume))
    adapter = processes.first_then_others(lambda: prepare_statistics(config, run))
    trainer = processes.each(lambda: _assemble(config, run, adapter, checkpoint, processes))
    processes.from_first(lambda: _describe(config, run, trainer))
    with progress(f"training ({config.train.budget.text})") if processes.first else nullcontext(_silent) as advance:
        result = trainer.train(advance)
    if result.stopped is not None and processes.first:
        print(f"training stopped early: {result.stopped}", file=sys.stderr, flush=True)
    return result


def _where_it_stopped(run: RunFolder, *, resume: bool) -> Checkpoint | None:
    """What to go on from; None to begin."""
    if resume:
        return newest_readable(run.checkpoints)
    if list_checkpoints(run.checkpoints):
        raise ExperimentError(
            f"'{run.path}' already holds a trained model: add --resume to go on with it, or choose another folder "
            "with --out."
        )
    return None


def _assemble(
    config: ExperimentConfig, run: RunFolder, adapter: Adapter, checkpoint: Checkpoint | None, processes: Processes
) -> Trainer:
    """The trainer in the state of a checkpoint, or at its beginning."""
    generated_domain(adapter, config.generate)  # a mistake there shows before the long work
    if config.train.early_stopping is not None and not adapter.splits.get(MONITORED_SPLIT):
        raise ExperimentError(
            f"train.early_stopping needs validation times, but data.splits.{MONITORED_SPLIT} holds none: give some, or "
            "leave it out."
        )
    if checkpoint is None:
        scales = measure_target_scales(
            adapter, fine_scales=config.model.fine_scales, together=config.model.targets_together
        )
    else:
        scales = TargetScales.of(checkpoint.spec)
        require_same_experiment(checkpoint.config, config, str(checkpoint.path))
    trainer = Trainer(config, adapter, assemble_spec(adapter, config.model, scales=scales), run, processes)
    if checkpoint is not None:
        trainer.resume(checkpoint)
    return trainer


def _describe(config: ExperimentConfig, run: RunFolder, trainer: Trainer) -> None:
    """Writes what is trained to the run folder, once all that a user can get wrong has been looked at."""
    clear_unfinished(run.checkpoints)
    run.save_config(config)
    described = summary(trainer.averaged_denoiser)
    write_text(run.model_summary, f"{described}\n")
    print(f"network: {', '.join(described.splitlines()[-3:])}", file=sys.stderr, flush=True)


def _silent(fraction: float, note: str = "") -> None:
    """Of the processes that train together one shows how far they are."""


def training_finished(config: ExperimentConfig, run: RunFolder) -> bool:
    """Whether the run folder holds a training of this very experiment whose budget is used up, or that stopped early.

    Raises:
        StrideError: If it holds a training of another experiment, or its checkpoint cannot be read.
    """
    if not list_checkpoints(run.checkpoints):
        return False
    checkpoint = newest_readable(run.checkpoints)
    require_same_experiment(checkpoint.config, config, str(checkpoint.path))
    state = checkpoint.state
    ours, theirs = config.train.model_dump(mode="json"), checkpoint.config["train"]
    if state.finished and all(theirs.get(key) == ours[key] for key in ("budget", "early_stopping")):
        return True
    return config.train.budget.fraction(steps=state.step, images=state.images, seconds=state.seconds) >= 1.0


def require_same_experiment(theirs: dict, config: ExperimentConfig, where: str) -> None:
    """Refuses to go on with a training whose seed, data, model or training options were others.

    Raises:
        ExperimentError: Naming the first key that differs, with both values.
    """
    ours = config.model_dump(mode="json")
    with contextlib.suppress(ValidationError):
        # Keys that came with a later version have their defaults in what an earlier one wrote.
        theirs = ExperimentConfig.model_validate(theirs).model_dump(mode="json")
    for section in ("seed", "data", "model", "train"):
        difference = _first_difference(theirs.get(section), ours[section], section)
        if difference is not None:
            raise ExperimentError(
                f"The checkpoint '{where}' was trained with another experiment ({difference}): use that one, or choose "
                "another folder with --out."
            )


def _first_difference(theirs: object, ours: object, where: str) -> str | None:
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in {**theirs, **ours}:
            if key in _MAY_CHANGE.get(where, ()):
                continue
            found = _first_difference(theirs.get(key), ours.get(key), f"{where}.{key}")
            if found is not None:
                return found
        return None
    return None if theirs == ours else f"{where} was {theirs!r}, is {ours!r}"
