"""URLs among paths: which texts they are, and what they must not hold."""

from __future__ import annotations

import re
from pathlib import Path

from stride_data.errors import DataError

# A scheme has two letters at least, so that a Windows drive is none.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+)://")
_LOCAL = ("file", "local")
_WEB = ("http", "https")


def protocol(text: str) -> str | None:
    """The protocol of a URL in small letters ("s3"); None for a path."""
    match = _URL.match(text)
    return None if match is None else match.group(1).lower()


def is_url(text: str) -> bool:
    """Whether a text is a URL and not a path."""
    return protocol(text) is not None


def holds_credentials(text: str) -> bool:
    """Whether a URL, or a pattern below one, holds a user name, a password or a query."""
    host, _, rest = text.partition("://")[2].partition("/") if is_url(text) else ("", "", "")
    # A password with a slash in it ends the host early; a port is all digits.
    named = "@" in host or ("@" in rest and ":" in host and not host.rpartition(":")[2].isdigit())
    # In other stores than the web's a question mark is a wildcard, unless a value is given with it.
    query = "?" in text if protocol(text) in _WEB else re.search(r"\?[^/]*=", text) is not None
    return named or query


def check_url(text: str, where: str) -> None:
    """Refuse a URL that would carry credentials into logs and results.

    Args:
        text: A URL, or a pattern below one.
        where: Key of the configuration; the URL itself is not repeated.

    Raises:
        DataError: If it holds a user name, a password or a query.
    """
    if holds_credentials(text):
        raise DataError(
            f"{where}: the URL holds a user name, a password or a query, which would be saved with results; leave it "
            "out and give credentials in storage_options, as references ${NAME} to environment variables."
        )


def joined(root: str | Path, pattern: str) -> str:
    """A pattern below a root, or the pattern alone when it is a URL or an absolute path."""
    if is_url(pattern):
        return pattern
    if is_url(str(root)):
        return f"{str(root).rstrip('/')}/{pattern.lstrip('/')}"
    return (Path(root) / pattern).as_posix()


def local_path(text: str) -> str:
    """The path of a ``file://`` URL; every other text as it is."""
    if protocol(text) not in _LOCAL:
        return text
    return text.partition("://")[2]
