import re

import numpy as np
import pytest
from stride_vars.colours import COLOUR_MAPS, MISSING_COLOUR


def lightness(colour: str) -> float:
    """CIE L* of an sRGB colour."""
    channels = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return float(116 * np.cbrt(luminance) - 16)


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colours_are_hex(name):
    assert len(COLOUR_MAPS[name]) >= 5
    for colour in (*COLOUR_MAPS[name], MISSING_COLOUR):
        assert re.fullmatch(r"#[0-9a-f]{6}", colour)
    assert MISSING_COLOUR not in COLOUR_MAPS[name]


@pytest.mark.parametrize("name", ["precip_cmap", "wind_cmap", "moisture_cmap"])
def test_amounts_darken_in_even_steps(name):
    steps = np.diff([lightness(colour) for colour in COLOUR_MAPS[name]])
    assert np.all(steps < 0)
    assert np.ptp(steps) < 1.5


@pytest.mark.parametrize("name", ["precip_cmap", "wind_cmap"])
def test_nothing_is_white(name):
    assert COLOUR_MAPS[name][0] == "#ffffff"


def test_temperature_is_lightest_in_its_middle():
    values = [lightness(colour) for colour in COLOUR_MAPS["temperature_cmap"]]
    middle = len(values) // 2
    assert np.all(np.diff(values[: middle + 1]) > 0)
    assert np.all(np.diff(values[middle:]) < 0)


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        COLOUR_MAPS["mine"] = ()  # type: ignore[index]
