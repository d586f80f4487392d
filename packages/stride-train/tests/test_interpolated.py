from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from stride_train.baselines.interpolated import Interpolated
from stride_train.errors import GenerationError


def adapter(dynamic=("prcp",), margins=(0, 0, 0, 0)):
    variables = [SimpleNamespace(key=key) for key in dynamic]
    return SimpleNamespace(
        target_names=("fine.prcp",),
        target_vars=(SimpleNamespace(key="prcp"),),
        cond_names=tuple(f"coarse.{key}" for key in dynamic),
        cond_vars=tuple(variables),
        lr_margins=margins,
        hr_shape=(8, 12),
    )


@pytest.mark.parametrize("margins", [(0, 0, 0, 0), (1, 1, 1, 1), (2, 1, 1, 3)])
def test_a_ramp_arrives_at_the_right_coordinates(margins):
    ratio = Fraction(4)
    top, bottom, left, right = margins
    rows = np.arange(2 + top + bottom) - top + 0.5  # centres in LR cells from the HR box's edge
    columns = np.arange(3 + left + right) - left + 0.5
    lr = (10 * rows[:, None] + columns[None, :]).astype(np.float32)[None]
    hr = Interpolated(adapter(margins=margins)).interpolate(lr, (8, 12))[0]
    expected_rows = (np.arange(8) + 0.5) / float(ratio)
    expected_columns = (np.arange(12) + 0.5) / float(ratio)
    if not any(margins):  # beyond the outermost centres the edge value is kept
        expected_rows = expected_rows.clip(rows[0], rows[-1])
        expected_columns = expected_columns.clip(columns[0], columns[-1])
    np.testing.assert_allclose(hr, 10 * expected_rows[:, None] + expected_columns[None, :], rtol=1e-6)


def test_the_field_of_the_same_variable_is_taken():
    baseline = Interpolated(adapter(dynamic=("t2m", "prcp")))
    lr = np.stack([np.zeros((2, 3)), np.full((2, 3), 7.0)]).astype(np.float32)
    assert np.all(baseline.interpolate(lr, (8, 12)) == 7.0)


def test_without_such_a_field_the_sentence_names_the_mend():
    with pytest.raises(GenerationError, match=r"data.dynamic holds no 'prcp' .*coarse.t2m.*out of generate.baselines"):
        Interpolated(adapter(dynamic=("t2m",)))
