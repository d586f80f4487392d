"""A system's name as the heading of a panel."""

from __future__ import annotations

import re

_WIDTH_OF_LETTER = 0.62
"""Of a bold letter on average, in units of the font's size."""


def heading(name: str, width: float, size: float) -> str:
    """The name in as many lines as fit a panel; broken after underscores, dashes and spaces alone.

    Args:
        name: of the system.
        width: of the panel, inches.
        size: of the font, points.
    """
    letters = width * 72 / (_WIDTH_OF_LETTER * size)
    lines = [""]
    for part in re.findall(r"[^_\- ]+[_\- ]*|[_\- ]+", name):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > letters:
            lines.append("")
        lines[-1] += part
    return "\n".join(line.strip() for line in lines)
