"""Figures to PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave

MARGIN = 8


def save_png(figure: Figure, path: Path, dpi: int) -> None:
    """Draws a figure once and saves it without its empty border.

    Cutting the pixels takes the place of ``bbox_inches="tight"``, which draws and lays out everything twice.

    Args:
        figure: on white.
        path: of the file.
        dpi: pixels per inch.
    """
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    inked = (pixels != 255).any(axis=2)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if rows.size:
        top, left = max(rows[0] - MARGIN, 0), max(columns[0] - MARGIN, 0)
        pixels = pixels[top : rows[-1] + MARGIN + 1, left : columns[-1] + MARGIN + 1]
    imsave(path, np.ascontiguousarray(pixels), format="png")
