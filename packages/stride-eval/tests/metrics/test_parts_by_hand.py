"""Parts that other metrics are made of, on numbers worked out on paper."""

import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import (
    MetricError,
    climate_uncertainty,
    common_classes,
    correlogram,
    correlogram_components,
    correlogram_from_components,
    equal_groups,
)


def test_groups_and_classes():
    """Dates 1, 1, 3 and 3, 5: groups of a date by value, classes 1, 3 and 5 that both share."""
    observed = xr.DataArray([[3.0, 1, 1], [5, np.nan, 3]], dims=("time", "x"))
    groups = equal_groups(observed, groups=8, dim="x")
    np.testing.assert_array_equal(groups["count"].isel(group=slice(3)), [[1, 1, 1], [1, 1, 0]])
    np.testing.assert_array_equal(groups["value"].isel(group=slice(3)), [[1, 1, 3], [3, 5, np.nan]])
    classes = common_classes(groups)
    np.testing.assert_array_equal(classes["counts"], [[2, 1, 0], [0, 1, 1]])
    np.testing.assert_array_equal(classes["sums"], [[2, 3, 0], [0, 3, 5]])
    pooled = classes.sum("time")
    # 1, 1, 3, 3, 5: of the 25 ordered pairs 12 differ by 2 and 4 by 4
    assert climate_uncertainty(pooled["counts"], pooled["sums"]).item() == pytest.approx((12 * 2 + 4 * 4) / (2 * 25))
    two = common_classes(groups, classes=2)
    assert two["counts"].sum() == 5 and two["sums"].sum() == 13 and two.sizes["class"] == 2
    with pytest.raises(MetricError, match="classes is 0"):
        common_classes(groups, classes=0)


def test_correlogram():
    """Anomalies -1, 0, 1 and -2, 2, 0: products 2, 0, 0 over powers 5/2, 2, 1/2."""
    first = xr.DataArray([[4.0], [5], [6]], dims=("time", "pair"))
    second = xr.DataArray([[0.0], [4], [2]], dims=("time", "pair"))
    parts = correlogram_components(first, second)
    np.testing.assert_allclose(parts["product"].isel(pair=0), [2, 0, 0])
    np.testing.assert_allclose(parts["power"].isel(pair=0), [2.5, 2, 0.5])
    assert correlogram_from_components(parts.mean()).item() == pytest.approx(2 / 5)
    assert correlogram(first, second).item() == pytest.approx(2 / 5)
    assert correlogram_from_components(0 * parts.mean()).isnull()
