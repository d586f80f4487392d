"""The report in a real browser: keys and mouse, phone and desk, light and dark, no request."""

import json
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from stride_eval.config import EvalConfig
from stride_eval.families import dates, probabilistic
from stride_eval.opening import open_systems
from stride_eval.provenance import Provenance
from stride_eval.report.page import write_report
from stride_eval.runner import evaluate
from stride_eval.scores import Score
from stride_vars.catalogue import Catalogue

CATALOGUE = Catalogue.load()
SIZES = [(400, 800), (1280, 900)]


@pytest.fixture(scope="module")
def paths(saved, tmp_path_factory):
    """Precipitation and temperature, a coast, missing pixels; three members beside one."""
    folder = tmp_path_factory.mktemp("systems")
    rng = np.random.default_rng(0)
    rain = rng.gamma(0.7, 4.0, (5, 5, 12, 10)) * np.array([0.3, 3.0, 1.0, 0.1, 2.0])[:, None, None, None]
    rain[2, 0, 0, 0] = 500.0
    warm = 288.0 + rng.normal(0.0, 3.0, rain.shape)
    for fields in (rain, warm):
        fields[:, 4, 1:4, 6:9] = np.nan
    variables = {
        key: {"units": CATALOGUE.get(key).units, "long_name": CATALOGUE.get(key).long_name, "stride_variable": key}
        for key in ("prcp", "t2m")
    }
    land = np.zeros((12, 10))
    land[3:9, 2:7] = 1.0
    found = {}
    for name, members in (("model", slice(0, 3)), ("flat", slice(3, 4))):
        tree = saved.tree(rain[:, members], rain[:, 4])
        groups = {"/ensemble": tree["ensemble"].to_dataset(), "/target": tree["target"].to_dataset()}
        for group, of_target in (("/ensemble", members), ("/target", 4)):
            dims = ("time", "member", "y", "x") if group == "/ensemble" else ("time", "y", "x")
            groups[group]["t2m"] = (dims, warm[:, of_target], variables["t2m"])
            groups[group]["prcp"].attrs = variables["prcp"]
        static = xr.Dataset({"lsm": (("y", "x"), land, {"units": "1", "stride_variable": "lsm"})})
        top = xr.Dataset(attrs=dict(tree.attrs) | {"targets": json.dumps(["prcp", "t2m"])})
        found[name] = folder / f"{name}.nc"
        xr.DataTree.from_dict({"/": top, "/static": static, **groups}).to_netcdf(found[name])
    return found


CONFIG = EvalConfig(resamples=100, quicklooks=3, dpi=40, mode="full")


@pytest.fixture(scope="module")
def report(paths, tmp_path_factory):
    """The page without its figures, with as many scores as make a table wide."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "results").mkdir()
    systems = open_systems(paths, catalogue=CATALOGUE)
    results = {"dates": dates.compute(systems, CONFIG), "probabilistic": probabilistic.compute(systems, CONFIG)}
    for name, one in results.items():
        one.to_netcdf(folder / "results" / f"{name}.nc")
    about = Provenance.of(results["probabilistic"])
    scores = [
        Score(
            system, target, f"score_{number}", f"Score {number}", "1", 1.0, 0.9, 1.1, n=5, best="low", definition="A."
        )
        for system in paths
        for target in about.specs
        for number in range(24)
    ]
    path = write_report(folder, [], scores, about, CONFIG)
    return SimpleNamespace(path=path, crps=results["probabilistic"]["crps"], dates=results["dates"])


@pytest.fixture(scope="module")
def whole(paths, tmp_path_factory):
    """Families that differ in their figures, and a table of a season."""
    families = ("dates", "distributions", "spatial", "scale")
    seasons = {"summer": (6, 7, 8)}
    config = EvalConfig(resamples=100, quicklooks=2, ranked_dates=(), dpi=40, families=families, seasons=seasons)
    return evaluate(paths, config, tmp_path_factory.mktemp("whole") / "out").report


def shown(chromium):
    """What the date browser shows."""
    return SimpleNamespace(
        **chromium.run("""
        const by = (name) => document.getElementById("browser-" + name);
        const text = (name) => by(name).selectedOptions[0].text;
        return {target: text("target"), date: text("date"), system: text("system"), field: text("field"),
          alt: by("image").alt, src: by("image").src, words: by("words").textContent, label: by("label").textContent,
          bar: by("bar").style.background, ticks: [...by("ticks").children].map((one) => one.textContent),
          over: !by("bar").querySelector(".over").hidden, by: by("by").textContent,
          pressed: ["best", "median", "worst"].filter((name) => by(name).getAttribute("aria-pressed") === "true"),
          ends: [by("previous").disabled, by("next").disabled], ranked: !by("ranked").hidden};""")
    )


def choose(chromium, control, text):
    chromium.run(f"""
        const select = document.getElementById("browser-{control}");
        select.selectedIndex = [...select.options].findIndex((one) => one.text === {json.dumps(text)});
        select.dispatchEvent(new Event("change"));""")
    assert getattr(shown(chromium), control) == text


def focus(chromium):
    """The element in focus, and whether its outline is drawn."""
    return chromium.run("""
        const it = document.activeElement, style = getComputedStyle(it);
        return [it.id || it.className || it.getAttribute("href") || it.tagName,
          style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1];""")


def overflow(chromium):
    """Elements that stick out of the viewport sideways; those in boxes that scroll on their own are left out."""
    return chromium.run("""
        const wide = document.scrollingElement.clientWidth, inside = (one) => one.closest(
          ".scroll, .plate.wide, pre, nav, .skip, .spoken");
        const out = [...document.body.querySelectorAll("*")].filter((one) => !inside(one)
          && one.getBoundingClientRect().right > wide + 0.5).map((one) => one.outerHTML.slice(0, 80));
        return document.scrollingElement.scrollWidth > innerWidth ? ["the page", ...out] : out;""")


def test_opens_alone_and_fits_a_phone(chromium, report):
    chromium.open(report.path, width=400, height=800)
    assert chromium.run("return [innerWidth, document.images.length > 0]") == [400, True]
    assert overflow(chromium) == []
    assert chromium.requests == [report.path.as_uri()] and chromium.errors == []


def test_keys_reach_the_map_and_step_through_it(chromium, report):
    chromium.open(report.path)
    stops = []
    while len(stops) < 40 and (not stops or stops[-1][0] != "browser-map"):
        chromium.press("Tab")
        stops.append(focus(chromium))
    names = [name for name, _ in stops]
    assert all(visible for _, visible in stops), stops
    assert names[0] == "skip" and names[1] == "#scores"
    once = [name for name in names if name not in {"scroll", "SUMMARY"}]
    assert names[-1] == "browser-map" and len(set(once)) == len(once)
    order = [name for name in names if name.startswith("browser-")]
    assert order[:4] == ["browser-target", "browser-date", "browser-system", "browser-next"]  # others are disabled
    start = shown(chromium)
    assert start.ends == [True, False]
    chromium.press("ArrowRight")
    second = shown(chromium)
    assert second.date != start.date and second.src != start.src and second.bar == start.bar
    chromium.press("PageDown")
    assert shown(chromium).system == "model" and shown(chromium).field == "member 1"
    chromium.press("ArrowDown")
    assert shown(chromium).field == "member 2" and "model, member 2" in shown(chromium).alt
    chromium.press("ArrowLeft")
    assert (shown(chromium).date, shown(chromium).field) == (start.date, "member 2")
    chromium.press("ArrowLeft")  # there is none before
    assert shown(chromium).date == start.date
    chromium.press("PageDown")
    assert (shown(chromium).system, shown(chromium).field) == ("flat", "member 1")
    assert focus(chromium) == ["browser-map", True]


def test_mouse_and_keys_on_buttons_step_through_dates(chromium, report):
    chromium.open(report.path)
    seen = [shown(chromium).date]
    while not shown(chromium).ends[1]:
        chromium.click("#browser-next")
        seen.append(shown(chromium).date)
    kept = report.dates["observed"].sel(target="prcp").notnull().any(("y", "x"))
    assert seen == [str(date)[:10] for date in kept["time"].values[kept.values]]
    assert len(seen) >= 3
    chromium.click("#browser-previous")
    chromium.press("Enter")
    assert shown(chromium).date == seen[-3]


@pytest.mark.parametrize(("system", "by"), [("model", "model"), ("observed", "flat")])
def test_leaps_to_best_and_worst_dates(chromium, report, system, by):
    chromium.open(report.path)
    for target, units in (("prcp", "mm day⁻¹"), ("t2m", "K")):
        choose(chromium, "target", CATALOGUE.get(target).display_name)
        choose(chromium, "system", system)
        kept = report.dates.sel(target=target)
        kept = kept.isel(time=np.flatnonzero(kept["observed"].notnull().any(("y", "x"))))
        crps = report.crps.sel(target=target, system=by)
        ranked = crps.sel(time=kept["time"]).sortby(crps.sel(time=kept["time"]))
        for name, index in (("best", 0), ("worst", -1), ("median", (ranked.size - 1) // 2)):
            chromium.click(f"#browser-{name}")
            now = shown(chromium)
            assert now.date == str(ranked["time"].values[index])[:10] and name in now.pressed
            place = int((crps < ranked[index]).sum())
            words = {0: "lowest", crps.size - 1: "highest"}.get(place, f"{place + 1}")
            score = "MAE" if by == "flat" else "CRPS"
            assert f"{score} of {by} {float(ranked[index]):.3g} {units}, {words}" in now.words
        assert now.by == f"Of the {ranked.size} dates here, by the CRPS of {by}:"


def test_scale_is_shared_and_says_what_lies_beyond(chromium, report):
    chromium.open(report.path)
    choose(chromium, "system", "model")
    bars, legends, words = set(), set(), {}
    for date in chromium.run("return [...document.getElementById('browser-date').options].map((one) => one.text)"):
        choose(chromium, "date", date)
        for system in ("observed", "model", "flat"):
            choose(chromium, "system", system)
            now = shown(chromium)
            bars.add(now.bar)
            legends.add((now.label, *now.ticks))
            words[date, system] = now.words
    assert len(bars) == len(legends) == 1 and "mm day⁻¹" in next(iter(legends))[0]
    assert all("Grey: no value." in text for text in words.values())
    choose(chromium, "target", CATALOGUE.get("t2m").display_name)
    warm = shown(chromium)
    assert warm.bar not in bars and warm.label.endswith("[K]")
    choose(chromium, "system", "model")
    choose(chromium, "field", "spread")
    spread = shown(chromium)
    assert spread.label.startswith("Spread of") and spread.ticks[0] == "0" and spread.bar != warm.bar


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_whole_report_fits_and_reads(chromium, whole, width, height, dark):
    chromium.open(whole, width=width, height=height, dark=dark)
    assert chromium.run("return innerWidth") == width and overflow(chromium) == []
    chromium.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert overflow(chromium) == []
    assert chromium.requests == [whole.as_uri()] and chromium.errors == []
    paper, ink, plates, faint = chromium.run("""
        const light = (colour) => {
          const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255)
            .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = (one) => { const colour = getComputedStyle(one).backgroundColor;
          return /, 0\\)$/.test(colour) && one.parentElement ? behind(one.parentElement) : colour; };
        const contrast = (one) => { const both = [light(getComputedStyle(one).color), light(behind(one))];
          return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05); };
        const body = getComputedStyle(document.body);
        const kinds = "h1, h2, h3, p, td, th, dd, dt, figcaption, a, button:enabled, small";
        const words = [...document.querySelectorAll(kinds)]
          .filter((one) => one.offsetParent && one.textContent.trim());
        return [light(body.backgroundColor), light(body.color),
          [...document.querySelectorAll(".plate")].map((one) => light(getComputedStyle(one).backgroundColor)),
          words.filter((one) => contrast(one) < 4.5).map((one) => [one.outerHTML.slice(0, 80), contrast(one)])];""")
    assert (paper < 0.05 < 0.6 < ink) if dark else (ink < 0.05 < 0.6 < paper)
    assert len(plates) >= 15 and min(plates) > 0.75  # figures are drawn for white
    assert faint == []


@pytest.mark.slow
def test_whole_report_reads_in_order(chromium, whole):
    chromium.open(whole)
    levels, images, unnamed = chromium.run("""
        const hidden = (one) => one.id !== "browser-image" && !one.closest(".plate");
        return [[...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((one) => Number(one.tagName[1])),
          [...document.images].map((one) => [one.complete && one.naturalWidth > 0, one.alt.length > 20 || hidden(one)]),
          [...document.querySelectorAll("[tabindex], select, button, a, summary")].filter((one) =>
            !one.getAttribute("aria-label") && !one.textContent.trim() && !(one.labels && one.labels.length))
            .map((one) => one.outerHTML.slice(0, 80))];""")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(images) > 15 and all(map(all, images)) and unnamed == []
    assert not any("nan" in one for one in chromium.run("return [...document.images].map((one) => one.alt)"))


@pytest.mark.slow
def test_skip_link_leads_past_the_navigation(chromium, whole):
    chromium.open(whole)
    chromium.press("Tab")
    assert focus(chromium)[0] == "skip"
    assert chromium.run("return document.activeElement.getBoundingClientRect().left") >= 0
    chromium.press("Enter")
    chromium.press("Tab")
    assert chromium.run("return [location.hash, !!document.activeElement.closest('main')]") == ["#scores", True]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_stops_of_the_tab_key_are_what_scrolls(chromium, whole, width, height):
    chromium.open(whole, width=width, height=height)
    boxes = chromium.run("""return [...document.querySelectorAll(".scroll, .plate.wide")].map((one) =>
        [one.scrollWidth > one.clientWidth, one.tabIndex === 0, !!one.getAttribute("aria-label")])""")
    assert boxes and all(scrolls == stop and named for scrolls, stop, named in boxes)


@pytest.mark.slow
def test_one_system_of_one_member_with_a_long_name(chromium, pair, tmp_path):
    long = "a_name_made_of_all_the_settings_of_a_run_2014"
    config = EvalConfig(
        resamples=100, quicklooks=2, ranked_dates=(), dpi=40, families=("dates", "probabilistic"), title=long
    )
    report = evaluate({long: pair["flat"]}, config, tmp_path / "out").report
    chromium.open(report, width=400, height=800)
    now = shown(chromium)
    assert overflow(chromium) == [] and chromium.errors == []
    assert now.ranked and now.ends == [True, False]
    choose(chromium, "system", long)
    assert shown(chromium).field == "member 1" and f"MAE of {long}" in shown(chromium).words
    assert overflow(chromium) == []
