"""The low-resolution fields of the targets on the HR grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from stride_data.adapter_protocol import Adapter
from stride_model.conditioning.resample import interpolation_matrix


def upsample(dynamic: np.ndarray, channels: Sequence[int], adapter: Adapter, hr_shape: tuple[int, int]) -> np.ndarray:
    """Brings LR fields to an HR grid: bilinear, cell-centred.

    Args:
        dynamic: [C_dyn, H_lr, W_lr] in physical units, margins included; of a temporal stack [T, C_dyn, H_lr, W_lr]
            the step nearest the target's time is taken.
        channels: Which fields.
        adapter: Knows the stack's steps and the margins of the LR box.
        hr_shape: Size of the HR grid that the LR box (without its margins) covers.

    Returns:
        float32 [len(channels), H_hr, W_hr].
    """
    if dynamic.ndim == 4:
        dynamic = dynamic[int(np.argmin(np.abs(adapter.lag_hours)))]
    top, bottom, left, right = adapter.lr_margins
    sides = ((top, bottom), (left, right))
    rows, columns = (
        interpolation_matrix(n_hr, n_lr, cell=(n_lr - before - after) / n_hr, offset=before).numpy()
        for n_hr, n_lr, (before, after) in zip(hr_shape, dynamic.shape[-2:], sides, strict=True)
    )
    return rows @ dynamic[list(channels)].astype(np.float32) @ columns.T
