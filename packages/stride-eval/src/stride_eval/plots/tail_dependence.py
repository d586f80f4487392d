"""Whether extremes come together at two pixels, by their distance."""

from __future__ import annotations

import xarray as xr
from stride_vars.spec import VariableSpec

from stride_eval.config import EvalConfig
from stride_eval.families.intervals import interval
from stride_eval.families.pixel_pairs import pair_sums
from stride_eval.metrics.tail_dependence import tail_dependence_from_shares
from stride_eval.plots.captions import interval_words, members_of, span
from stride_eval.plots.distance_lines import draw_distances
from stride_eval.plots.legends import legend_below
from stride_eval.plots.record import FigureRecord
from stride_eval.plots.round_numbers import round_number
from stride_eval.plots.style import OBSERVED, new_figure, styled
from stride_eval.provenance import Provenance


@styled
def figure(results: xr.Dataset, spec: VariableSpec, about: Provenance, config: EvalConfig) -> FigureRecord:
    """Left: chi; right: chi-bar."""
    days = pair_sums(("joint", "marginal"), results)
    seen = days[["observed_joint", "observed_marginal", "n"]]
    level, unit = float(results.attrs["pair_level"]), str(results.attrs["length_unit"])

    def dependence(means: xr.Dataset, which: str, name: str) -> xr.DataArray:
        return tail_dependence_from_shares(means[f"{which}joint"] / means["n"], means[f"{which}marginal"] / means["n"])[
            name
        ]

    drawn = new_figure(10.0, 4.1)
    words = ""
    titles = {"chi": "Extremes together", "chi_bar": "Dependence where χ is small"}
    labels = {"chi": f"χ at the {100 * level:g} % quantile", "chi_bar": f"χ̄ at the {100 * level:g} % quantile"}
    for axes, name in zip(drawn.subplots(1, 2), titles, strict=True):
        observed = interval(seen, lambda m, name=name: dependence(m, "observed_", name), config)
        found = interval(days, lambda m, name=name: dependence(m, "", name), config)
        draw_distances(axes, observed, found, about, unit)
        axes.axhline(0.0, color=OBSERVED, linewidth=0.8, linestyle=":")
        axes.set_title(titles[name])
        axes.set_ylabel(labels[name])
        if name == "chi":
            legend_below(drawn, axes)
            far = float(observed["distance"][-1])
            values = {"observed": observed} | {name: found.sel(system=name) for name in about.systems}
            words = ", ".join(f"{who} {float(one['estimate'].isel(distance=-1)):.2f}" for who, one in values.items())
            words = f"χ at {round_number(far)} {unit}: {words}."
    return FigureRecord(
        name=f"tail_dependence_{results['target'].item()}",
        title="Do extremes come together?",
        reading="Curves on the observed one are right; above it extremes cover too large areas at once, below it they "
        "are scattered too much; 0 is independence.",
        caption=f"{span(about.dates)}, {members_of(about)}, each member a realisation of its own; "
        f"{int(results.attrs['pairs'])} random pairs of pixels at each distance; each pixel's and member's own "
        f"{100 * level:g} % quantile; {interval_words(config, len(about.dates))}. χ: 1 where one extreme always "
        "brings the other; χ̄ tells apart what χ sees as nearly independent.",
        alt=words,
        figure=drawn,
        target=str(results["target"].item()),
    )
