"""Statistics and transforms of the real precipitation days, against numpy on all values at once."""

import numpy as np
import pytest

pytestmark = pytest.mark.realdata

SECTION = {
    "sources": {
        "danra": {
            "files": "danra/tp_tot_{date:%Y%m%d}.nc",
            "variables": {"prcp": {"name": "tp_tot", "units": "mm", "accumulation": "1 day"}},
        },
        "era5": {
            "files": "era5/tp_589x789_{date:%Y%m%d}.nc",
            "variables": {"prcp": {"name": "tp", "accumulation": "1 day"}},
            "block_average": 12,
        },
    },
    "target": ["danra.prcp"],
    "dynamic": ["era5.prcp"],
    "region": {
        "hr": {"y": 240, "x": 360, "height": 144, "width": 144},
        "shuffle": {"y": 0, "x": 0, "height": 384, "width": 780},
    },
    "splits": {"train": {"start": "1991-01-01", "end": "1991-12-31"}},
}


@pytest.mark.parametrize(
    "name", ["zscore", "log_zscore", "boxcox", "power", "asinh", "quantile", "minmax", "log_minmax"]
)
def test_real_days(build, real_data, name):
    section = {**SECTION, "root": str(real_data / "danra_era5_small")}
    section["transforms"] = {"danra.prcp": {"name": name, "dry_below": 0.1}, "era5.prcp": name}
    adapter = build(section)
    (fine,) = adapter.scaling.target.transforms
    days = adapter.times("train")
    fields = np.stack([adapter._reader.target(adapter.channels.target[0], day, adapter.training_box) for day in days])
    exact = fields.astype(np.float64)
    entry = adapter.statistics["variables"]["danra.prcp"]
    assert [entry[key] for key in ("mean", "std", "min", "max")] == pytest.approx(
        [exact.mean(), exact.std(), exact.min(), exact.max()], rel=1e-6
    )
    dried = np.where(fields < np.float32(0.1), np.float32(0), fields)
    z = fine.forward(fields)
    assert z.dtype == np.float32
    np.testing.assert_allclose(fine.inverse(z), dried, rtol=1e-4, atol=1e-4)
    if name in ("zscore", "log_zscore", "power", "asinh"):
        assert (z.mean(dtype=np.float64), z.std(dtype=np.float64)) == pytest.approx((0.0, 1.0), abs=1e-5)
    if name == "boxcox":  # moments of the sample
        assert (z.mean(dtype=np.float64), z.std(dtype=np.float64)) == pytest.approx((0.0, 1.0), abs=0.01)
    if name == "quantile":
        wet = z[dried > 0]
        assert np.isfinite(z).all()
        assert wet.max() < 6
    adapter.sample(days[0])
