import numpy as np
import pytest
from matplotlib.image import imread
from stride_train.config import Amount
from stride_train.data import open_data
from stride_train.experiments import load_experiment
from stride_train.run_folder import RunFolder
from stride_train.training.field_colours import colour_limits, pretty
from stride_train.training.monitors import ValidationCase
from stride_train.training.quicklook import _Frame, _low_resolution, draw_quicklook
from stride_train.training.run import train
from stride_vars.catalogue import Catalogue

PRCP, T2M = (Catalogue.load().get(key) for key in ("prcp", "t2m"))


def case_of(adapter, time, members=3):
    fields = adapter.fields(time)
    return ValidationCase(time, np.stack([fields.target] * members), fields.target, fields.dynamic)


def test_every_reading_leaves_a_picture(experiment, tmp_path):
    monitor = {"quicklook": True, "every": Amount.parse("1steps")}
    options = {"budget": Amount.parse("2steps"), "monitor": experiment.train.monitor.model_copy(update=monitor)}
    run = RunFolder(tmp_path / "run")
    run.create()
    train(experiment.model_copy(update={"train": experiment.train.model_copy(update=options)}), run, resume=False)
    assert sorted(path.name for path in run.quicklooks.iterdir()) == ["step_000000001.png", "step_000000002.png"]


def test_a_row_for_every_target_and_case_with_its_colours(two_targets_file, tmp_path):
    adapter = open_data(load_experiment(two_targets_file))
    cases = [case_of(adapter, time) for time in adapter.times("val")]
    draw_quicklook(cases, adapter, tmp_path / "new" / "quick.png", title="a title", members=2)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["quick.png"]
    pixels = np.round(255 * imread(tmp_path / "new" / "quick.png")[..., :3]).astype(int)
    # Two of four rows are of the second target, whose missing corner is grey in the observed panel and the members'.
    grey = (pixels == 0xBD).all(axis=-1)
    assert grey.sum() > 1000
    assert grey[: len(grey) // 2].sum() < 0.05 * grey.sum()  # letters have grey edges


def test_a_picture_that_cannot_be_written_leaves_nothing(experiment, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def full(self, path, **_):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    adapter = open_data(experiment)
    with pytest.raises(OSError, match="No space"):
        draw_quicklook([case_of(adapter, adapter.times("val")[0])], adapter, tmp_path / "q.png", title="t", members=1)
    assert list(tmp_path.iterdir()) == []


def test_north_is_up(experiment):
    frame = _Frame.of(open_data(experiment))  # y grows from row to row
    assert (frame.flip_rows, frame.flip_columns, frame.aspect, frame.shape) == (True, False, 1.0, (16, 16))


def test_the_low_resolution_field_without_its_margins(experiment_file):
    margins = "data.region={hr: {y: 8, x: 8, height: 16, width: 16}, lr_margin: 1}"
    adapter = open_data(load_experiment(experiment_file, [margins]))
    case = case_of(adapter, adapter.times("val")[0])
    assert case.dynamic.shape == (1, 6, 6)
    given, (field,) = _low_resolution([case], PRCP, adapter)
    assert given.key == "prcp"
    np.testing.assert_array_equal(field, case.dynamic[0, 1:-1, 1:-1])


def test_limits_are_the_variables_own_unless_they_do_not_suit():
    rng = np.random.default_rng(0)
    usual, rare = rng.uniform(0, 30, (50, 50)), rng.uniform(0, 3, (50, 50))
    assert (colour_limits(PRCP, [usual]).vmin, colour_limits(PRCP, [usual]).vmax) == (0, 40)
    assert colour_limits(PRCP, [rare]).vmax == pytest.approx(3, rel=0.02)
    assert colour_limits(PRCP, [10 * usual]).vmax == pytest.approx(300, rel=0.02)
    assert colour_limits(T2M, [rng.uniform(250, 310, (50, 50))]).vmin == 243
    narrow = colour_limits(T2M, [rng.uniform(280, 290, (50, 50))])
    assert (narrow.vmin, narrow.vmax) == (pytest.approx(280, abs=0.1), pytest.approx(290, abs=0.1))
    constant, missing = (colour_limits(T2M, [np.full((4, 4), value)]) for value in (300.0, np.nan))
    assert (constant.vmin, constant.vmax, missing.vmin, missing.vmax) == (299.5, 300.5, 243, 313)


def test_exponents_are_raised():
    assert pretty("Precipitation [mm day-1]") == "Precipitation [mm day$^{-1}$]"
    assert pretty("Zonal wind at 10 m [m s-1]") == "Zonal wind at 10 m [m s$^{-1}$]"
    assert pretty("t2 of U10") == "t2 of U10"
