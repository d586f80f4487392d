import pytest
from pydantic import ValidationError
from stride_vars.spec import VariableSpec


def minimal(**values):
    return VariableSpec(**{"key": "prcp", "long_name": "Precipitation", "units": "mm day-1", **values})


def test_the_seeds_own_example():
    spec = VariableSpec(
        key="prcp",
        long_name="Precipitation",
        data_name="tp",
        units="mm day-1",
        cmap="precip_cmap",
        is_positive_definite=True,
        transform_default="log-zscore",
    )
    assert spec.transform_default == "log_zscore"
    assert spec.display_name == "Precipitation"
    assert spec.label == "Precipitation [mm day-1]"


@pytest.mark.parametrize(
    ("values", "amount"),
    [
        ({"is_positive_definite": True}, True),
        ({"is_positive_definite": True, "plot_range": (0.0, 40.0)}, True),
        ({"is_positive_definite": True, "plot_range": (243.0, 313.0)}, False),
        ({"plot_range": (-20.0, 20.0)}, False),
    ],
)
def test_amounts_start_at_zero(values, amount):
    assert minimal(**values).is_amount is amount


def test_a_fraction_has_no_brackets():
    assert minimal(units="1").label == "Precipitation"


def test_names_hold_each_name_once():
    assert minimal(aliases=("tp", "prcp")).names == ("prcp", "tp")


def test_the_data_name_defaults_to_the_key():
    assert minimal().data_name == "prcp"


def test_units_are_spelled_with_single_spaces():
    assert minimal(units=" mm   day-1").units == "mm day-1"


def test_json_round_trip():
    spec = minimal(plot_range=(0, 40), aliases=("pr", "rain"), wet_threshold=1.0)
    assert VariableSpec.model_validate_json(spec.model_dump_json()) == spec


def test_frozen():
    with pytest.raises(ValidationError):
        minimal().units = "m"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"colour": "red"}, "Extra inputs"),
        ({"plot_range": (40, 0)}, "must lie below"),
        ({"plot_range": (float("nan"), 1)}, "must lie below"),
        ({"wet_threshold": -1}, "greater than or equal to 0"),
        ({"key": "a b"}, "match pattern"),
        ({"units": ""}, "at least 1 character"),
    ],
)
def test_refused(values, words):
    with pytest.raises(ValidationError, match=words):
        minimal(**values)
