"""Puts the report together: one HTML file that needs nothing beside itself."""

from __future__ import annotations

import base64
import json
import math
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from importlib.metadata import version
from pathlib import Path

import jinja2
import xarray as xr

from stride_eval.config import EvalConfig
from stride_eval.paired import FEWEST_BLOCKS
from stride_eval.plots.captions import interval_words, listed, short_date, span
from stride_eval.plots.style import colours
from stride_eval.provenance import Provenance
from stride_eval.report.browser import Browser, browser
from stride_eval.report.part_tables import part_tables
from stride_eval.report.score_table import family_tables, headline_table
from stride_eval.report.section import Section
from stride_eval.report.verdict import verdict
from stride_eval.scores import Score
from stride_eval.seasons import months_of
from stride_eval.summary import of_part


def write_report(
    folder: Path, sections: Sequence[Section], scores: Sequence[Score], about: Provenance, config: EvalConfig
) -> Path:
    """Writes ``report.html``.

    Args:
        folder: where the figures lie and the report goes.
        sections: the families in order, with their figures.
        scores: of the summary.
        about: systems, targets and dates.
        config: with its defaults, shown at the end.

    Returns:
        The report's path.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stride_eval", "report"), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    blocks = math.ceil(len(about.dates) / config.resolved_block_length(len(about.dates)))
    parts_of_scores, scores = part_tables(scores, about, config), of_part(scores)
    targets = [
        {
            "key": key,
            "name": spec.display_name,
            "verdict": verdict(scores, key, spec.display_name, about.reference),
            "table": headline_table(scores, key, about.members),
            "families": family_tables(scores, key, about.members),
        }
        for key, spec in about.specs.items()
    ]
    parts = [
        {
            "name": section.name,
            "title": section.title,
            "figures": [
                {"record": record, "file": file, "data": _data_uri(folder / file), "width": _width(folder / file)}
                for record, file in section.figures
            ],
        }
        for section in sections
        if section.figures
    ]
    shown, too_large = _browser(folder, config)
    html = environment.get_template("page.html.j2").render(
        title=config.title or "Evaluation: " + listed([spec.display_name for spec in about.specs.values()]),
        css=resources.files("stride_eval.report").joinpath("page.css").read_text(encoding="utf-8"),
        script=resources.files("stride_eval.report").joinpath("browser.js").read_text(encoding="utf-8"),
        scrolling=resources.files("stride_eval.report").joinpath("scrolling.js").read_text(encoding="utf-8"),
        browser=shown,
        browser_too_large=too_large,
        targets=targets,
        names={key: spec.display_name for key, spec in about.specs.items()},
        sections=parts,
        parts=parts_of_scores,
        empty_seasons=[name for name, held in config.seasons.items() if not set(held) & set(months_of(about.dates))],
        about=about,
        colours=colours(about.systems),
        span=span(about.dates),
        dates=[short_date(date) for date in about.dates],
        dropped={name: count for name, count in about.dropped.items() if count},
        intervals=interval_words(config, len(about.dates)),
        few_blocks=FEWEST_BLOCKS if blocks < FEWEST_BLOCKS else None,
        definitions={score.label: score.definition for score in scores if score.definition},
        config=json.dumps(config.model_dump(mode="json"), indent=2),
        versions={
            "stride-eval": version("stride-eval"), "stride-vars": version("stride-vars"), "xarray": version("xarray"),
            "numpy": version("numpy"), "matplotlib": version("matplotlib"), "Python": platform.python_version(),
        },
        created=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )  # fmt: skip
    path = folder / "report.html"
    path.write_text(html, encoding="utf-8")
    return path


def _browser(folder: Path, config: EvalConfig) -> tuple[Browser | None, bool]:
    """Of the finished dates, and whether its images are too large for the budget.

    None where the family ``dates`` did not run or no figure is wanted.
    """
    path = folder / "results" / "dates.nc"
    if config.mode == "metrics" or not config.browser_megabytes or not path.is_file():
        return None, False
    scored = None
    if path.with_name("probabilistic.nc").is_file():
        with xr.open_dataset(path.with_name("probabilistic.nc")) as results:
            scored = results[[name for name in ("crps",) if name in results]].load()
    with xr.open_dataset(path) as results:
        found = browser(results.load(), config.browser_megabytes, scored)
        return found, found is None and bool(results.get("mean", xr.DataArray()).notnull().any())


def _data_uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _width(path: Path) -> int:
    """Width in pixels, from the PNG's header."""
    return int.from_bytes(path.read_bytes()[16:20], "big")
