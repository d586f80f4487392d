"""Finished results of families on disk: kept until the evaluation is whole, and used again where nothing changed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stride_eval.errors import EvalError
from stride_eval.recorded_config import keys_of
from stride_eval.scores import ALL

if TYPE_CHECKING:
    import xarray as xr

    from stride_eval.config import EvalConfig


def file_name(family: str, region: str = ALL) -> str:
    """Name of a family's file in ``results``."""
    return f"{family}.nc" if region == ALL else f"{family}.{region}.nc"


@dataclass(frozen=True)
class Finished:
    """Results that need not be computed again.

    Attributes:
        work: folder beside the output, in which an evaluation that is not complete keeps what it has; it goes when the
            evaluation is in its place.
        results: ``results`` of the earlier evaluation in the output folder.
    """

    work: Path
    results: Path

    @classmethod
    def beside(cls, out: Path) -> Finished:
        """Of an output folder."""
        return cls(out.with_name(f".{out.name}.unfinished"), out / "results")

    def find(self, file: str, fingerprint: str, config: EvalConfig) -> Path | None:
        """Results of the same systems, dates and keys of the configuration; None where there are none."""
        for folder in (self.work, self.results):
            path = folder / file
            if path.is_file() and _is_of(path, fingerprint, config):
                return path
        return None

    def keep(self, file: str, results: xr.Dataset, fingerprint: str, used: dict[str, Any]) -> Path:
        """Puts results into the work folder, whole or not at all.

        Args:
            file: name of the file.
            results: of a family.
            fingerprint: of the systems.
            used: keys of the configuration that the family read, with their values.

        Raises:
            EvalError: the file cannot be written.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        path = self.work / file
        fresh = path.with_name(f".{file}.{os.getpid()}.part")
        marked = results.assign_attrs(fingerprint=fingerprint, config_used=json.dumps(used))
        try:
            marked.to_netcdf(fresh, engine="netcdf4")
            fresh.replace(path)
        except (OSError, RuntimeError) as error:  # the NetCDF library tells a full disk as a RuntimeError
            reason = " ".join(str(error).split())
            raise EvalError(
                f"the results of {path.stem!r} cannot be written to {str(self.work)!r} ({reason[:200]}); free some "
                "space there, or choose another --out, and run again: families that are finished are kept"
            ) from error
        finally:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
        return path

    def hand_on(self, path: Path, folder: Path) -> None:
        """Puts finished results into the new evaluation; they stay where they are too, until it is complete."""
        try:
            os.link(path, folder / path.name)
        except OSError:  # no links on this file system
            shutil.copyfile(path, folder / path.name)

    def forget(self) -> None:
        """Removes the work folder: the evaluation is in its place."""
        shutil.rmtree(self.work, ignore_errors=True)

    def scratch(self) -> Path:
        """A fresh folder for the coming evaluation, on the same file system; goes with the work folder."""
        self.work.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(suffix=".part", dir=self.work))


def _is_of(path: Path, fingerprint: str, config: EvalConfig) -> bool:
    import netCDF4

    try:
        with netCDF4.Dataset(path) as dataset:
            if getattr(dataset, "fingerprint", None) != fingerprint:
                return False
            used = json.loads(dataset.getncattr("config_used"))
    except (OSError, RuntimeError, AttributeError, ValueError):
        return False  # damaged, or of another version: computed again
    return keys_of(config, tuple(used)) == used
