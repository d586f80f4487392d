"""Fields as small palette-indexed PNGs: one byte a pixel before compression."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from scipy.ndimage import binary_dilation

from stride_eval.plots.colour_maps import ColourScale

_SHADES = 254
_MISSING = 255


def field_png(field: np.ndarray, scale: ColourScale) -> bytes:
    """A PNG of a field [y, x], first row on top, a pixel a value.

    Args:
        field: values in the scale's units; missing ones get the colour map's colour for them.
        scale: colours and limits; values beyond the limits get the colour of the limit.

    Returns:
        The file's bytes; 254 shades, evenly spaced on the scale.
    """
    values = np.asarray(field, dtype=np.float64)
    present = np.isfinite(values)
    share = np.clip(np.ma.filled(scale.norm(np.where(present, values, scale.norm.vmin or 0.0)), 0.0), 0.0, 1.0)
    index = np.where(present, np.rint(share * (_SHADES - 1)), _MISSING).astype(np.uint8)
    palette = np.zeros((256, 4))
    palette[:_SHADES] = scale.cmap(np.linspace(0.0, 1.0, _SHADES))
    palette[_MISSING] = scale.cmap(np.ma.masked_all(1))[0]
    return _indexed(index, np.rint(palette[:, :3] * 255).astype(np.uint8))


def coast_png(land: np.ndarray, least_width: int = 600) -> bytes:
    """A transparent PNG with a line along the pixels' edges where a land fraction [y, x] passes one half.

    The line is dark with a light rim, so that it stands out from light and dark colours alike.
    """
    wide = max(1, -(-least_width // land.shape[1]))
    inside = np.kron(np.asarray(land) >= 0.5, np.ones((wide, wide), dtype=bool))
    line = np.zeros_like(inside)
    line[:, 1:] |= inside[:, 1:] != inside[:, :-1]
    line[1:] |= inside[1:] != inside[:-1]
    rim = np.asarray(binary_dilation(line, np.ones((3, 3), dtype=bool)), dtype=bool) & ~line
    palette = np.array([[0xFF] * 3, [0x22] * 3, [0xFF] * 3], dtype=np.uint8)
    return _indexed(line + np.uint8(2) * rim, palette, opacity=b"\x00\xff\xa0")


def block_mean(field: np.ndarray, most: int) -> np.ndarray:
    """Means over squares of pixels, so that no side is longer than ``most``; NaN where all of a square is missing."""
    factor = -(-max(field.shape) // most)
    if factor == 1:
        return field
    height, width = (-(-size // factor) * factor for size in field.shape)
    padded = np.full((height, width), np.nan)
    padded[: field.shape[0], : field.shape[1]] = field
    squares = padded.reshape(height // factor, factor, width // factor, factor)
    count = np.isfinite(squares).sum(axis=(1, 3))
    total = np.nansum(squares, axis=(1, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _indexed(index: np.ndarray, palette: np.ndarray, opacity: bytes = b"") -> bytes:
    """PNG of colour type 3 (PNG specification, section 11.2)."""
    height, width = index.shape
    rows = np.concatenate([np.zeros((height, 1), dtype=np.uint8), index], axis=1).tobytes()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)), (b"PLTE", palette.tobytes())]
    if opacity:
        chunks.append((b"tRNS", opacity))
    chunks += [(b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
