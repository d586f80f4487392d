"""`stride`: the whole chain for a person."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from stride_vars.cli_errors import run as run_command_line

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Generative climate downscaling, from two archives to an evaluated ensemble.",
)

Out = Annotated[Path | None, typer.Option(help="Run folder to write to.", show_default="runs/<name of the experiment>")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Changes one key of the experiment, such as `train.budget=10min`; repeatable.",
    ),
]


@app.command(epilog="`--debug` shows the traceback of an error.")
def demo(out: Out = None, set_: Set = None) -> None:
    """Runs the whole chain on the embedded example, in a few minutes.

    Real ERA5 precipitation at 1 degree is learnt back from its 4-degree averages: statistics, training, an ensemble and
    two baselines for times that training never saw, scores, and an HTML report.
    """
    from stride_train.experiments import EMBEDDED

    _run(EMBEDDED, out, set_)


@app.command(name="run", epilog="`--debug` shows the traceback of an error.")
def run_experiment(
    experiment: Annotated[
        str,
        typer.Argument(help="A YAML file, or the name of an installed experiment.", metavar="EXPERIMENT"),
    ],
    out: Out = None,
    set_: Set = None,
) -> None:
    """Runs the whole chain on an experiment of yours.

    Statistics, training, generation with baselines, evaluation and report, in one run folder. Run again, it goes on
    where it was broken off; stages that are done are not done again. SIGTERM, SLURM's SIGUSR1 and Ctrl-C end training
    after the present step with a checkpoint, and the chain with exit code 0. Each stage can also be typed alone:
    `stride-data stats`, `stride-train`, `stride-generate`, `stride-eval`.
    """
    _run(experiment, out, set_)


@app.command(epilog="`--debug` shows the traceback of an error.")
def experiments() -> None:
    """Lists the experiments that are installed, with their files to copy and change."""
    from stride_train.experiments import offered_experiments

    for name, path in offered_experiments().items():
        typer.echo(f"{name:<20} {path}")


def _run(experiment: str, out: Path | None, overrides: list[str] | None) -> None:
    from stride_train.errors import EndedTogether
    from stride_train.experiments import load_experiment
    from stride_train.run_folder import RunFolder

    from stride_app.closing import closing_lines
    from stride_app.stages import OneOfSeveral, Stopped, run_chain

    config = load_experiment(experiment, overrides or [])
    run = RunFolder(out or Path("runs") / config.name)
    try:
        result = run_chain(config, run)
    except OneOfSeveral:
        return
    except EndedTogether as error:
        raise typer.Exit(2) from error
    except Stopped:
        typer.echo(f"stopped while training, with a checkpoint in {run.checkpoints}")
        typer.echo(f"resume with {shlex.join(['stride', *sys.argv[1:]])}")
        return
    for line in closing_lines(result):
        typer.echo(line)


def main() -> None:
    """Entry point of the console script."""
    run_command_line(app)
