"""The runner: what it leaves behind, in which order, and what it leaves alone when something is wrong."""

import json

import numpy as np
import pytest
import xarray as xr
from stride_eval import registry
from stride_eval.config import EvalConfig
from stride_eval.errors import EvalError
from stride_eval.runner import evaluate

SCORES = {"resamples": 100, "mode": "metrics"}


def test_what_it_leaves_behind(tmp_path, pair):
    seen = []
    result = evaluate(
        pair,
        EvalConfig(families=("probabilistic", "spatial"), **SCORES),
        tmp_path / "out",
        lambda *step: seen.append(step),
    )
    files = sorted(str(file.relative_to(result.out)) for file in result.out.rglob("*") if file.is_file())
    assert files == ["report.html", "results/probabilistic.nc", "results/spatial.nc", "scores.csv", "scores.json"]
    assert xr.load_dataset(result.out / "results/spatial.nc")["bias"].dims == ("target", "system", "y", "x")
    assert seen[0] == (0, 3, "opening the systems") and seen[-1] == (3, 3, "done")
    assert result.reference == "flat" and result.families == ("probabilistic", "spatial") and len(result.dates) == 4
    crps = result.summary["model"]["prcp"]["crps"]
    assert type(crps["value"]) is float and crps["lower"] <= crps["value"] <= crps["upper"]
    assert json.loads((result.out / "scores.json").read_text())["scores"] == result.summary
    assert json.loads((result.out / "scores.json").read_text())["config"]["families"] == ["probabilistic", "spatial"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("out")) == ["out"]


def test_the_order_of_systems_does_not_matter(tmp_path, pair):
    config = EvalConfig(families=("probabilistic", "extremes"), **SCORES)
    first = evaluate(pair, config, tmp_path / "a")
    second = evaluate(dict(reversed(pair.items())), config, tmp_path / "b")
    assert list(second.summary) == ["flat", "model"]
    for name in pair:
        for key, one in first.summary[name]["prcp"].items():
            assert second.summary[name]["prcp"][key] == pytest.approx(one, nan_ok=True), (name, key)


def test_unknown_family_before_anything_is_read(tmp_path):
    with pytest.raises(EvalError, match=r"unknown family 'spatal'\. Did you mean 'spatial'"):
        evaluate({"a": tmp_path / "none"}, EvalConfig(families=("spatal",)), tmp_path / "out")
    with pytest.raises(EvalError, match="no family is chosen"):
        evaluate({"a": tmp_path / "none"}, EvalConfig(families=()), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_evaluation_and_nothing_else(tmp_path, pair, monkeypatch):
    out = tmp_path / "out"
    config = EvalConfig(families=("probabilistic",), **SCORES)
    evaluate(pair, config, out)
    before = (out / "scores.json").read_bytes()
    monkeypatch.setattr(
        registry.family("probabilistic"), "scores", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left"))
    )
    with pytest.raises(OSError, match="No space"):
        evaluate(pair, config, out)
    assert (out / "scores.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name or "old" in path.name] == []
    monkeypatch.undo()
    evaluate(pair, EvalConfig(families=("probabilistic",), seed=1, **SCORES), out)
    assert json.loads((out / "scores.json").read_text())["config"]["seed"] == 1


def test_other_files_are_not_replaced(tmp_path, pair):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    with pytest.raises(EvalError, match="no evaluation"):
        evaluate(pair, EvalConfig(**SCORES), tmp_path / "mine")
    (tmp_path / "file").write_text("")
    with pytest.raises(EvalError, match="is a file"):
        evaluate(pair, EvalConfig(**SCORES), tmp_path / "file")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "years of work"


def test_plots_mode_draws_finished_results(tmp_path, pair):
    out = tmp_path / "out"
    with pytest.raises(EvalError, match="run once with mode 'full'"):
        evaluate(pair, EvalConfig(families=("spatial",), mode="plots"), out)
    evaluate(pair, EvalConfig(families=("spatial",), **SCORES), out)
    assert not (out / "figures").exists()
    gone = dict.fromkeys(pair, tmp_path / "gone")  # the fields are not needed any more
    result = evaluate(gone, EvalConfig(families=("spatial",), mode="plots"), out)
    assert sorted(file.name for file in (out / "figures").iterdir()) == [
        "spatial_bias_prcp.png",
        "spatial_correlogram_prcp.png",
        "spatial_error_prcp.png",
    ]
    assert (out / "results/spatial.nc").is_file() and result.report.is_file()
    with pytest.raises(EvalError, match="not of other"):
        evaluate({"other": tmp_path}, EvalConfig(families=("spatial",), mode="plots"), out)


def test_minimal_mode_draws_less(tmp_path, pair):
    evaluate(pair, EvalConfig(families=("spatial",), mode="minimal"), tmp_path / "out")
    assert [file.name for file in (tmp_path / "out" / "figures").iterdir()] == ["spatial_bias_prcp.png"]


def test_lone_dry_system_of_one_member_with_a_missing_date_runs_everything(tmp_path, saved, recwarn):
    zero = np.zeros((3, 1, 8, 8))
    gap = zero[:, 0].copy()
    gap[1] = np.nan
    path = saved.write(tmp_path / "a.nc", zero, gap, y=False, x=False)
    result = evaluate(
        {"dry": path},
        EvalConfig(resamples=100, dpi=40, quicklooks=1, ranked_dates=(), mode="minimal"),
        tmp_path / "out",
    )
    assert result.reference is None
    scores = result.summary["dry"]["prcp"]
    assert (scores["crps"]["value"], scores["crps"]["estimator"]) == (0.0, "MAE (one member)")
    assert scores["spread_skill"]["value"] is None and scores["bias_percent"]["value"] is None
    assert not list((tmp_path / "out/figures").glob("*ranks*"))
    assert [str(warning.message) for warning in recwarn if warning.category is RuntimeWarning] == []
