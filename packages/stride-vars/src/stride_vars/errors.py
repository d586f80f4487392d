"""The error a user can cause, and the hint that names the nearest right word."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED_CHOICES = 12


class StrideError(Exception):
    """Base of every error that a user can cause; its message is one line that says what, where and the mend."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))


def nearest(word: str, choices: Iterable[str]) -> str:
    """Suggest the right word for a mistyped one.

    Args:
        word: What the user wrote.
        choices: The words that would have been right.

    Returns:
        A suffix with a leading space: ``" Did you mean 'x'?"``, the list of choices when nothing is near, or an empty
        string when there are no choices.
    """
    # Compared without case, returned as spelled; a later duplicate in another case does not replace the first.
    spelled: dict[str, str] = {}
    for choice in choices:
        spelled.setdefault(choice.lower(), choice)
    if not spelled:
        return ""
    close = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.6)
    if close:
        return f" Did you mean '{spelled[close[0]]}'?"
    names = list(spelled.values())
    listed = ", ".join(names[:_LISTED_CHOICES])
    if len(names) > _LISTED_CHOICES:
        listed += f" and {len(names) - _LISTED_CHOICES} more"
    return f" Choose one of: {listed}."
