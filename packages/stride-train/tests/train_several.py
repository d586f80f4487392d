"""Trains experiments one after the other in the processes that torchrun has started: `EXPERIMENT FOLDER KEY=VALUE...`.

Several are separated by `--`. Run by the tests, so that starting two processes is paid for once.
"""

import sys
from itertools import groupby
from pathlib import Path

import torch
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.run import train

if __name__ == "__main__":
    torch.set_num_threads(1)
    for separates, arguments in groupby(sys.argv[1:], lambda argument: argument == "--"):
        if not separates:
            experiment, folder, *overrides = arguments
            run = RunFolder(Path(folder))
            run.create()
            train(load_experiment(experiment, overrides), run, resume=False)
