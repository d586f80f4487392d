"""Colours: dry is white, limits come from the variable and the observation, systems keep their colour."""

import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb
from stride_eval.amounts import is_amount
from stride_eval.plots.colour_maps import amount_scale, difference_scale, value_scale
from stride_eval.plots.style import SYSTEM_COLOURS, colours, markers
from stride_vars.catalogue import Catalogue

PRCP, T2M = (Catalogue.load().get(key) for key in ("prcp", "t2m"))


def test_dry_is_white_and_missing_is_grey():
    scale = value_scale(PRCP, [np.array([0.0, 12.0])])
    assert scale.cmap(scale.norm(0.0))[:3] == (1.0, 1.0, 1.0)
    red, green, blue, _ = scale.cmap(np.ma.masked)
    assert red == green == blue < 1.0


def test_limits_are_the_variable_s_until_the_observation_needs_more():
    assert value_scale(PRCP, [np.array([0.0, 3.0])]).norm.vmax == PRCP.plot_range[1]
    raised = value_scale(PRCP, [np.linspace(0.0, 200.0, 500)])
    assert raised.norm.vmax == pytest.approx(200.0, rel=0.1)
    wild = value_scale(PRCP, [np.array([0.0, 3.0])], others=[np.full(100, 900.0)])
    assert (wild.norm.vmax, wild.extend) == (PRCP.plot_range[1], "max")


def test_unbounded_variables_keep_the_part_that_is_used():
    scale = value_scale(T2M, [np.linspace(281.3, 288.9, 50)])
    assert (scale.norm.vmin, scale.norm.vmax, scale.extend) == (281.0, 289.0, "neither")
    whole = value_scale(T2M, [np.linspace(240.0, 310.0, 50)])
    assert (whole.norm.vmin, whole.norm.vmax, whole.extend) == (*T2M.plot_range, "min")
    assert value_scale(T2M, [np.full(4, 280.0)]).norm.vmin < 280.0 < value_scale(T2M, [np.full(4, 280.0)]).norm.vmax


def test_differences_are_white_at_zero_and_symmetric():
    norm = difference_scale(PRCP, [np.array([-3.0, 0.5])]).norm
    assert (norm.vmin, norm.vmax, norm(0.0)) == (-3.0, 3.0, 0.5)
    assert amount_scale([np.array([np.nan])]).norm.vmax == 1.0


def test_kelvin_is_no_amount():
    assert is_amount(PRCP) and not is_amount(T2M)


def test_systems_are_told_apart():
    names = [f"s{number}" for number in range(9)]
    assert list(colours(names).values())[:7] == list(SYSTEM_COLOURS)
    assert len({(colours(names)[name], markers(names)[name]) for name in names[:7]}) == 7


def test_single_fields_have_shades_of_their_ensemble_s_colour():
    names = ("a", "a mean", "a PMM", "b", "b mean")
    found = colours(names)
    assert tuple(found) == names and len(set(found.values())) == 5
    assert (found["a"], found["b"]) == SYSTEM_COLOURS[:2]
    hue = {name: rgb_to_hsv(to_rgb(colour)) for name, colour in found.items()}
    np.testing.assert_allclose(hue["a mean"][:2], hue["a"][:2], atol=0.01)
    assert hue["a"][2] > hue["a mean"][2] > hue["a PMM"][2]
    assert colours(("b mean", "a")) == {"b mean": SYSTEM_COLOURS[0], "a": SYSTEM_COLOURS[1]}
    assert len(set(colours(("a mean mean", "a mean", "a")).values())) == 3
