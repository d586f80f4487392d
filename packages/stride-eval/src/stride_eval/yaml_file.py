"""A YAML file as keys and values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stride_eval.errors import EvalError


def read_mapping(path: Path, what: str) -> dict[str, Any]:
    """Reads a YAML file whose top level is a mapping; an empty file gives none.

    Args:
        path: the file.
        what: what it is, for errors.

    Raises:
        EvalError: no such file, one that is no YAML, or something else at its top level.
    """
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise EvalError(f"there is no {what} {str(path)!r}; give the path of a YAML file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise EvalError(f"{str(path)!r} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise EvalError(
            f"{str(path)!r} holds {type(data).__name__} where keys and values are expected, such as 'mode: minimal'"
        )
    return dict(data)
