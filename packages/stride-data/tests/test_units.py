import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stride_data.errors import DataError
from stride_data.units import conversion


@pytest.mark.parametrize(
    ("units", "canonical", "accumulation", "scale", "offset"),
    [
        ("mm day-1", "mm day-1", None, 1.0, 0.0),
        ("mm", "mm day-1", "1 day", 1.0, 0.0),
        ("m", "mm day-1", "1 day", 1000.0, 0.0),
        ("m", "mm day-1", "1 hour", 24000.0, 0.0),
        ("mm", "mm day-1", "6 hours", 4.0, 0.0),
        ("kg m-2 s-1", "mm day-1", None, 86400.0, 0.0),
        ("kg m**-2", "mm day-1", "1 day", 1.0, 0.0),
        ("mm/hour", "mm day-1", None, 24.0, 0.0),
        ("degC", "K", None, 1.0, 273.15),
        ("hPa", "Pa", None, 100.0, 0.0),
        ("%", "1", None, 0.01, 0.0),
        ("km", "m", None, 1000.0, 0.0),
    ],
)
def test_scale_and_offset(units, canonical, accumulation, scale, offset):
    found = conversion(units, canonical, accumulation)
    assert found.scale == pytest.approx(scale, rel=1e-12)
    assert found.offset == pytest.approx(offset, rel=1e-12)


def test_equal_units_touch_nothing():
    values = np.array([[0.1, np.nan]], np.float32)
    assert conversion("K", "K").apply(values) is values


@given(st.floats(-1e6, 1e6))
def test_apply_agrees_with_the_library(value: float):
    from cf_xarray.units import units as registry

    found = conversion("degF", "K")
    expected = registry.Quantity(value, "degF").to("kelvin").magnitude
    assert found.apply(np.array([value]))[0] == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_packed_values_are_converted_in_double_precision():
    packed = np.array([281.17], np.float64)
    assert conversion("degC", "K").apply(packed)[0] == np.float32(281.17 + 273.15)


@pytest.mark.parametrize(
    ("units", "canonical", "accumulation", "expected"),
    [
        ("K", "mm day-1", None, "units 'K' do not convert to 'mm day-1'"),
        ("mm", "mm day-1", None, "do not convert"),
        ("mm/day", "mm day-1", "1 day", "units 'mm/day per 1 day' do not convert"),
        ("apples", "K", None, "'apples' is no unit"),
        ("mm", "mm day-1", "often", "'often' is no period"),
        ("mm", "mm day-1", "3 m", "'3 m' is no period"),
        ("mm", "mm day-1", "0 days", "is no period"),
    ],
)
def test_what_does_not_convert(units, canonical, accumulation, expected):
    with pytest.raises(DataError) as error:
        conversion(units, canonical, accumulation)
    assert expected in str(error.value)
