"""Bringing fields of a source to the LR grid, by xarray-regrid along axes and by xarray's interpolation elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stride_data.discovery.grids import Grid
from stride_data.discovery.projection import is_latitude_longitude
from stride_data.errors import DataError
from stride_data.regridding.places import Places, find_places
from stride_data.regridding.window import Window, find_window

Method = Literal["bilinear", "conservative", "nearest"]

MISSING = "a result is missing when a cell that it is made from is missing"
"""What is done about missing values; part of the provenance."""


@dataclass(frozen=True)
class Regridding:
    """How fields of one grid become fields of another.

    Attributes:
        method: "bilinear" and "nearest" give values at cell centres, "conservative" gives means over cells.
        window: The cells of the source that are used.
        spherical: Whether rows are latitudes, so that cells shrink towards the poles.
    """

    method: Method
    window: Window
    spherical: bool

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Bring fields to the LR grid.

        Args:
            values: On the source's grid, [T, H, W], missing values NaN.

        Returns:
            On the LR grid, [T, h, w]; a value is missing when a cell that it is made from is missing.
        """
        import xarray as xr

        window, places = self.window, self.window.places
        used = values[:, window.rows[0] : window.rows[-1] + 1][:, :, window.columns]
        array = xr.DataArray(used.astype(np.float64), dims=("time", "y", "x"), coords={"y": window.y, "x": window.x})
        interpolation = "linear" if self.method == "bilinear" else "nearest"
        if not places.along_axes:
            at = {name: xr.DataArray(getattr(places, name), dims=("row", "column")) for name in ("y", "x")}
            result = array.interp(at, method=interpolation)  # type: ignore[arg-type] (a literal, which is not inferred)
        else:
            import xarray_regrid  # noqa: F401 (registers the accessor)

            target = xr.Dataset(coords={"y": places.y, "x": places.x})
            if self.method == "conservative":
                latitude = "y" if self.spherical else None
                result = array.regrid.conservative(target, latitude_coord=latitude, time_dim=None, nan_threshold=0.0)
            else:
                result = getattr(array.regrid, interpolation)(target, time_dim=None)
        return np.ascontiguousarray(result.values, dtype=np.float32)


def plan_regridding(source: Grid, target: Grid, method: Method, where: str, grid_of: str) -> Regridding:
    """Find out how fields of a source get to the LR grid.

    Args:
        source: Grid of the source.
        target: The declared LR grid.
        method: The configuration's ``regrid``.
        where: Key of the source's configuration, for messages.
        grid_of: Name of the source that the LR grid comes from, for messages.

    Raises:
        DataError: If a grid does not say where it lies, LR cells lie outside the source's domain, or the method does
            not serve these grids.
    """
    places = find_places(source, target, where, grid_of)
    if method == "conservative":
        _check_conservative(source, target, places, where)
    return Regridding(method, find_window(source, places, method, where), is_latitude_longitude(source))


def _check_conservative(source: Grid, target: Grid, places: Places, where: str) -> None:
    if not places.along_axes:
        raise DataError(
            f"{where}.regrid: conservative needs a source whose rows and columns run along those of data.lr_grid, and "
            "they do not in another projection; use bilinear."
        )
    if min(*source.shape, *target.shape) < 2:
        raise DataError(f"{where}.regrid: conservative needs at least 2 x 2 cells on both grids; use bilinear.")
