import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stride_train.training.small_scales import pixel_spacing, small_scale_power


def cosine(height, width, m, n):
    """One mode of the cosine transform, of variance 1 / 4 for m, n > 0."""
    rows, columns = (np.cos(np.pi * k * (np.arange(size) + 0.5) / size) for k, size in ((m, height), (n, width)))
    return np.outer(rows, columns)


@pytest.mark.parametrize(
    ("m", "n", "spacing", "inside"),
    [
        (21, 0, (1.0, 1.0), False),  # 21 of 32; small scales begin at 2 / 3 of 32
        (22, 0, (1.0, 1.0), True),
        (23, 1, (1.0, 1.0), True),
        (20, 20, (1.0, 1.0), True),  # hypot(20, 20) = 28.3 of 32
        (30, 30, (1.0, 1.0), False),  # beyond what is resolved in all directions
        (10, 20, (2.5, 2.5), True),
        (20, 1, (1.0, 2.0), False),  # rows twice as fine: the columns' Nyquist wavenumber is that of m = 16
        (14, 1, (1.0, 2.0), True),
        (1, 25, (1.0, 2.0), True),
    ],
)
def test_a_single_mode_lies_inside_or_outside(m, n, spacing, inside):
    size = 32 if m != 10 else 30
    field = cosine(size, size, m, n)
    variance = (0.5 if m else 1.0) * (0.5 if n else 1.0)
    assert small_scale_power(field, spacing) == pytest.approx(variance if inside else 0.0, abs=1e-12)


@given(height=st.integers(4, 12), width=st.integers(4, 12), ratio=st.sampled_from([0.5, 1.0, 3.0]))
def test_it_equals_the_fourier_power_of_the_mirrored_field(height, width, ratio):
    field = np.random.default_rng(height * 100 + width).normal(size=(height, width))
    mirrored = np.concatenate([field, field[::-1]], axis=0)
    mirrored = np.concatenate([mirrored, mirrored[:, ::-1]], axis=1)
    power = np.abs(np.fft.fft2(mirrored) / mirrored.size) ** 2
    wavenumber = np.hypot(np.fft.fftfreq(2 * height, ratio)[:, None], np.fft.fftfreq(2 * width, 1.0)[None, :])
    highest = 0.5 / max(ratio, 1.0)
    slack = 1e-12
    small = (wavenumber > 2 / 3 * highest + slack) & (wavenumber <= highest + slack)
    borderline = np.abs(wavenumber - 2 / 3 * highest) < 1e-9
    assert small_scale_power(field, (ratio, 1.0)) == pytest.approx(
        power[small & ~borderline].sum(), abs=power[borderline].sum() + 1e-9
    )


def test_fields_are_taken_one_by_one_and_trends_are_no_small_scales():
    rng = np.random.default_rng(0)
    fields = rng.normal(size=(3, 2, 24, 16))
    together = small_scale_power(fields, (1.0, 1.0))
    assert together.shape == (3, 2)
    assert together[1, 1] == pytest.approx(small_scale_power(fields[1, 1], (1.0, 1.0)))
    slope = np.add.outer(np.arange(64.0), np.arange(64.0))
    assert small_scale_power(slope, (1.0, 1.0)) < 1e-4 * slope.var()


def test_spacing_of_metres_degrees_and_pixels():
    def coords(y, x, of_y, of_x):
        return {"y": (("y",), np.asarray(y), {"units": of_y}), "x": (("x",), np.asarray(x), {"units": of_x})}

    assert pixel_spacing(coords([5000, 2500, 0], [0, 5000], "m", "m")) == (2500.0, 5000.0)
    dy, dx = pixel_spacing(coords([59.0, 60.0, 61.0], [0.0, 1.0], "degrees_north", "degrees_east"))
    assert dx / dy == pytest.approx(0.5)
    assert pixel_spacing(coords([0, 1], [0, 3], "m", "km")) == (1.0, 1.0)
    assert pixel_spacing(coords([0], [0, 3], "m", "m")) == (1.0, 1.0)
