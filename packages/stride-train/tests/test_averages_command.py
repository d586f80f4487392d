import shutil

import pytest
import yaml
from stride_train.averages.comparison import compare_weights
from stride_train.cli.averages import app
from stride_train.errors import GenerationError
from stride_train.training.history import read_history


def call(*arguments) -> None:
    app([str(argument) for argument in arguments], standalone_mode=False)


def test_without_lengths_it_lists_what_is_stored(trained, capsys):
    call(trained.path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert lines[2].split()[:6] == ["step", "3", "images", "12", "lengths", "0.05"]
    assert lines[11].endswith("checkpoints/step_000000012.safetensors"), "the last one in full precision"
    assert lines[12].startswith("generate.weights at step 12: ema, raw, or a length from 0.0")


def test_lengths_are_compared_on_validation_times(trained, capsys):
    call(trained.path, "--length", 0.08, "--length", 0.2)
    lines = capsys.readouterr().out.splitlines()
    table = {line.split()[0]: float(line.split()[1]) for line in lines[1:]}
    assert list(table) == ["ema", "raw", "0.08", "0.2"]
    assert sum("least" in line for line in lines) >= 1
    # The monitor of the last step looked at the same weights with the same noise.
    assert table["ema"] == pytest.approx(float(read_history(trained.history)[-1]["crps"]), rel=1e-3)


def test_each_is_drawn_with_its_own_weights(trained):
    told = []
    found = compare_weights(
        trained, trained.load_config(), ["ema", "raw", 0.08, 0.2], advance=lambda done, note="": told.append(done)
    )
    assert len(set(found.values())) == 4
    assert told == [0.25, 0.5, 0.75, 1.0]


def test_a_length_out_of_reach_is_refused_before_the_work(trained, capsys):
    with pytest.raises(GenerationError, match=r"length 0\.001 .* cannot be made"):
        call(trained.path, "--length", 0.08, "--length", 0.001)
    assert not capsys.readouterr().out


def test_without_validation_times_nothing_is_compared(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    content = yaml.safe_load(config.read_text())
    del content["data"]["splits"]["val"]
    config.write_text(yaml.safe_dump(content))
    with pytest.raises(GenerationError, match=r"no validation times .* data\.splits\.val"):
        call(tmp_path / "run", "--length", 0.08)
