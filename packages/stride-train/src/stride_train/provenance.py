"""What made an output: versions of the packages, and ids made from content."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = (
    "stride-vars",
    "stride-data",
    "stride-model",
    "stride-train",
    "torch",
    "lightning-fabric",
    "numpy",
    "xarray",
    "zarr",
)


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape a result."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def content_id(content: Any) -> str:
    """A short id of anything that JSON can hold: equal content, equal id.

    Args:
        content: Nested dictionaries, lists, strings, numbers.

    Returns:
        16 hexadecimal digits of the SHA-256 of the canonical JSON text.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
