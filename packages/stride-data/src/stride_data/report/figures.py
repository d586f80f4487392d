"""What every picture of this package needs: matplotlib without a display, the catalogue's colours, whole files."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stride_vars.colours import COLOUR_MAPS, MISSING_COLOUR

from stride_data.errors import DataError

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

_DPI = 160


def import_pyplot() -> Any:
    """``matplotlib.pyplot``, drawing to files.

    Raises:
        DataError: If matplotlib is not installed.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        raise DataError("--plot needs matplotlib; install it with `pip install 'stride-data[plot]'`.") from None
    return plt


def colour_map(name: str) -> Colormap:
    """A colour map of the catalogue or of matplotlib, missing values grey."""
    import matplotlib as mpl
    from matplotlib.colors import LinearSegmentedColormap

    found = LinearSegmentedColormap.from_list(name, COLOUR_MAPS[name]) if name in COLOUR_MAPS else mpl.colormaps[name]
    return found.with_extremes(bad=MISSING_COLOUR)


def grows_southward(attrs: Mapping[str, Any]) -> bool:
    """Whether a coordinate's ``long_name`` says that it grows southwards ("distance south of the northern edge")."""
    return re.search(r"\b(south of|southwards?)\b", str(attrs.get("long_name", "")).lower()) is not None


def save_figure(figure: Figure, path: Path, *, trimmed: bool = False) -> Path:
    """Write a figure whole or not at all, and close it.

    Args:
        figure: The figure.
        path: The file; its ending chooses the format.
        trimmed: Fit the picture to what is drawn: maps of a fixed aspect leave room, or need more.

    Raises:
        DataError: If the folder does not exist, cannot be written to, or the ending is no kind of picture.
    """
    import matplotlib.pyplot as plt

    if not path.parent.is_dir():
        raise DataError(f"{path}: the folder {path.parent} does not exist; make it first.")
    unfinished = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        options: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.12} if trimmed else {}
        figure.savefig(unfinished, dpi=_DPI, **options)
        unfinished.replace(path)
    except ValueError as exc:
        raise DataError(f"{path}: is no kind of picture that can be written ({exc}); use .png, .svg or .pdf.") from exc
    except OSError as exc:
        raise DataError(f"{path}: cannot be written ({exc.strerror}); choose another file.") from exc
    finally:
        unfinished.unlink(missing_ok=True)
        plt.close(figure)
    return path
