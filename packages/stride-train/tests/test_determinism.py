"""A member is the same whatever is generated with it."""

import numpy as np
import pytest
import xarray as xr
from stride_train.config import ExperimentConfig, GenerateConfig
from stride_train.experiments import load_experiment
from stride_train.generation import draw
from stride_train.generation.run import generate

SDE = {"method": "dpmpp_2m_sde", "steps": 3}


def changed(experiment: ExperimentConfig, **changes) -> ExperimentConfig:
    asked = {**experiment.generate.model_dump(), **changes}
    return experiment.model_copy(update={"generate": GenerateConfig.model_validate(asked)})


@pytest.fixture
def members(trained, tmp_path):
    """Draws with a config, gives the members by time."""

    def drawn(name: str, config: ExperimentConfig) -> xr.DataArray:
        path = generate(trained, config, folder=tmp_path / name)
        return xr.open_datatree(path, engine="zarr")["ensemble/prcp"].load()

    return drawn


def test_one_more_member_changes_no_other(members, experiment):
    two, four = (members(f"{n}", changed(experiment, members=n, sampler=SDE)) for n in (2, 4))
    np.testing.assert_array_equal(four[:, :2], two)
    assert np.abs(four[:, 2] - four[:, 0]).max() > 1e-3


@pytest.mark.slow
def test_one_more_date_changes_no_other(members, experiment, experiment_file):
    more = load_experiment(experiment_file, ["data.splits.val.end=2001-01-11", "data.splits.test.start=2001-01-12"])
    two, three = members("two", experiment), members("three", more)
    assert (two.sizes["time"], three.sizes["time"]) == (2, 3)
    np.testing.assert_array_equal(three[1:], two)


@pytest.mark.slow
def test_the_batch_matters_to_rounding_only(members, experiment):
    one, four = (members(f"{n}", changed(experiment, members=4, batch_size=n, sampler=SDE)) for n in (1, 4))
    np.testing.assert_allclose(one, four, rtol=1e-4, atol=1e-5)


def test_a_larger_domain_has_the_crop_s_noise_where_they_overlap(members, experiment, monkeypatch):
    original, seen = draw.member_noise, []

    def spy(*arguments, **options):
        noise = original(*arguments, **options)

        def kept(number):
            seen[-1][number] = noise(number)
            return seen[-1][number]

        seen.append({})
        return kept

    monkeypatch.setattr(draw, "member_noise", spy)
    options = {"members": 2, "sampler": SDE}
    crop = members("crop", changed(experiment, **options))
    of_crop, seen = seen, []
    domain = members("domain", changed(experiment, domain="whole", **options))
    box = experiment.data.region.hr
    assert (box.y, box.x, crop.sizes["y"]) == (8, 8, 16)
    assert len(of_crop) == len(seen) == 2, "a batch of each date"
    for here, there in zip(of_crop, seen, strict=True):
        assert sorted(here) == sorted(there) == [0, 1, 2]
        for number, noise in here.items():
            np.testing.assert_array_equal(noise, there[number][:, :, 8:24, 8:24])
    # So the same member of both is the same weather, though tiles see more around it than the crop.
    inside = domain[:, :, 8:24, 8:24].values
    apart = np.abs(inside - crop.values).mean()
    others = np.abs(inside - crop.values[:, ::-1]).mean()
    assert apart < 0.7 * others
