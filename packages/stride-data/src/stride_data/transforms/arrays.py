"""The array library that a value belongs to, so that one formula serves numpy and torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np


def array_namespace(x: Any) -> Any:
    """The module (numpy, torch) whose functions work on ``x``.

    Looked up among the modules that are loaded already: ``x`` exists, so its library is, and this package need not
    import torch to serve its tensors.
    """
    return sys.modules[type(x).__module__.partition(".")[0]]


def like(values: Sequence[float], x: Any) -> Any:
    """Numbers as an array of the library, type and device of ``x``."""
    return x.new_tensor(values) if hasattr(x, "new_tensor") else np.asarray(values, x.dtype)
