import pytest
from stride_train.training.learning_rate import learning_rate_factor


@pytest.mark.parametrize(
    ("step", "fraction", "expected"),
    [(0, 0.0, 0.1), (4, 0.1, 0.5), (9, 0.2, 1.0), (50, 0.5, 1.0), (80, 0.75, 0.5), (99, 1.0, 0.0)],
)
def test_rise_plateau_and_fall(step, fraction, expected):
    assert learning_rate_factor(step, fraction, warmup_steps=9, decay_from=0.5) == pytest.approx(expected)


def test_without_decay_the_rate_stays():
    assert learning_rate_factor(99, 0.99, warmup_steps=0, decay_from=1.0) == 1.0
