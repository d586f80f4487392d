"""Options of remote file systems: secrets stay references to environment variables until files are opened.

What is written anywhere (a dump of the configuration, a message, a ``repr``) shows references such as ``${AWS_SECRET}``
and keys known to be harmless; every other value is replaced by a placeholder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from stride_data.errors import DataError
from stride_data.urls import holds_credentials

PLACEHOLDER = "<not saved>"
"""Stands for a secret in everything that is written."""

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ONLY_A_REFERENCE = re.compile(r"(?:(?:Basic|Bearer|Token) )?\$\{[A-Za-z_][A-Za-z0-9_]*\}")

# What says where and how, never who. Anything not listed here counts as a secret.
_HARMLESS = frozenset(
    {
        "addressing_style",
        "anon",
        "block_size",
        "cache_regions",
        "cache_type",
        "connect_timeout",
        "default_block_size",
        "default_cache_type",
        "default_fill_cache",
        "encoded",
        "endpoint_url",
        "max_attempts",
        "max_concurrency",
        "max_pool_connections",
        "mode",
        "read_timeout",
        "region_name",
        "requester_pays",
        "retries",
        "same_names",
        "signature_version",
        "simple_links",
        "size_policy",
        "timeout",
        "trust_env",
        "use_listings_cache",
        "use_ssl",
        "verify",
        "version_aware",
    }
)


class StorageOptions(dict[str, Any]):
    """A mapping whose ``repr`` shows no secret."""

    def __repr__(self) -> str:
        return repr(shown(self))


class _Hidden:
    """What stands where a mapping should: not repeated in the message about it."""

    def __repr__(self) -> str:
        return PLACEHOLDER


def hidden(value: Any) -> Any:
    """The same options in a form that messages do not show."""
    if value is None:
        return None
    return StorageOptions(value) if isinstance(value, Mapping) else _Hidden()


def hide_all(content: Any) -> Any:
    """A copy of a nested structure in which every ``storage_options`` is ``hidden``."""
    if isinstance(content, Mapping):
        return {key: hidden(item) if key == "storage_options" else hide_all(item) for key, item in content.items()}
    return [hide_all(item) for item in content] if isinstance(content, list) else content


def shown(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as they may be written: references and harmless values kept, all else a placeholder."""
    return {str(key): _shown(str(key), value) for key, value in options.items()}


def _shown(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return shown(value)
    if isinstance(value, list | tuple):
        return [_shown(key, item) for item in value]
    if value is None or isinstance(value, bool) or value == PLACEHOLDER:
        return value
    if isinstance(value, str) and _ONLY_A_REFERENCE.fullmatch(value):
        return value
    harmless = key in _HARMLESS and not (isinstance(value, str) and holds_credentials(value))
    return value if harmless and isinstance(value, str | int | float) else PLACEHOLDER


def expanded(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options with references replaced by their values, for opening a file system.

    Args:
        options: As the configuration holds them.
        where: Key of the configuration, for messages.

    Raises:
        DataError: If a referenced variable is not set, or a value was left out when the configuration was saved.
    """
    return {str(key): _expanded(value, f"{where}.{key}") for key, value in options.items()}


def _expanded(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return expanded(value, where)
    if isinstance(value, list | tuple):
        return [_expanded(item, f"{where}.{number}") for number, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    if value == PLACEHOLDER:
        raise DataError(
            f"{where} was left out when this configuration was saved, since it may be a secret; give it again as a "
            f"reference ${{NAME}} to an environment variable, or by --set {where}=VALUE."
        )

    def replace(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise DataError(
                f"key '{where}' uses ${{{name}}}, but the environment variable {name} is not set; export it."
            )
        return os.environ[name]

    return _REFERENCE.sub(replace, value)


def scrubbed(text: str, options: Mapping[str, Any]) -> str:
    """A library's message without the secrets among the options, however they are quoted.

    Args:
        text: The message.
        options: Expanded options.
    """
    # The longest first, so that no piece of a secret is left over.
    for secret in sorted(set(_secrets(options)), key=len, reverse=True):
        for spelling in (secret, quote(secret, safe=""), quote(secret)):
            text = text.replace(spelling, "***")
    return text


def _secrets(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _secrets(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item, key)
    elif value is not None and not isinstance(value, bool) and str(value) and _shown(key, value) == PLACEHOLDER:
        yield str(value)
