"""Spectra beside pixels that are always missing: of the largest whole rectangle, or not at all, and said so."""

import json

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.families.spectral_domain import largest_rectangle
from stride_eval.metrics import log_spectral_distance, power_spectrum

FAST = EvalConfig(resamples=100, families=("scale",))
T2M = {"units": "K", "long_name": "Temperature", "stride_variable": "t2m"}


def by_trying(inside, smallest):
    rows, columns = inside.shape
    areas = [
        (bottom - top) * (right - left)
        for top in range(rows)
        for bottom in range(top + smallest, rows + 1)
        for left in range(columns)
        for right in range(left + smallest, columns + 1)
        if inside[top:bottom, left:right].all()
    ]
    return max(areas, default=0)


@given(arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 6))), st.integers(1, 3))
def test_the_largest_rectangle(inside, smallest):
    found = largest_rectangle(inside, smallest=smallest)
    wanted = by_trying(inside, smallest)
    if found is None:
        assert wanted == 0
    else:
        assert inside[found].all()
        assert min(inside[found].shape) >= smallest
        assert inside[found].size == wanted


@pytest.fixture
def spectra(tmp_path, saved, systems_of, rng):
    def of(mask, **sizes):
        fields = np.float32(280.0 + rng.normal(size=(6, 4, *mask.shape)))
        fields[:, :, mask] = np.nan
        fields[2, :, 0, 0] = np.nan  # a gap of one date
        path = saved.write(tmp_path / "a.zarr", fields[:, :3], fields[:, 3], key="t2m", attrs=T2M)
        systems = systems_of({"a": path})
        family = registry.family("scale")
        results = family.compute(systems, FAST)
        return fields, results, {score.name: score for score in family.scores(results, FAST)}

    return of


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_a_coast_leaves_the_sea(spectra):
    """As if the domain ended there: the same numbers as for the part of the grid without the mask."""
    mask = np.zeros((16, 20), bool)
    mask[:, 12:] = True
    fields, results, scores = spectra(mask)
    assert results["spectrum_shape"].sel(target="t2m").values.tolist() == [16, 12]
    alone, plain = spectra_of_part(fields, slice(0, 12))
    one = results.sel(target="t2m")
    np.testing.assert_allclose(one["observed_spectrum"], alone["observed_spectrum"])
    assert np.isnan(one["observed_spectrum"].isel(time=2)).all()
    assert scores["log_spectral_distance"].value == pytest.approx(plain)
    assert scores["log_spectral_distance"].n == 5
    assert "16 x 12 of 16 x 20 pixels" in scores["log_spectral_distance"].definition


def spectra_of_part(fields, columns):
    part = xr.DataArray(fields[..., columns].astype(np.float64), dims=("time", "member", "y", "x"))
    seen = power_spectrum(part.isel(member=3), spacing=(2.5, 2.5))
    made = power_spectrum(part.isel(member=slice(0, 3)), spacing=(2.5, 2.5), dim="member")
    both = xr.Dataset({"observed_spectrum": seen, "spectrum": made})
    means = both.mean("time")
    return both, log_spectral_distance(means["spectrum"], means["observed_spectrum"]).item()


def test_gaps_everywhere_give_a_sentence(spectra):
    mask = np.zeros((16, 20), bool)
    mask[::5, ::5] = True
    _, results, scores = spectra(mask)
    assert results["spectrum_shape"].sel(target="t2m").values.tolist() == [0, 0]
    assert np.isnan(scores["log_spectral_distance"].value)
    assert "no rectangle between them has 8 x 8" in scores["log_spectral_distance"].definition
    assert registry.family("scale").plot(results, FAST)


def test_gaps_of_single_dates_cut_nothing(spectra):
    _, results, scores = spectra(np.zeros((16, 20), bool))
    assert results["spectrum_shape"].sel(target="t2m").values.tolist() == [16, 20]
    assert "rectangle" not in scores["log_spectral_distance"].definition


def test_each_target_has_its_own(tmp_path, saved, systems_of, rng):
    """The sea's wavenumbers do not cut up the spectrum of the whole grid."""
    fields = rng.normal(size=(2, 4, 3, 24, 24)) + 280.0
    fields[1, :, :, :, 17:] = np.nan
    tree = saved.tree(fields[0, :, :2], fields[0, :, 2], key="t2m", attrs=T2M)
    attrs = T2M | {"stride_variable": "skt"}
    more = {
        "/ensemble": tree["ensemble"].to_dataset().assign(
            skt=(("time", "member", "y", "x"), fields[1, :, :2].astype("f4"), attrs)
        ),
        "/target": tree["target"].to_dataset().assign(
            skt=(("time", "y", "x"), fields[1, :, 2].astype("f4"), attrs)
        ),
    }  # fmt: skip
    root = xr.Dataset(attrs=tree.attrs | {"targets": json.dumps(["t2m", "skt"])})
    xr.DataTree.from_dict({"/": root, **more}).to_zarr(tmp_path / "a.zarr", zarr_format=3, consolidated=False)
    systems = systems_of({"a": tmp_path / "a.zarr"})
    family = registry.family("scale")
    results = family.compute(systems, FAST)
    found = {(score.target, score.name): score.value for score in family.scores(results, FAST)}
    # White noise of one law: resolved down to the shortest wave of either domain.
    assert found["t2m", "effective_resolution"] == pytest.approx(60.0 / 11)
    assert found["skt", "effective_resolution"] == pytest.approx(42.5 / 8)
    names = {record.name for record in family.plot(results, FAST)}
    assert {"spectrum_t2m", "spectrum_skt"} <= names
