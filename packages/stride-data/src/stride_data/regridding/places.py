"""Where the cells of the LR grid lie in the coordinates of a source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stride_data.discovery.grids import Grid
from stride_data.discovery.projection import geographic, is_latitude_longitude, native_positions
from stride_data.errors import DataError
from stride_data.units import conversion

# Coordinates may be rounded; what agrees to this share of a cell is the same.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Places:
    """Centres of the LR grid's cells in a source's coordinates.

    Attributes:
        y: [h] when the LR grid runs along the source's coordinates, otherwise [h, w].
        x: [w] or [h, w].
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]

    @property
    def along_axes(self) -> bool:
        """Whether rows and columns of the LR grid run along the source's coordinates."""
        return self.y.ndim == 1


def find_places(source: Grid, target: Grid, where: str, grid_of: str) -> Places:
    """Centres of the target's cells in the source's coordinates.

    Args:
        source: Grid that fields stand on.
        target: Grid that they are brought to.
        where: Key of the source's configuration, for messages.
        grid_of: Name of the source that the target grid comes from, for messages.

    Raises:
        DataError: If one of the grids does not say where it lies, or their units do not convert.
    """
    geographic_axes = [is_latitude_longitude(grid) for grid in (source, target)]
    if all(geographic_axes):
        return Places(target.y, target.x)
    if source.crs is None and target.crs is None and not any(geographic_axes):
        # Two grids that name no system are taken to share it.
        return Places(*(_converted(source, target, axis, where) for axis in ("y", "x")))
    here = geographic(target)
    if here is None:
        raise DataError(
            f"data.lr_grid: the grid of {grid_of} does not say where it lies on the Earth, so {where} cannot be "
            f"brought to it; set data.sources.{grid_of}.crs."
        )
    native = native_positions(source, *here)
    if native is None:
        raise DataError(
            f"{where}: its grid does not say where it lies on the Earth, so it cannot be brought to data.lr_grid; set "
            f"{where}.crs."
        )
    y, x = native
    step = [abs(part) or 1.0 for part in source.spacing]
    if np.ptp(y, axis=1).max() < TOLERANCE * step[0] and np.ptp(x, axis=0).max() < TOLERANCE * step[1]:
        return Places(y.mean(axis=1), x.mean(axis=0))
    return Places(y, x)


def _converted(source: Grid, target: Grid, axis: str, where: str) -> NDArray[np.float64]:
    theirs, ours = (str((grid.y_attrs if axis == "y" else grid.x_attrs).get("units", "")) for grid in (source, target))
    values = getattr(target, axis)
    if theirs == ours or not theirs or not ours:
        return values
    try:
        return values * conversion(ours, theirs).scale
    except DataError as exc:
        raise DataError(f"{where}: its coordinate {axis} does not fit data.lr_grid: {exc}; set {where}.crs.") from exc
