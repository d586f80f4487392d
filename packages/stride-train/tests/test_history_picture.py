import pytest
from matplotlib.image import imread
from stride_train.training.history_picture import draw_history
from stride_train.training.judged_reading import JudgedReading
from stride_vars.catalogue import Catalogue

CATALOGUE = Catalogue.load()
READINGS = {"crps": "1.5", "spread_skill": "0.8", "spectrum_ratio": "3", "bias": "0.2", "wet_fraction": "0.4"}


def rows(**readings):
    return [
        {"step": str(step), "edm_loss": f"{1 / step}", **(readings if step % 2 == 0 else {})} for step in range(1, 9)
    ]


@pytest.mark.parametrize(
    ("found", "targets", "lines"),
    [
        ({}, ("prcp",), 0),
        (READINGS, ("prcp",), 1),
        ({f"{name}/{key}": value for key in ("prcp", "t2m") for name, value in READINGS.items()}, ("prcp", "t2m"), 2),
    ],
)
def test_a_row_of_panels_for_every_target_that_was_read(tmp_path, found, targets, lines):
    picture = tmp_path / "history.png"
    best = JudgedReading("crps", 1.5, 2)
    draw_history(rows(**found), picture, "a title", targets={key: CATALOGUE.get(key) for key in targets}, best=best)
    assert imread(picture).shape[0] == pytest.approx(130 * (2.9 + 2.4 * lines), abs=2)
    assert [path.name for path in tmp_path.iterdir()] == ["history.png"]
