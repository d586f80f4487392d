"""The command ``stride-eval``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


COMMANDS = {
    "import": "stride_eval.commands.import_ensemble",
    "export": "stride_eval.commands.export_ensemble",
}
"""What the first argument may ask for in place of scores, and the module whose ``app`` does it."""

_OTHERS = """Other commands, each with a --help of its own:

stride-eval import NAMES.yaml --out theirs.zarr: an ensemble of another producer becomes a saved ensemble.

stride-eval export model.zarr --out model.nc: a saved ensemble as one NetCDF4 file."""


@app.command(epilog=_OTHERS)
def evaluate(
    systems: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=PATH...",
            help="Saved ensembles (Zarr stores or NetCDF files), each with a name for tables and legends.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Output folder; an evaluation that is there is replaced by the finished new one.")
    ] = Path("evaluation"),
    config: Annotated[
        Path | None, typer.Option(help="YAML file with the keys of EvalConfig, or with a section evaluate: of them.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set one key of the configuration; may be repeated."),
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(
            help="Families to run, with commas: dates, probabilistic, distributions, extremes, spatial, scale, "
            "features, temporal. Default: all."
        ),
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="minimal (scores, essential figures), metrics (scores alone), plots (draw finished results again), "
            "full."
        ),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="System that skill is measured against. Default: the one with the fewest members."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(help="Families that are computed at once, each in a process with fields of its own in memory."),
    ] = 1,
    threads: Annotated[bool, typer.Option("--threads", help="Workers are threads in place of processes.")] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A dask scheduler (tcp://host:8786) whose workers compute in place of this machine's; they must see "
            "the same files. Needs stride-eval[distributed].",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Score saved ensembles side by side and write an HTML report.

    Example: stride-eval model=model.zarr quantile_mapping=qm.zarr --out evaluation
    """
    from stride_eval.config import load_config
    from stride_eval.progress import shown
    from stride_eval.runner import evaluate as run
    from stride_eval.tables import terminal_table
    from stride_eval.workers import Workers

    chosen = None if families is None else [name.strip() for name in families.split(",") if name.strip()]
    settings = load_config(config, set_ or [], families=chosen, mode=mode, reference=reference)
    with shown() as progress:
        result = run(_paths(systems), settings, out, progress, Workers(workers, threads, scheduler))
    if result.left_out:
        print(f"Without observations (no /target) there is no {', '.join(result.left_out)}.", file=sys.stderr)
    print(terminal_table(result))
    print(f"Report: {result.report}")


def _paths(systems: list[str]) -> dict[str, Path]:
    """NAME=PATH pairs; a path alone is called by its file's name."""
    from stride_eval.errors import EvalError

    paths: dict[str, Path] = {}
    for text in systems:
        name, separator, path = text.partition("=")
        if not separator:
            name, path = Path(text).stem, text
        if not name or not path:
            raise EvalError(f"{text!r} is no NAME=PATH; write for example model=runs/model.zarr")
        if name in paths:
            raise EvalError(
                f"two systems are called {name!r}; give each a name of its own, as in a=first.zarr b=second.zarr"
            )
        paths[name] = Path(path).expanduser()
    return paths


def command_line(args: Sequence[str], *, standalone_mode: bool = True) -> Any:
    """Scores systems, or does what the first argument names (``COMMANDS``)."""
    first, *others = args or [""]
    if first in COMMANDS:
        chosen: typer.Typer = import_module(COMMANDS[first]).app
        return chosen(args=others, prog_name=f"stride-eval {first}", standalone_mode=standalone_mode)
    return app(args=list(args), standalone_mode=standalone_mode)


def main() -> None:
    """Entry point: a user's error is one sentence on stderr and exit code 2."""
    from stride_vars.cli_errors import run

    run(command_line)
