import dask.array
import numpy as np
import pytest
import xarray as xr
from stride_eval.metrics import (
    compute_together,
    crps_ensemble,
    exceedance_ratio,
    histogram,
    quantile_ratio,
    rank_histogram,
    rank_uniformity,
    reliability_curve,
    spread_skill,
)

RESULTS = {
    "crps": crps_ensemble,
    "spread_skill": spread_skill,
    "ranks": rank_histogram,
    "uniformity": lambda f, o: rank_uniformity(rank_histogram(f, o)["counts"]),
    "reliability": lambda f, o: reliability_curve(f, o, threshold=1),
    "histogram": lambda f, o: histogram(f, [0, 1, 5]),
    "exceedance_ratio": exceedance_ratio,
    "quantile_ratio": quantile_ratio,
}


@pytest.fixture
def lazy(hard):
    return [array.chunk(time=2) for array in hard]


@pytest.mark.parametrize("metric", RESULTS.values(), ids=RESULTS)
def test_each_result(hard, lazy, metric):
    expected = metric(*hard)
    (ours,) = compute_together(metric(*lazy))
    assert type(ours) is type(expected)
    xr.testing.assert_allclose(ours, expected, rtol=1e-12)
    assert not ours.chunks


def test_all_at_once(hard, lazy):
    ours = compute_together(*(metric(*lazy) for metric in RESULTS.values()))
    for result, metric in zip(ours, RESULTS.values(), strict=True):
        xr.testing.assert_allclose(result, metric(*hard), rtol=1e-12)


def test_reads_each_chunk_once(hard):
    forecast, observed = hard
    reads = []

    def read(block_info=None):
        start, stop = block_info[None]["array-location"][0]
        reads.append(start)
        return forecast.values[start:stop]

    data = dask.array.map_blocks(read, chunks=((2, 2, 2), (7,), (12,), (15,)), dtype=np.float32)
    pair = forecast.copy(data=data), observed
    daily = {"dim": ("y", "x")}
    compute_together(crps_ensemble(*pair, **daily), spread_skill(*pair, **daily), rank_histogram(*pair, **daily))
    assert sorted(reads) == [0, 2, 4]


def test_results_in_memory(hard):
    expected = crps_ensemble(*hard), rank_histogram(*hard)
    for ours, result in zip(compute_together(*expected), expected, strict=True):
        xr.testing.assert_identical(ours, result)
