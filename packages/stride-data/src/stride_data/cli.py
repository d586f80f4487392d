"""``stride-data``: what is in the files, their statistics, and a store that training reads quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

# Everything that reads files is imported inside the commands: printing help must not load xarray.

app = typer.Typer(
    help="Look at the data of an experiment, compute the statistics that scale them, prepare a store to train from.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rich's help takes half a second to import
)

ConfigArgument = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="YAML file: an experiment with a 'data' section, or such a section.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a key, such as --set data.root=FOLDER; may be repeated."),
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


@app.command()
def check(
    config: ConfigArgument,
    overrides: SetOption = None,
    read_all: Annotated[
        bool, typer.Option("--all", help="Read every time of every split, not only the first of each.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.png", help="Draw the boxes over topography.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Say what was found: files, times, grids, units, boxes, splits; and what is wrong.

    Ends with exit code 0 when training could begin, 2 when something must be mended first.
    """
    del debug  # taken by the runner, listed here for the help
    from stride_data.report.check import check_data

    check_data(config, overrides or [], read_all=read_all, plot=plot)


@app.command()
def stats(
    config: ConfigArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for statistics.json; made when missing.")],
    overrides: SetOption = None,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="NAME_OR_ADDRESS",
            help="synchronous, threads, processes, or the address of a dask scheduler, such as tcp://host:8786.",
        ),
    ] = "synchronous",
    workers: Annotated[int | None, typer.Option(metavar="N", help="Threads or processes; as many as cores.")] = None,
    debug: DebugOption = False,
) -> None:
    """Compute the statistics of the training split and write DIR/statistics.json.

    The result is the same whatever the scheduler and the number of workers.
    """
    del debug
    from stride_data.report.stats import write_stats

    write_stats(config, out, overrides or [], scheduler=scheduler, workers=workers)


@app.command()
def batch(
    config: ConfigArgument,
    overrides: SetOption = None,
    split: Annotated[str, typer.Option("--split", metavar="NAME", help="Split to take the batch from.")] = "train",
    size: Annotated[int, typer.Option("--size", min=1, help="Samples of the batch.")] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Seed of order and crops.")] = 0,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw it, in physical units, into FILE.")
    ] = None,
    debug: DebugOption = False,
) -> None:
    """Show the first batch of a split, as training would get it."""
    del debug
    from stride_data.report.batch import show_batch

    show_batch(config, overrides or [], split=split, size=size, seed=seed, plot=plot)


@app.command()
def prepare(
    config: ConfigArgument,
    out: Annotated[
        Path, typer.Option("--out", metavar="STORE.zarr", help="The store; what is missing of it is written.")
    ],
    overrides: SetOption = None,
    compression: Annotated[
        Literal["none", "zstd", "lz4"], typer.Option(help="Of the tiles; none reads quickest.")
    ] = "none",
    tile: Annotated[int, typer.Option(min=1, help="Edge length of a tile in cells, about.")] = 128,
    debug: DebugOption = False,
) -> None:
    """Write what samples can need of the archive into a store that training reads quickly.

    Train from it with --set data.store=STORE.zarr. May be stopped at any moment: the same command goes on.
    """
    del debug
    from stride_data.report.prepare import prepare_data

    prepare_data(config, out, overrides or [], tile=tile, compression=compression)


def main() -> None:
    """Run the command line."""
    from stride_vars.cli_errors import run

    run(app)


if __name__ == "__main__":
    main()
