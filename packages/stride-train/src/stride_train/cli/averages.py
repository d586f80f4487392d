"""`stride-averages`: the averages of a training's weights, and which length to generate with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from stride_vars.cli_errors import run as run_command_line

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command(epilog="`--debug` shows the traceback of an error.")
def averages(
    run_dir: Annotated[Path, typer.Argument(help="Run folder that stride-train wrote.", metavar="RUN_DIR")],
    length: Annotated[
        list[float] | None,
        typer.Option(help="Length to compare, a relative width such as 0.08; repeatable.", show_default=False),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="Checkpoint to use.", show_default="the newest of the run folder")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Changes one key, such as `train.monitor.cases=16`; repeatable."
        ),
    ] = None,
) -> None:
    """Lists the stored averages of the weights, or compares lengths on validation times.

    The length of a power-function average, a share of the training, is chosen after training. Without `--length`,
    prints what is stored and which lengths can be made of it. With it, prints the CRPS of a small ensemble on
    validation times for each length, and for the weights `ema` and `raw`, from the same noise; `train.monitor` says how
    many times and members. Next: `stride-generate RUN_DIR --set generate.weights=0.08`.

    Examples:
    - `stride-averages runs/my-experiment`

    - `stride-averages runs/my-experiment --length 0.05 --length 0.08 --length 0.12 --set train.monitor.cases=16`
    """
    from stride_train.run_folder import RunFolder

    folder = RunFolder(run_dir)
    experiment = folder.load_config(set_ or [])
    if length:
        from stride_train.averages.comparison import compare_weights
        from stride_train.progress import progress

        with progress("comparing weights") as advance:
            found = compare_weights(folder, experiment, ["ema", "raw", *length], checkpoint, advance=advance)
        least = min(found.values())
        typer.echo("weights  CRPS on validation times")
        for choice, crps in found.items():
            typer.echo(f"{choice:<8} {crps:.5g}{'  least' if crps == least else ''}")
        return

    from stride_train.averages.choice import stored_averages
    from stride_train.averages.reconstruction import reachable
    from stride_train.checkpoint import latest_checkpoint, load_checkpoint

    loaded = load_checkpoint(checkpoint or latest_checkpoint(folder.checkpoints))
    stored = stored_averages(loaded, folder.snapshots)
    for one in stored:
        lengths = " ".join(f"{each:g}" for each in one.lengths)
        typer.echo(f"step {one.step:<9} images {one.images:<11} lengths {lengths:<15} {one.path}")
    reach = reachable(stored, loaded.state.images)
    if reach is None:
        typer.echo("no averages are stored: generate with the weights ema or raw")
    else:
        typer.echo(
            f"generate.weights at step {loaded.state.step}: ema, raw, or a length from {reach[0]:.3f} to {reach[1]:.3f}"
        )


def main() -> None:
    """Entry point of the console script."""
    run_command_line(app)
