import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from stride_data.errors import DataError
from stride_data.statistics import sample
from stride_data.statistics.file import content_id, entry_for, read_statistics, write_statistics
from stride_data.statistics.moments import Moments
from stride_data.statistics.quantiles import quantile_table
from stride_data.statistics.sample import share_of
from stride_data.statistics.summary import VariableSummary
from stride_data.transforms import Requirement
from stride_data.transforms.pointwise import Asinh, BoxCox, Log, Power, Unchanged


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


LOG = Requirement(function=Log(0.01))


def summary(fields: list[np.ndarray], wet: float | None = 1.0, needs: Requirement = LOG) -> VariableSummary:
    running = VariableSummary(needs, wet)
    for number, field in enumerate(fields):
        running.add(np.asarray(field, np.float32), share=share_of(len(fields)), seed=number)
    return running


def test_by_hand():
    found = summary([np.array([[0.0, 1.0], [np.nan, 3.0]]), np.full((1, 2), np.nan), np.array([[4.0]])]).as_dict()
    assert (found["n"], found["missing"]) == (4, 3)
    assert (found["mean"], found["min"], found["max"]) == (2.0, 0.0, 4.0)
    assert found["std"] == pytest.approx(np.sqrt(2.5))
    assert found["wet_fraction"] == 0.75
    assert (found["quantiles"]["0.5"], found["quantile_sample"]) == (2.0, 4)
    assert found["quantile_table"] == {"dry_below": None, "x": [0, 1, 3, 4], "p": [0.125, 0.375, 0.625, 0.875]}
    (log,) = found["functions"]
    values = np.log(np.array([0.01, 1.01, 3.01, 4.01]))
    assert (log["function"], log["offset"], log["of"]) == ("log", 0.01, "all values")
    assert [log[key] for key in ("mean", "std", "min", "max")] == pytest.approx(
        [values.mean(), values.std(), values[0], values[3]]
    )


@pytest.mark.parametrize("function", [Log(0.01), BoxCox(0.01, 0.2), Power(0.5), Asinh(0.1), Unchanged()])
def test_of_every_function_against_numpy(function):
    rng = np.random.default_rng(0)
    values = np.where(rng.random((5, 200, 300)) < 0.5, 0, rng.gamma(0.5, 5.0, (5, 200, 300))).astype(np.float32)
    for dry_below in (None, 0.2):
        found = summary(list(values), needs=Requirement(dry_below, function)).as_dict()
        dried = values if dry_below is None else np.where(values < np.float32(dry_below), 0, values)
        exact = function.forward(dried.astype(np.float64))
        (entry,) = found["functions"]
        expected = [exact.mean(), exact.std(), exact.min(), exact.max()]
        assert [entry[key] for key in ("mean", "std", "min", "max")] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert (entry["function"], entry["dry_below"]) == (function.name, dry_below)
        assert found["mean"] == pytest.approx(values.astype(np.float64).mean(), rel=1e-12)
        assert found["std"] == pytest.approx(values.astype(np.float64).std(), rel=1e-12)


def test_large_means_lose_no_digits():
    pascals = (101325.0 + np.random.default_rng(0).normal(0, 300, (3, 100, 400))).astype(np.float32)
    found = summary(list(pascals), wet=None, needs=Requirement()).as_dict()
    assert found["mean"] == pytest.approx(pascals.astype(np.float64).mean(), rel=1e-13)
    assert found["std"] == pytest.approx(pascals.astype(np.float64).std(), rel=1e-10)
    assert found["functions"] == []


def test_values_outside_a_functions_domain_are_counted():
    (entry,) = summary([np.array([1.0, 2.0]), np.array([-1.0, -2.0, 3.0])], wet=None).as_dict()["functions"]
    assert entry == {"function": "log", "offset": 0.01, "dry_below": None, "of": "all values", "outside_domain": 2}
    assert summary([np.array([1.0])], wet=None).as_dict()["wet_fraction"] is None


def test_an_estimated_exponent_comes_with_moments_of_the_sample():
    values = np.random.default_rng(0).gamma(2.0, 3.0, (4, 500)).astype(np.float32)
    (entry,) = summary(list(values), needs=Requirement(boxcox_offset=0.01)).as_dict()["functions"]
    assert (entry["of"], entry["estimated"]) == ("sample", "maximum likelihood")
    expected, exponent = stats.boxcox(values.astype(np.float64).ravel() + 0.01)
    assert entry["lambda"] == pytest.approx(exponent, abs=1e-5)
    assert (entry["mean"], entry["std"]) == pytest.approx((expected.mean(), expected.std()), rel=1e-4)
    for hopeless in (np.zeros(5), np.array([-1.0, 2.0])):
        (entry,) = summary([hopeless], needs=Requirement(boxcox_offset=0.01)).as_dict()["functions"]
        assert entry["lambda"] is None


def test_quantiles_of_many_values_come_from_a_sample(monkeypatch):
    monkeypatch.setattr(sample, "SAMPLE_SIZE", 40_000)
    rng = np.random.default_rng(0)
    fields = [rng.exponential(size=(100, 100)) for _ in range(20)]
    found = summary(fields).as_dict()
    assert found["quantile_sample"] == 40_000
    assert found["quantiles"]["0.9"] == pytest.approx(np.quantile(fields, 0.9), rel=0.05)
    assert summary(fields).as_dict() == found


def test_every_value_has_the_same_chance_whatever_is_missing(monkeypatch):
    monkeypatch.setattr(sample, "SAMPLE_SIZE", 4_000)
    half = np.full((100, 100), 1.0)
    half[:50] = np.nan
    found = summary([np.zeros((100, 100)), half, np.full((100, 100), np.nan), np.zeros((100, 100))]).as_dict()
    assert found["quantile_sample"] == 2_500
    assert found["quantile_table"]["x"] == [0.0, 1.0]
    assert found["quantile_table"]["p"] == [0.4, 0.9]  # a fifth of all observed values are 1


def test_the_table_of_quantiles():
    assert quantile_table(np.array([], np.float32)) == {"x": [], "p": []}
    assert quantile_table(np.array([2.0], np.float32)) == {"x": [2.0], "p": [0.5]}
    assert quantile_table(np.array([0, 0, 0, 1, 2], np.float32)) == {"x": [0, 1, 2], "p": [0.3, 0.7, 0.9]}
    rng = np.random.default_rng(0)
    values = np.sort(np.where(rng.random(200_000) < 0.7, 0, rng.gamma(0.5, 5, 200_000)).astype(np.float32))
    table = quantile_table(values)
    assert len(table["x"]) < 402
    assert (np.diff(table["x"]) > 0).all()
    assert (np.diff(table["p"]) > 0).all()
    # The zeros at the middle of their ranks, the smallest amount right behind all of them.
    dry = (values == 0).mean()
    assert table["p"][0] == pytest.approx(dry / 2)
    assert (table["x"][1], table["p"][1]) == (values[values > 0][0], pytest.approx(dry, abs=1e-5))


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
    assert fine["functions"][0]["mean"] == pytest.approx(np.log(fields + 0.01).mean(), rel=1e-6)
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
    entry = {"source": "a", "variable": "prcp", "units": "mm day-1", "n": 1, "functions": []}
    content = {"variables": {"a.prcp": entry}}
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
