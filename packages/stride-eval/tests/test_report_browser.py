"""The date browser: images that say what they show, and a page that a real browser works with."""

import html
import io
import json
import re
import shutil
import subprocess

import matplotlib.image
import numpy as np
import pytest
from stride_eval.config import EvalConfig
from stride_eval.plots.colour_maps import amount_scale
from stride_eval.plots.field_png import block_mean, coast_png, field_png
from stride_eval.runner import evaluate

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome on PATH")


def test_png_has_the_scales_colours():
    scale = amount_scale([np.array([0.0, 10.0])])
    field = np.array([[0.0, 10.0, 99.0], [np.nan, 5.0, -1.0]])
    pixels = matplotlib.image.imread(io.BytesIO(field_png(field, scale)))[..., :3]
    expected = scale.cmap(np.array([[0.0, 1.0, 1.0], [np.nan, 0.5, 0.0]]))[..., :3]
    expected[1, 0] = scale.cmap(np.ma.masked_all(1))[0, :3]
    np.testing.assert_allclose(pixels, expected, atol=0.02)


def test_coast_is_a_line_between_pixels():
    pixels = matplotlib.image.imread(io.BytesIO(coast_png(np.array([[0.0, 1.0]]), least_width=4)))
    assert (pixels[..., 3] > 0).tolist() == [[False, False, True, False]] * 2


def test_block_mean_leaves_gaps_out():
    field = np.array([[1.0, 3.0, np.nan], [np.nan, 5.0, np.nan], [7.0, 9.0, np.nan]])
    np.testing.assert_array_equal(block_mean(field, 2), [[3.0, np.nan], [8.0, np.nan]])
    assert block_mean(field, 3) is field


@pytest.fixture(scope="module")
def report(example, tmp_path_factory):
    chosen = {name: example[name] for name in ("calibrated", "interpolated")}
    config = EvalConfig(families=("dates",), resamples=100, quicklooks=2, ranked_dates=(), dpi=40)
    return evaluate(chosen, config, tmp_path_factory.mktemp("browser") / "out").report


def test_data_holds_dates_systems_and_fields(report):
    found = re.search(r'id="browser-data">(.*?)</script>', report.read_text(), re.DOTALL)
    (target,) = json.loads(found[1])
    assert len(target["dates"]) == 2
    fields = {source["system"]: [one["name"] for one in source["images"]] for source in target["dates"][0]["fields"]}
    assert fields["observed"] == ["field"] and fields["interpolated"] == ["member 1"]
    assert fields["calibrated"] == [f"member {number}" for number in (1, 2, 3, 4)] + ["mean", "PMM", "spread"]
    assert "mm day⁻¹" in target["legends"]["value"]["label"]


def in_chromium(report, tmp_path, script, *options):
    """What the script, run at the end of the page, returns."""
    ending = f"<script>document.title = JSON.stringify((() => {{ {script} }})());</script></body>"
    page = tmp_path / "page.html"
    page.write_text(report.read_text(encoding="utf-8").replace("</body>", ending), encoding="utf-8")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, *options, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(html.unescape(re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)[1]))


@pytest.mark.slow
@needs_chromium
def test_controls_and_keys_change_the_image(report, tmp_path):
    found = in_chromium(report, tmp_path, """
        const by = (name) => document.getElementById("browser-" + name), seen = [by("image").alt];
        const press = (key) => by("map").dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
        by("system").selectedIndex = [...by("system").options].findIndex((one) => one.text === "calibrated");
        by("system").dispatchEvent(new Event("change")); seen.push(by("image").alt);
        press("ArrowDown"); seen.push(by("image").alt);
        press("ArrowRight"); seen.push(by("image").alt);
        press("ArrowLeft"); seen.push(by("image").alt);
        return seen;""")  # fmt: skip
    assert "observed" in found[0] and "calibrated, member 1" in found[1] and "calibrated, member 2" in found[2]
    assert "member 2" in found[3] and found[3] != found[2] and found[4] == found[2]


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("width", [500, 1280])
def test_no_overflow(report, tmp_path, width):
    # Windows narrower than 500 pixels are refused by headless Chromium; a frame of 400 stands for the phone.
    found = in_chromium(report, tmp_path, """
        if (window.innerWidth < 1000) document.documentElement.style.width = "400px";
        const wide = document.documentElement;
        return [wide.scrollWidth - wide.clientWidth, [...document.images].every((one) => one.hasAttribute("alt"))];
        """, f"--window-size={width},900")  # fmt: skip
    assert found[0] <= 0 and found[1]
