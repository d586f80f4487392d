"""A finished family is not computed again: after a run that was cut off, or where only looks and bootstrap change."""

import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest
import xarray as xr
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.recorded_config import RecordedConfig, keys_of
from stride_eval.runner import evaluate

SCORES = {"families": ("spatial", "scale"), "resamples": 100, "mode": "metrics"}


@pytest.fixture
def computed(monkeypatch):
    """Families in the order of their computation."""
    seen = []

    def counting(name, compute):
        return lambda *arguments: seen.append(name) or compute(*arguments)

    for name in SCORES["families"]:
        family = registry.family(name)
        monkeypatch.setattr(family, "compute", counting(name, family.compute))
    return seen


@pytest.mark.slow
def test_what_computes_again(tmp_path, pair, computed):
    evaluate(pair, EvalConfig(**SCORES), tmp_path / "out")
    assert computed == ["spatial", "scale"]
    # Each beside the one before. The bootstrap, seasons and looks never reach the families.
    for change, again in (
        ({"level": 0.8, "resamples": 200, "seed": 3, "block_length": 2}, []),
        ({"seasons": {"JJA": [6, 7, 8]}, "title": "Rain", "dpi": 60}, []),
        ({"regions": {"box": {"rows": (0, 6)}}}, ["scale"]),
        ({"regions": {"box": {"rows": (0, 5)}}}, ["scale"]),
        ({"windows": (1, 3)}, ["scale"]),
        ({"windows": (1, 3), "thresholds": {"prcp": (2.0,)}}, ["scale"]),
        ({"windows": (1, 3), "reference": "model"}, ["spatial", "scale"]),
    ):
        computed.clear()
        result = evaluate(pair, EvalConfig(**SCORES | change), tmp_path / "out")
        assert computed == again, change
        assert len(result.reused) == (2 if "regions" in change else 2 - len(again)), change


def test_other_fields_compute_again(tmp_path, pair, computed, saved):
    evaluate(pair, EvalConfig(**SCORES), tmp_path / "out")
    path = saved.write(
        tmp_path / "other.zarr",
        np.ones((4, 2, 8, 6)),
        xr.open_zarr(pair["flat"], group="target", consolidated=False)["prcp"].values,
    )
    computed.clear()
    evaluate(pair | {"model": path}, EvalConfig(**SCORES), tmp_path / "out")
    assert computed == ["spatial", "scale"]
    (tmp_path / "out/results/scale.nc").write_bytes(b"damaged")
    computed.clear()
    evaluate(pair | {"model": path}, EvalConfig(**SCORES), tmp_path / "out")
    assert computed == ["scale"]


def test_goes_on_where_it_was_cut_off(tmp_path, pair, computed, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(registry.family("scale"), "compute", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            evaluate(pair, EvalConfig(**SCORES), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [file.name for file in (tmp_path / ".out.unfinished").iterdir()] == ["spatial.nc"]
    computed.clear()
    result = evaluate(pair, EvalConfig(**SCORES), tmp_path / "out")
    assert computed == ["scale"] and result.reused == ("spatial.nc",)
    assert not (tmp_path / ".out.unfinished").exists()
    fresh = evaluate(pair, EvalConfig(**SCORES), tmp_path / "fresh")
    assert str(fresh.scores) == str(result.scores)


def test_results_that_cannot_be_written_are_one_sentence(tmp_path, pair, monkeypatch):
    def full(self, path, **_):
        path.write_bytes(b"half")
        raise RuntimeError("NetCDF: HDF error")

    monkeypatch.setattr(xr.Dataset, "to_netcdf", full)
    with pytest.raises(EvalError, match=r"the results of 'spatial' cannot be written.*HDF error.*free some space"):
        evaluate(pair, EvalConfig(**SCORES), tmp_path / "out")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["flat.zarr", "model.zarr"]


@pytest.mark.slow
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(tmp_path, pair):
    script = f"""
        import resource
        from pathlib import Path
        from stride_eval import EvalConfig, evaluate
        from stride_eval.errors import EvalError
        systems = {{"model": Path({str(pair["model"])!r}), "flat": Path({str(pair["flat"])!r})}}
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
            evaluate(systems, EvalConfig(families=("probabilistic",), mode="metrics", resamples=100), Path("out"))
        except EvalError as error:
            print(error)
        """
    done = subprocess.run(
        [sys.executable, "-B", "-c", dedent(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    (sentence,) = done.stdout.splitlines()
    assert sentence.startswith("the results of 'probabilistic' cannot be written") and "free some space" in sentence
    assert sorted(file.name for file in tmp_path.iterdir()) == ["flat.zarr", "model.zarr"]


def test_results_that_cannot_be_read_are_named(tmp_path, pair):
    evaluate(pair, EvalConfig(**SCORES), tmp_path / "out")
    (tmp_path / "out/results/scale.nc").write_bytes(b"damaged")
    with pytest.raises(EvalError, match=r"scale\.nc' cannot be read"):
        evaluate(pair, EvalConfig(**SCORES | {"mode": "plots"}), tmp_path / "out")


def test_the_configuration_remembers_what_was_read():
    config = EvalConfig(seed=3, thresholds={"prcp": (1.0,)})
    recorded = RecordedConfig.of(config)
    assert recorded.used() == {} and isinstance(recorded, EvalConfig)
    assert recorded.resolved_block_length(8) == 2 and recorded.all_figures and recorded.thresholds == config.thresholds
    assert recorded.used() == {"block_length": None, "mode": "full", "thresholds": {"prcp": [1.0]}}
    assert keys_of(config, tuple(recorded.used())) == recorded.used()
    recorded.model_dump()
    assert set(recorded.used()) == set(EvalConfig.model_fields)
