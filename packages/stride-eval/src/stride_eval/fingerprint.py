"""What makes a family's results: systems, dates, variables, pixels and the code; equal prints mean equal results."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stride_eval.systems import Systems


def fingerprint(module: str, systems: Systems, stores: Mapping[str, str]) -> str:
    """Fingerprint of what a family is going to compute from systems, apart from its configuration.

    Args:
        module: dotted path of the family.
        systems: with their region, if any.
        stores: system -> ``store_print`` of its path.
    """
    region = None if systems.mask is None else hashlib.sha256(systems.mask.tobytes()).hexdigest()
    whole = {
        "code": _code(module),
        "systems": [[name, stores[name], saved.path.name] for name, saved in systems.saved.items()],
        "single_fields": dict(systems.single_fields),
        "times": systems.times,
        "reference": systems.reference,
        "specs": {key: spec.model_dump(mode="json") for key, spec in systems.specs.items()},
        "region": [region, str(systems.window)],
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def store_print(path: Path) -> str:
    """Of a store or file: it counts as the same while each of its files keeps name, size and time of change."""
    found = hashlib.sha256()
    for name, status in sorted(_files(path, "")):
        found.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return found.hexdigest()


def _files(path: Path, name: str) -> Iterator[tuple[str, os.stat_result]]:
    if not path.is_dir():
        yield name, path.stat()
        return
    # A store may hold very many chunks: os.scandir looks at each once.
    with os.scandir(path) as entries:
        for entry in entries:
            inner = f"{name}/{entry.name}"
            if entry.is_dir():
                yield from _files(Path(entry.path), inner)
            else:
                yield inner, entry.stat()


def _code(module: str) -> str:
    """The package's version, and the text of what computes: an upgrade computes again."""
    from importlib.util import find_spec

    here = Path(__file__).parent
    files = [path for part in ("families", "metrics", "") for path in sorted((here / part).glob("*.py"))]
    found = find_spec(module)
    if found is not None and found.origin is not None:
        files.append(Path(found.origin))
    text = hashlib.sha256(version("stride-eval").encode())
    for path in files:
        text.update(path.read_bytes() if path.is_file() else b"")
    return text.hexdigest()
