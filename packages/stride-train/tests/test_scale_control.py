"""Scale control, from the experiment file to the saved ensemble."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from stride_train.config import GenerateConfig, SamplerConfig, StartConfig
from stride_train.errors import GenerationError
from stride_train.experiments import load_experiment
from stride_train.generation.run import generate
from stride_train.generation.scale_control import StartFields
from stride_vars.ensemble_format import EnsembleAttrs


def started(experiment, sigma, **fields):
    options = {"start": StartConfig(sigma=sigma, fields=fields), "sampler": SamplerConfig(steps=12, sigma_max=80.0)}
    return experiment.model_copy(update={"generate": experiment.generate.model_copy(update=options)})


def members(trained, experiment, folder, system="edm"):
    return xr.open_datatree(generate(trained, experiment, system, folder=folder), engine="zarr")


def blocks(fields):
    return fields["ensemble/prcp"].coarsen(y=8, x=8).mean().values


def test_a_low_sigma_keeps_the_large_scales_of_the_low_resolution_field(trained, experiment, tmp_path):
    interpolated = blocks(members(trained, experiment, tmp_path, "interpolated"))

    def distance(sigma):
        found = blocks(members(trained, started(experiment, sigma), tmp_path / f"{sigma}"))
        return np.abs(found - interpolated).mean() / interpolated.std()

    near, middle, far = distance(0.05), distance(1.0), distance(40.0)
    assert near < 0.1
    assert near < middle < far


def test_members_differ_and_the_ensemble_says_how_they_were_started(trained, experiment, tmp_path):
    tree = members(trained, started(experiment, 1.0), tmp_path)
    described = EnsembleAttrs.from_attrs(tree.attrs).sampler
    assert described["start"] == {
        "sigma": 1.0,
        "fields": {"fine.prcp": "coarse.prcp"},
        "interpolation": "bilinear, cell-centred",
    }
    assert tree["ensemble/prcp"].std("member").mean() > 0
    assert EnsembleAttrs.from_attrs(members(trained, experiment, tmp_path / "b").attrs).sampler["start"] is None


def test_the_key_in_an_experiment_file(experiment_file):
    experiment = load_experiment(experiment_file, ["generate.start={sigma: 2.0, fields: {fine.prcp: coarse.prcp}}"])
    assert experiment.generate.start == StartConfig(sigma=2.0, fields={"fine.prcp": "coarse.prcp"})


@pytest.mark.parametrize("sigma", [0.005, 81.0])
def test_a_sigma_outside_the_samplers_range_is_refused(sigma):
    with pytest.raises(ValueError, match=r"must be above sampler\.sigma_min 0\.005 and at most sampler\.sigma_max 80"):
        GenerateConfig(start=StartConfig(sigma=sigma))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"fine.prpc": "coarse.prcp"}, r"names 'fine\.prpc', no target.*fine\.prcp"),
        ({"fine.prcp": "coarse.prpc"}, r"names 'coarse\.prpc', which data\.dynamic lacks.*coarse\.prcp"),
    ],
)
def test_unknown_names_are_refused(trained, experiment, tmp_path, fields, sentence):
    with pytest.raises(GenerationError, match=sentence):
        generate(trained, started(experiment, 1.0, **fields), folder=tmp_path)
    assert not list(tmp_path.iterdir())


def adapter(**changes):
    rain = SimpleNamespace(key="prcp", units="mm day-1")
    warmth = SimpleNamespace(key="t2m", units="K")
    given = {
        "target_names": ("fine.prcp",),
        "target_vars": (rain,),
        "cond_names": ("coarse.t2m", "coarse.prcp"),
        "cond_vars": (warmth, rain),
        "lr_margins": (0, 0, 0, 0),
        "lag_hours": (-24.0, 0.0),
        "forward_target": np.log,
    }
    return SimpleNamespace(**{**given, **changes})


def test_other_units_and_a_missing_counterpart_are_refused():
    with pytest.raises(GenerationError, match=r"'coarse\.t2m' \(K\) for the target 'fine\.prcp' \(mm day-1\)"):
        StartFields(StartConfig(sigma=1.0, fields={"fine.prcp": "coarse.t2m"}), adapter())
    alone = adapter(cond_names=("coarse.t2m",), cond_vars=(SimpleNamespace(key="t2m", units="K"),))
    with pytest.raises(GenerationError, match=r"holds no 'prcp' \(it holds coarse\.t2m\): name one in generate\.start"):
        StartFields(StartConfig(sigma=1.0), alone)


def test_of_a_stack_the_targets_time_is_taken_in_the_targets_transform():
    stack = np.stack([np.full((2, 3, 3), 5.0), np.stack([np.full((3, 3), 280.0), np.full((3, 3), 2.0)])])
    found = StartFields(StartConfig(sigma=1.0), adapter()).at("2001-01-01", stack, (6, 6))
    np.testing.assert_allclose(found, np.full((1, 6, 6), np.log(2.0)), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_a_value_that_the_transform_does_not_take_is_named():
    with pytest.raises(GenerationError, match=r"values of 'coarse\.prcp' at 2001-01-01 are outside"):
        StartFields(StartConfig(sigma=1.0), adapter()).at("2001-01-01", np.zeros((2, 3, 3)), (6, 6))
