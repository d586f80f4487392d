"""What a user can get wrong about transforms: one sentence each."""

import numpy as np
import pytest
from stride_data.config import validate_data_config
from stride_data.errors import DataError
from stride_data.transforms import build, requirement
from stride_vars.catalogue import Catalogue

RAIN = Catalogue.load().get("prcp")
WIND = Catalogue.load().get("u10")
LOG = {"function": "log", "offset": 0.01, "dry_below": None, "mean": -1.5, "std": 2.5}
NO_LAMBDA = {"function": "boxcox", "offset": 0.01, "lambda": None, "dry_below": None, "estimated": "maximum likelihood"}
ENTRY = {"mean": 2.0, "std": 4.0, "min": 0.0, "max": 60.0, "functions": [LOG]}


def make(name: str, spec=RAIN, entry=ENTRY, **options):
    return build(entry, spec=spec, source="a", statistics_id="id", options={"name": name, **options})


@pytest.mark.parametrize(
    ("name", "options", "change", "expected"),
    [
        ("log_zscore", {"offset": 0.1}, {}, "hold log (offset 0.01), but log_zscore asks for log (offset 0.1)"),
        ("log_zscore", {}, {"functions": []}, "hold no function of the values, but log_zscore asks for log"),
        ("log_zscore", {}, {"functions": [{**LOG, "std": 0.0}]}, "the standard deviation of ln(x + 0.01) is 0.0"),
        ("log_zscore", {"dry_below": 0.1}, {}, "log_zscore asks for log (offset 0.01, dry_below 0.1)"),
        (
            "log_zscore",
            {},
            {"functions": [{k: v for k, v in LOG.items() if k not in ("mean", "std")} | {"outside_domain": 3}]},
            "3 values lie outside the domain of ln(x + 0.01), which log_zscore takes; set valid_min",
        ),
        ("power", {}, {}, "power asks for power (exponent 0.5); compute the statistics again"),
        ("boxcox", {}, {}, "boxcox asks for boxcox with an estimated lambda (offset 0.01)"),
        ("boxcox", {}, {"functions": [NO_LAMBDA]}, "no Box-Cox exponent could be estimated"),
        ("zscore", {}, {"std": 0.0}, "the standard deviation is 0.0, so a z-score would divide by it; set"),
        ("minmax", {}, {"min": 60.0}, "the smallest value is 60 and the largest 60"),
        ("minmax", {"min": 70}, {}, "the smallest value is 70 and the largest 60"),
        ("log_minmax", {}, {"min": -2.0}, "the smallest value, -2, lies outside the domain of ln(x + 0.01)"),
        ("quantile", {}, {}, "hold no table of quantiles"),
        ("quantile", {}, {"quantile_table": {"dry_below": 0.1, "x": [], "p": []}}, "quantiles with dry_below 0.1, but"),
        ("quantile", {}, {"quantile_table": {"dry_below": None, "x": [1.0], "p": [0.5]}}, "hold 1 distinct value"),
        ("boxcoks", {}, {}, "unknown transform 'boxcoks'"),
    ],
)
def test_statistics_that_do_not_suit(name, options, change, expected):
    with pytest.raises(DataError) as error:
        make(name, entry={**ENTRY, **change}, **options)
    assert expected in str(error.value)
    assert "a.prcp" in str(error.value) or name == "boxcoks"


def test_outside_the_domain():
    with pytest.raises(
        DataError, match=r"'a\.prcp' has values down to -0\.02, outside the domain of log_zscore, ln\(x \+ 0\.01\)"
    ):
        make("log_zscore").forward(np.array([1.0, -0.02, np.nan]))
    zeros = np.array([0.0], np.float32)
    with pytest.raises(DataError, match="outside the domain of boxcox"):
        make("boxcox", **{"lambda": -1, "offset": 0, "zscore": False}).forward(zeros)
    assert make("boxcox", **{"lambda": 1, "offset": 0, "zscore": False}).forward(zeros)[0] == -1.0


def test_dry_values_of_variables_that_have_none():
    with pytest.raises(DataError, match=r"data\.transforms\.a\.u10\.dry_below: u10 can be negative"):
        requirement(spec=WIND, source="a", options={"name": "zscore", "dry_below": 0.1})
    with pytest.raises(DataError, match=r"dry_below: 2 mm day-1 lies above the wet threshold of prcp, 1, so"):
        requirement(spec=RAIN, source="a", options={"name": "zscore", "dry_below": 2.0})


def test_options_of_another_transform_than_the_default():
    with pytest.raises(DataError, match=r"data\.transforms\.a\.u10: 'zscore', the default of u10, has no 'offset'"):
        build(ENTRY, spec=WIND, source="a", statistics_id="id", options={"offset": 1.0})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"name": "minmax", "range": [1, 0]}, "range must be two ascending numbers, such as [-1, 1], not [1, 0]"),
        ({"name": "minmax", "range": 1}, "range must be two ascending numbers"),
        ({"name": "minmax", "min": [0]}, "min must be a number, not [0]"),
        ({"name": "boxcox", "zscore": 1}, "zscore must be true or false, not 1"),
        ({"name": "boxcox", "lambda": "mle"}, "lambda must be a number, not 'mle'"),
        ({"name": "power", "exponent": 0}, "exponent must be a number above 0, not 0"),
        ({"name": "asinh", "scale": -1.0}, "scale must be a number above 0"),
        ({"name": "zscore", "inverse_floor": float("nan")}, "inverse_floor must be a number"),
        ({"name": "zscore", "dry_below": True}, "dry_below must be a number above 0, not True"),
        ({"name": "power", "expnent": 1}, "unknown key 'fine.prcp.expnent' (did you mean 'exponent'?)"),
        ({"name": "identity", "offset": 1}, "unknown key 'fine.prcp.offset'"),
        ({"name": "quantil"}, "'quantil' is no transform (did you mean 'quantile'?)"),
        ({"name": 1}, "fine.prcp.name must be the name of a transform: identity, zscore"),
    ],
)
def test_options_are_checked_with_the_configuration(small_config, options, expected):
    small_config["transforms"] = {"fine.prcp": options}
    with pytest.raises(DataError) as error:
        validate_data_config(small_config, "test.yaml")
    assert expected in str(error.value)
    assert "data.transforms" in str(error.value)


def test_options_are_checked_against_the_variable_before_anything_is_read(build, small_config):
    small_config["transforms"] = {"fine.prcp": {"dry_below": 3}}
    with pytest.raises(DataError, match=r"data\.transforms\.fine\.prcp\.dry_below: 3 mm day-1 lies above the wet"):
        build(small_config, scaled=False)
    small_config["transforms"] = {"fine.prcp": {"exponent": 0.5}}
    with pytest.raises(DataError, match="'log_zscore', the default of prcp, has no 'exponent'"):
        build(small_config, scaled=False)
