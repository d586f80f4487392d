"""Trains experiments one after the other in the processes that torchrun has started: `EXPERIMENT FOLDER KEY=VALUE...`.

Several are separated by `--`; one whose folder stood there before goes on. Run by the tests, so that starting two
processes is paid for once. Says at the end what an error of one process looks like in each.
"""

import os
import sys
from itertools import groupby
from pathlib import Path

import torch
from stride_train.errors import TrainingError
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.processes import launch
from stride_train.training.run import train
from stride_vars.errors import StrideError


def fail_in(rank, processes):
    if processes.rank == rank:
        raise TrainingError(f"an error of process {rank}")


def say(line):
    """A whole line at once, whoever else writes."""
    os.write(sys.stdout.fileno(), f"{line}\n".encode())


def tell(processes):
    """Every error once in each process, as `of RANK in RANK: KIND: MESSAGE`."""
    for rank in range(processes.size):
        try:
            processes.each(lambda rank=rank: fail_in(rank, processes))
        except StrideError as error:
            say(f"of {rank} in {processes.rank}: {type(error).__name__}: {error}")
    try:
        processes.from_first(lambda: {}["missing"])
    except (KeyError, StrideError) as error:
        say(f"a fault in {processes.rank}: {type(error).__name__}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    seen = set()
    for separates, arguments in groupby(sys.argv[1:], lambda argument: argument == "--"):
        if not separates:
            experiment, folder, *overrides = arguments
            run = RunFolder(Path(folder))
            run.create()
            config = load_experiment(experiment, overrides)
            train(config, run, resume=folder in seen)
            seen.add(folder)
    tell(launch(config.train))
