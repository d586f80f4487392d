"""Amounts of training: steps, images or wall-clock time, written as a person says them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, PlainSerializer

_PATTERN = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$", re.IGNORECASE)
_SECONDS = {"s": 1.0, "sec": 1.0, "min": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0}
_COUNTS = {"step": "steps", "steps": "steps", "image": "images", "images": "images"}


@dataclass(frozen=True)
class Amount:
    """An amount of training: a number of optimiser steps, of training images seen, or of seconds.

    Attributes:
        unit: What is counted.
        value: How many; seconds for time.
        text: As the user wrote it (`600steps`, `50000images`, `10min`).
    """

    unit: Literal["steps", "images", "seconds"]
    value: float
    text: str

    @classmethod
    def parse(cls, text: object) -> Amount:
        """Reads `600steps`, `50000images`, `90s`, `10min` or `2h`.

        Raises:
            ValueError: If the text is none of these.
        """
        if isinstance(text, Amount):
            return text
        match = _PATTERN.match(str(text))
        unit = match.group(2).lower() if match else ""
        if match and unit in _COUNTS:
            return cls(_COUNTS[unit], float(match.group(1)), str(text))  # type: ignore[arg-type]
        if match and unit in _SECONDS:
            return cls("seconds", float(match.group(1)) * _SECONDS[unit], str(text))
        raise ValueError(f"'{text}' is no amount of training: write it like 600steps, 50000images, 90s, 10min or 2h")

    def fraction(self, *, steps: int, images: int, seconds: float) -> float:
        """Share of this amount that has passed, 1 when it is used up."""
        done = {"steps": steps, "images": images, "seconds": seconds}[self.unit]
        return 1.0 if self.value <= 0 else min(1.0, done / self.value)


Budget = Annotated[Amount, BeforeValidator(Amount.parse), PlainSerializer(lambda amount: amount.text, return_type=str)]
"""An Amount as a field of a config: parsed from text, written back as the same text."""
