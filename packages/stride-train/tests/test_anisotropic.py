"""LR cells that are wider than high, sizes that nothing divides, and attention: from files to the saved ensemble."""

import numpy as np
import pytest
import xarray as xr
import yaml
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.run import train

ROWS, COLUMNS = 33, 45  # of the HR grid; LR cells are 3 x 5 of its cells


@pytest.fixture(scope="module")
def oblong(experiment_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("oblong")
    times = np.datetime64("2001-01-01") + np.arange(14)
    rng = np.random.default_rng(0)
    coarse = rng.gamma(1.0, 3.0, (len(times), ROWS // 3, COLUMNS // 5)).astype(np.float32)
    y, x = 1000.0 * np.arange(ROWS), 1000.0 * np.arange(COLUMNS)
    metres = {"units": "m"}

    def write(name, fields, rows, columns, **others):
        coords = {
            "time": times,
            "y": ("y", rows, {**metres, "axis": "Y"}),
            "x": ("x", columns, {**metres, "axis": "X"}),
        }
        data = {"pr": (("time", "y", "x"), fields, {"units": "mm day-1"}), **others}
        xr.Dataset(data, coords=coords).to_netcdf(folder / name)

    fine = coarse.repeat(3, axis=1).repeat(5, axis=2) * rng.uniform(0.5, 1.5, (len(times), ROWS, COLUMNS))
    height = (("y", "x"), np.add.outer(y, x).astype(np.float32), metres)
    write("fine.nc", fine.astype(np.float32), y, x, height=height)
    write("coarse.nc", coarse, y.reshape(-1, 3).mean(axis=1), x.reshape(-1, 5).mean(axis=1))
    content = yaml.safe_load(experiment_file.read_text())
    content["name"] = "oblong"
    content["data"]["sources"] = {
        "fine": {"files": "fine.nc", "variables": {"prcp": {"name": "pr"}, "orog": {"name": "height"}}},
        "coarse": {"files": "coarse.nc", "variables": {"prcp": {"name": "pr"}}},
    }
    content["data"]["region"] = {
        "hr": {"y": 6, "x": 10, "height": 21, "width": 25},
        "shuffle": {"y": 3, "x": 5, "height": 27, "width": 35},
        "lr_margin": 1,
    }
    content["model"] |= {"attention_levels": [1]}
    content["train"] |= {"budget": "8steps"}
    content["generate"] |= {"sampler": {"steps": 8}, "start": {"sigma": 0.05}}
    path = folder / "experiment.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    experiment = load_experiment(path)
    run = RunFolder(tmp_path_factory.mktemp("runs") / "oblong")
    run.create()
    train(experiment, run, resume=False)
    return experiment, run


def test_the_network_is_built_for_the_cells_as_they_are(oblong):
    spec = load_checkpoint(latest_checkpoint(oblong[1].checkpoints)).spec
    assert spec.target_hr_shape == (21, 25)
    assert spec.cond_lr_shape == (9, 7)
    assert spec.lr_core_shape == (7, 5)
    assert "network.encoder.1, attention" in oblong[1].model_summary.read_text(encoding="utf-8")


def test_members_lie_where_the_low_resolution_field_lies(oblong):
    """Started at a low noise level they follow it, also in the means over its cells, each at its own place."""
    experiment, run = oblong
    tree = xr.open_datatree(generate(run, experiment), engine="zarr")
    members = tree["ensemble/prcp"].mean("member")
    interpolated = xr.open_datatree(generate(run, experiment, "interpolated"), engine="zarr")["ensemble/prcp"][:, 0]
    assert members.shape == (2, 21, 25) and np.isfinite(members.values).all()
    np.testing.assert_allclose(tree["ensemble"].y, 1000.0 * np.arange(6, 27))
    for found in (members, interpolated):
        cells = found.values.reshape(2, 7, 3, 5, 5).mean(axis=(2, 4))
        conditioning = tree["conditioning/prcp"].values[:, 1:-1, 1:-1]
        assert np.corrcoef(cells.ravel(), conditioning.ravel())[0, 1] > 0.9
        for shifted in (conditioning[:, ::-1], conditioning[:, :, ::-1]):
            assert np.corrcoef(cells.ravel(), shifted.ravel())[0, 1] < 0.6
