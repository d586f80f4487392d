"""A tiny archive of smooth, partly dry fields, an experiment on it, and a run that was trained for a few steps."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray as xr
import yaml
from stride_train.config import ExperimentConfig
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_vars.catalogue import Catalogue
from stride_vars.regions import Box

SIZE = 32


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Bit-for-bit comparisons need the same number of threads throughout."""
    torch.set_num_threads(1)


def rain(seed: int, times: int) -> np.ndarray:
    """Smooth positive fields with dry areas, mm a day."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.fftfreq(SIZE)
    falloff = 1.0 / (0.05 + np.hypot(*np.meshgrid(frequency, frequency)))
    noise = np.fft.fft2(rng.standard_normal((times, SIZE, SIZE)))
    smooth = np.fft.ifft2(noise * falloff).real
    smooth /= smooth.std()
    return np.maximum(3.0 * smooth + 1.0, 0.0).astype(np.float32)


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    times = np.datetime64("2001-01-01") + np.arange(14)
    coords = {
        "time": times,
        "y": ("y", 1000.0 * np.arange(SIZE), {"units": "m", "axis": "Y"}),
        "x": ("x", 1000.0 * np.arange(SIZE), {"units": "m", "axis": "X"}),
    }
    xr.Dataset(
        {
            "pr": (("time", "y", "x"), rain(0, len(times)), {"units": "mm day-1"}),
            "height": (("y", "x"), np.hypot(*np.mgrid[:SIZE, :SIZE]).astype(np.float32), {"units": "m"}),
        },
        coords=coords,
    ).to_netcdf(folder / "fields.nc")
    return folder


@pytest.fixture(scope="session")
def experiment_file(archive: Path) -> Path:
    content = {
        "name": "tiny",
        "seed": 3,
        "data": {
            "root": ".",
            "sources": {
                "fine": {"files": "fields.nc", "variables": {"prcp": {"name": "pr"}, "orog": {"name": "height"}}},
                "coarse": {"files": "fields.nc", "block_average": 4, "variables": {"prcp": {"name": "pr"}}},
            },
            "target": ["fine.prcp"],
            "dynamic": ["coarse.prcp"],
            "static": ["fine.orog"],
            "region": {
                "hr": {"y": 8, "x": 8, "height": 16, "width": 16},
                "shuffle": {"y": 0, "x": 0, "height": SIZE, "width": SIZE},
            },
            "splits": {
                "train": {"start": "2001-01-01", "end": "2001-01-10"},
                "val": {"start": "2001-01-11", "end": "2001-01-12"},
                "test": {"start": "2001-01-13", "end": "2001-01-14"},
            },
        },
        "model": {"channels": [8, 16], "blocks": 1, "lr_channels": 8, "lr_blocks": 1, "embedding_channels": 16},
        "train": {
            "budget": "12steps",
            "batch_size": 4,
            "precision": "32-true",
            "log_every": 2,
            "checkpoint_every": "6steps",
            "monitor": {"every": "6steps", "cases": 1, "members": 2, "sampler_steps": 2, "quicklook": False},
        },
        "generate": {"members": 3, "batch_size": 2, "sampler": {"steps": 3}, "quantiles": 50},
    }
    path = archive / "experiment.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


@pytest.fixture(scope="session")
def experiment(experiment_file: Path) -> ExperimentConfig:
    return load_experiment(experiment_file)


@pytest.fixture(scope="session")
def trained(experiment: ExperimentConfig, tmp_path_factory) -> RunFolder:
    from stride_train.training.run import train

    run = RunFolder(tmp_path_factory.mktemp("runs") / "tiny")
    run.create()
    train(experiment, run, resume=False)
    return run


@pytest.fixture(scope="session")
def two_targets_file(experiment_file: Path, archive: Path) -> Path:
    """The experiment with a second target of other units, in degrees Celsius on disk and partly missing."""
    with xr.open_dataset(archive / "fields.nc") as fields:
        warmth = 12.0 - 0.4 * fields.pr.values + rain(1, fields.sizes["time"])
        warmth[:, :4, :4] = np.nan
        both = fields.load().assign(tas=(("time", "y", "x"), warmth, {"units": "degC"}))
    both.to_netcdf(archive / "two.nc")
    content = yaml.safe_load(experiment_file.read_text())
    content["name"] = "two"
    data = content["data"]
    variables = {"prcp": {"name": "pr"}, "t2m": {"name": "tas"}}
    data["sources"] = {
        "fine": {"files": "two.nc", "variables": {**variables, "orog": {"name": "height"}}},
        "coarse": {"files": "two.nc", "block_average": 4, "variables": {"prcp": {"name": "pr"}}},
    }
    data["target"] = ["fine.prcp", "fine.t2m"]
    data["transforms"] = {"fine.prcp": {"name": "asinh", "scale": 0.5}}
    data["region"] = {"hr": {"y": 0, "x": 0, "height": 16, "width": 16}}
    content["generate"]["sampler"] = {"steps": 2}
    path = archive / "two.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


class FieldsAdapter:
    """The part of an adapter that baselines ask for, on fields that a test writes down.

    `days` holds by time (target [C, H, W] or None, dynamic [C, h, w] or [T, C, h, w]); every time but those of `test`
    is of the training split.
    """

    calendar = "standard"

    def __init__(self, days, test=(), *, keys=("prcp",), low_keys=None, margins=(0, 0, 0, 0), lag_hours=(0.0,)):
        catalogue = Catalogue.load()
        low_keys = keys if low_keys is None else low_keys
        self.days = {
            time: tuple(None if part is None else np.asarray(part, np.float32) for part in parts)
            for time, parts in days.items()
        }
        self.splits = {"train": tuple(time for time in self.days if time not in test), "test": tuple(test)}
        self.target_vars, self.cond_vars = (tuple(map(catalogue.get, some)) for some in (keys, low_keys))
        self.target_names, self.cond_names = (
            tuple(f"{source}.{key}" for key in some) for source, some in (("fine", keys), ("coarse", low_keys))
        )
        self.lr_margins, self.lag_hours = margins, lag_hours
        height, width = next(target for target, _ in self.days.values() if target is not None).shape[-2:]
        self.training_box = Box(y=0, x=0, height=height, width=width)
        self.region = SimpleNamespace(hr=self.training_box)
        self.reads = 0

    def times(self, split):
        return list(self.splits[split])

    def fields(self, time, box=None):
        self.reads += 1
        target, dynamic = self.days[time]
        return SimpleNamespace(target=target, dynamic=dynamic, hr_box=self.training_box)

    def forward_conditioning(self, values):
        return values


@pytest.fixture
def fields_adapter() -> type[FieldsAdapter]:
    return FieldsAdapter


@pytest.fixture
def silent():
    return lambda fraction, note="": None
