"""``stride-eval export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.command()
def export_ensemble(
    ensemble: Annotated[Path, typer.Argument(metavar="ENSEMBLE.zarr", help="Saved ensemble, a Zarr store.")],
    out: Annotated[
        Path | None,
        typer.Option(
            help="NetCDF4 file to write; a saved ensemble that is there is replaced by the finished new one.",
            show_default="ENSEMBLE.nc beside the store",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Write a saved ensemble as one compressed NetCDF4 file with the same groups, attributes and values.

    Example: stride-eval export model.zarr --out model.nc
    """
    from stride_eval.export import export_netcdf
    from stride_eval.progress import shown

    with shown() as progress:
        path = export_netcdf(ensemble, out or ensemble.with_suffix(".nc"), progress)
    print(f"NetCDF file: {path}")
