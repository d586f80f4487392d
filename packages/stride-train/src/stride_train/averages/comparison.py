"""Weights of one training compared on validation times, so that a length is chosen on what the test does not see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from stride_model.precondition import EDMDenoiser

from stride_train.averages.choice import choose_weights
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.config import ExperimentConfig
from stride_train.config.generation import WeightsChoice
from stride_train.data import open_data
from stride_train.errors import GenerationError
from stride_train.progress import Advance
from stride_train.run_folder import RunFolder
from stride_train.seeds import derived_seed
from stride_train.training.monitors import monitor
from stride_train.training.precision import choose_precision

SPLIT = "val"


def compare_weights(
    run: RunFolder,
    config: ExperimentConfig,
    choices: Sequence[WeightsChoice],
    checkpoint: Path | None = None,
    *,
    advance: Advance,
) -> dict[WeightsChoice, float]:
    """Draws the monitors' small validation ensemble with each of several weights, from the same noise.

    Args:
        run: The run folder.
        config: Its experiment; `train.monitor` says how many times, members and sampler steps.
        choices: `ema`, `raw` or lengths.
        checkpoint: The checkpoint; the newest of the run when None.
        advance: Told how far the work is.

    Returns:
        Fair CRPS by choice, as the training's history has it.

    Raises:
        StrideError: If there is no checkpoint, a length is out of reach, or there are no validation times.
    """
    loaded = load_checkpoint(checkpoint or latest_checkpoint(run.checkpoints))
    # All are looked for before the work begins.
    chosen = [choose_weights(loaded, choice, run.snapshots) for choice in choices]
    adapter = open_data(config, statistics=loaded.data["statistics"])
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    denoiser = EDMDenoiser(loaded.spec).to(device).eval()
    found: dict[WeightsChoice, float] = {}
    for number, weights in enumerate(chosen, start=1):
        weights.load_into(denoiser)
        reading = monitor(
            denoiser,
            adapter,
            config.train.monitor,
            config.generate.sampler,
            seed=derived_seed(config.seed, "monitor"),
            split=SPLIT,
            precision=torch.bfloat16 if choose_precision(config.train.precision) == "bf16-mixed" else None,
        )
        if reading is None:
            raise GenerationError(
                f"There are no validation times to compare weights on: give data.splits.{SPLIT} times with observed "
                "targets, and train.monitor.cases at least 1."
            )
        found[weights.choice] = reading.crps
        advance(number / len(chosen), f"{number} of {len(chosen)} weights")
    return found
