"""`stride-generate`: ensembles from a trained model or a baseline."""

from __future__ import annotations

import shlex
import sys
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
        str | None,
        typer.Option(
            help="Checkpoint to use: `last`, `best` (by the monitors), or a file.", show_default="generate.checkpoint"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the ensembles.", show_default="RUN_DIR/ensembles")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Changes one key, such as `generate.members=32`; repeatable."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Prints cases, members, network calls, bytes and free space; makes nothing."),
    ] = False,
    rank: Annotated[
        int | None,
        typer.Option(
            help="Number of this process's share of the work, from 0; with `--of`.",
            show_default="from torchrun or SLURM, else all",
        ),
    ] = None,
    of: Annotated[int | None, typer.Option(help="Number of shares.", show_default=False)] = None,
    ignore_space: Annotated[
        bool,
        typer.Option("--ignore-space", help="Begins although the uncompressed ensemble may not fit on the disk."),
    ] = False,
) -> None:
    """Generates ensembles in the saved-ensemble format (a Zarr store that stride-eval reads).

    Draws `generate.members` members for every time of `generate.split`, in physical units, and saves them with the
    conditioning, the observed fields, the probability matched mean and everything that made them. A finished ensemble
    is not made again; one that was broken off goes on where it stopped. Several processes divide the work: started by
    torchrun or SLURM, or each with its own `--rank` and the same `--of`, at any time and on any machine that sees the
    folder; the last one to end finishes the ensemble. Next: `stride-eval edm=RUN_DIR/ensembles/edm.zarr`.

    Examples:
    - `stride-generate runs/my-experiment`

    - `stride-generate runs/my-experiment --set generate.weights=0.1 --out length-0.1` takes another average of the
      weights, see `stride-averages`

    - `stride-generate runs/my-experiment --system interpolated --system quantile_mapping`

    - `stride-generate runs/my-experiment --dry-run`

    - `torchrun --nproc-per-node 4 -m stride_train.cli.generate runs/my-experiment`
    """
    from stride_train.run_folder import RunFolder

    folder = RunFolder(run_dir)
    chosen = [f"generate.checkpoint={checkpoint}"] if checkpoint in ("last", "best") else []
    experiment = folder.load_config([*(set_ or []), *chosen])
    file = None if checkpoint is None or chosen else Path(checkpoint)

    from stride_train.generation.dry_run import dry_run as describe
    from stride_train.generation.report import report
    from stride_train.generation.run import find_request, generate_share
    from stride_train.generation.shares import find_share

    share = find_share(rank, of)
    names = system or ["edm"]
    for name in names:
        request = find_request(folder, experiment, name, file, folder=out)
        if dry_run:
            typer.echo("\n".join(describe(request)))
            continue
        outcome = generate_share(request, share, ignore_space=ignore_space)
        if outcome.finished:
            typer.echo(f"{name:<{max(17, *map(len, names))}} {outcome.path}")
        for line in report(request, outcome, share):
            typer.echo(line, err=True)
        if outcome.stopped:
            typer.echo(f"resume with: stride-generate {shlex.join(sys.argv[1:])}", err=True)
            return


def main() -> None:
    """Entry point of the console script."""
    run_command_line(app)


if __name__ == "__main__":
    main()
