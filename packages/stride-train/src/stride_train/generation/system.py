"""What makes an ensemble: the model or a baseline, behind one small interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class System(Protocol):
    """Makes the members of one time.

    Attributes:
        name: Name of the system, such as `edm`.
        members: Ensemble size; 1 for a deterministic system.
        description: What it is, as JSON can hold it: goes into the saved ensemble's `sampler` attribute.
        checkpoint_id: Id of the trained weights; empty for a baseline.
        model_spec: The network's spec as a dictionary; None for a baseline.
    """

    name: str
    members: int
    description: dict[str, Any]
    checkpoint_id: str
    model_spec: dict[str, Any] | None

    def generate(self, time: str, members: Sequence[int] | None = None) -> np.ndarray:
        """Members of one time.

        Args:
            time: ISO time of the case.
            members: Numbers of the members to make, each of which is the same whatever others are made with it; all
                when None.

        Returns:
            float32 [M, C_out, H_hr, W_hr] in canonical physical units, C_out the targets that are generated.
        """
        ...
