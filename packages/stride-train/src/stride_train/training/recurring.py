"""What is due every so often."""

from __future__ import annotations

from stride_train.checkpoint import TrainingState
from stride_train.config import Amount


class Recurring:
    """Says when an amount of training has passed again."""

    def __init__(self, every: Amount, state: TrainingState):
        """Counts from a state on.

        Args:
            every: The amount; 0 is never due.
            state: How far training is.
        """
        self.every = every
        self._turns = self._turn(state)

    def _turn(self, state: TrainingState) -> int:
        done = {"steps": state.step, "images": state.images, "seconds": state.seconds}[self.every.unit]
        return int(done // self.every.value) if self.every.value > 0 else 0

    def is_due(self, state: TrainingState) -> bool:
        """True once for every amount passed."""
        turn = self._turn(state)
        due, self._turns = turn > self._turns, turn
        return due
