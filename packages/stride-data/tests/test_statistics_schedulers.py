"""The same statistics whatever works on them, and schedulers that are not there."""

import json
import operator
import sys
import tracemalloc

import numpy as np
import pytest
from stride_data.assembly.channels import Channel
from stride_data.errors import DataError
from stride_data.statistics import compute, sample, schedulers
from stride_data.statistics.file import read_statistics
from stride_data.statistics.training_fields import CACHE_BYTES
from stride_vars.catalogue import Catalogue
from stride_vars.cli_errors import run


@pytest.mark.parametrize(("scheduler", "workers"), [("synchronous", None), ("threads", 2), ("processes", 2)])
def test_results_come_in_the_order_of_the_pieces(scheduler, workers):
    finished: list[int] = []
    found = schedulers.run(operator.neg, range(5), scheduler=scheduler, workers=workers, finished=finished.append)
    assert found == [0, -1, -2, -3, -4]
    assert sorted(finished) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_errors_arrive_as_they_are(scheduler, tmp_path):
    with pytest.raises(DataError, match=r"there is no statistics file; make it with"):
        schedulers.run(read_statistics, [tmp_path / "none.json"], scheduler=scheduler, workers=1)


@pytest.fixture
def local_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        dashboard_address=None,
        local_directory=tmp_path,
    ) as cluster:
        yield cluster.scheduler_address


CHANGES = {"fine.prcp": {"name": "boxcox", "dry_below": 0.1}, "coarse.prcp": "quantile"}


def test_statistics_are_the_same_on_every_scheduler(build, small_config, monkeypatch, local_cluster):
    small_config["transforms"] = CHANGES
    monkeypatch.setattr(compute, "SHORTEST_PART", 1)
    adapter = build(small_config, scaled=False)
    progress: list[tuple[int, int]] = []
    first = adapter.compute_statistics(lambda *seen: progress.append(seen), scheduler="synchronous")
    assert progress == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for scheduler, workers in (("threads", 1), ("threads", 3), ("processes", 2), (local_cluster, None)):
        progress.clear()
        found = adapter.compute_statistics(lambda *seen: progress.append(seen), scheduler=scheduler, workers=workers)
        assert found["id"] == first["id"]
        assert found["variables"] == first["variables"]
        assert progress[-1] == (4, 4)
    assert first["nan_policy"] == "omit"
    monkeypatch.setattr(compute, "PARTS", 3)
    parts = adapter.compute_statistics()["variables"]["fine.prcp"]
    for key in ("n", "mean", "std", "min", "max", "quantiles"):
        assert parts[key] == pytest.approx(first["variables"]["fine.prcp"][key], rel=1e-12)
    adapter.load_statistics(first)
    assert [entry["name"] for entry in adapter.transforms] == ["boxcox", "quantile", "zscore", "identity"]


def test_the_pass_keeps_few_fields_and_leaves_the_cache_as_it_was(build, small_config):
    adapter = build(small_config, scaled=False)
    cache, limits = adapter.sources["fine"].cache, []
    usual = cache.limit_bytes
    adapter.compute_statistics(lambda *_: limits.append(cache.limit_bytes))
    assert set(limits) == {CACHE_BYTES}
    assert cache.limit_bytes == usual


@pytest.mark.parametrize(
    ("scheduler", "workers", "expected"),
    [
        ("thread", None, "'thread' is no scheduler (did you mean 'threads'?); or give the address"),
        ("threads", 0, "workers is 0; give 1 or more."),
        ("synchronous", 4, "the synchronous scheduler has no 4 workers; choose threads or processes."),
        ("tcp://127.0.0.1:1", 4, "the scheduler at tcp://127.0.0.1:1 brings its own workers; leave workers out."),
    ],
)
def test_schedulers_that_are_wrong(build, small_config, scheduler, workers, expected):
    with pytest.raises(DataError) as error:
        build(small_config, scaled=False).compute_statistics(scheduler=scheduler, workers=workers)
    assert expected in str(error.value)


def test_a_distributed_scheduler_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(DataError, match=r"needs the package 'distributed'.*stride-data\[distributed\]"):
        schedulers.check_scheduler("tcp://127.0.0.1:8786", None)


def test_a_distributed_scheduler_that_does_not_answer(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(schedulers, "CONNECT_SECONDS", 0.5)
    with pytest.raises(DataError, match=r"no distributed scheduler answers at tcp://127\.0\.0\.1:1 "):
        schedulers.run(operator.neg, [1], scheduler="tcp://127.0.0.1:1")


def test_the_command_takes_a_scheduler(small_config, write_yaml, tmp_path, capsys):
    from stride_data.cli import app

    def stats(folder: str, *options: str) -> int:
        with pytest.raises(SystemExit) as end:
            run(app, argv=["stats", str(path), "--out", str(tmp_path / folder), *options])
        return int(end.value.code or 0)

    path = write_yaml({"data": small_config})
    assert stats("one") == stats("two", "--scheduler", "threads", "--workers", "2") == 0
    one, two = (json.loads((tmp_path / name / "statistics.json").read_text()) for name in ("one", "two"))
    assert one["id"] == two["id"]
    capsys.readouterr()
    assert stats("three", "--scheduler", "dask") == 2
    assert "'dask' is no scheduler" in capsys.readouterr().err
    assert not (tmp_path / "three").exists()


class Endless:
    """Fields made when asked for, of one channel."""

    def __init__(self, channel):
        self.channel = channel

    def at(self, time):
        yield self.channel, np.random.default_rng(int(time)).gamma(0.5, 4.0, (100, 500)).astype(np.float32)

    def statics(self):
        return ()


def test_memory_does_not_grow_with_the_archive(monkeypatch):
    monkeypatch.setattr(sample, "SAMPLE_SIZE", 10_000)
    channel = Channel("target", "a", Catalogue.load().get("prcp"))
    tracemalloc.start()
    found = compute.compute_statistics([channel], [str(day) for day in range(300)], Endless(channel), provenance={})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["variables"]["a.prcp"]["n"] == 300 * 50_000  # 60 MB
    assert found["variables"]["a.prcp"]["mean"] == pytest.approx(2.0, rel=0.01)
    assert peak < 12e6
