"""The date browser: images that say what they show, and the data behind the controls."""

import io
import json
import re
import shutil

import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from stride_eval.config import EvalConfig
from stride_eval.families import dates
from stride_eval.plots.colour_maps import amount_scale
from stride_eval.plots.field_png import block_mean, coast_png, field_png
from stride_eval.provenance import Provenance
from stride_eval.report.browser import browser
from stride_eval.report.date_ranks import crps_of_dates
from stride_eval.report.page import write_report
from stride_eval.runner import evaluate


def test_png_has_the_scales_colours():
    scale = amount_scale([np.array([0.0, 10.0])])
    field = np.array([[0.0, 10.0, 99.0], [np.nan, 5.0, -1.0]])
    pixels = matplotlib.image.imread(io.BytesIO(field_png(field, scale)))[..., :3]
    expected = scale.cmap(np.array([[0.0, 1.0, 1.0], [np.nan, 0.5, 0.0]]))[..., :3]
    expected[1, 0] = scale.cmap(np.ma.masked_all(1))[0, :3]
    np.testing.assert_allclose(pixels, expected, atol=0.02)


def test_coast_is_a_line_between_pixels():
    pixels = matplotlib.image.imread(io.BytesIO(coast_png(np.array([[0.0, 1.0]]), least_width=6)))
    dark, light = pixels[..., 0] < 0.2, (pixels[..., 0] > 0.9) & (pixels[..., 3] > 0)
    assert dark.tolist() == [[False, False, False, True, False, False]] * 3
    assert light.tolist() == [[False, False, True, False, True, False]] * 3


def test_dates_are_ranked_by_crps_among_all():
    times = np.datetime64("2014-06-01", "ns") + np.arange(4) * np.timedelta64(1, "D")
    crps = xr.DataArray(
        [[[2.0, 1.0, np.nan, 1.0], [np.nan, np.nan, 3.0, np.nan]]],
        dims=("target", "system", "time"),
        coords={"target": ["prcp"], "system": ["a", "b"], "time": times},
    )
    found = crps_of_dates(xr.Dataset({"crps": crps}), "prcp")
    words = {(date[:10], system): text for date, here in found.items() for system, (_, text) in here.items()}
    assert words == {
        ("2014-06-01", "a"): "highest of 3 dates",
        ("2014-06-02", "a"): "lowest of 3 dates",
        ("2014-06-04", "a"): "lowest of 3 dates",
        ("2014-06-03", "b"): "the only date",
    }
    assert crps_of_dates(xr.Dataset(), "prcp") == crps_of_dates(xr.Dataset({"crps": crps}), "t2m") == {}


def test_block_mean_leaves_gaps_out():
    field = np.array([[1.0, 3.0, np.nan], [np.nan, 5.0, np.nan], [7.0, 9.0, np.nan]])
    np.testing.assert_array_equal(block_mean(field, 2), [[3.0, np.nan], [8.0, np.nan]])
    assert block_mean(field, 3) is field


@pytest.fixture(scope="module")
def report(example, tmp_path_factory):
    chosen = {name: example[name] for name in ("calibrated", "interpolated")}
    config = EvalConfig(families=("dates",), resamples=100, quicklooks=2, ranked_dates=(), dpi=40)
    return evaluate(chosen, config, tmp_path_factory.mktemp("browser") / "out").report


def test_images_keep_to_the_budget(report):
    with xr.open_dataset(report.parent / "results/dates.nc") as results:
        results = results.load()
    whole = browser(results, 5.0)
    small = browser(results, len(whole.data) * 0.95e-6)
    assert whole.pixels is None and small.pixels == 30
    assert len(small.data) <= 0.95 * len(whole.data)
    assert browser(results, 1e-4) is None


def test_a_browser_too_large_is_told(report, tmp_path):
    (tmp_path / "results").mkdir()
    shutil.copy(report.parent / "results/dates.nc", tmp_path / "results")
    with xr.open_dataset(tmp_path / "results/dates.nc") as results:
        about = Provenance.of(results)
    page = write_report(tmp_path, [], [], about, EvalConfig(browser_megabytes=1e-4))
    assert "There is no date browser" in page.read_text() and "browser-data" not in page.read_text()
    page = write_report(tmp_path, [], [], about, EvalConfig(browser_megabytes=0.0))
    assert "There is no date browser" not in page.read_text()


def test_values_beyond_the_bar_are_told_of_their_own_map(tmp_path, saved, systems_of):
    observed = np.full((2, 4, 4), -3.0)
    observed[:, 0] = 2.0
    members = observed[:, None].copy()
    members[1, 0, 3, 3] = 400.0
    attrs = {"units": "1", "long_name": "Index", "is_positive_definite": 0}
    path = saved.write(tmp_path / "a.nc", members, observed, key="index", attrs=attrs)
    results = dates.compute(systems_of({"a": path}), EvalConfig(quicklooks=2))
    (target,) = json.loads(browser(results, 5.0).data)
    found = {(date["date"], one["system"]): one["images"][0] for date in target["dates"] for one in date["fields"]}
    assert {key for key, image in found.items() if image["beyond"]} == {("2014-06-02", "a")}
    top = target["legends"]["value"]["ticks"][-1][1]
    assert found["2014-06-02", "a"]["beyond"] == f"Values above {top} have the colour at the end of the bar."
    assert target["legends"]["value"]["ticks"][0][1].startswith("−")
    assert not any(image["gaps"] for image in found.values())


def test_without_observations_the_systems_are_shown(tmp_path, saved, systems_of):
    members = np.random.default_rng(0).gamma(0.7, 4.0, (3, 2, 6, 8))
    systems = systems_of({"a": saved.write(tmp_path / "a.nc", members, None)})
    (target,) = json.loads(browser(dates.compute(systems, EvalConfig(quicklooks=2)), 5.0).data)
    assert [[one["system"] for one in date["fields"]] for date in target["dates"]] == [["a"], ["a"]]
    assert all(date["crps"] == {} for date in target["dates"])
    assert float(target["legends"]["value"]["ticks"][-1][1]) > 1.0


def test_data_holds_dates_systems_and_fields(report):
    found = re.search(r'id="browser-data">(.*?)</script>', report.read_text(), re.DOTALL)
    (target,) = json.loads(found[1])
    assert len(target["dates"]) == 2
    fields = {source["system"]: [one["name"] for one in source["images"]] for source in target["dates"][0]["fields"]}
    assert fields["observed"] == ["field"] and fields["interpolated"] == ["member 1"]
    assert fields["calibrated"] == [f"member {number}" for number in (1, 2, 3, 4)] + ["mean", "PMM", "spread"]
    assert "mm day⁻¹" in target["legends"]["value"]["label"]
