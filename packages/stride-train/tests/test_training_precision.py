"""What the loss is computed from, whatever the layers compute in."""

import pytest
import torch
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.objective import Objective
from stride_train.training.run import train


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_batch_reaches_the_loss_in_float32(experiment_file, tmp_path, monkeypatch, precision):
    seen, forward = [], Objective.forward

    def watched(self, batch, *rest):
        seen.append((batch["target"], torch.is_autocast_enabled("cpu")))
        return forward(self, batch, *rest)

    monkeypatch.setattr(Objective, "forward", watched)
    run = RunFolder(tmp_path / "run")
    run.create()
    config = load_experiment(
        experiment_file, ["train.budget=1steps", "train.monitor.cases=0", f"train.precision={precision}"]
    )
    train(config, run, resume=False)
    target, autocast = seen[0]
    assert autocast == (precision == "bf16-mixed")
    assert target.dtype == torch.float32
    assert not torch.equal(target, target.bfloat16().float())
