"""Baseline: the low-resolution field of the same variable, interpolated to the HR grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_vars.regions import Box

from stride_train.errors import GenerationError
from stride_train.upsampled import upsample


class Interpolated:
    """Bilinear, cell-centred interpolation of LR to HR: one member, no training.

    Every target takes the first dynamic field of the same variable.
    """

    name = "interpolated"
    members = 1
    checkpoint_id = ""
    model_spec: dict[str, Any] | None = None

    def __init__(self, adapter: Adapter, box: Box | None = None, targets: Sequence[int] | None = None):
        """Finds the LR field of each target.

        Args:
            adapter: Gives the fields.
            box: HR box of the fields; the region's when None.
            targets: Numbers of the targets to make; None for all.

        Raises:
            GenerationError: If a target's variable is not among the dynamic fields.
        """
        self.adapter, self.box = adapter, box
        self.targets = list(range(len(adapter.target_names)) if targets is None else targets)
        self.channels = own_fields(adapter, self.targets)
        self.description: dict[str, Any] = {
            "method": "bilinear, cell-centred",
            "fields": [adapter.cond_names[channel] for channel in self.channels],
        }

    def generate(self, time: str, members: Sequence[int] | None = None) -> np.ndarray:
        """The interpolated fields [1, C_out, H_hr, W_hr] of one time."""
        fields = self.adapter.fields(time, self.box)
        return self.interpolate(fields.dynamic, fields.hr_box.shape)[None]

    def interpolate(self, dynamic: np.ndarray, hr_shape: tuple[int, int]) -> np.ndarray:
        """Brings the targets' LR fields to an HR grid.

        Args:
            dynamic: [C_dyn, H_lr, W_lr] in physical units, margins included; of a temporal stack [T, C_dyn, H_lr, W_lr]
                the step nearest the target's time is taken.
            hr_shape: Size of the HR grid that the LR box (without its margins) covers.

        Returns:
            float32 [C_out, H_hr, W_hr].
        """
        return upsample(dynamic, self.channels, self.adapter, hr_shape)


def own_fields(
    adapter: Adapter, targets: Sequence[int], otherwise: str = "leave these out of generate.baselines"
) -> list[int]:
    """Number of the first dynamic field of each target's own variable.

    Args:
        adapter: Its targets and dynamic fields.
        targets: Numbers of the targets.
        otherwise: What else can be done than adding the field, for the error's sentence.

    Raises:
        GenerationError: If a target's variable is not among the dynamic fields.
    """
    keys = [variable.key for variable in adapter.cond_vars]
    channels = []
    for number in targets:
        name, variable = adapter.target_names[number], adapter.target_vars[number]
        if variable.key not in keys:
            raise GenerationError(
                f"Interpolation, quantile mapping and analogues need the low-resolution field of '{name}', but "
                f"data.dynamic holds no '{variable.key}' (it holds {', '.join(adapter.cond_names)}): add it, or "
                f"{otherwise}."
            )
        channels.append(keys.index(variable.key))
    return channels
