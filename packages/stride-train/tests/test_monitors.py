import numpy as np
import pytest
from stride_train.checkpoint import latest_checkpoint, load_checkpoint
from stride_train.data import open_data
from stride_train.generation.diffusion import DiffusionSystem
from stride_train.training import monitors
from stride_train.training.monitors import monitor

SETTINGS = {"seed": 3, "split": "val", "precision": None}


@pytest.fixture(scope="module")
def network(trained, experiment):
    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    adapter = open_data(experiment, statistics=checkpoint.data["statistics"])
    return DiffusionSystem(checkpoint, adapter, experiment.generate, seed=3).denoiser, adapter


def test_the_monitors_read_validation_ensembles(network, experiment):
    options, sampler = experiment.train.monitor, experiment.generate.sampler
    reading = monitor(*network, options, sampler, **SETTINGS)
    assert reading == monitor(*network, options, sampler, **SETTINGS)
    adapter = network[1]
    observed = adapter.fields(adapter.times("val")[0]).target
    found = reading.targets["fine.prcp"]
    assert found.wet_fraction_observed == pytest.approx((observed >= adapter.target_vars[0].wet_threshold).mean())
    assert reading.crps == found.crps > 0
    assert found.spectrum_ratio > 0
    assert set(reading.row(several=False)) >= {"crps", "bias", "bias_percent", "spectrum_ratio", "wet_fraction"}
    assert reading.shown == ()
    off = options.model_copy(update={"cases": 0})
    assert monitor(*network, off, sampler, **SETTINGS) is None
    assert monitor(*network, options, sampler, **{**SETTINGS, "split": "nowhere"}) is None


def test_the_quicklook_shows_the_times_that_vary_most(network, experiment):
    denoiser, adapter = network
    options = experiment.train.monitor.model_copy(update={"cases": 3, "quicklook": True, "quicklook_cases": 2})
    reading = monitor(denoiser, adapter, options, experiment.generate.sampler, **{**SETTINGS, "split": "train"})
    times = adapter.times("train")
    spread = {times[number]: adapter.fields(times[number]).target.std() for number in (0, round(4.5), 9)}
    assert [case.time for case in reading.shown] == sorted(sorted(spread, key=spread.get)[1:])
    assert reading.shown[0].members.shape == (2, 1, 16, 16)


def test_several_targets_have_columns_of_their_own_and_weigh_by_their_scales(two_targets_file, monkeypatch):
    from stride_train.experiments import load_experiment

    experiment = load_experiment(two_targets_file)
    adapter = open_data(experiment)
    computed = adapter.compute_statistics()
    adapter.load_statistics(computed)
    std = {name: computed["variables"][name]["std"] for name in adapter.target_names}
    shift = np.array([0.5, 4.0])[:, None, None]

    def off_by_a_constant(_denoiser, _sample, adapter, _sampler, *, time, members, **_):
        truth = adapter.fields(time).target
        return np.stack([np.nan_to_num(truth, nan=-99.0) + shift] * len(members)).astype(np.float32)

    monkeypatch.setattr(monitors, "draw_members", off_by_a_constant)
    reading = monitor(None, adapter, experiment.train.monitor, experiment.generate.sampler, **SETTINGS)  # type: ignore[arg-type]
    row = reading.row(several=True)
    assert row["crps/fine.prcp"] == row["bias/fine.prcp"] == pytest.approx(0.5, rel=1e-5)
    assert row["crps/fine.t2m"] == row["bias/fine.t2m"] == pytest.approx(4.0, rel=1e-4)
    assert row["crps"] == pytest.approx((0.5 / std["fine.prcp"] + 4.0 / std["fine.t2m"]) / 2, rel=1e-4)
    assert {"bias_percent/fine.prcp", "wet_fraction/fine.prcp", "spectrum_ratio/fine.prcp"} <= set(row)
    # Kelvin have no percent and no wet; and no spectrum, since a corner of the field is missing.
    assert {name for name in row if name.endswith("t2m")} == {"crps/fine.t2m", "bias/fine.t2m", "spread_skill/fine.t2m"}
    assert row["spread_skill/fine.t2m"] == 0
