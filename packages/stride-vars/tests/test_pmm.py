import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from stride_vars.pmm import probability_matched_mean


@st.composite
def ensembles(draw):
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6)))
    # Whole quarters: sums are exact, ties are frequent, zero is frequent.
    values = st.integers(0, 40).map(lambda number: max(0, number - 20) / 4)
    return draw(hnp.arrays(np.float64, shape, elements=values))


def test_three_members_by_hand():
    members = np.array([[[0.0, 1.0, 2.0]], [[0.0, 0.0, 5.0]], [[3.0, 0.0, 8.0]]])
    # Pool 0 0 0 | 0 1 2 | 3 5 8: the middles are 0, 1, 5. The means are 1, 1/3, 5.
    np.testing.assert_array_equal(probability_matched_mean(members), [[1.0, 0.0, 5.0]])


def test_two_members_by_hand():
    members = np.array([[[4.0, 0.0]], [[2.0, 1.0]]])
    # Pool 0 1 | 2 4: for an even number the upper of the two middle values, 1 and 4. The means are 3, 0.5.
    np.testing.assert_array_equal(probability_matched_mean(members), [[4.0, 1.0]])


def test_ties_are_ranked_in_row_order():
    members = np.array([[[0.0, 2.0], [1.0, 1.0]], [[2.0, 0.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
    # All means are 1; the pool 0 0 1 | 1 1 1 | 1 1 1 | 1 2 2 keeps 0, 1, 1, 2.
    np.testing.assert_array_equal(probability_matched_mean(members), [[0.0, 1.0], [1.0, 2.0]])


def test_thirty_percent_wet_stays_thirty_percent_wet():
    random = np.random.default_rng(5)
    amounts = random.gamma(1.0, 6.0, size=(10, 40, 50))
    wet = np.stack([random.permutation(2000) < 600 for _ in range(10)]).reshape(10, 40, 50)
    members = np.where(wet, amounts, 0.0)
    assert np.mean(members.mean(axis=0) > 0) > 0.95  # what the plain mean does to it
    assert np.mean(probability_matched_mean(members) > 0) == pytest.approx(0.30, abs=1 / 2000)


def test_the_pools_distribution_is_kept():
    members = np.random.default_rng(6).gamma(0.5, 4.0, size=(9, 60, 60))
    levels = np.linspace(0.01, 0.99, 50)
    matched = probability_matched_mean(members)
    np.testing.assert_allclose(np.quantile(matched, levels), np.quantile(members, levels), rtol=0.02, atol=1e-4)


def test_every_field_is_matched_by_itself():
    members = np.random.default_rng(7).gamma(1.0, 2.0, size=(4, 3, 2, 5, 6))
    matched = probability_matched_mean(members)
    assert matched.shape == (3, 2, 5, 6)
    for time in range(3):
        for variable in range(2):
            alone = probability_matched_mean(members[:, time, variable])
            np.testing.assert_array_equal(matched[time, variable], alone)


def test_the_member_axis_may_stand_elsewhere():
    members = np.random.default_rng(8).random((3, 4, 5, 6))
    expected = probability_matched_mean(members)
    np.testing.assert_array_equal(probability_matched_mean(np.moveaxis(members, 0, 1), axis=1), expected)
    np.testing.assert_array_equal(probability_matched_mean(np.moveaxis(members, 0, 1), axis=-3), expected)


def test_masked_points_are_out_of_the_pool():
    members = np.random.default_rng(9).random((3, 4, 5))
    mask = np.ones((4, 5), dtype=bool)
    mask[:2] = False
    members[:, :2] = 1e9
    matched = probability_matched_mean(members, mask=mask)
    assert np.isnan(matched[:2]).all()
    np.testing.assert_array_equal(matched[2:], probability_matched_mean(members[:, 2:]))


def test_a_mask_may_differ_between_times():
    members = np.random.default_rng(10).random((3, 2, 4, 5))
    mask = np.ones((2, 4, 5), dtype=bool)
    mask[1, 0, 0] = False
    np.testing.assert_array_equal(np.isnan(probability_matched_mean(members, mask=mask)), ~mask)


def test_a_point_missing_in_one_member_is_missing():
    members = np.random.default_rng(11).random((3, 4, 5))
    members[1, 2, 3] = np.nan
    matched = probability_matched_mean(members)
    assert np.isnan(matched[2, 3])
    assert np.isfinite(matched).sum() == 19


def test_nothing_valid_is_all_missing():
    assert np.isnan(probability_matched_mean(np.ones((2, 3, 3)), mask=np.zeros((3, 3), dtype=bool))).all()


@pytest.mark.parametrize(("dtype", "expected"), [("f4", "f4"), ("f8", "f8"), ("i4", "f8")])
def test_precision_is_kept(dtype, expected):
    assert probability_matched_mean(np.ones((2, 3, 3), dtype=dtype)).dtype == expected


def test_input_is_not_changed():
    members = np.random.default_rng(12).random((3, 4, 5))
    before = members.copy()
    probability_matched_mean(members, mask=np.eye(4, 5, dtype=bool))
    np.testing.assert_array_equal(members, before)


@given(ensembles())
def test_values_are_those_of_the_pool(members):
    assert np.isin(probability_matched_mean(members), members).all()


@given(ensembles())
def test_the_wet_area_is_the_members_to_one_point(members):
    area = np.sum(members > 0) / members.shape[0]
    assert abs(np.sum(probability_matched_mean(members) > 0) - area) < 1


@given(ensembles())
def test_order_follows_the_mean(members):
    mean, matched = members.mean(axis=0).ravel(), probability_matched_mean(members).ravel()
    order = np.argsort(mean, kind="stable")
    assert np.all(np.diff(matched[order]) >= 0)


@given(ensembles(), st.randoms(use_true_random=False))
def test_the_members_order_does_not_matter(members, random):
    order = list(range(len(members)))
    random.shuffle(order)
    # Thirds are not exact in binary, so that a sum in another order would differ in its last bit.
    np.testing.assert_array_equal(probability_matched_mean(members[order] / 3), probability_matched_mean(members / 3))


@given(ensembles())
def test_one_member_and_equal_members_are_the_field_itself(members):
    np.testing.assert_array_equal(probability_matched_mean(members[:1]), members[0])
    np.testing.assert_array_equal(probability_matched_mean(np.repeat(members[:1], 4, axis=0)), members[0])


@settings(max_examples=50)
@given(ensembles())
def test_scale_carries_through(members):
    np.testing.assert_array_equal(probability_matched_mean(members * 4), probability_matched_mean(members) * 4)


@pytest.mark.parametrize(
    ("shape", "options", "words"),
    [
        ((3, 3), {}, r"two axes of the field, got shape \(3, 3\)"),
        ((0, 3, 3), {}, "at least one member"),
        ((2, 3, 3), {"axis": 1}, "axis 1 must be an axis before the last two"),
        ((2, 3, 3), {"axis": -1}, "axis -1 must be"),
        ((2, 3, 3), {"axis": 5}, "axis 5 must be"),
        ((2, 3, 3), {"mask": np.ones((2, 2))}, r"mask of shape \(2, 2\) does not broadcast to the field's \(3, 3\)"),
    ],
)
def test_raises(shape, options, words):
    with pytest.raises(ValueError, match=words):
        probability_matched_mean(np.ones(shape), **options)
