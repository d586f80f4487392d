import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stride_data.errors import DataError
from stride_data.statistics import streaming
from stride_data.statistics.file import content_id, entry_for, read_statistics, write_statistics
from stride_data.statistics.streaming import Moments, VariableStatistics


@given(
    chunks=st.lists(
        arrays(np.float64, st.integers(0, 30), elements=st.floats(-1e3, 1e3)), min_size=1, max_size=8
    ).filter(lambda some: sum(c.size for c in some) > 0),
    shift=st.sampled_from([0.0, 1e7]),
)
def test_merged_moments_equal_those_of_all_values(chunks, shift):
    moments = Moments()
    for chunk in chunks:
        moments.add(chunk + shift)
    everything = np.concatenate(chunks) + shift
    assert moments.n == everything.size
    assert moments.mean == pytest.approx(everything.mean(), rel=1e-12, abs=1e-9)
    assert moments.std == pytest.approx(everything.std(), rel=1e-6, abs=1e-6)
    assert (moments.low, moments.high) == (everything.min(), everything.max())


def statistics(fields: list[np.ndarray], wet: float | None = 1.0) -> dict:
    running = VariableStatistics(log_offset=0.01, wet_threshold=wet, chunks=len(fields))
    for field in fields:
        running.add(field.astype(np.float32))
    return running.as_dict()


def test_by_hand():
    found = statistics([np.array([[0.0, 1.0], [np.nan, 3.0]]), np.array([[4.0]])])
    assert (found["n"], found["missing"]) == (4, 1)
    assert (found["mean"], found["min"], found["max"]) == (2.0, 0.0, 4.0)
    assert found["std"] == pytest.approx(np.sqrt(2.5))
    assert found["wet_fraction"] == 0.75
    assert found["quantiles"]["0.5"] == 2.0
    assert found["log"]["mean"] == pytest.approx(np.log(np.array([0.01, 1.01, 3.01, 4.01])).mean())


def test_no_logarithm_of_negative_values():
    assert statistics([np.array([1.0]), np.array([-1.0])], wet=None)["log"] is None
    assert statistics([np.array([1.0])], wet=None)["wet_fraction"] is None


def test_quantiles_of_many_values_come_from_a_sample(monkeypatch):
    monkeypatch.setattr(streaming, "QUANTILE_SAMPLE", 40_000)
    rng = np.random.default_rng(0)
    fields = [rng.exponential(size=(100, 100)) for _ in range(20)]
    found = statistics(fields)
    assert found["quantile_sample"] == 40_000
    assert found["quantiles"]["0.9"] == pytest.approx(np.quantile(fields, 0.9), rel=0.05)
    assert statistics(fields) == found


def test_of_the_training_split_and_region(build, small_config, known_field):
    adapter = build(small_config)
    y, x = np.arange(24) * 1000.0, np.arange(36) * 1000.0
    fields = np.stack([known_field(y, x, day) for day in range(4)])
    entries = adapter.statistics["variables"]
    fine, coarse = entries["fine.prcp"], entries["coarse.prcp"]
    assert fine["n"] == fields.size
    assert fine["mean"] == pytest.approx(fields.mean(), rel=1e-6)
    assert fine["std"] == pytest.approx(fields.std(), rel=1e-6)
    blocks = fields.reshape(4, 6, 4, 9, 4).mean(axis=(2, 4))
    assert coarse["n"] == blocks.size
    assert coarse["std"] == pytest.approx(blocks.std(), rel=1e-6)
    assert fine["log"]["mean"] == pytest.approx(np.log(fields + 0.01).mean(), rel=1e-6)
    small_config["region"]["shuffle"] = None
    fixed = build(small_config).statistics
    assert fixed["variables"]["fine.prcp"]["mean"] == pytest.approx(fields[:, 8:16, 12:24].mean(), rel=1e-6)
    assert fixed["provenance"]["region"]["hr"] == {"y": 8, "x": 12, "height": 8, "width": 12}
    assert fixed["provenance"]["dates"][0] == "2001-01-01T00:00:00"


def test_the_id_follows_the_content_only(build, small_config, tmp_path: Path):
    one, two = build(small_config), build(small_config)
    assert one.statistics_id == two.statistics_id
    small_config["splits"]["train"] = {"dates": ["2001-01-01"]}
    assert build(small_config).statistics_id != one.statistics_id
    path = one.write_statistics(tmp_path / "new" / "statistics.json")
    assert [item.name for item in path.parent.iterdir()] == ["statistics.json"]
    assert read_statistics(path) == one.statistics
    assert one.statistics["provenance"] == two.statistics_provenance()


def test_a_failed_write_leaves_the_old_file(build, small_config, tmp_path: Path, monkeypatch):
    adapter = build(small_config)
    path = adapter.write_statistics(tmp_path / "statistics.json")
    before = path.read_text()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_statistics({**adapter.statistics, "id": "other"}, path)
    assert path.read_text() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s["variables"]["fine.prcp"].update(units="mm h-1"), "are of units 'mm h-1', not 'mm day-1'"),
        (lambda s: s["variables"]["fine.prcp"].update(source="other"), "are of source 'other', not 'fine'"),
        (lambda s: s["variables"]["fine.prcp"].update(variable="t2m"), "are of variable 't2m', not 'prcp'"),
        (lambda s: s["variables"].pop("coarse.prcp"), "none of 'coarse.prcp'"),
        (lambda s: s.update(version=9), "has format version 9"),
        (lambda s: s.update(format="x"), "is no statistics file"),
    ],
)
def test_statistics_of_something_else(build, small_config, tmp_path: Path, change, expected):
    adapter = build(small_config)
    changed = json.loads(json.dumps(adapter.statistics))
    change(changed)
    changed["id"] = content_id(changed)
    path = write_statistics(changed, tmp_path / "statistics.json")
    with pytest.raises(DataError) as error:
        adapter.load_statistics(path)
    assert expected in str(error.value)
    assert str(path) in str(error.value)
    small_config["statistics"] = str(path)
    with pytest.raises(DataError):
        build(small_config, scaled=False)


def test_an_edited_or_broken_file(build, small_config, tmp_path: Path):
    adapter = build(small_config)
    path = adapter.write_statistics(tmp_path / "statistics.json")
    path.write_text(path.read_text().replace('"missing": 0', '"missing": 1', 1))
    with pytest.raises(DataError, match="it was edited"):
        read_statistics(path)
    path.write_text(path.read_text()[:100])
    with pytest.raises(DataError, match="cannot be read as JSON"):
        read_statistics(path)
    with pytest.raises(DataError, match="there is no statistics file"):
        read_statistics(tmp_path / "none.json")


def test_entries_are_found_by_name():
    content = {"variables": {"a.prcp": {"source": "a", "variable": "prcp", "units": "mm day-1", "n": 1}}}
    assert entry_for(content, "a", "prcp", "mm day-1", "file")["n"] == 1


def test_nothing_is_scaled_without_statistics(build, small_config):
    adapter = build(small_config, scaled=False)
    assert adapter.statistics_id is None
    with pytest.raises(DataError, match="no statistics are loaded"):
        adapter.sample(adapter.times("train")[0])


def test_a_variable_without_observations(build, small_config):
    small_config["transforms"] = {"ground.orog": "zscore"}
    small_config["region"] = {"hr": {"y": 0, "x": 0, "height": 8, "width": 12}}
    with pytest.raises(DataError, match=r"'ground\.orog': the standard deviation is 0"):
        build(small_config)
