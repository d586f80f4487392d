"""Variance of fields at the smallest scales that their grid resolves."""

from __future__ import annotations

import numpy as np
from scipy import fft
from stride_data.assembly.coordinates import Coordinates

RESOLVED_SHARE = 2 / 3
"""Wavenumbers from this share of the grid's highest one on count as small scales: wavelengths of 2 to 3 pixels."""


def small_scale_power(fields: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """Variance held by the highest third of the resolved wavenumbers.

    By the type-II discrete cosine transform, for domains that are not periodic (Denis, Côté & Laprise 2002,
    doi:10.1175/1520-0493(2002)130<1812:SDOTDA>2.0.CO;2). Mode (m, n) of H x W pixels has the wavenumber
    hypot(m / (2 H dy), n / (2 W dx)); the highest one resolved in all directions is 1 / (2 max(dy, dx)).

    Args:
        fields: [..., H, W] without missing values.
        spacing: dy and dx, in one unit of length.

    Returns:
        [...] in the square of the fields' units, float64.
    """
    height, width = fields.shape[-2:]
    dy, dx = spacing
    wavenumber = np.hypot(np.arange(height)[:, None] / (2 * height * dy), np.arange(width)[None, :] / (2 * width * dx))
    highest = 1 / (2 * max(dy, dx))
    small = (wavenumber > RESOLVED_SHARE * highest) & (wavenumber <= highest)
    modes = np.asarray(fft.dctn(fields.astype(np.float64), type=2, norm="ortho", axes=(-2, -1)))
    return np.square(modes[..., small]).sum(axis=-1) / (height * width)


def pixel_spacing(coords: Coordinates) -> tuple[float, float]:
    """Distance of neighbouring rows and of neighbouring columns, in one unit; 1 and 1 where coordinates do not tell.

    Degrees of longitude are taken at the domain's middle latitude.

    Args:
        coords: Of an HR box, as the adapter's `hr_coords` gives them.
    """
    (_, y, of_y), (_, x, of_x) = coords["y"], coords["x"]
    units = [str(attributes.get("units", "1")) for attributes in (of_y, of_x)]
    if min(len(y), len(x)) < 2:
        return 1.0, 1.0
    dy, dx = (abs(float(axis[-1] - axis[0])) / (len(axis) - 1) for axis in (y, x))
    if units[0].startswith("degree"):
        return dy, dx * max(float(np.cos(np.radians(np.mean(y)))), 1e-3)
    return (dy, dx) if units[0] == units[1] and dy > 0 and dx > 0 else (1.0, 1.0)
