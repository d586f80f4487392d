"""The array library that a value belongs to, so that one formula serves numpy and torch."""

from __future__ import annotations

import sys
from typing import Any


def array_namespace(x: Any) -> Any:
    """The module (numpy, torch) whose functions work on ``x``.

    Looked up among the modules that are loaded already: ``x`` exists, so its library is, and this package need not
    import torch to serve its tensors.
    """
    return sys.modules[type(x).__module__.partition(".")[0]]
