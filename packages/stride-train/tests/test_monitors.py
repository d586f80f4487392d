import numpy as np
import pytest
from stride_train.training.monitors import fair_crps, monitor


def test_fair_crps_by_hand():
    # mean |x - y| = (1 + 0 + 2) / 3; sum over ordered pairs |xi - xj| = 2 (1 + 3 + 2) = 12, over 2 M (M - 1) = 12
    assert fair_crps(np.array([0.0, 1.0, 3.0]), np.array(1.0)) == pytest.approx(1.0 - 1.0)


def test_fair_crps_is_independent_of_ensemble_size_for_a_perfect_ensemble():
    rng = np.random.default_rng(0)
    observed = rng.normal(size=40_000)
    small, large = (fair_crps(rng.normal(size=(size, observed.size)), observed).mean() for size in (2, 12))
    assert small == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)
    assert large == pytest.approx(1 / np.sqrt(np.pi), abs=0.01)


def test_the_monitors_read_validation_ensembles(trained, experiment):
    from stride_train.checkpoint import latest_checkpoint, load_checkpoint
    from stride_train.data import open_data
    from stride_train.generation.diffusion import DiffusionSystem

    checkpoint = load_checkpoint(latest_checkpoint(trained.checkpoints))
    adapter = open_data(experiment, statistics=checkpoint.data["statistics"])
    denoiser = DiffusionSystem(checkpoint, adapter, experiment.generate, seed=3).denoiser
    settings = {"seed": 3, "split": "val", "precision": None}
    reading = monitor(denoiser, adapter, experiment.train.monitor, experiment.generate.sampler, **settings)
    again = monitor(denoiser, adapter, experiment.train.monitor, experiment.generate.sampler, **settings)
    assert reading == again
    assert reading.crps > 0
    observed = adapter.fields(adapter.times("val")[0]).target
    assert reading.wet_fraction_observed == pytest.approx((observed >= adapter.target_vars[0].wet_threshold).mean())
    off = experiment.train.monitor.model_copy(update={"cases": 0})
    assert monitor(denoiser, adapter, off, experiment.generate.sampler, **settings) is None
