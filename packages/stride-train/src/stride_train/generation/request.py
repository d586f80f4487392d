"""What is asked for, worked out before anything is computed: data, times, domain, where it goes, and what names it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stride_data.adapter_protocol import Adapter
from stride_data.config import HOW_IT_IS_READ
from stride_vars.errors import nearest

from stride_train.averages.choice import ChosenWeights, choose_weights
from stride_train.checkpoint import Checkpoint, best_checkpoint, latest_checkpoint, load_checkpoint
from stride_train.config import ExperimentConfig
from stride_train.config.generation import MODEL_SYSTEM, SYSTEMS
from stride_train.data import open_data
from stride_train.errors import GenerationError
from stride_train.generation.domain import GeneratedDomain, generated_domain
from stride_train.generation.plan import Plan
from stride_train.generation.space import EnsembleSize
from stride_train.generation.summaries import asked_summaries
from stride_train.generation.system import System
from stride_train.generation.systems import build_system
from stride_train.generation.targets import chosen_targets
from stride_train.provenance import content_id
from stride_train.run_folder import RunFolder

_ENSEMBLES = (MODEL_SYSTEM, "climatology", "analogues")
"""Systems of `generate.members` members; all others have one."""


@dataclass(frozen=True)
class Request:
    """An ensemble of one system.

    Attributes:
        name: Of the system.
        config: The experiment.
        checkpoint: Of the trained model; None for a baseline.
        adapter: Reads and scales.
        times: ISO times of the cases.
        target_times: Those of them that have observed fields.
        targets: Numbers of the targets that are made.
        domain: Where.
        path: Where the saved ensemble goes.
        weights: Which of the checkpoint's weights draw; None for a baseline.
    """

    name: str
    config: ExperimentConfig
    checkpoint: Checkpoint | None
    adapter: Adapter
    times: tuple[str, ...]
    target_times: tuple[str, ...]
    targets: tuple[int, ...]
    domain: GeneratedDomain
    path: Path
    weights: ChosenWeights | None = None

    @property
    def most_members(self) -> int:
        """Ensemble size, as far as it is known without making the system: no more than that."""
        return self.config.generate.members if self.name in _ENSEMBLES else 1

    def plan(self, members: int) -> Plan:
        """The work in pieces, with so many members."""
        return Plan(self.times, members, self.config.generate.batch_size)

    def size(self, members: int) -> EnsembleSize:
        """How much the ensemble takes on disk at most, with so many members."""
        return EnsembleSize.of(
            self.adapter,
            self.domain.region,
            targets=len(self.targets),
            summaries=len(asked_summaries(self.config.generate, members)),
        )

    @property
    def fingerprint(self) -> str:
        """Id of everything that determines the content."""
        config = self.config
        content: dict[str, Any] = {
            "system": self.name,
            "checkpoint": self.checkpoint.id if self.checkpoint else None,
            "seed": config.seed,
            "data": config.data.model_dump(mode="json", exclude=set(HOW_IT_IS_READ)),
            "generate": config.generate.model_dump(mode="json", exclude=_unasked(config, self.name)),
            "times": list(self.times),
        }
        if self.target_times != self.times:
            content["target_times"] = list(self.target_times)
        if self.weights is not None and self.weights.made_of is not None:
            content["average"] = self.weights.made_of
        return content_id(content)

    def system(self) -> System:
        """Makes what draws the members; a baseline learns from the training data."""
        return build_system(
            self.name,
            self.adapter,
            self.config,
            domain=self.domain,
            times=self.times,
            checkpoint=self.checkpoint,
            weights=self.weights,
        )


def find_request(
    run: RunFolder, config: ExperimentConfig, name: str, checkpoint: Path | None = None, *, folder: Path | None = None
) -> Request:
    """Works out what is asked for; opens checkpoint and data, computes nothing.

    Args:
        run: The run folder.
        config: Its experiment.
        name: `edm` for the trained model, or a baseline.
        checkpoint: The checkpoint to use; the run's newest or best, as `generate.checkpoint` says, when None.
        folder: Where the ensemble goes; the run's own folder of ensembles when None.

    Raises:
        StrideError: If the system is unknown, there is no checkpoint, or the data do not fit.
    """
    if name not in SYSTEMS:
        raise GenerationError(f"No system is called '{name}'.{nearest(name, SYSTEMS)}")
    if name == MODEL_SYSTEM:
        found = best_checkpoint if config.generate.checkpoint == "best" else latest_checkpoint
        loaded = load_checkpoint(checkpoint or found(run.checkpoints))
        _require_same_mode(loaded, config)
        weights = choose_weights(loaded, config.generate.weights, run.snapshots)
        adapter = open_data(config, statistics=loaded.data["statistics"])
    else:
        loaded = weights = None
        adapter = open_data(config, statistics=run.statistics if run.statistics.is_file() else None)
    times = times_to_generate(adapter, config)
    return Request(
        name=name,
        config=config,
        checkpoint=loaded,
        adapter=adapter,
        times=tuple(times),
        target_times=tuple(time for time in times if adapter.has_target(time)),
        targets=chosen_targets(adapter, config.generate.targets),
        domain=generated_domain(adapter, config.generate),
        path=run.ensemble(name) if folder is None else folder / f"{name}.zarr",
        weights=weights,
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


def _unasked(config: ExperimentConfig, name: str) -> set[str]:
    """Keys of the `generate` section that do not decide what is in an ensemble."""
    # A key that says nothing as long as its switch is off is left out: ensembles of before it came still count.
    asked = config.generate
    return {
        "baselines",
        "checkpoint",  # its id says more
        *(() if asked.start is not None else ("start",)),
        *(() if asked.domain is not None else ("domain", "tiles")),
        *(() if asked.targets else ("targets",)),
        *(() if asked.compile else ("compile",)),
        *(() if name == "climatology" else ("climatology_window_days",)),
        *(() if name == "analogues" else ("analogue_fields",)),
        *(() if asked.mean else ("mean",)),
        *(() if asked.spread else ("spread",)),
        *(() if asked.remove_drizzle else ("gate_probability", "gate_removes_at_most")),
    }


def _require_same_mode(checkpoint: Checkpoint, config: ExperimentConfig) -> None:
    together = not checkpoint.spec.use_film_vars
    if together != config.model.targets_together:
        raise GenerationError(
            f"The checkpoint '{checkpoint.path}' was trained with model.targets_together: {str(together).lower()}, but "
            "the experiment says the opposite: use the experiment it was trained with."
        )
