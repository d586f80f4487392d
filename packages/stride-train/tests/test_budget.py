import pytest
from hypothesis import given
from hypothesis import strategies as st
from stride_train.config import Amount


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("600steps", "steps", 600),
        ("50000 images", "images", 50000),
        ("10min", "seconds", 600),
        ("1.5h", "seconds", 5400),
    ],
)
def test_amounts_are_read_as_people_write_them(text, unit, value):
    amount = Amount.parse(text)
    assert (amount.unit, amount.value, amount.text) == (unit, value, text)


@pytest.mark.parametrize("text", ["600", "ten steps", "5 weeks", "-3steps", ""])
def test_anything_else_is_refused_with_examples(text):
    with pytest.raises(ValueError, match="600steps, 50000images, 90s, 10min or 2h"):
        Amount.parse(text)


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_fraction_counts_its_own_unit_and_stays_within_one(value, steps, images):
    assert Amount.parse(f"{value}steps").fraction(steps=steps, images=images, seconds=0) == min(1, steps / value)
    assert Amount.parse(f"{value}images").fraction(steps=steps, images=images, seconds=0) == min(1, images / value)
