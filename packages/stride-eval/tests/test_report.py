"""The report of the made-up precipitation: self-contained, readable without seeing, says what it counts."""

import re
from html.parser import HTMLParser

import pytest
from stride_eval.config import EvalConfig
from stride_eval.runner import evaluate


class Page(HTMLParser):
    VOID = ("meta", "img", "link", "br", "hr", "input")

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def result(example, tmp_path_factory):
    chosen = {name: example[name] for name in ("calibrated", "interpolated")}
    families = ("dates", "probabilistic", "scale")
    config = EvalConfig(families=families, mode="minimal", resamples=100, quicklooks=1, ranked_dates=(), dpi=40)
    return evaluate(chosen, config, tmp_path_factory.mktemp("report") / "out")


@pytest.fixture(scope="module")
def html(result):
    return result.report.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    page = Page()
    page.feed(html)
    assert page.open == []
    return page


def test_needs_nothing_beside_itself(page, html):
    assert not re.search(r"https?://|@import|url\(|<script src|<link", html)
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))


def test_links_lead_somewhere_and_ids_are_unique(page):
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_every_figure_has_words(page, result):
    assert all("alt" in image for image in page.all("img"))
    images = [
        image for image in page.all("img") if image.get("id") != "browser-image" and image.get("class") != "coast"
    ]
    assert len(images) == len(list((result.out / "figures").iterdir())) >= 6
    assert all(len(image["alt"]) > 20 for image in images)
    assert not any("nan" in image["alt"] for image in images)
    assert len(page.all("figcaption")) == len(images) + 1  # the date browser
    assert sum(attrs.get("class") == "reading" for attrs in page.all("p")) == len(images) + 1


def test_summary_comes_first_and_states_what_it_rests_on(page, html):
    assert html.index('id="scores"') < html.index('id="dates"') < html.index('id="about"')
    text = " ".join(" ".join(page.text).split())
    assert "5 dates from 2014-06-01 to 2014-06-13" in text
    assert "Precipitation: calibrated has the lowest CRPS" in text
    assert (
        "32 × 32 pixels" in text
        and "MAE (one member)" in text
        and "paired by date (fewer than 8 blocks of dates never show one)" in text
        and "95% intervals: bootstrap over blocks of 2 dates, 100 resamples" in text
    )
    assert "1,024 pixels a date" in text and "1 of 5 members" not in text and "4 of 5 members" in text
    assert len(page.all("table")) > 2 and sum(attrs.get("class") == "best" for attrs in page.all("td")) > 3


def test_definitions_are_whole_sentences(result):
    texts = [score.definition for score in result.scores if not score.beside or score.definition]
    assert texts and all(text.endswith(".") for text in texts)


def test_looks_after_dark_small_and_keyboard(html):
    for words in (
        "prefers-color-scheme: dark",
        "max-width: 640px",
        'lang="en"',
        "focus-visible",
        'class="skip"',
        "viewport",
    ):
        assert words in html


def test_names_are_escaped(pair, tmp_path):
    config = EvalConfig(families=("probabilistic",), mode="metrics", resamples=100, title="a < b & c")
    odd = {'<b>"model"</b>': pair["model"], "flat": pair["flat"]}
    html = evaluate(odd, config, tmp_path / "out").report.read_text()
    assert "<b>" not in html and "a &lt; b &amp; c" in html


def test_dropped_dates_are_stated(pair, saved, tmp_path):
    import numpy as np
    import xarray as xr

    tree = xr.open_datatree(pair["model"], engine="zarr", consolidated=False)
    part = {name: tree[name].to_dataset().isel(time=slice(1, None)).load() for name in ("ensemble", "target")}
    short = xr.DataTree.from_dict({"/": xr.Dataset(attrs=tree.attrs), **part})
    for name in part:
        for variable in short[name].variables.values():
            variable.encoding = {}
    short.to_netcdf(tmp_path / "short.nc")
    config = EvalConfig(families=("probabilistic",), mode="metrics", resamples=100)
    result = evaluate({"model": tmp_path / "short.nc", "flat": pair["flat"]}, config, tmp_path / "out")
    assert "1 date of flat" in result.report.read_text()
    assert np.isclose(result.summary["flat"]["prcp"]["crps"]["n"], 3)
