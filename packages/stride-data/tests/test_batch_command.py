import numpy as np
import pytest
from stride_data.cli import app
from typer.testing import CliRunner


@pytest.fixture
def command(write_yaml, small_config):
    def run(*arguments, **changes):
        path = write_yaml({"data": {**small_config, **changes}})
        return CliRunner().invoke(app, ["batch", str(path), *arguments])

    return run


def test_it_prints_what_training_would_get(command):
    result = command("--size", "3")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line.split() for line in result.output.splitlines() if line.strip()}
    assert lines["target"][1:9] == ["3", "x", "1", "x", "8", "x", "12", "float32"]
    assert lines["target"][-1] == "fine.prcp"
    assert lines["cond_dynamic"][1:8] == ["3", "x", "1", "x", "2", "x", "3"]
    assert "ground.orog, ground.lsm" in result.output
    assert result.output.count("2001-01-0") == 3


def test_it_is_the_loaders_first_batch(build, small_config, command):
    pytest.importorskip("torch")
    from stride_data.loaders import make_loader

    (first, *_) = make_loader(build(small_config), "train", batch_size=4, seed=7, shuffle=True)
    output = command("--seed", "7").output
    assert [line.split()[2].rstrip(",") for line in output.splitlines() if line.startswith("sample")] == (
        first["meta"]["timestamps"]
    )
    assert f"{first['target'].min():.3g}" in output


def test_stacks_and_time_features_are_listed(command):
    changes = {"lags": ["-1 day", "0 days"], "lag_gaps": "drop", "time_features": ["day_of_year"]}
    output = command("--size", "2", **changes).output
    assert "2 x 2 x 1 x 2 x 3" in output
    assert "sin_day_of_year, cos_day_of_year" in output


def test_the_picture_shows_every_sample(command, tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot")
    result = command("--size", "2", "--plot", str(tmp_path / "batch.png"))
    assert result.exit_code == 0, result.output
    image = plt.imread(tmp_path / "batch.png")
    assert image.shape[0] > 500 and np.ptp(image) > 0.5
    assert [path.name for path in tmp_path.glob("*.png")] == ["batch.png"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(["--split", "trian"], "data.splits has no 'trian'"), (["--plot", "nowhere/a.png"], "does not exist")],
)
def test_mistakes_are_one_sentence(command, arguments, sentence):
    result = command(*arguments)
    assert result.exit_code != 0
    assert sentence in str(result.exception)
