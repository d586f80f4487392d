"""One reading of the monitors as a judgement of the weights that it was taken of."""

from __future__ import annotations

import math
from dataclasses import dataclass

_RATIOS = ("spread_skill", "spectrum_ratio")


@dataclass(frozen=True)
class JudgedReading:
    """A reading by which checkpoints are compared.

    Attributes:
        monitor: Column of the history, such as `crps` or `bias/danra.prcp`.
        value: What was read.
        step: Optimiser steps done by then.
    """

    monitor: str
    value: float
    step: int

    @property
    def distance(self) -> float:
        """How far it is from what it should be; the lower the better, infinite when the reading is no number."""
        name = self.monitor.partition("/")[0]
        if not math.isfinite(self.value) or (name in _RATIOS and self.value <= 0):
            return math.inf
        if name in _RATIOS:
            return abs(math.log(self.value))
        return self.value if name == "crps" else abs(self.value)
