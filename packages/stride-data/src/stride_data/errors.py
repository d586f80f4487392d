"""The error that a user of the data layer can cause."""

from __future__ import annotations

from collections.abc import Iterable

from stride_vars.errors import StrideError, nearest


class DataError(StrideError):
    """Files, configuration or statistics that do not fit: one sentence with what, where and the mend."""


def hint(word: str, choices: Iterable[str]) -> str:
    """The nearest right word, to be put at the end of a sentence whose full stop is yet to come.

    Args:
        word: What the user wrote.
        choices: The words that would have been right.
    """
    text = nearest(word, choices).strip()
    if text.endswith("?"):
        return f" ({text[0].lower()}{text[1:]})"
    return f"; {text[0].lower()}{text[1:].rstrip('.')}" if text else ""
