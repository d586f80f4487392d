"""``stride-eval import``: from a file of names to a saved ensemble."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from stride_eval.export import write_netcdf
from stride_eval.importing.names import load_names
from stride_eval.importing.plan import ImportPlan, plan_import
from stride_eval.importing.store import write_store
from stride_eval.progress import Progress, silent
from stride_eval.written_whole import check_ensemble_replaceable, written_whole


def check_import(names: Path) -> ImportPlan:
    """What an import would write; nothing is written.

    Raises:
        StrideError: as ``import_ensemble``.
    """
    return plan_import(load_names(names))


def import_ensemble(names: Path, out: Path, progress: Progress = silent) -> Iterator[str]:
    """Writes a saved ensemble from another producer's files.

    A block of fields is in memory at a time. What lies at ``out`` is replaced by the finished ensemble only.

    Args:
        names: the file of names.
        out: a Zarr store, or one NetCDF4 file where it ends in ``.nc``.
        progress: told of each block.

    Yields:
        What was found and what is missing, a line each.

    Raises:
        StrideError: the file of names or the files it names are wrong, or something else lies at ``out``.
    """
    check_ensemble_replaceable(out)
    plan = check_import(names)
    yield from plan.lines()
    with written_whole(out) as fresh:
        if out.suffix == ".nc":
            out.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as folder:
                missing = write_store(plan, Path(folder) / "store.zarr", progress)
                write_netcdf(Path(folder) / "store.zarr", fresh)
        else:
            missing = write_store(plan, fresh, progress)
    yield from (f"{name}: {100 * share:.3g} % of the values are missing" for name, share in missing.items() if share)
