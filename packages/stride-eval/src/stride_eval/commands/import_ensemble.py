"""``stride-eval import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def import_ensemble(
    names: Annotated[
        Path | None,
        typer.Argument(
            metavar="NAMES.yaml",
            help="File of names: where the files lie and what they call variables and dimensions.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Zarr store to write, or NetCDF4 file where it ends in .nc; a saved ensemble that is there is "
            "replaced by the finished new one.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Say what was found and would be written; no more.")] = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of files of names, for editors; no more.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Turn an ensemble of another producer into a saved ensemble that stride-eval scores.

    NetCDF files or Zarr stores with any names and units; docs/evaluation.md shows a file of names.

    Example: stride-eval import names.yaml --out theirs.zarr
    """
    if schema:
        import json

        from stride_eval.importing.names import NamesConfig

        print(json.dumps(NamesConfig.model_json_schema(), indent=2))
        return

    from stride_eval.errors import EvalError

    if names is None:
        raise EvalError("no file of names is given; write for example: stride-eval import names.yaml --out theirs.zarr")
    if check:
        from stride_eval.importing.run import check_import

        for line in check_import(names).lines():
            print(line)
        return
    if out is None:
        raise EvalError("where to write is not given; add --out theirs.zarr, or --check to look first")

    from stride_eval.importing.run import import_ensemble as run
    from stride_eval.progress import shown

    with shown() as progress:
        for line in run(names, out, progress):
            print(line)
    print(f"Saved ensemble: {out}")
