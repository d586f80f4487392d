"""What the families scale and distributions add to the table, on cases with a known answer."""

import numpy as np
import pytest
from scipy.stats import wasserstein_distance
from stride_eval import registry
from stride_eval.config import EvalConfig

FAST = EvalConfig(resamples=100, thresholds={"prcp": (2.0, 6.0)}, windows=(1, 3))


@pytest.fixture
def opened(tmp_path, saved, systems_of):
    observed = np.random.default_rng(2).gamma(1.0, 3.0, (3, 16, 16))
    return observed, systems_of(
        {
            "twice": saved.write(tmp_path / "a.zarr", 2.0 * observed[:, None], observed),
            "same": saved.write(tmp_path / "b.zarr", np.stack([observed, observed], 1), observed),
        }
    )


def table(name, systems):
    family = registry.family(name)
    return {(row.system, row.name): row.value for row in family.scores(family.compute(systems, FAST), FAST)}


def test_scale(opened):
    found = table("scale", opened[1])
    assert found["same", "effective_resolution"] == pytest.approx(40.0 / 7)  # km: the finest ring of 16 pixels
    assert found["twice", "effective_resolution"] == np.inf  # four times the power everywhere
    assert found["same", "log_spectral_distance"] == pytest.approx(0.0, abs=1e-6)
    assert found["twice", "log_spectral_distance"] == pytest.approx(10 * np.log10(4), rel=1e-5)
    assert found["same", "useful_scale_6"] == 2.5


def test_distances(opened):
    observed, systems = opened
    found = table("distributions", systems)
    assert found["same", "wasserstein"] == pytest.approx(0.0, abs=1e-12)
    assert found["same", "perkins_overlap"] == pytest.approx(1.0)
    expected = wasserstein_distance(2.0 * observed.ravel(), observed.ravel())
    assert found["twice", "wasserstein"] == pytest.approx(expected, rel=0.005)
    assert 0.5 < found["twice", "perkins_overlap"] < 0.9


def test_figures(opened):
    family = registry.family("scale")
    _, figures = family.compute_and_plot(opened[1], FAST)
    record = next(figure for figure in figures if figure.name == "intensity_scale_prcp")
    assert "twice" in record.alt and "same 1.00" in record.alt
