"""`stride-train`: trains the network of an experiment."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from stride_vars.cli_errors import run as run_command_line

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command(epilog="`--debug` shows the traceback of an error.")
def train(
    config: Annotated[
        str | None,
        typer.Argument(
            help="Experiment: a YAML file, or the name of one that is installed. Without it, the embedded example.",
            metavar="CONFIG",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder to write to.", show_default="runs/<name of the experiment>")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Changes one key of the experiment, such as `train.budget=600steps`; repeatable.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Goes on from the newest checkpoint of the run folder.")
    ] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Prints the JSON schema of experiment files, for editors, and exits.")
    ] = False,
) -> None:
    """Trains the diffusion model of an experiment.

    Reads the data that the experiment describes, computes statistics of the training split (once), and trains until
    `train.budget` is used up, or `train.early_stopping` ends it. The run folder then holds `config.yaml`,
    `statistics.json`, `model.txt`, `checkpoints/`, `history.csv`, `history.png` and `quicklooks/`. Next:
    `stride-generate RUN_DIR`.

    SIGTERM, SLURM's SIGUSR1 and Ctrl-C end it after the present step with a checkpoint and exit code 0. Under
    `torchrun --no-python` or `srun` the same command trains with all processes that they start.

    Examples:
    - `stride-train` trains the embedded example.

    - `stride-train my-experiment.yaml --set train.budget=10min`

    - `stride-train my-experiment.yaml --resume`
    """
    from stride_train.experiments import EMBEDDED, load_experiment
    from stride_train.run_folder import RunFolder

    if schema:
        import json

        from stride_train.config import ExperimentConfig

        typer.echo(json.dumps(ExperimentConfig.model_json_schema(), indent=2))
        return
    experiment = load_experiment(config or EMBEDDED, set_ or [])
    folder = RunFolder(out or Path("runs") / experiment.name)

    from stride_train.errors import EndedTogether
    from stride_train.training.run import train as train_experiment

    folder.create()
    try:
        result = train_experiment(experiment, folder, resume=resume)
    except EndedTogether as error:
        raise typer.Exit(2) from error
    if not result.first:
        return
    state = result.state
    again = shlex.join(["stride-train", *sys.argv[1:], *([] if resume else ["--resume"])])
    typer.echo(
        f"{'stopped' if result.interrupted else 'trained'} {result.parameters:,} parameters "
        f"{'after' if result.interrupted else 'for'} {state.step} steps, {state.images} images, {state.seconds:.0f} s\n"
        f"checkpoint {result.checkpoint}\n"
        f"history    {folder.history_picture}\n"
        f"{f'resume with {again}' if result.interrupted else f'next       stride-generate {folder.path}'}"
    )


def main() -> None:
    """Entry point of the console script."""
    run_command_line(app)


if __name__ == "__main__":
    main()
