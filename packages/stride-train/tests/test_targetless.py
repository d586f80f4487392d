"""Generation for times without observed fields, such as from a climate model, and what is made of all members."""

import cftime
import numpy as np
import pytest
import xarray as xr
import yaml
from stride_train.cli.generate import app
from stride_train.config import ExperimentConfig
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.run_folder import RunFolder
from stride_train.training.run import train
from stride_vars.cli_errors import run as run_command_line
from stride_vars.ensemble_format import validate_layout


def opened(path) -> xr.DataTree:
    tree = xr.open_datatree(path, engine="zarr")
    layout = {
        node.path: {name: node[name].dims for name in node.data_vars} for node in tree.subtree if node.path != "/"
    }
    validate_layout(layout, tree.attrs)
    return tree


@pytest.fixture(scope="module")
def run(archive, experiment_file, tmp_path_factory) -> RunFolder:
    """Trained where the archive has targets, to 12 January; the coarse fields go on, and there is a climate model."""
    folder = tmp_path_factory.mktemp("targetless")
    with xr.open_dataset(archive / "fields.nc") as fields:
        coarse = fields[["pr"]].coarsen(y=4, x=4).mean()
        fields.isel(time=slice(0, 12)).to_netcdf(folder / "fine.nc")
        coarse.to_netcdf(folder / "coarse.nc")
        days = [cftime.datetime(2051, 2, 29 + day, calendar="360_day") for day in range(2)]
        model = (1.5 * coarse.isel(time=slice(0, 2))).assign_coords(time=days)
        model["pr"].attrs = coarse["pr"].attrs
        model.to_netcdf(folder / "model.nc")
    content = yaml.safe_load(experiment_file.read_text())
    sources = content["data"]["sources"]
    sources["fine"]["files"] = "fine.nc"
    sources["coarse"] = {"files": "coarse.nc", "variables": {"prcp": {"name": "pr"}}}
    splits = content["data"]["splits"]
    splits["val"] = {"start": "2001-01-11", "end": "2001-01-11"}
    splits["test"] = {"start": "2001-01-12", "needs_target": False}
    content["train"]["budget"] = "2steps"
    (folder / "experiment.yaml").write_text(yaml.safe_dump(content))
    run = RunFolder(folder / "run")
    run.create()
    train(load_experiment(folder / "experiment.yaml"), run, resume=False)
    return run


def called(capsys, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        run_command_line(app, argv=[str(argument) for argument in arguments])
    said = capsys.readouterr().err.splitlines()
    return ended.value.code, "\n".join(line for line in said if not line.startswith("generating"))


def test_times_beyond_the_targets_are_generated_and_the_others_can_be_scored(run, tmp_path, capsys):
    code, said = called(capsys, run.path, "--out", tmp_path)
    assert code == 0
    assert said == "edm: 1 of 3 times have observed fields: stride-eval scores those, and leaves the others out"
    tree = opened(tmp_path / "edm.zarr")
    assert tree["ensemble"].sizes["time"] == tree["conditioning"].sizes["time"] == tree["pmm"].sizes["time"] == 3
    assert [str(time)[:10] for time in tree["target"].time.values] == ["2001-01-12"]
    assert np.isfinite(tree["ensemble/prcp"]).all() and np.isfinite(tree["target/prcp"]).all()


def test_a_climate_model_takes_the_place_of_the_coarse_fields(run, tmp_path, capsys):
    sets = (
        f"data.sources.coarse.files={run.path.parent / 'model.nc'}",
        "data.splits={future: {start: '2051', needs_target: false}}",
        "generate.split=future",
    )
    arguments = [text for change in sets for text in ("--set", change)]
    code, said = called(capsys, run.path, "--out", tmp_path, *arguments)
    assert code == 0
    assert said.startswith("edm: no time has observed fields, so stride-eval cannot score it")
    tree = opened(tmp_path / "edm.zarr")
    assert "target" not in tree.children
    times = tree["ensemble"].time.values
    assert [str(time)[:10] for time in times] == ["2051-02-29", "2051-02-30"] and times[0].calendar == "360_day"
    assert tree["ensemble/prcp"].shape == (2, 3, 16, 16) and np.isfinite(tree["ensemble/prcp"]).all()
    with xr.open_dataset(run.path.parent / "model.nc") as model:
        np.testing.assert_allclose(tree["conditioning/prcp"], model.pr[:, 2:6, 2:6], rtol=1e-6)


def asking(experiment: ExperimentConfig, **changes) -> ExperimentConfig:
    return experiment.model_copy(update={"generate": experiment.generate.model_copy(update=changes)})


def test_mean_and_spread_come_on_request(trained, experiment, tmp_path):
    plain = opened(generate(trained, experiment, folder=tmp_path / "plain"))
    assert set(plain.children) == {"ensemble", "pmm", "target", "conditioning", "static"}
    tree = opened(generate(trained, asking(experiment, mean=True, spread=True, pmm=False), folder=tmp_path / "asked"))
    assert set(tree.children) == {"ensemble", "mean", "spread", "target", "conditioning", "static"}
    members = tree["ensemble/prcp"].values.astype(np.float64)
    np.testing.assert_array_equal(tree["ensemble/prcp"], plain["ensemble/prcp"])
    np.testing.assert_allclose(tree["mean/prcp"], members.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(tree["spread/prcp"], members.std(axis=1, ddof=1), rtol=1e-5, atol=1e-7)
    mean, spread = tree["mean/prcp"].attrs, tree["spread/prcp"].attrs
    assert mean["units"] == spread["units"] == "mm day-1"
    assert mean["cell_methods"].endswith("realization: mean")
    assert spread["cell_methods"].endswith("realization: standard_deviation")


@pytest.mark.slow
def test_a_single_member_has_no_summaries(trained, experiment, tmp_path):
    config = asking(experiment, mean=True, spread=True, members=1)
    assert set(opened(generate(trained, config, folder=tmp_path)).children) == {
        "ensemble",
        "target",
        "conditioning",
        "static",
    }
