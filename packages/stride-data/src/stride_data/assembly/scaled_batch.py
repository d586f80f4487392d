"""Physical fields to the arrays of a contract batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stride_data.assembly.batches import FieldBatch
from stride_data.assembly.coordinates import box_coordinates
from stride_data.assembly.scaling import Scaling
from stride_data.regions.geometry import Geometry


def scaled_batch(
    physical: FieldBatch, scaling: Scaling, geometry: Geometry, features: Sequence[Any] | None
) -> dict[str, Any]:
    """The contract batch but for its ``meta``, numpy arrays.

    Missing targets are 0 (scaled) where ``mask`` is False.

    Args:
        physical: Fields in canonical units.
        scaling: Transforms of all channels.
        geometry: Where the boxes lie.
        features: Time features of each sample, float32 [F]; None without.
    """
    target, mask = None, None
    if physical.target is not None:
        mask = ~np.isnan(physical.target)
        target = scaling.target.forward(physical.target)
        if not mask.all():
            target = np.where(mask, target, np.float32(0))

    def scaled(role: str, fields: NDArray[np.float32] | None) -> Any:
        return None if fields is None else getattr(scaling, role).forward(fields)

    return {
        "target": target,
        "cond_dynamic": scaled("dynamic", physical.dynamic),
        "cond_static": scaled("static", physical.static),
        "cond_context_dynamic": scaled("context", physical.context),
        "cond_context_static": scaled("context_static", physical.context_static),
        "cond_time": None if features is None else np.stack(features),
        "cond_coord": box_coordinates(
            hr=(geometry.hr_grid, physical.hr_boxes),
            lr=(geometry.lr_grid, physical.lr_boxes),
            context=(geometry.context_grid, physical.context_boxes),
        ),
        "mask": mask,
    }
