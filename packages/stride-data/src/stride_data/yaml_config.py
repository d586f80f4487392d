"""YAML files as plain dictionaries: reading, ``--set`` overrides, environment variables, relative paths."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from stride_data.errors import DataError
from stride_data.storage_options import hidden
from stride_data.urls import is_url

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads ``1e-4`` as a number, as YAML 1.2 does, and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; the last of two equal keys does not silently win."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float | bool):
                if key in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key!r} stands twice", key_node.start_mark
                    )
                seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def _parse(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read a YAML file whose top level is a mapping.

    Args:
        path: The file.

    Returns:
        Its content; an empty file gives an empty dictionary.

    Raises:
        DataError: If the file is missing or unreadable, is not valid YAML (the line is named), or holds no mapping.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; check the path of the configuration.") from None
    except (OSError, UnicodeDecodeError) as exc:
        raise DataError(f"{path}: cannot be read as a text file ({exc}); give a YAML file.") from exc
    try:
        content = _parse(text)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        problem = getattr(exc, "problem", None) or "is not valid YAML"
        line = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise DataError(f"{path}{line}: {problem}; correct the YAML there.") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a {type(content).__name__} where 'key: value' lines are expected.")
    return content


def apply_overrides(content: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """Set dotted keys, as ``--set a.b=c`` does.

    Args:
        content: The dictionary to start from; it is not changed.
        overrides: Texts ``key.path=value``; values are read as YAML, list items are addressed by their number.

    Returns:
        A copy with the values set; missing mappings on the way are made.

    Raises:
        DataError: If a text has no ``=``, its value is not YAML, or its path leads through something else than a
            mapping or a list.
    """
    result = _copied(content)
    for override in overrides:
        dotted, equals, value_text = override.partition("=")
        # What may be a secret is not repeated in messages.
        text = f"{dotted}=..." if "storage_options" in override else override
        if not equals or not dotted.strip():
            raise DataError(f"--set {text}: write it as key.path=value.")
        try:
            value = _parse(value_text)
        except yaml.YAMLError:
            raise DataError(f"--set {text}: the value is not valid YAML; quote it.") from None
        *parents, last = dotted.strip().split(".")
        node: Any = result
        for depth, part in enumerate(parents):
            if isinstance(node, dict) and node.get(part) is None:
                node[part] = {}
            node = _child(node, part, text, ".".join(parents[: depth + 1]))
        if isinstance(node, list):
            _child(node, last, text, dotted)
            node[int(last)] = value
        elif isinstance(node, dict):
            node[last] = value
        else:
            raise DataError(f"--set {text}: '{'.'.join(parents)}' is a single value, it has no key '{last}'.")
    return result


def _child(node: Any, part: str, text: str, dotted: str) -> Any:
    if isinstance(node, dict):
        return node[part]
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    what = f"a list of {len(node)} items" if isinstance(node, list) else "a single value"
    raise DataError(f"--set {text}: '{dotted}' does not exist there, its parent is {what}.")


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def expand_env(value: Any, where: str = "") -> Any:
    """Replace ``${NAME}`` by the environment variable's value, in every text of a nested structure.

    Only ``storage_options`` keep their references, so that no secret is saved with the configuration; they are replaced
    when a file system is opened.

    Args:
        value: Anything made of dictionaries, lists and scalars.
        where: Key path for the message.

    Raises:
        DataError: If a variable is not set; it is named together with the key.
    """
    if isinstance(value, Mapping):
        return {
            key: hidden(item) if key == "storage_options" else expand_env(item, f"{where}.{key}" if where else str(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [expand_env(item, f"{where}.{i}") for i, item in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise DataError(
                f"key '{where}' uses ${{{name}}}, but the environment variable {name} is not set: export it, write "
                f"the path into the file, or give --set {where}=PATH."
            )
        return os.environ[name]

    return _VARIABLE.sub(replace, value)


def absolute(path: str | Path, base: str | Path) -> str:
    """A path made absolute against ``base``, with ``~`` expanded; links are not followed, URLs are left alone."""
    if is_url(str(path)):
        return str(path)
    return str(Path(os.path.abspath(Path(base) / Path(path).expanduser())))  # noqa: PTH100 (resolve follows links)
