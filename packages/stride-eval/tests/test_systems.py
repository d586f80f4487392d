"""What several systems share: dates, pixels, grid, targets, observations."""

import numpy as np
import pytest
import xarray as xr
from stride_eval.errors import EvalError

RNG = np.random.default_rng(5)
FIELDS = RNG.gamma(0.8, 3.0, (4, 3, 6, 5)).astype(np.float32)
OBSERVED = RNG.gamma(0.8, 3.0, (4, 6, 5)).astype(np.float32)


def days(*numbers):
    return np.datetime64("2014-06-01", "ns") + np.array(numbers) * np.timedelta64(1, "D")


def test_common_dates_and_how_many_are_dropped(tmp_path, saved, systems_of):
    paths = {
        "a": saved.write(tmp_path / "a.zarr", FIELDS, OBSERVED, times=days(0, 1, 2, 3)),
        "b": saved.write(tmp_path / "b.nc", FIELDS[[3, 1]], OBSERVED[[3, 1]], times=days(3, 1)),
    }
    systems = systems_of(paths)
    assert systems.times == ("2014-06-02T00:00:00", "2014-06-04T00:00:00")
    assert systems.dropped == {"a": 2, "b": 0}
    (block,) = systems.blocks("prcp")
    np.testing.assert_array_equal(block.observed, OBSERVED[[1, 3]])
    np.testing.assert_array_equal(block.members["a"], FIELDS[[1, 3]])
    np.testing.assert_array_equal(block.members["b"], FIELDS[[1, 3]])


def test_calendars_meet_by_date(tmp_path, saved, systems_of):
    noleap = xr.date_range("2014-06-01", periods=4, freq="D", calendar="noleap", use_cftime=True).values
    paths = {
        "a": saved.write(tmp_path / "a.nc", FIELDS, OBSERVED, times=days(0, 1, 2, 3)),
        "b": saved.write(tmp_path / "b.nc", FIELDS, OBSERVED, times=noleap),
    }
    assert len(systems_of(paths).times) == 4


def test_missing_pixels_are_shared(tmp_path, saved, systems_of):
    gap, hole = OBSERVED.copy(), FIELDS.copy()
    gap[0, 2, 2] = np.nan
    hole[1, 1, 0, 0] = np.inf  # one member of one system
    paths = {
        "a": saved.write(tmp_path / "a.zarr", hole, gap),
        "b": saved.write(tmp_path / "b.zarr", FIELDS[:, :1], gap),
    }
    (block,) = systems_of(paths).blocks("prcp")
    for field in (block.observed, block.members["a"], block.members["b"]):
        assert field[0, ..., 2, 2].isnull().all()
        assert field[1, ..., 0, 0].isnull().all()
    assert int(block.observed.isnull().sum()) == 2


def test_blocks_cover_each_date_once(tmp_path, saved, systems_of):
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", FIELDS, OBSERVED)})
    whole = next(systems.blocks("prcp"))
    systems.block_bytes = 4 * 30 * 4 * 3  # three dates
    parts = list(systems.blocks("prcp"))
    assert [part.observed.sizes["time"] for part in parts] == [3, 1]
    np.testing.assert_array_equal(xr.concat([part.members["a"] for part in parts], "time"), whole.members["a"])


def test_reference_is_the_system_of_fewest_members_whatever_the_order(tmp_path, saved, systems_of):
    paths = {
        "z": saved.write(tmp_path / "z.zarr", FIELDS[:, :1], OBSERVED),
        "m": saved.write(tmp_path / "m.zarr", FIELDS, OBSERVED),
        "b": saved.write(tmp_path / "b.zarr", FIELDS[:, 1:2], OBSERVED),
    }
    assert systems_of(paths).reference == "b"
    assert systems_of(dict(reversed(paths.items()))).reference == "b"
    assert systems_of(paths, reference="m").reference == "m"
    assert systems_of({"m": paths["m"]}).reference is None
    with pytest.raises(EvalError, match="reference 'mm' is none of the systems"):
        systems_of(paths, reference="mm")


def test_observed_sample_is_sorted_finite_and_bounded(tmp_path, saved, systems_of):
    gap = OBSERVED.copy()
    gap[0, 0, 0] = np.nan
    systems = systems_of({"a": saved.write(tmp_path / "a.zarr", FIELDS, gap)})
    np.testing.assert_array_equal(systems.observed_sample("prcp"), np.sort(gap[np.isfinite(gap)]))
    assert systems.observed_sample("prcp", limit=40).size <= 40


def test_unknown_variable_describes_itself(tmp_path, saved, systems_of):
    attrs = {"units": "1e-6", "long_name": "Dust", "is_positive_definite": 1, "wet_threshold": 2.0}
    spec = systems_of({"a": saved.write(tmp_path / "a.nc", FIELDS, OBSERVED, key="dust", attrs=attrs)}).specs["dust"]
    assert (spec.units, spec.long_name, spec.is_positive_definite, spec.wet_threshold) == ("1e-6", "Dust", True, 2.0)


def refused(systems_of, paths, *words):
    with pytest.raises(EvalError) as caught:
        systems_of(paths)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_unknown_variable_without_attributes(tmp_path, saved, systems_of):
    path = saved.write(tmp_path / "a.nc", FIELDS, OBSERVED, key="dust", attrs={})
    refused(systems_of, {"a": path}, "unknown variable 'dust'", "variables_file")


def test_units_that_are_not_canonical(tmp_path, saved, systems_of):
    path = saved.write(tmp_path / "a.nc", FIELDS, OBSERVED, attrs=saved.prcp | {"units": "m"})
    refused(systems_of, {"a": path}, "'m'", "mm day-1")


def test_units_that_differ_between_systems(tmp_path, saved, systems_of):
    paths = {
        unit: saved.write(
            tmp_path / f"{unit}.nc", FIELDS, OBSERVED, key="dust", attrs={"units": unit, "long_name": "Dust"}
        )
        for unit in ("g", "kg")
    }
    refused(systems_of, paths, "'dust' is in 'g' in system 'g' but in 'kg'", "convert")


def test_no_common_date(tmp_path, saved, systems_of):
    paths = {
        "a": saved.write(tmp_path / "a.nc", FIELDS, OBSERVED),
        "b": saved.write(tmp_path / "b.nc", FIELDS, OBSERVED, times=days(10, 11, 12, 13)),
    }
    refused(systems_of, paths, "share no date", "2014-06-14")


def test_no_common_target(tmp_path, saved, systems_of):
    paths = {
        "a": saved.write(tmp_path / "a.nc", FIELDS, OBSERVED),
        "b": saved.write(tmp_path / "b.nc", FIELDS, OBSERVED, key="t2m", attrs={"units": "K"}),
    }
    refused(systems_of, paths, "share no target", "t2m")


def test_grids_of_other_size(tmp_path, saved, systems_of):
    paths = {
        "a": saved.write(tmp_path / "a.nc", FIELDS, OBSERVED),
        "b": saved.write(tmp_path / "b.nc", FIELDS[..., :4], OBSERVED[..., :4]),
    }
    refused(systems_of, paths, "different grids", "x has 5 and 4 points")


def test_grids_at_other_places(tmp_path, saved, systems_of):
    paths = {
        "a": saved.write(tmp_path / "a.nc", FIELDS, OBSERVED),
        "b": saved.write(tmp_path / "b.nc", FIELDS, OBSERVED, y=("y", 7.0 + np.arange(6) * 2500.0, {"units": "m"})),
    }
    assert systems_of(paths)  # seven metres of 2500 are rounding
    paths["c"] = saved.write(
        tmp_path / "c.nc", FIELDS, OBSERVED, y=("y", 2500.0 + np.arange(6) * 2500.0, {"units": "m"})
    )
    refused(systems_of, paths, "different grids", "y runs from 0 to 12500 and from 2500 to 15000")


def test_observations_that_differ(tmp_path, saved, systems_of):
    paths = {
        "a": saved.write(tmp_path / "a.nc", FIELDS, OBSERVED),
        "b": saved.write(tmp_path / "b.nc", FIELDS, OBSERVED + 1.0),
    }
    refused(systems_of, paths, "different observed fields of 'prcp'")


def test_members_that_are_all_missing(tmp_path, saved, systems_of):
    path = saved.write(tmp_path / "a.nc", np.full_like(FIELDS, np.nan), OBSERVED)
    refused(systems_of, {"a": path}, "every value of 'prcp' is missing", "generate")


def test_observations_that_are_all_missing(tmp_path, saved, systems_of):
    systems = systems_of({"a": saved.write(tmp_path / "a.nc", FIELDS, np.full_like(OBSERVED, np.nan))})
    with pytest.raises(EvalError, match="every observed value of 'prcp' is missing on the 4 common dates"):
        systems.observed_sample("prcp")


def test_a_damaged_chunk(tmp_path, saved, systems_of):
    path = saved.write(tmp_path / "a.zarr", FIELDS, OBSERVED)
    chunk = next(file for file in (path / "ensemble" / "prcp" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(b"\x00" * 10)
    with pytest.raises(EvalError, match="damaged there"):
        systems_of({"a": path})


def test_nothing_and_a_reserved_name(tmp_path, saved, systems_of):
    refused(systems_of, {}, "no system to evaluate")
    refused(systems_of, {"observed": tmp_path}, "cannot be called 'observed'")
