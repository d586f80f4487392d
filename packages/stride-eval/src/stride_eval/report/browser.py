"""The date browser: every field of the dates family as a small image on its variable's one colour scale."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator
from stride_vars.spec import VariableSpec

from stride_eval.amounts import is_amount
from stride_eval.grid import axes as grid_axes
from stride_eval.plots.captions import short_date
from stride_eval.plots.colour_maps import ColourScale, amount_scale, value_scale
from stride_eval.plots.field_png import block_mean, coast_png, field_png
from stride_eval.plots.maps import MapFrame
from stride_eval.plots.style import axis_label, pretty_units
from stride_eval.provenance import Provenance
from stride_eval.reading import time_labels
from stride_eval.report.date_ranks import crps_of_dates

WIDTHS = (480, 320, 240, 160, 120, 80, 60, 40, 30, 20)
"""Longest sides in pixels that are tried until the images keep to the budget."""


@dataclass(frozen=True)
class Browser:
    """What the page needs.

    Attributes:
        data: JSON for the script, safe inside an element ``script``.
        first: the image that is shown before any choice (``src`` and ``alt``).
        coast: data URI of the coast's line; None where no land fraction was saved.
        shape: height over width of the map.
        pixels: longest side of the images; None when they are whole.
    """

    data: str
    first: dict[str, Any]
    coast: str | None
    shape: float
    pixels: int | None


def browser(results: xr.Dataset, budget: float, scored: xr.Dataset | None = None) -> Browser | None:
    """Images of all the fields that the dates family kept.

    Args:
        results: of the family ``dates``.
        scored: of the family ``probabilistic``, for the CRPS of each date; None where it did not run.
        budget: megabytes that all the images may take together; large fields are averaged over squares of pixels
            until they fit.

    Returns:
        None when there is no field to show, or when the smallest images do not keep to the budget.
    """
    if "mean" not in results:
        return None
    frame = MapFrame.of(*grid_axes(results))
    longest = max(results["observed"].shape[-2:])
    for most in dict.fromkeys(min(width, longest) for width in WIDTHS):
        targets = _targets(results, frame, most, scored)
        data = json.dumps(targets).replace("<", "\\u003c")
        if len(data) <= budget * 1e6:
            break
    else:
        return None
    if not targets:
        return None
    land = results["land"].values if "land" in results else None
    land = land[0] if land is not None and land.ndim == 3 else land
    known = land is not None and np.isfinite(land).any() and np.nanmin(land) < 0.5 < np.nanmax(land)
    first = targets[0]["dates"][0]["fields"][0]["images"][0]
    return Browser(
        data,
        first,
        _uri(coast_png(_on_paper(land, frame))) if known and land is not None else None,
        frame.shape_on_paper,
        most if most < longest else None,
    )


def _targets(results: xr.Dataset, frame: MapFrame, most: int, scored: xr.Dataset | None) -> list[dict[str, Any]]:
    about = Provenance.of(results)
    labels = time_labels(results, "dates")
    found = []
    for key, spec in about.specs.items():
        part = results.sel(target=key)
        kept = [index for index in range(len(labels)) if bool(part["mean"].isel(time=index).notnull().any())]
        if not kept:
            continue
        part = part.isel(time=kept)
        low = _low_resolution(part)
        same = low is not None and low[1].key == spec.key
        shown = [part[name].values for name in ("members", "mean", "pmm")]
        scale = value_scale(
            spec, [part["observed"].values] + ([low[0]] if low is not None and same else []), others=shown
        )
        scales = {"value": (scale, axis_label(spec.display_name, spec.units))}
        if about.ensembles:
            spread = scale if is_amount(spec) else amount_scale([part["spread"].values])
            scales["spread"] = (spread, axis_label(f"Spread of {spec.display_name.lower()}", spec.units))
        if low is not None:
            own = scale if same else value_scale(low[1], [low[0]])
            scales["low"] = (own, axis_label(f"{low[1].display_name}, low resolution", low[1].units))
        crps = {} if scored is None else crps_of_dates(scored, key)
        units = pretty_units(spec.units)
        dates = []
        for place, index in enumerate(kept):
            date = short_date(labels[index])
            fields = []
            for system, images in _fields(part.isel(time=place), about, low, place):
                shown_here = []
                for name, field, which in images:
                    if not np.isfinite(field).any():
                        continue
                    about_what = low[1] if which == "low" and low is not None else spec
                    shown_field = block_mean(_on_paper(field, frame), most)
                    words = system if name == "field" else f"{system}, {name}"
                    shown_here.append({
                        "name": name,
                        "scale": which,
                        "src": _uri(field_png(shown_field, scales[which][0])),
                        "beyond": _beyond(shown_field, scales[which][0], about_what.units),
                        "gaps": bool(np.isnan(shown_field).any()),
                        "alt": f"Map of {about_what.display_name.lower()} on {date}, {words}: "
                        f"mean {np.nanmean(field):.3g}, highest {np.nanmax(field):.3g} "
                        f"{pretty_units(about_what.units)}".rstrip(),
                    })  # fmt: skip
                if shown_here:
                    fields.append({"system": system, "images": shown_here})
            ranked = crps.get(labels[index], {})
            dates.append({
                "date": date, "why": str(part["choice"].values[place]), "fields": fields,
                "crps": {name: [value, f"{_score_name(about, name)} of {name} {value:.3g} {units}".rstrip()
                                + f", {words}"] for name, (value, words) in ranked.items()},
            })  # fmt: skip
        legends = {name: _legend(one, label) for name, (one, label) in scales.items()}
        found.append({"name": spec.display_name, "legends": legends, "dates": dates, "reference": about.reference})
    return found


def _fields(
    one: xr.Dataset, about: Provenance, low: tuple[np.ndarray, VariableSpec] | None, place: int
) -> list[tuple[str, list[tuple[str, np.ndarray, str]]]]:
    """Source -> its fields of one date, each with the scale that it is drawn on."""
    found = [("observed", [("field", one["observed"].values, "value")])]
    if low is not None:
        found.append(("low resolution", [("field", low[0][place], "low")]))
    for name in about.systems:
        here = one.sel(system=name)
        count = min(one.sizes["member"], about.members[name])
        images = [
            (f"member {number + 1}", here["members"].isel(member=number).values, "value") for number in range(count)
        ]
        if about.members[name] > 1:
            images += [("mean", here["mean"].values, "value"), ("PMM", here["pmm"].values, "value")]
            images.append(("spread", here["spread"].values, "spread"))
        found.append((name, images))
    return found


def _low_resolution(part: xr.Dataset) -> tuple[np.ndarray, VariableSpec] | None:
    """The low-resolution fields [time, y, x], each cell spread over the pixels that lie nearest to it."""
    if "conditioning" not in part:
        return None
    texts = [text for text in np.atleast_1d(part["conditioning_spec"].values) if text]
    if not texts:
        return None
    low = part["conditioning"].transpose("time", "lr_y", "lr_x")
    fine, coarse = grid_axes(part), grid_axes(low.to_dataset(name="conditioning"), y="lr_y", x="lr_x")
    field = low.values
    for axis, (pixels, cells) in enumerate(zip(fine, coarse, strict=True), start=1):
        apart = np.abs(np.asarray(pixels.values, dtype=float)[:, None] - np.asarray(cells.values, dtype=float))
        nearest = apart.argmin(axis=1)
        field = np.take(field, nearest, axis=axis)
    return field, VariableSpec.model_validate_json(str(texts[0]))


def _on_paper(field: np.ndarray, frame: MapFrame) -> np.ndarray:
    """North up, east to the right."""
    return np.asarray(field)[:: -1 if frame.flip_rows else 1, :: -1 if frame.flip_columns else 1]


def _legend(scale: ColourScale, label: str) -> dict[str, Any]:
    """Colours evenly along the bar, and labels where the scale puts their values."""
    low, high = float(scale.norm.vmin or 0.0), float(scale.norm.vmax or 0.0)
    ticks = scale.ticks or tuple(float(tick) for tick in MaxNLocator(5).tick_values(low, high))
    inside = [tick for tick in ticks if low - 1e-9 * (high - low) <= tick <= high + 1e-9 * (high - low)]
    return {
        "label": label,
        "colours": [to_hex(colour) for colour in scale.cmap(np.linspace(0.0, 1.0, 24))],
        "ticks": [[round(100.0 * float(np.clip(scale.norm(tick), 0.0, 1.0)), 2), _number(tick)] for tick in inside],
        "extend": scale.extend,
    }


def _beyond(field: np.ndarray, scale: ColourScale, units: str) -> str:
    """What the colours do not tell of this field, in words."""
    low, high = float(scale.norm.vmin or 0.0), float(scale.norm.vmax or 0.0)
    slack = 1e-6 * (high - low)
    above, below = bool(np.nanmax(field) > high + slack), bool(np.nanmin(field) < low - slack)
    where = " and ".join(
        words for words, there in ((f"below {_number(low)}", below), (f"above {_number(high)}", above)) if there
    )
    if not where:
        return ""
    return f"Values {where} {pretty_units(units)}".rstrip() + " have the colour at the end of the bar."


def _number(value: float) -> str:
    """With a true minus sign."""
    return f"{value:g}".replace("-", "−")


def _score_name(about: Provenance, system: str) -> str:
    return "CRPS" if about.members[system] > 1 else "MAE"


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
