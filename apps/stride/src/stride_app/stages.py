"""The chain, stage after stage, in one run folder; a stage whose output is there already is not done again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stride_eval.config import EvalConfig
    from stride_train.config import ExperimentConfig
    from stride_train.run_folder import RunFolder

_EVALUATED = "evaluated.json"


@dataclass(frozen=True)
class ChainResult:
    """What the chain made.

    Attributes:
        report: The HTML report.
        scores: Content of the evaluation's `scores.json`.
        unseen: Whether the scored times are none of the training split's.
    """

    report: Path
    scores: dict[str, Any]
    unseen: bool


class Stopped(Exception):
    """A signal ended training before its budget was used up: what it has is saved, and the chain ends here."""


class OneOfSeveral(Exception):
    """Several processes trained together, and the first goes on alone: the others end here."""


def run_chain(config: ExperimentConfig, run: RunFolder) -> ChainResult:
    """Statistics, training, generation with baselines, evaluation.

    Args:
        config: The experiment.
        run: Where everything goes.

    Raises:
        Stopped: If a signal came while training.
        OneOfSeveral: In all processes but the first, where several train.
        StrideError: If anything that a user can mend is wrong; the `evaluate` section is checked before the long work.
    """
    from stride_eval.config import load_config
    from stride_train.config.generation import MODEL_SYSTEM

    evaluation = load_config(None, (), **config.evaluate)
    systems = (MODEL_SYSTEM, *config.generate.baselines)
    _check_reference(evaluation, systems)
    run.create()
    _train(config, run)
    ensembles = {name: _generate(config, run, name) for name in systems}
    report, scores = _evaluate(evaluation, run, ensembles)
    split = config.generate.split
    # Splits are disjoint, unless one is declared to be another.
    return ChainResult(report, scores, unseen="train" not in (split, config.data.splits[split].same_as))


def _check_reference(evaluation: EvalConfig, systems: Sequence[str]) -> None:
    """Refuses a reference that will not be made, which would else be noticed when all the work is done."""
    from stride_train.config.generation import BASELINES
    from stride_train.errors import ExperimentError
    from stride_vars.errors import nearest

    name = evaluation.reference
    if name is None or name in systems:
        return
    mend = " Add it to generate.baselines." if name in BASELINES else nearest(name, systems)
    raise ExperimentError(f"evaluate.reference names '{name}', which this experiment does not make.{mend}")


def _train(config: ExperimentConfig, run: RunFolder) -> None:
    from stride_train.checkpoint import list_checkpoints
    from stride_train.training.processes import first_started
    from stride_train.training.run import train, training_finished

    if training_finished(config, run):
        if not first_started():
            raise OneOfSeveral
        say("training: done before")
        return
    result = train(config, run, resume=bool(list_checkpoints(run.checkpoints)))
    if not result.first:
        raise OneOfSeveral
    if result.interrupted:
        raise Stopped


def _generate(config: ExperimentConfig, run: RunFolder, name: str) -> Path:
    from stride_train.generation.run import generate

    return generate(run, config, name)


def _evaluate(config: EvalConfig, run: RunFolder, ensembles: Mapping[str, Path]) -> tuple[Path, dict[str, Any]]:
    from stride_eval.progress import shown
    from stride_eval.runner import evaluate
    from stride_train.provenance import content_id
    from stride_train.run_folder import write_text

    identity = content_id(
        {
            "config": config.model_dump(mode="json"),
            "ensembles": {name: (path / "zarr.json").read_text(encoding="utf-8") for name, path in ensembles.items()},
        }
    )
    record = run.evaluation / _EVALUATED
    report, scores = run.evaluation / "report.html", run.evaluation / "scores.json"
    if record.is_file() and record.read_text(encoding="utf-8") == identity and report.is_file() and scores.is_file():
        say("evaluation: done before")
    else:
        with shown() as advance:
            evaluate(dict(ensembles), config, run.evaluation, advance)
        write_text(record, identity)
    return report, json.loads(scores.read_text(encoding="utf-8"))


def say(text: str) -> None:
    """One line on standard error, where progress goes."""
    import sys

    print(text, file=sys.stderr, flush=True)
