import subprocess
import sys
import time

import pytest

CHANGES = ("budget=60steps", "checkpoint_every=4steps", "monitor.cases=0", "snapshots=30")


def command(experiment, out, *more):
    code = "from stride_train.cli.train import main; main()"
    changes = [part for change in CHANGES for part in ("--set", f"train.{change}")]
    return [sys.executable, "-c", code, str(experiment), "--out", str(out), *changes, *more]


@pytest.mark.slow
def test_trainings_that_are_killed_end_with_the_very_files_of_an_undisturbed_one(experiment_file, tmp_path):
    undisturbed, killed, resume = tmp_path / "undisturbed", tmp_path / "killed", []
    subprocess.run(command(experiment_file, undisturbed), check=True, capture_output=True, timeout=120)
    for snapshots in (9, 19):  # a snapshot every 2 steps, a checkpoint every 4
        training = subprocess.Popen(command(experiment_file, killed, *resume), stderr=subprocess.DEVNULL)
        while training.poll() is None and len(list(killed.glob("snapshots/step_*"))) < snapshots:
            time.sleep(0.001)
        assert training.poll() is None, "it was to be killed on its way"
        training.kill()
        training.wait()
        resume = ["--resume"]
    subprocess.run(command(experiment_file, killed, *resume), check=True, capture_output=True, timeout=120)
    names = sorted(path.name for path in (undisturbed / "snapshots").iterdir())
    assert sorted(path.name for path in (killed / "snapshots").iterdir()) == names and len(names) == 30
    for name in names:
        assert (killed / "snapshots" / name).read_bytes() == (undisturbed / "snapshots" / name).read_bytes()
