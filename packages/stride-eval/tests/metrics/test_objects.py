"""Objects of fields and their matching, by hand and against plain loops."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stride_eval.metrics import MetricError, match_objects, object_statistics, object_threat_score
from stride_eval.metrics.objects import find_objects

FIELD = np.array(
    [
        [5.0, 3.0, 0.0, 0.0],
        [0.0, 0.0, 2.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
        [2.0, 0.0, 0.0, 8.0],
    ]
)


def array(values, *dims):
    return xr.DataArray(np.asarray(values, dtype=float), dims=[*dims, "y", "x"])


def test_statistics_by_hand():
    found = object_statistics(
        array(FIELD), threshold=2.0, area_edges=[4.0, 8.0, 12.0], maximum_edges=[2.0, 6.0], spacing=(2.0, 2.0)
    )
    # 5, 3 and 2 touch at a corner: one object; the 2 and the 8 in the corners are two more.
    assert found["n_objects"] == 3
    assert found["area"] == 4.0 * 5 and found["largest_area"] == 12.0
    assert found["value_area"] == 4.0 * 20
    assert found["mean_sum"] == pytest.approx(10 / 3 + 2 + 8) and found["maximum_sum"] == 15.0
    np.testing.assert_array_equal(found["area_counts"], [2, 0, 1])
    np.testing.assert_array_equal(found["maximum_counts"], [2, 1])


def test_connectivity_and_smallest_objects():
    assert object_statistics(array(FIELD), threshold=2.0, connectivity=4)["n_objects"] == 4
    assert object_statistics(array(FIELD), threshold=2.0, min_pixels=2)["n_objects"] == 1
    several = object_statistics(array(FIELD), threshold=[2.0, 4.0, 9.0])
    np.testing.assert_array_equal(several["n_objects"], [3, 2, 0])
    assert several["largest_area"].sel(threshold=9.0) == 0.0


def test_missing_pixels_separate_and_a_missing_field_has_no_number():
    field = np.full((2, 1, 5), 3.0)
    field[0, 0, 2] = np.nan
    field[1] = np.nan
    found = object_statistics(array(field, "time"), threshold=1.0)
    np.testing.assert_array_equal(found["n_objects"], [2.0, np.nan])
    np.testing.assert_array_equal(found["area"], [4.0, np.nan])


def flooded(events, connectivity):
    """Sets of pixels, each flooded from its first one."""
    near = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if connectivity == 8 or abs(dy) + abs(dx) == 1]
    left, objects = set(zip(*np.nonzero(events), strict=True)), []
    while left:
        front = [left.pop()]
        found = set(front)
        while front:
            y, x = front.pop()
            new = {(y + dy, x + dx) for dy, dx in near} & left
            left -= new
            found |= new
            front += new
        objects.append(found)
    return objects


@settings(max_examples=40, deadline=None)
@given(arrays(float, (6, 7), elements=st.sampled_from([0.0, 1.0, 2.0, np.nan])), st.sampled_from([4, 8]))
def test_objects_are_those_of_a_plain_flood(field, connectivity):
    found = find_objects(field, 1.0, connectivity=connectivity)
    expected = flooded(field >= 1.0, connectivity)
    assert len(found) == len(expected)
    assert sorted(found.pixels) == sorted(map(len, expected))
    assert sorted(found.total) == pytest.approx(sorted(sum(field[p] for p in one) for one in expected))
    assert sorted(found.maximum) == sorted(max(field[p] for p in one) for one in expected)
    assert sorted(found.rows) == pytest.approx(sorted(np.mean([y for y, _ in one]) for one in expected))


def test_matching_by_hand():
    observed, forecast = np.zeros((8, 12)), np.zeros((8, 12))
    observed[1:3, 1:3] = 1.0  # 4 pixels, centred on 1.5, 1.5
    observed[6:8, 9:12] = 1.0  # far from all
    forecast[1:3, 2:4] = 1.0  # one to the right: two pixels shared
    forecast[6, 1] = 1.0  # 4.6 from the first observed one
    found = match_objects(array(forecast), array(observed), threshold=1.0, max_distance=4.0)
    interest = ((1 - 1 / 4) + 1.0 + 2 / 4) / 3
    assert (found["hits"], found["misses"], found["false_alarms"]) == (1, 1, 1)
    assert float(found["matched_area"]) == pytest.approx(interest * 8)
    assert float(found["object_area"]) == 4 + 6 + 4 + 1
    assert float(found["median_maximum_interest"]) == pytest.approx(interest / 2)  # of 0, 0, i, i
    assert float(object_threat_score(found)) == pytest.approx(interest * 8 / 15)
    strict = match_objects(array(forecast), array(observed), threshold=1.0, max_distance=4.0, min_interest=0.9)
    assert (strict["hits"], strict["misses"], strict["false_alarms"]) == (0, 2, 2)


def test_each_object_is_matched_once_best_first():
    observed, forecast = np.zeros((3, 9)), np.zeros((3, 9))
    observed[1, 2:7] = 1.0
    forecast[1, 2:6] = 1.0  # most of it
    forecast[1, 7] = 1.0  # and a crumb beside it
    found = match_objects(array(forecast), array(observed), threshold=1.0, max_distance=9.0, min_interest=0.2)
    assert (found["hits"], found["misses"], found["false_alarms"]) == (1, 0, 1)
    assert float(found["matched_area"]) == pytest.approx(((1 - 0.5 / 9) + 4 / 5 + 1.0) / 3 * 9)


def test_one_side_empty_both_empty_and_missing():
    observed = np.zeros((4, 3, 3))
    forecast = np.zeros((4, 2, 3, 3))
    observed[0, 1, 1] = 5.0
    forecast[1, :, 1, 1] = 5.0
    observed[3] = np.nan
    found = match_objects(array(forecast, "time", "member"), array(observed, "time"), threshold=1.0, max_distance=2.0)
    assert found["hits"].dims == ("time", "member")
    one = found.isel(member=0)
    np.testing.assert_array_equal(one["misses"], [1, 0, 0, np.nan])
    np.testing.assert_array_equal(one["false_alarms"], [0, 1, 0, np.nan])
    np.testing.assert_array_equal(one["median_maximum_interest"], [0, 0, np.nan, np.nan])
    score = object_threat_score(found, dim="member")
    np.testing.assert_array_equal(score, [0, 0, np.nan, np.nan])


def brute_force(forecast, observed, threshold, reach, least):
    """Hits, misses and false alarms with every pair looked at."""
    made, seen = flooded(forecast >= threshold, 8), flooded(observed >= threshold, 8)
    pairs = []
    for f, one in enumerate(made):
        for o, other in enumerate(seen):
            distance = np.hypot(*(np.mean(list(one), axis=0) - np.mean(list(other), axis=0)))
            shared, small, large = len(one & other), *sorted((len(one), len(other)))
            interest = (max(0, 1 - distance / reach) + small / large + shared / small) / 3
            if (shared or distance <= reach) and interest >= least - 1e-12:
                pairs.append((interest, f, o))
    hits = 0
    for interest in sorted({pair[0] for pair in pairs}, reverse=True):
        for _, f, o in [pair for pair in pairs if pair[0] == interest]:
            if made[f] is not None and seen[o] is not None:
                made[f] = seen[o] = None
                hits += 1
    return hits, len(seen) - hits, len(made) - hits


def test_matching_is_that_of_a_plain_loop(rng):
    smooth = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    from scipy.ndimage import convolve

    for _ in range(10):
        forecast, observed = (convolve(rng.gamma(0.5, 2.0, (20, 24)), smooth) for _ in range(2))
        found = match_objects(array(forecast), array(observed), threshold=1.7, max_distance=5.0, min_interest=0.4)
        expected = brute_force(forecast, observed, 1.7, 5.0, 0.4)
        assert tuple(int(found[name]) for name in ("hits", "misses", "false_alarms")) == expected


def test_a_perfect_forecast_and_dask(rng):
    observed = array(rng.gamma(0.5, 2.0, (4, 20, 24)), "time")
    forecast = xr.concat([observed, 2.0 * observed], "member").transpose("time", "member", ...)
    found = match_objects(forecast, observed, threshold=[2.0, 5.0], max_distance=3.0)
    perfect = found.isel(member=0)
    assert perfect["misses"].sum() == perfect["false_alarms"].sum() == 0
    np.testing.assert_allclose(object_threat_score(perfect), 1.0)
    np.testing.assert_allclose(perfect["median_maximum_interest"], 1.0)
    seen = object_statistics(observed, threshold=[2.0, 5.0])["n_objects"]
    assert (found["hits"] + found["misses"]).equals((seen + 0.0 * found["hits"]).transpose(*found["hits"].dims))
    lazy = match_objects(forecast.chunk(time=1), observed.chunk(time=2), threshold=[2.0, 5.0], max_distance=3.0)
    assert lazy["hits"].chunks is not None
    xr.testing.assert_equal(lazy.compute(), found)


def test_mistakes():
    field = array(FIELD)
    with pytest.raises(MetricError, match="connectivity is 6"):
        object_statistics(field, threshold=1.0, connectivity=6)
    with pytest.raises(MetricError, match="at least 1 pixel"):
        object_statistics(field, threshold=1.0, min_pixels=0)
    with pytest.raises(MetricError, match="area_edges"):
        object_statistics(field, threshold=1.0, area_edges=[2.0, 1.0])
    with pytest.raises(MetricError, match="max_distance is 0"):
        match_objects(field, field, threshold=1.0, max_distance=0.0)
    with pytest.raises(MetricError, match="min_interest is 2"):
        match_objects(field, field, threshold=1.0, max_distance=1.0, min_interest=2.0)
