"""What the training loop does about power-function averages: follow them, and take snapshots."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

from stride_train.averages.power import PowerAverages
from stride_train.averages.snapshots import drop_snapshots_after, save_snapshot
from stride_train.checkpoint import Checkpoint, TrainingState
from stride_train.config import TrainConfig


class TrackedAverages:
    """Power-function averages of one training, with snapshots spread evenly over its budget.

    Whether a snapshot is due follows from how far training is, so that a training which is killed and resumed ends
    with the snapshots of one that was not. A snapshot must be saved before the checkpoint of the same step: then every
    checkpoint finds the snapshots that belong to it.
    """

    def __init__(self, network: nn.Module, options: TrainConfig, folder: Path, training: str):
        """Starts with the network's present parameters.

        Args:
            network: The network to follow.
            options: Lengths, number of snapshots and budget.
            folder: Where snapshots go.
            training: Id of the training, see `training_id`.
        """
        self.averages = PowerAverages(network, options.power_averages)
        self._options, self._folder, self._training = options, folder, training
        self._turn = 0

    def resume(self, checkpoint: Checkpoint, *, first: bool = True) -> None:
        """Takes up the averages of a checkpoint.

        A training that began without them goes on without: an average needs the whole past.

        Args:
            checkpoint: What training goes on from.
            first: Whether this process speaks for all that train.
        """
        if not checkpoint.power and self.averages.tensors:
            self.averages.tensors = {}
            if first:
                print(
                    "This training began without power-function averages and goes on without them.",
                    file=sys.stderr,
                    flush=True,
                )
        self.averages.load(checkpoint.power)
        self._turn = self._turn_at(checkpoint.state)

    def drop_later(self, state: TrainingState) -> None:
        """Removes snapshots later than the state that training begins from: they are of one that was cut off."""
        drop_snapshots_after(self._folder, state.step)

    def update(self, batch_size: int, images_seen: int) -> None:
        """Moves the averages on by one step of the network.

        Args:
            batch_size: Images of the step, of all processes together.
            images_seen: Images seen up to and including this step.
        """
        self.averages.update(batch_size, images_seen)

    def is_due(self, state: TrainingState) -> bool:
        """Whether a snapshot is to be saved after this step; asked once a step."""
        turn = self._turn_at(state)
        due, self._turn = turn > self._turn, max(turn, self._turn)
        return due and bool(self.averages.tensors)

    def save(self, averages: dict[str, torch.Tensor], state: TrainingState) -> Path:
        """Saves a snapshot.

        Args:
            averages: What `flat` gives, whole.
            state: How far training is.

        Raises:
            TrainingError: If it cannot be written.
        """
        return save_snapshot(self._folder, averages, step=state.step, images=state.images, training=self._training)

    def flat(self) -> dict[str, torch.Tensor]:
        """The averages by their flat names, for a checkpoint."""
        return self.averages.flat()

    def _turn_at(self, state: TrainingState) -> int:
        fraction = self._options.budget.fraction(steps=state.step, images=state.images, seconds=state.seconds)
        return int(fraction * self._options.snapshots)
