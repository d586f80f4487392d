"""`stride-generate`: ensembles from a trained model or a baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from stride_vars.cli_errors import run as run_command_line

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command(epilog="`--debug` shows the traceback of an error.")
def generate(
    run_dir: Annotated[Path, typer.Argument(help="Run folder that stride-train wrote.", metavar="RUN_DIR")],
    system: Annotated[
        list[str] | None,
        typer.Option(
            help=(
                "What makes the ensemble: `edm` (the trained model) or a baseline: `interpolated`, `quantile_mapping`, "
                "`quantile_mapping_per_pixel`, `climatology`, `analogues`; repeatable."
            ),
            show_default="edm",
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Checkpoint to use.", show_default="the newest of the run folder")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the ensembles.", show_default="RUN_DIR/ensembles")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Changes one key, such as `generate.members=32`; repeatable."),
    ] = None,
) -> None:
    """Generates ensembles in the saved-ensemble format (a Zarr store that stride-eval reads).

    Draws `generate.members` members for every time of `generate.split`, in physical units, and saves them with the
    conditioning, the observed fields, the probability matched mean and everything that made them. A finished ensemble
    is not made again; one that was broken off goes on where it stopped. Next: `stride-eval
    edm=RUN_DIR/ensembles/edm.zarr`.

    Examples:
    - `stride-generate runs/my-experiment`

    - `stride-generate runs/my-experiment --system interpolated --system quantile_mapping`
    """
    from stride_train.run_folder import RunFolder

    folder = RunFolder(run_dir)
    experiment = folder.load_config(set_ or [])

    from stride_train.generation.run import generate as generate_ensemble

    names = system or ["edm"]
    for name in names:
        path = generate_ensemble(folder, experiment, name, checkpoint, folder=out)
        typer.echo(f"{name:<{max(17, *map(len, names))}} {path}")


def main() -> None:
    """Entry point of the console script."""
    run_command_line(app)
