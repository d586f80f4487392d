import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from stride_eval.metrics import (
    MetricError,
    climate_uncertainty,
    crps_ensemble,
    equal_groups,
    hersbach_decomposition,
    order_statistic_sums,
)


def points(members, observed):
    """Members [n, M] and observed [n]."""
    return xr.DataArray(np.array(members, float), dims=("x", "member")), xr.DataArray(
        np.array(observed, float), dims="x"
    )


def decomposed(members, observed):
    return hersbach_decomposition(order_statistic_sums(*points(members, observed)))


def by_definition(members, observed):
    """The definitions of Hersbach (2000), bin by bin and point by point."""
    members = np.sort(np.asarray(members, float), axis=1)
    count, size = members.shape
    alpha, beta = np.zeros(size + 1), np.zeros(size + 1)
    for x, y in zip(members, observed, strict=True):
        for i in range(1, size):
            alpha[i] += min(max(y, x[i - 1]), x[i]) - x[i - 1]
            beta[i] += x[i] - min(max(y, x[i - 1]), x[i])
        beta[0] += max(x[0] - y, 0.0)
        alpha[size] += max(y - x[-1], 0.0)
    alpha, beta = alpha / count, beta / count
    p = np.arange(size + 1) / size
    g, o = alpha + beta, np.zeros(size + 1)
    inner = g > 0
    o[inner] = beta[inner] / g[inner]
    below, above = np.mean(observed < members[:, 0]), np.mean(observed > members[:, -1])
    o[0], g[0] = below, beta[0] / below if below else 0.0
    o[size], g[size] = 1.0 - above, alpha[size] / above if above else 0.0
    return (alpha * p**2 + beta * (1 - p) ** 2).sum(), (g * (o - p) ** 2).sum(), (g * o * (1 - o)).sum()


def test_by_hand():
    """Members 0 and 2; observed 1 and 3. Gap: alpha (1 + 2) / 2, beta 1 / 2; half of the points lie 1 above.

    o = 0.25 in the gap of width 2: reliability 2 (1/4)², potential 2 * 3/16; above, o = 1/2 and g = 1 give 1/4 each.
    """
    found = decomposed([[0, 2], [2, 0]], [1, 3])
    assert found["reliability"].item() == pytest.approx(2 / 16 + 1 / 4)
    assert found["potential"].item() == pytest.approx(6 / 16 + 1 / 4)
    assert found["crps"].item() == pytest.approx((0.5 + 1.5) / 2)


def test_one_member_is_all_the_absolute_error():
    found = decomposed([[1.0], [2.0], [2.0]], [3.0, 2.0, 1.0])
    assert found["crps"].item() == pytest.approx(1.0)
    # A third lies above by 2, a third below by 1, a third is hit: no outlier.
    assert found["reliability"].item() == pytest.approx(1.0 / 3.0)


VALUES = st.sampled_from([0.0, 0.0, 1.0, 2.5, -3.0])


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(float, st.tuples(st.integers(1, 12), st.integers(2, 6)), elements=VALUES))
def test_against_the_definition(values):
    found = decomposed(values[:, 1:], values[:, 0])
    expected = by_definition(values[:, 1:], values[:, 0])
    np.testing.assert_allclose([found[name] for name in ("crps", "reliability", "potential")], expected, atol=1e-12)


def test_adds_up_to_the_crps(hard):
    forecast, observed = (array.astype(float) for array in hard)
    daily = order_statistic_sums(forecast, observed, dim=("y", "x"))
    found = hersbach_decomposition(daily.sum("time"))
    expected = crps_ensemble(forecast, observed, estimator="ecdf", dim=...)
    assert found["crps"].item() == pytest.approx(expected.item(), rel=1e-12)
    xr.testing.assert_allclose(daily.sum("time"), order_statistic_sums(forecast, observed))
    per_day = hersbach_decomposition(daily)
    xr.testing.assert_allclose(per_day["crps"], crps_ensemble(forecast, observed, estimator="ecdf", dim=("y", "x")))
    assert np.isnan(per_day["reliability"][2])  # the missing day
    assert per_day["crps"].attrs["units"] == "mm day-1"
    lazy = order_statistic_sums(forecast.chunk(time=2, member=3, y=5), observed.chunk(time=2, y=5), dim=("y", "x"))
    xr.testing.assert_allclose(lazy.compute(), daily)


def test_large_values_stay_exact(hard):
    forecast, observed = (array.astype(float) for array in hard)
    shifted = hersbach_decomposition(order_statistic_sums(forecast + 2.0**14, observed + 2.0**14))
    xr.testing.assert_allclose(shifted, hersbach_decomposition(order_statistic_sums(forecast, observed)), rtol=1e-9)


def test_known_truth(calibrated):
    """A calibrated ensemble has hardly any reliability part; a wrong spread or centre shows in it."""
    good = hersbach_decomposition(order_statistic_sums(*calibrated(19)))
    assert good["reliability"] < 0.01 * good["crps"]
    narrow = hersbach_decomposition(order_statistic_sums(*calibrated(19, 0.4)))
    assert narrow["reliability"] > 0.05 * narrow["crps"]
    forecast, observed = calibrated(19)
    shifted = hersbach_decomposition(order_statistic_sums(forecast + 1.0, observed))
    assert shifted["reliability"] > 0.3 * shifted["crps"]
    # Recalibration of the gaps knows nothing of the wrong centre alone: the potential stays about the same.
    assert shifted["potential"].item() == pytest.approx(good["potential"].item(), rel=0.2)


def test_uncertainty_is_the_crps_of_the_climate(rng):
    values = np.append(np.zeros(30), np.round(rng.gamma(0.5, 4.0, 70), 1))
    observed = xr.DataArray(values, dims="x")
    climate = observed.rename(x="member").expand_dims(x=100).transpose("x", "member")
    expected = hersbach_decomposition(order_statistic_sums(climate.drop_vars("x", errors="ignore"), observed))
    groups = equal_groups(observed)
    assert groups["count"].sum() == 100
    found = climate_uncertainty(groups["count"][:100], (groups["value"] * groups["count"])[:100], class_dim="group")
    assert found.item() == pytest.approx(expected["crps"].item())
    assert found.item() == pytest.approx(np.abs(values[:, None] - values).mean() / 2)
    assert expected["reliability"].item() == pytest.approx(0.0, abs=1e-12)  # the climate is calibrated, ties included


def test_groups_of_dates_pool(rng):
    """Few groups a date cost little: the error falls with their square."""
    observed = xr.DataArray(rng.gamma(0.4, 5.0, (6, 2000)) * (rng.random((6, 2000)) < 0.6), dims=("time", "x"))
    observed[1, :50] = np.nan
    groups = equal_groups(observed, groups=256, dim="x").stack(all=("time", "group"))
    order = groups["value"].argsort().values
    weight, value = groups["count"].values[order], groups["value"].values[order]
    kept = weight > 0
    found = climate_uncertainty(
        xr.DataArray(weight[kept], dims="class"), xr.DataArray((weight * value)[kept], dims="class")
    )
    whole = np.sort(observed.values[observed.notnull().values])
    exact = (whole * (2 * np.arange(1, len(whole) + 1) - len(whole) - 1)).sum() / len(whole) ** 2
    assert found.item() == pytest.approx(exact, rel=1e-4)


def test_wrong_and_empty():
    nothing = decomposed([[1.0, np.nan]], [1.0])
    assert nothing.to_dataarray().isnull().all()
    with pytest.raises(MetricError, match="no dimension 'order'"):
        hersbach_decomposition(xr.Dataset({"n": 1.0}))
    with pytest.raises(MetricError, match="groups is 0"):
        equal_groups(xr.DataArray([1.0], dims="x"), groups=0)
    with pytest.raises(MetricError, match="dimension 'class'"):
        climate_uncertainty(xr.DataArray([1.0], dims="x"), xr.DataArray([1.0], dims="x"))
    empty = equal_groups(xr.DataArray([np.nan], dims="x"))
    assert (empty["count"] == 0).all() and empty["value"].isnull().all()
