"""Regions: parts of the grid by rows and columns, by latitude and longitude, by a mask in a file, land or sea."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stride_eval.errors import EvalError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

    from stride_eval.systems import Systems

Lenient = Field(strict=False)

NAME = r"^[A-Za-z0-9][A-Za-z0-9 _-]*$"
"""Names of regions are parts of file names."""


class Region(BaseModel):
    """A part of the grid; where several keys are given, what all of them hold.

    Attributes:
        rows: first row and the row after the last, counted from 0 as the file holds them.
        columns: first column and the column after the last.
        latitude: southern and northern edge in degrees, both inside.
        longitude: western and eastern edge in degrees, both inside; from east to west over the date line where the
            first is the larger one.
        surface: ``land`` (land fraction of a half or more) or ``sea``, by the saved land fraction in /static.
        mask: NetCDF file or Zarr store with a variable on the grid's rows and columns; pixels above a half belong.
        variable: name of that variable; null: the only one.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    rows: Annotated[tuple[int, int], Lenient] | None = None
    columns: Annotated[tuple[int, int], Lenient] | None = None
    latitude: Annotated[tuple[float, float], Lenient] | None = None
    longitude: Annotated[tuple[float, float], Lenient] | None = None
    surface: Literal["land", "sea"] | None = None
    mask: Annotated[Path, Lenient] | None = None
    variable: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_word(cls, data: object) -> object:
        """``coast: land`` is short for ``coast: {surface: land}``."""
        return {"surface": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _sensible(self) -> Region:
        if all(value is None for key, value in self if key != "variable"):
            raise ValueError("a region needs rows, columns, latitude, longitude, surface or mask")
        for name in ("rows", "columns"):
            box = getattr(self, name)
            if box is not None and not 0 <= box[0] < box[1]:
                raise ValueError(f"{name} are the first one and the one after the last, counted from 0")
        if self.latitude is not None and not self.latitude[0] <= self.latitude[1]:
            raise ValueError("latitude is the southern, then the northern edge")
        if self.variable is not None and self.mask is None:
            raise ValueError("variable names a variable in the file mask, which is not given")
        return self


def pixels(name: str, region: Region, systems: Systems) -> np.ndarray:
    """Which pixels of the common grid belong to a region [y, x].

    Raises:
        EvalError: no pixel belongs, or the systems or the file do not say where it lies.
    """
    import numpy as np

    height, width = systems.shape
    inside = np.ones((height, width), bool)
    if region.rows is not None:
        rows = np.arange(height)[:, None]
        inside &= (rows >= region.rows[0]) & (rows < region.rows[1])
    if region.columns is not None:
        columns = np.arange(width)
        inside &= (columns >= region.columns[0]) & (columns < region.columns[1])
    if region.latitude is not None:
        latitude = _degrees(systems, name, "latitude")
        inside &= (latitude >= region.latitude[0]) & (latitude <= region.latitude[1])
    if region.longitude is not None:
        west, east = region.longitude
        # Measured eastwards from the western edge, so that 0..360 and -180..180 both serve.
        inside &= (_degrees(systems, name, "longitude") - west) % 360.0 <= (
            360.0 if east - west >= 360.0 else (east - west) % 360.0
        )
    if region.surface is not None:
        land = systems.static("lsm")
        if land is None:
            raise EvalError(
                f"region {name!r}: no system has a land fraction (stride_variable 'lsm') in /static; save one, or give "
                "the region a mask"
            )
        inside &= land >= 0.5 if region.surface == "land" else land < 0.5
    if region.mask is not None:
        inside &= _mask(name, region.mask, region.variable, (height, width))
    if not inside.any():
        raise EvalError(f"region {name!r} holds none of the {height} x {width} pixels; check its edges")
    return inside


def _degrees(systems: Systems, name: str, which: Literal["latitude", "longitude"]) -> np.ndarray:
    """Latitude or longitude of each pixel [y, x]."""
    import numpy as np

    axis = systems.axes[0 if which == "latitude" else 1]
    if str(axis.attrs.get("units", "")).lower().startswith("degree"):
        values = axis.values[:, None] if which == "latitude" else axis.values[None, :]
        return np.broadcast_to(values, systems.shape)
    for saved in systems.saved.values():
        for group in ("ensemble", "target", "static"):
            dataset = saved.groups.get(group)
            if dataset is None:
                continue
            for key in (which, which[:3]):
                if key in dataset.variables and set(dataset[key].dims) == {"y", "x"}:
                    return np.asarray(dataset[key].transpose("y", "x").values, dtype=float)
    raise EvalError(
        f"region {name!r}: the systems hold no {which} (axes in degrees, or a variable {which!r} over y and x); give "
        "rows and columns instead"
    )


def _mask(name: str, path: Path, variable: str | None, shape: tuple[int, int]) -> np.ndarray:
    import numpy as np

    dataset = _opened(name, path)
    keys = [str(key) for key in dataset.data_vars]
    if variable is None and len(keys) != 1:
        raise EvalError(
            f"region {name!r}: {str(path)!r} holds {', '.join(keys) or 'no variable'}; name one as variable"
        )
    key = keys[0] if variable is None else variable
    if key not in keys:
        raise EvalError(f"region {name!r}: {str(path)!r} has no variable {key!r}; it holds {', '.join(keys)}")
    values = np.squeeze(np.asarray(dataset[key].values))
    if values.shape != shape:
        raise EvalError(
            f"region {name!r}: {key!r} in {str(path)!r} has {' x '.join(map(str, values.shape))} values where the "
            f"systems have {shape[0]} x {shape[1]} pixels; bring it to their grid"
        )
    return np.nan_to_num(values.astype(float)) > 0.5


def _opened(name: str, path: Path) -> xr.Dataset:
    import xarray as xr

    if not path.exists():
        raise EvalError(f"region {name!r}: there is no file {str(path)!r}; give a NetCDF file or Zarr store as mask")
    try:
        return xr.open_zarr(path, consolidated=False) if path.is_dir() else xr.open_dataset(path, engine="netcdf4")
    except Exception as error:  # every backend raises its own kinds for damaged files
        raise EvalError(
            f"region {name!r}: {str(path)!r} cannot be read as NetCDF or Zarr ({str(error)[:200]}); write it again"
        ) from error
