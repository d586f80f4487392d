"""A training that was asked to stop ends the chain there, with how to go on."""

import shlex
import sys
from types import SimpleNamespace

import pytest
import stride_train.training.run
from stride_app.cli import app
from stride_train.errors import EndedTogether
from typer.testing import CliRunner

RUN = ["run", "era5-1deg-demo", "--set", "train.budget=2steps"]


@pytest.fixture
def chain(monkeypatch, tmp_path):
    """Runs the command with a training that ends as told, and nothing beyond it."""

    def run(outcome):
        def train(config, folder, *, resume):
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        arguments = [*RUN, "--out", str(tmp_path / "my run")]
        monkeypatch.setattr(stride_train.training.run, "train", train)
        monkeypatch.setattr(sys, "argv", ["stride", *arguments])
        return arguments, CliRunner().invoke(app, arguments)

    return run


def test_the_chain_stops_and_says_how_to_go_on(chain):
    arguments, result = chain(SimpleNamespace(first=True, interrupted=True))
    assert result.exit_code == 0, result.exception
    assert result.stdout.splitlines()[-1] == f"resume with {shlex.join(['stride', *arguments])}"


def test_of_several_processes_the_first_speaks(chain):
    assert chain(SimpleNamespace(first=False, interrupted=True))[1].output == ""
    result = chain(EndedTogether("another says why"))[1]
    assert (result.exit_code, result.output) == (2, "")
