"""Scores do not depend on who computes, on blocks of dates, on the order of members or of systems."""

import itertools
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from stride_eval import runner
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.runner import evaluate
from stride_eval.workers import Workers

CONFIG = EvalConfig(families=("scale", "distributions"), resamples=100, mode="metrics")


def numbers(result):
    return {(s.system, s.name, s.region): (s.value, s.lower, s.upper, s.n) for s in result.scores}


def same(first, second, tolerance=1e-12):
    first, second = numbers(first), numbers(second)
    assert first.keys() == second.keys()
    for key, one in first.items():
        assert one == pytest.approx(second[key], rel=tolerance, abs=1e-9 if tolerance > 1e-9 else 1e-15, nan_ok=True), (
            key
        )


@pytest.mark.parametrize("workers", [Workers(3, threads=True), pytest.param(Workers(2), marks=pytest.mark.slow)])
def test_one_worker_equals_several(tmp_path, pair, workers):
    config = EvalConfig(families=("scale", "spatial"), resamples=100, mode="metrics", regions={"box": {"rows": (0, 4)}})
    one = evaluate(pair, config, tmp_path / "one")
    several = evaluate(pair, config, tmp_path / "several", workers=workers)
    assert str(several.scores) == str(one.scores)
    for file in (tmp_path / "one/results").iterdir():
        again = xr.load_dataset(tmp_path / "several/results" / file.name)
        xr.testing.assert_equal(again, xr.load_dataset(file))


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(tmp_path, pair):
    distributed = pytest.importorskip("distributed")
    one = evaluate(pair, CONFIG, tmp_path / "one")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        far = evaluate(pair, CONFIG, tmp_path / "far", workers=Workers(scheduler=cluster.scheduler_address))
    assert str(far.scores) == str(one.scores)


def test_schedulers_that_cannot_be(tmp_path, pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EvalError, match=r"not installed; pip install 'stride-eval\[distributed\]'"):
        evaluate(pair, CONFIG, tmp_path / "out", workers=Workers(scheduler="tcp://localhost:1"))
    with pytest.raises(EvalError, match="--workers is 0"):
        Workers(0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flat.zarr", "model.zarr"]


def test_an_address_without_a_scheduler(tmp_path, pair, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def none(*_, **__):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", none)
    with pytest.raises(EvalError, match=r"no dask scheduler answers at 'tcp://localhost:1' \(timed out\)"):
        evaluate(pair, CONFIG, tmp_path / "out", workers=Workers(scheduler="tcp://localhost:1"))


@pytest.mark.slow
def test_blocks_of_dates_equal_the_whole(tmp_path, pair, monkeypatch):
    whole = evaluate(pair, CONFIG, tmp_path / "whole")
    opened = runner._open

    def in_blocks(*arguments):
        systems = opened(*arguments)
        systems.block_bytes = 1
        return systems

    monkeypatch.setattr(runner, "_open", in_blocks)
    same(evaluate(pair, CONFIG, tmp_path / "blocks"), whole)


@pytest.fixture(scope="module")
def unsorted(tmp_path_factory, saved):
    """Fields with ties and dry pixels, and the evaluation of their members in the order of their drawing."""
    folder = tmp_path_factory.mktemp("order")
    fields = np.random.default_rng(1).gamma(0.7, 4.0, (5, 7, 6, 6)).round()
    observed = fields[:, 4]
    other = saved.write(folder / "b.nc", fields[:, 5:], observed)
    config = EvalConfig(families=("probabilistic", "extremes"), resamples=100, mode="metrics")
    number = itertools.count()

    def run(order, turned):
        # A file of its own for each run: an earlier one may still be open.
        name = f"{order}{turned}{next(number)}"
        systems = {"a": saved.write(folder / f"{name}.nc", fields[:, order], observed), "b": other}
        return evaluate(dict(reversed(systems.items())) if turned else systems, config, folder / name)

    return run, run([0, 1, 2, 3], turned=False)


def test_the_order_of_members_and_of_systems_changes_nothing(unsorted):
    run, first = unsorted
    same(first, run([2, 0, 3, 1], turned=True), 1e-6)


@pytest.mark.slow
@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(4)), turned=st.booleans())
def test_the_order_of_members_and_of_systems_changes_nothing_often(unsorted, order, turned):
    run, first = unsorted
    same(first, run(list(order), turned), 1e-6)


def test_families_without_need_of_observations_run_without(tmp_path, saved):
    fields = np.random.default_rng(1).gamma(0.7, 4.0, (3, 2, 6, 6))
    systems = {"a": saved.write(tmp_path / "a.zarr", fields, None)}
    with pytest.raises(EvalError, match="no system has a /target group: scale, distributions need the observed"):
        evaluate(systems, CONFIG, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    config = EvalConfig(families=("probabilistic", "dates"), mode="metrics")
    result = evaluate(systems, config, tmp_path / "out")
    assert result.families == ("dates",) and result.left_out == ("probabilistic",)
    results = xr.load_dataset(tmp_path / "out/results/dates.nc")
    assert results["observed"].isnull().all() and results["mean"].notnull().all()


def test_observations_of_one_system_serve_all(tmp_path, saved):
    fields = np.random.default_rng(1).gamma(0.7, 4.0, (3, 4, 6, 6))
    with_both = {
        "a": saved.write(tmp_path / "a.zarr", fields[:, :2], fields[:, 3]),
        "b": saved.write(tmp_path / "b.zarr", fields[:, 2:3], fields[:, 3]),
    }
    bare = saved.write(tmp_path / "bare.zarr", fields[:, :2], None)
    config = EvalConfig(families=("scale",), resamples=100, mode="metrics")
    same(evaluate(with_both, config, tmp_path / "x"), evaluate(with_both | {"a": bare}, config, tmp_path / "y"))


@pytest.mark.parametrize("group", ["ensemble", "target"])
def test_a_truncated_chunk_is_named(tmp_path, pair, group):
    for chunk in (pair["model"] / group / "prcp" / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(chunk.read_bytes()[:-40])
    with pytest.raises(EvalError, match=rf"system 'model': /{group}/prcp in .*model\.zarr.* cannot be read") as caught:
        evaluate(pair, CONFIG, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flat.zarr", "model.zarr"]
