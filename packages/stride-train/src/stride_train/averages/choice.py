"""Which weights a generation takes: the averaged ones, the last ones, or a power-function average of any length."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stride_model.precondition import EDMDenoiser

from stride_train.averages.power import lengths_in
from stride_train.averages.reconstruction import Reconstruction, reconstruct
from stride_train.averages.snapshots import StoredAverages, list_snapshots, training_id
from stride_train.checkpoint import Checkpoint
from stride_train.config.generation import WeightsChoice
from stride_train.errors import GenerationError


@dataclass(frozen=True)
class ChosenWeights:
    """Weights of a checkpoint's network, named before they are read.

    Attributes:
        choice: `ema`, `raw` or a length.
        checkpoint: The checkpoint.
        reconstruction: How an average of that length is made; None of `ema` and `raw`.
    """

    choice: WeightsChoice
    checkpoint: Checkpoint
    reconstruction: Reconstruction | None = None

    @property
    def made_of(self) -> list[dict[str, Any]] | None:
        """What an average is made of, by step; None of `ema` and `raw`."""
        if self.reconstruction is None:
            return None
        return [
            {"step": one.step, "images": one.images, "lengths": list(one.lengths)} for one in self.reconstruction.stored
        ]

    @property
    def description(self) -> dict[str, Any]:
        """What a saved ensemble records of them: the choice, and of an average what it was made of."""
        if self.reconstruction is None:
            return {"weights": self.choice}
        residual = float(f"{self.reconstruction.residual:.2g}")
        return {"weights": self.choice, "average": {"made_of": self.made_of, "residual": residual}}

    def load_into(self, denoiser: EDMDenoiser) -> None:
        """Gives the weights to a network of the checkpoint's spec.

        Raises:
            GenerationError: If stored averages have other parameters than the network.
        """
        if self.reconstruction is None:
            denoiser.load_state_dict(self.checkpoint.average if self.choice == "ema" else self.checkpoint.network)
            return
        averaged = self.reconstruction.parameters()
        needed = {name: value.shape for name, value in denoiser.named_parameters()}
        found = {name: value.shape for name, value in averaged.items()}
        if found != needed:
            different = sorted({name for name, _ in found.items() ^ needed.items()})
            raise GenerationError(
                f"The stored averages are not those of the network in '{self.checkpoint.path}' ({different[0]} "
                f"differs, {len(different)} in all): use the checkpoint and the snapshots of one training."
            )
        # Buffers, which no average follows, are the checkpoint's.
        denoiser.load_state_dict({**self.checkpoint.network, **averaged})


def choose_weights(checkpoint: Checkpoint, choice: WeightsChoice, snapshots: Path | None = None) -> ChosenWeights:
    """Finds the weights that are asked for.

    Args:
        checkpoint: The checkpoint; its own averages count beside the snapshots.
        choice: `ema`, `raw`, or the length sigma_rel of a power-function average at the checkpoint's time.
        snapshots: The run's folder of snapshots; None takes the checkpoint's averages alone.

    Raises:
        StrideError: If there are no averages, the length is out of their reach, or a snapshot cannot be read or is of
            another training.
    """
    if isinstance(choice, str):
        return ChosenWeights(choice, checkpoint)
    stored = stored_averages(checkpoint, snapshots)
    return ChosenWeights(choice, checkpoint, reconstruct(stored, choice, checkpoint.state.images))


def stored_averages(checkpoint: Checkpoint, snapshots: Path | None) -> list[StoredAverages]:
    """The averages of a checkpoint and of the snapshots before it, oldest first.

    Raises:
        StrideError: If a snapshot cannot be read or is of another training.
    """
    assert checkpoint.path is not None, "a checkpoint that was read"
    step, images = checkpoint.state.step, checkpoint.state.images
    training = training_id(checkpoint.spec, checkpoint.data, checkpoint.config)
    power = checkpoint.power
    until = step - 1 if power else step  # the checkpoint's own averages are exact, its snapshot's are rounded
    earlier = [one for one in ([] if snapshots is None else list_snapshots(snapshots)) if one.step <= until]
    for one in earlier:
        if one.training != training:
            raise GenerationError(
                f"The snapshot '{one.path}' is of another training than the checkpoint '{checkpoint.path}': use the "
                "run folder that the checkpoint belongs to."
            )
    if not power:
        return earlier
    own = StoredAverages(step, images, lengths_in(list(power)), training, lambda: power, checkpoint.path)
    return [*earlier, own]
