"""The processes that train together: started by torchrun, by SLURM or by this one. One alone is one of them too."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from stride_vars.errors import StrideError
from torch.nn.parallel import DistributedDataParallel

from stride_train.config.training import TrainConfig
from stride_train.errors import EndedTogether, ExperimentError, TrainingError
from stride_train.sharding import sharding_strategy
from stride_train.training.precision import Autocast, choose_precision

_Made = TypeVar("_Made")

# No buffer of the network changes in training, so none has to be told in every step; newer torch
# has another word for it.
_CONSTANT_BUFFERS: dict[str, Any] = {
    "forward_sync_buffers"
    if "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
    else "broadcast_buffers": False
}

_PATIENCE = timedelta(days=7)
"""How long processes wait for what one of them does alone: statistics of a large archive, monitors, a slow disk."""


class Processes:
    """What the processes of one training tell each other.

    Small things only, between CPUs: errors, counts and losses, the clock, who was asked to stop. Gradients are the
    engine's. All methods have to be called by all processes.

    Attributes:
        fabric: The training engine, launched.
        rank: Number of this process, from 0.
        size: How many they are.
    """

    def __init__(self, fabric: Fabric):
        """Takes an engine that was launched."""
        self.fabric, self.rank, self.size = fabric, fabric.global_rank, fabric.world_size
        self._group: Any = None
        if self.size > 1:
            self._group = torch.distributed.new_group(backend="gloo", timeout=_PATIENCE)

    @property
    def first(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def total(self, values: Sequence[float]) -> list[float]:
        """Sums of numbers over all processes, in float64."""
        if self.size == 1:
            return list(values)
        return self.total_of(torch.tensor(values, dtype=torch.float64)).tolist()

    def total_of(self, tensor: torch.Tensor) -> torch.Tensor:
        """Sum of a tensor over all processes."""
        if self.size == 1:
            return tensor
        summed = tensor.detach().cpu().clone()
        self._talk(lambda: torch.distributed.all_reduce(summed, group=self._group))
        return summed.to(tensor.device)

    def gather(self, thing: _Made) -> list[_Made]:
        """What every process has, in their order."""
        found: list[Any] = [thing] * self.size
        if self.size > 1:
            self._talk(lambda: torch.distributed.all_gather_object(found, thing, group=self._group))
        return found

    def each(self, make: Callable[[], _Made]) -> _Made:
        """What every process makes for itself; an error of one is an error of all.

        Raises:
            EndedTogether: In all processes but the first, which raises the error itself.
        """
        if self.size == 1:
            return make()
        made, error = _attempt(make)
        self.agree(error)
        return made  # type: ignore[return-value]

    def each_and_total(
        self, make: Callable[[], tuple[_Made, Sequence[float]]], numbers: int
    ) -> tuple[_Made, list[float]]:
        """What every process makes for itself, and the sums over all of the numbers that come with it.

        One exchange for the errors and the numbers: in training every one of them makes the fast wait for the slow.

        Args:
            make: Makes it, and as many numbers as `numbers` says.
            numbers: How many.

        Raises:
            EndedTogether: See `each`.
        """
        if self.size == 1:
            made, values = make()
            return made, list(values)
        found, error = _attempt(make)
        failed, *totals = self.total([float(error is not None), *([0.0] * numbers if found is None else found[1])])
        if failed:
            self.agree(error)
        assert found is not None
        return found[0], totals

    def first_then_others(self, make: Callable[[], _Made]) -> _Made:
        """What every process makes for itself, the others after the first, whose files they find.

        Raises:
            EndedTogether: See `each`.
        """
        if self.size == 1:
            return make()
        made, error = _attempt(make) if self.first else (None, None)
        self.agree(error)
        if not self.first:
            made, error = _attempt(make)
        self.agree(error)
        return made  # type: ignore[return-value]

    def from_first(self, make: Callable[[], _Made]) -> _Made:
        """What the first process makes, for all; it has to pickle.

        Raises:
            EndedTogether: See `each`.
        """
        if self.size == 1:
            return make()
        made, error = _attempt(make) if self.first else (None, None)
        self.agree(error)
        found: list[Any] = [made]
        self._talk(lambda: torch.distributed.broadcast_object_list(found, 0, group=self._group))
        return found[0]

    def agree(self, error: Exception | None) -> None:
        """Ends in all processes where one has an error.

        Raises:
            StrideError: In the first process.
            EndedTogether: In the others.
        """
        if self.size == 1:
            if error is not None:
                raise error
            return
        if self.total([float(error is not None)])[0] == 0:
            return
        # As text: not every exception pickles.
        told = self.gather(None if error is None else (isinstance(error, StrideError), str(error), repr(error)))
        if self.first and error is not None:
            raise error
        expected, text, full = next(found for found in told if found is not None)
        if not self.first:
            raise EndedTogether(text)
        raise StrideError(text) if expected else RuntimeError(full)

    def _talk(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except RuntimeError as error:
            kind = TrainingError if self.first else EndedTogether
            raise kind("Another process of this training has ended before this one: look at what it says.") from error


def launch(options: TrainConfig) -> Processes:
    """Finds or starts the processes that train together.

    Under torchrun and under SLURM's srun they are running already. Alone, `train.devices` says how many this process
    starts on its machine: itself and copies of its command.

    Raises:
        ExperimentError: If the processes do not fit `train.devices`, the batch or this machine.
    """
    started = _started()
    nodes, devices = started if started is not None else (1, 1 if options.devices == "auto" else options.devices)
    if started is not None and options.devices not in ("auto", devices):
        raise ExperimentError(
            f"train.devices is {options.devices}, but {devices} processes were started on each machine: leave it at "
            "auto, or start as many."
        )
    size = nodes * devices
    check_division(options, size)
    precision = choose_precision(options.precision)
    reduced = precision == "bf16-mixed"
    device = "cuda" if options.accelerator in ("auto", "cuda") and torch.cuda.is_available() else "cpu"
    try:
        fabric = Fabric(
            accelerator=options.accelerator,
            strategy=_strategy(options, size),
            devices=devices,
            num_nodes=nodes,
            precision=None if reduced else precision,
            plugins=Autocast("bf16-mixed", device) if reduced else None,
        )
    except (ValueError, RuntimeError) as error:
        if size == 1:
            raise
        raise ExperimentError(f"{size} processes cannot train together on this machine: {error}") from error
    if size > 1:
        fabric.launch()
    return Processes(fabric)


def _strategy(options: TrainConfig, size: int) -> Any:
    if size == 1:
        return "auto"
    if options.sharding == "full":
        return sharding_strategy(size)
    return DDPStrategy(**_CONSTANT_BUFFERS, gradient_as_bucket_view=True)


def first_started() -> bool:
    """Whether this process is the first of those that a launcher has started, or there is no launcher."""
    if _started() is None:
        return True
    return int(os.environ["RANK" if "RANK" in os.environ else "SLURM_PROCID"]) == 0


def check_division(options: TrainConfig, size: int) -> None:
    """Checks that a batch divides into the processes' shares and these into turns.

    Raises:
        ExperimentError: If it does not.
    """
    parts = size * options.accumulate
    if options.batch_size % parts:
        raise ExperimentError(
            f"train.batch_size {options.batch_size}, of the whole step, cannot be divided by {parts} ({size} "
            f"process{'es' if size > 1 else ''} x train.accumulate {options.accumulate}): choose a multiple."
        )


def _started() -> tuple[int, int] | None:
    """Machines, and processes on each, where a launcher has started them; None where none has.

    Raises:
        ExperimentError: If SLURM does not say how many tasks run on each machine.
    """
    if torch.distributed.is_available() and torch.distributed.is_torchelastic_launched():
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        return int(os.environ["WORLD_SIZE"]) // here, here
    # As the engine tells: a job called bash or interactive is a person's shell, no srun.
    if "SLURM_NTASKS" not in os.environ or os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive"):
        return None
    tasks, nodes = int(os.environ["SLURM_NTASKS"]), int(os.environ.get("SLURM_NNODES", "1"))
    if tasks == 1:
        return None
    if "SLURM_NTASKS_PER_NODE" not in os.environ:
        raise ExperimentError(
            f"SLURM has started {tasks} tasks without saying how many on each machine: use --ntasks-per-node in place "
            "of --ntasks."
        )
    return nodes, int(os.environ["SLURM_NTASKS_PER_NODE"])


def _attempt(make: Callable[[], _Made]) -> tuple[_Made | None, Exception | None]:
    try:
        return make(), None
    except Exception as error:
        return None, error
