"""Autocorrelation by lag and variance by period."""

from __future__ import annotations

import numpy as np
import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.legends import legend_below
from stride_eval.plots.log_axis import label_log_axis
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.style import OBSERVED, colours, dashes, new_figure, squared_units, styled
from stride_eval.plots.temporal_words import CONVENTION, run_words, step_words
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: autocorrelation with intervals; right, where runs are long enough: temporal spectrum."""
    spectrum = "spectrum" in results and bool((results["observed_spectrum"] > 0).any())
    drawn = new_figure(10.0 if spectrum else 6.4, 3.9)
    left = drawn.subplots(1, 2 if spectrum else 1, squeeze=False)[0]
    colour, dash = colours(about.systems), dashes(about.systems)
    found = _by_lag(results, config)
    lags = results["lag"].values
    seen = [float(found[lag]["observed"]["estimate"]) for lag in lags]
    left[0].axhline(0.0, color=OBSERVED, linewidth=0.8)
    left[0].plot(lags, seen, color=OBSERVED, linewidth=2.4, marker=".", label="observed", zorder=3)
    for name in about.systems:
        values = [[float(found[lag]["system"].sel(system=name)[part]) for lag in lags] for part in
                  ("estimate", "lower", "upper")]  # fmt: skip
        left[0].fill_between(lags, values[1], values[2], color=colour[name], alpha=0.18, linewidth=0)
        left[0].plot(lags, values[0], color=colour[name], linestyle=dash[name], marker=".", label=name)
    left[0].set_xticks(lags)
    left[0].set_xlim(0.8, lags[-1] + 0.2)
    left[0].set_xlabel(f"Lag [{step_words(results.attrs['step'])}]" if results.attrs["step"] != 86400 else "Lag [days]")
    left[0].set_ylabel("Correlation")
    left[0].set_title("Autocorrelation")
    legend_below(drawn, left[0])
    if spectrum:
        # The last frequency, one cycle in two dates, has no mirror image: half the power, a kink in the drawing.
        power = results[["spectrum", "observed_spectrum"]].isel(frequency=slice(None, -1))
        period = 1.0 / power["frequency"].values
        left[1].plot(period, power["observed_spectrum"], color=OBSERVED, linewidth=2.4, zorder=3)
        for name in about.systems:
            left[1].plot(period, power["spectrum"].sel(system=name), color=colour[name], linestyle=dash[name])
        left[1].set(xscale="log", yscale="log", xlim=(period.max() * 1.05, period.min() / 1.05))
        label_log_axis(left[1], "x")
        label_log_axis(left[1], "y")
        left[1].set_xlabel("Period [days]")
        squared = squared_units(spec.units) + " " if spec.units != "1" else ""
        left[1].set_ylabel(f"Power [{squared}days]")
        left[1].set_title("Variance by period")
    ends = ", ".join(f"{name} {float(found[1]['system']['estimate'].sel(system=name)):.2f}" for name in about.systems)
    thin = int(results.attrs["thin"])
    return FigureRecord(
        name=f"memory_{results['target'].item()}",
        title="Memory from date to date",
        reading="On the black line is right; a line below it forgets too fast from one date to the next, one above it "
        "persists too long.",
        caption=f"{span(about.dates)}: {run_words(results)}; {members_of(about)}, "
        + ("all pixels" if thin == 1 else f"every {thin}th row and column")
        + f"; the seasonal cycle is not removed. {interval_words(config, len(about.dates))}. {CONVENTION}",
        alt=f"Lag-1 autocorrelation observed {seen[0]:.2f}, {ends}.",
        figure=drawn,
        target=str(results["target"].item()),
    )


def _by_lag(results: xr.Dataset, config: EvalConfig) -> dict[int, dict[str, xr.Dataset]]:
    """Lag -> autocorrelation of the systems and of the observation, over the pairs at that lag."""
    found = {}
    for lag in results["lag"].values:
        sums = results[["lag_product", "lag_power", "observed_lag_product", "observed_lag_power"]].sel(
            lag=lag, drop=True
        )
        sums = sums.isel(time=np.flatnonzero(sums["observed_lag_power"].notnull().values))
        found[lag] = {
            "system": interval(sums[["lag_product", "lag_power"]], lambda m: _ratio(m, ""), config),
            "observed": interval(
                sums[["observed_lag_product", "observed_lag_power"]], lambda m: _ratio(m, "observed_"), config
            ),
        }
    return found


def _ratio(m: xr.Dataset, which: str) -> xr.DataArray:
    power = m[f"{which}lag_power"]
    return m[f"{which}lag_product"] / power.where(power > 0)
