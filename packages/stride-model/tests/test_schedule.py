import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stride_model.schedule import karras_schedule


def test_hand_computed_levels():
    # rho = 1 spaces evenly; rho = 2 evenly in the square root: sqrt 4 = 2, 1.5, sqrt 1 = 1.
    torch.testing.assert_close(karras_schedule(3, 1, 4, 1), torch.tensor([4, 2.5, 1, 0], dtype=torch.float64))
    torch.testing.assert_close(karras_schedule(3, 1, 4, 2), torch.tensor([4, 2.25, 1, 0], dtype=torch.float64))


def test_the_papers_defaults():
    levels = karras_schedule(18)
    assert levels.shape == (19,)
    assert levels[0] == pytest.approx(80.0, rel=1e-12)
    assert levels[17] == pytest.approx(0.002, rel=1e-9)
    assert levels[18] == 0
    assert (levels.diff() < 0).all()
    # (80^(1/7) + 1/17 (0.002^(1/7) - 80^(1/7)))^7, computed by hand
    assert levels[1] == pytest.approx(57.585985, rel=1e-6)


def test_infinite_rho_spaces_by_a_constant_ratio():
    levels = karras_schedule(4, 0.01, 10.0, math.inf)
    torch.testing.assert_close(levels, torch.tensor([10, 1, 0.1, 0.01, 0], dtype=torch.float64))
    torch.testing.assert_close(levels, karras_schedule(4, 0.01, 10.0, 1e7), rtol=1e-5, atol=0)


@given(st.integers(1, 60), st.floats(1e-4, 1.0), st.floats(1.5, 1e4), st.floats(0.5, 12.0) | st.just(math.inf))
def test_levels_fall_from_sigma_max_to_sigma_min_and_end_at_zero(n, sigma_min, factor, rho):
    levels = karras_schedule(n, sigma_min, factor * sigma_min, rho)
    assert levels.shape == (n + 1,) and levels.isfinite().all()
    assert (levels.diff() < 0).all()
    assert levels[0] == pytest.approx(factor * sigma_min, rel=1e-9)
    assert levels[-1] == 0 and (n == 1 or levels[-2] == pytest.approx(sigma_min, rel=1e-6))


def test_one_step_does_not_divide_by_zero():
    torch.testing.assert_close(karras_schedule(1, 0.1, 5.0), torch.tensor([5.0, 0.0], dtype=torch.float64))


@pytest.mark.parametrize("arguments", [(0, 0.1, 1.0), (5, 0.0, 1.0), (5, 2.0, 1.0), (5, 0.1, 1.0, 0.0)])
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="schedule:"):
        karras_schedule(*arguments)
