"""The trained diffusion model as a system that makes ensembles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from stride_data.adapter_protocol import Adapter
from stride_model.precondition import EDMDenoiser
from stride_model.tiles.denoiser import TiledDenoiser
from stride_vars.regions import Box

from stride_train.averages.choice import ChosenWeights, choose_weights
from stride_train.checkpoint import Checkpoint
from stride_train.compilation import compile_network
from stride_train.config import GenerateConfig
from stride_train.config.generation import MODEL_SYSTEM
from stride_train.errors import GenerationError
from stride_train.generation.domain import GeneratedDomain, generated_domain
from stride_train.generation.draw import draw_members
from stride_train.generation.gate_calibration import calibrate_gate
from stride_train.generation.scale_control import StartFields
from stride_train.generation.shares import local_rank
from stride_train.generation.targets import chosen_targets
from stride_train.generation.tiled import tile_samples
from stride_train.progress import progress
from stride_train.training.precision import choose_precision


class DiffusionSystem:
    """Ensembles of a checkpoint's network."""

    name = MODEL_SYSTEM

    def __init__(
        self,
        checkpoint: Checkpoint,
        adapter: Adapter,
        config: GenerateConfig,
        *,
        seed: int,
        domain: GeneratedDomain | None = None,
        weights: ChosenWeights | None = None,
    ):
        """Rebuilds the network.

        Args:
            checkpoint: Spec and weights.
            adapter: Gives the conditioning; its channels must be the checkpoint's.
            config: Members, sampler and switches.
            seed: The experiment's seed.
            domain: Where; what `config` asks for when None.
            weights: The weights; what `config` asks for of the checkpoint alone when None.

        Raises:
            GenerationError: If the data's channels are not those that the network was trained with, drizzle is to be
                removed by a network that has no RainGate or without validation times to choose its probability, or
                members cannot start from the fields that are named.
        """
        _require_same_channels(checkpoint, adapter)
        if config.remove_drizzle and not checkpoint.spec.use_rain_gate:
            raise GenerationError(
                "generate.remove_drizzle needs a network with a RainGate: train with model.use_rain_gate: true, or "
                "switch it off."
            )
        self.adapter, self.config, self.seed = adapter, config, seed
        self.domain = domain = domain or generated_domain(adapter, config)
        self.start = None if config.start is None else StartFields(config.start, adapter)
        self.members = config.members
        self._case: _Case | None = None
        self.targets = chosen_targets(adapter, config.targets)
        passes = len(self.targets) if checkpoint.spec.use_film_vars else 1
        self.checkpoint_id = checkpoint.id
        self.model_spec: dict[str, Any] | None = checkpoint.spec.model_dump(mode="json")
        device = _device()
        self.denoiser = EDMDenoiser(checkpoint.spec).to(device).eval()
        weights = weights or choose_weights(checkpoint, config.weights)
        weights.load_into(self.denoiser)
        if config.compile:
            compile_network(self.denoiser, device, "generate.compile")
        self.tiled = None
        if domain.tiling is not None:
            self.tiled = TiledDenoiser(self.denoiser, domain.tiling, batch=config.tiles.batch)
        self.precision = torch.bfloat16 if choose_precision("auto") == "bf16-mixed" else None
        self.description: dict[str, Any] = {
            **config.sampler.model_dump(mode="json"),
            "network_calls_per_member": passes * config.sampler.network_calls,
            "targets_together": not checkpoint.spec.use_film_vars,
            "checkpoint": _described(checkpoint),
            **weights.description,
            "start": None if self.start is None else self.start.description,
            "remove_drizzle": config.remove_drizzle,
            "precision": "bf16" if self.precision else "float32",
            "batch_size": config.batch_size,
            **({"compiled": True} if config.compile else {}),
        }
        if domain.tiling is not None:
            self.description["tiles"] = {
                "rows": list(domain.tiling.rows),
                "columns": list(domain.tiling.columns),
                "shape": list(domain.tiling.tile),
                "rim": domain.tiling.rim,
            }

        self.gate_probabilities: tuple[float, ...] | None = None
        if config.remove_drizzle:
            self.gate_probabilities, self.description["gate"] = self._choose_gate()

    def _choose_gate(self) -> tuple[tuple[float, ...], dict[str, Any]]:
        """The probabilities below which drizzle is removed, and how they came about."""
        gated = self.denoiser.spec.gated_channels
        if self.config.gate_probability is not None:
            return (self.config.gate_probability,) * len(gated), {"probability": self.config.gate_probability}
        with progress("calibrating the gate") as advance:
            calibration = calibrate_gate(
                self.denoiser,
                self.adapter,
                self._ungated,
                removes_at_most=self.config.gate_removes_at_most,
                seed=self.seed,
                precision=self.precision,
                advance=advance,
            )
        return calibration.probabilities, calibration.description([self.adapter.target_names[c] for c in gated])

    def generate(self, time: str, members: Sequence[int] | None = None) -> np.ndarray:
        """Members of one time, float32 [M, chosen targets, H, W] of the domain in canonical units.

        Of one time after the other: its conditioning is read and encoded when it is first asked for, and kept until
        another time is.

        Args:
            time: ISO time.
            members: Numbers of the members; all when None.
        """
        if self._case is None or self._case.time != time:
            self._case = self._read(time)
        numbers = range(self.members) if members is None else members
        denoiser = self.tiled or self.denoiser
        return self._draw(denoiser, self._case, numbers, self.gate_probabilities, self.targets)

    def _read(self, time: str) -> _Case:
        box = self.domain.box
        if self.tiled is None:
            sample = self.adapter.sample(time, hr_box=box)
        else:
            sample = tile_samples(self.adapter, time, self.domain.boxes)
        return _Case(time, box, sample, self._start(time, box))

    def _start(self, time: str, box: Box) -> tuple[np.ndarray, float] | None:
        if self.start is None:
            return None
        fields = self.adapter.fields(time, box)
        return self.start.at(time, fields.dynamic, fields.hr_box.shape), self.start.sigma

    def _ungated(self, time: str) -> np.ndarray:
        """One member of the network's own region with all targets, for the gate's calibration."""
        box = self.adapter.region.hr
        case = _Case(time, box, self.adapter.sample(time), self._start(time, box))
        return self._draw(self.denoiser, case, range(1))[0]

    def _draw(
        self,
        denoiser: EDMDenoiser | TiledDenoiser,
        case: _Case,
        members: Sequence[int],
        gate_probabilities: tuple[float, ...] | None = None,
        targets: Sequence[int] | None = None,
    ) -> np.ndarray:
        return draw_members(
            denoiser,
            case.sample,
            self.adapter,
            self.config.sampler,
            seed=self.seed,
            time=case.time,
            members=members,
            batch_size=self.config.batch_size,
            gate_probabilities=gate_probabilities,
            precision=self.precision,
            start=case.start,
            targets=targets,
            corner=(case.box.y, case.box.x),
            encoded=case.encoded,
        )


@dataclass(frozen=True)
class _Case:
    """What all members of one case share."""

    time: str
    box: Box
    sample: dict[str, Any]
    start: tuple[np.ndarray, float] | None
    encoded: dict[int | None, Any] = field(default_factory=dict)


def _described(checkpoint: Checkpoint) -> dict[str, Any]:
    """Which checkpoint of its training this is, and what the monitors read of it."""
    described: dict[str, Any] = {"step": checkpoint.state.step, "images": checkpoint.state.images}
    if checkpoint.reading is not None:
        described["monitors"] = {checkpoint.reading.monitor: checkpoint.reading.value}
    return described


_RECORDED = {"lags": "lag_hours", "time_features": "time_feature_names"}
"""Where a checkpoint's description of its data records these keys; older checkpoints know neither."""


def _device() -> torch.device:
    """A GPU of this process's own, where there are several processes on a machine with several."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", local_rank() % torch.cuda.device_count())


def _require_same_channels(checkpoint: Checkpoint, adapter: Adapter) -> None:
    for what, ours in (
        ("target", adapter.target_names),
        ("dynamic", adapter.cond_names),
        ("static", adapter.static_names),
        ("context", adapter.context_names),
        ("context_static", adapter.context_static_names),
    ):
        theirs = tuple(channel["name"] for channel in checkpoint.data["channels"].get(what, ()))
        if theirs != tuple(ours):
            raise GenerationError(
                f"The checkpoint '{checkpoint.path}' was trained with data.{what} {list(theirs)}, but the experiment "
                "says "
                f"{list(ours)}: use the experiment it was trained with."
            )
    for what, ours in (("lags", list(adapter.lag_hours)), ("time_features", list(adapter.time_feature_names))):
        theirs = checkpoint.data.get(_RECORDED[what], ours)
        if list(theirs) != ours:
            raise GenerationError(
                f"The checkpoint '{checkpoint.path}' was trained with data.{what} {theirs}, but the experiment says "
                f"{ours}: use the experiment it was trained with."
            )
    for what, theirs, ours in (
        ("target_hr_shape", checkpoint.spec.target_hr_shape, adapter.hr_shape),
        ("cond_lr_shape", checkpoint.spec.cond_lr_shape, adapter.lr_shape),
        ("context_shape", checkpoint.spec.context_shape, adapter.context_shape),
    ):
        if theirs != ours:
            raise GenerationError(
                f"The checkpoint '{checkpoint.path}' was trained with {what} {theirs}, but data.region gives "
                f"{ours}: use the region it was trained with."
            )
