"""Trains in copies of itself that it kills, one after the other: `EXPERIMENT FOLDER SEED KEY=VALUE...`.

Forking saves the start of an interpreter for each. Writing a checkpoint is slowed down in its middle, so that kills
fall there too; every second one waits for that. Prints how many copies were killed, and how many while writing.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import stride_train.tensor_file
import stride_train.training.record
import torch
from stride_train.data import open_data
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.run import train

KILLS = 20
PAUSE = 0.03  # seconds, within the writing of a checkpoint
LATEST = 0.2  # seconds after its first checkpoint at which a copy is killed

_save_file = stride_train.tensor_file.save_file


def slow_save(tensors, path, metadata):
    """A file that stands half written for a while."""
    _save_file(tensors, path, metadata=metadata)
    whole = Path(path).read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    time.sleep(PAUSE)
    Path(path).write_bytes(whole)


def train_on(experiment, run):
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    try:
        train(experiment, run, resume=bool(list(run.checkpoints.glob("step_*"))))
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)


def unfinished(run):
    return list(run.checkpoints.glob(".step_*.partial"))


def newest(run):
    return max((path.name for path in run.checkpoints.glob("step_*")), default="")


def kill_at_a_random_moment(child, run, wait, *, at_work, while_writing):
    def until(condition):
        while not condition():
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                raise SystemExit("a copy ended before it was killed")
            time.sleep(0.001)

    before = newest(run)
    if at_work:
        until(lambda: newest(run) != before)
    begun = time.monotonic()
    until(lambda: time.monotonic() - begun > wait)
    if while_writing:
        until(lambda: unfinished(run))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    stride_train.tensor_file.save_file = slow_save
    stride_train.training.record.draw_history = lambda *_, **__: (
        None
    )  # takes longer than a step, and leaves nothing to lose
    experiment, run = load_experiment(sys.argv[1], sys.argv[4:]), RunFolder(Path(sys.argv[2]))
    run.create()
    open_data(experiment)  # what it imports is then there for all copies
    chance, writing, steps = random.Random(int(sys.argv[3])), 0, set()
    for kill in range(KILLS):
        child = os.fork()
        if child == 0:
            train_on(experiment, run)
        wait = chance.uniform(0.0, LATEST)
        # Some also while they read what the one before has left.
        kill_at_a_random_moment(child, run, wait, at_work=kill % 4 > 0, while_writing=kill % 2 == 1)
        writing += bool(unfinished(run))
        steps.add(newest(run))
    child = os.fork()
    if child == 0:
        train_on(experiment, run)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(f"killed {KILLS}, writing {writing}, at {len(steps)} different steps, then {status}")
    raise SystemExit(status)
