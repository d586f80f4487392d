"""Probability matched mean of an ensemble."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def probability_matched_mean(
    members: ArrayLike, *, axis: int = 0, mask: ArrayLike | None = None
) -> NDArray[np.floating[Any]]:
    """Lay the pooled distribution of all members on the ranks of the ensemble mean (Ebert 2001).

    For every field of the last two axes by itself: the values of all M members at the n valid points are pooled and
    sorted; every M-th of them is kept, the middle one of its group (the upper of the two middle ones for even M); the
    n kept values are given to the points in the order of their ensemble mean. Zeros stay in the pool, so the result is
    wet on as large a part of the field as the members are on average. Points with equal means are ranked in row
    order, which makes the result independent of the order of the members.

    Args:
        members: The ensemble, e.g. [M, H, W] or [M, time, H, W]; any units.
        axis: The member axis; must not be one of the last two.
        mask: True where a point is valid, broadcastable to the members' shape without the member axis. Invalid
            points are left out before pooling. A point where any member is not finite counts as invalid.

    Returns:
        The members' shape without ``axis``; NaN at invalid points. float32 stays float32, integers become float64.

    Raises:
        ValueError: If the shape, the axis or the mask does not fit.

    References:
        Ebert, E. E. (2001): Ability of a poor man's ensemble to predict the probability and distribution of
        precipitation. Monthly Weather Review 129, 2461-2480, section 2c.
    """
    fields = np.asarray(members)
    if not np.issubdtype(fields.dtype, np.floating):
        fields = fields.astype(np.float64)
    if fields.ndim < 3:
        raise ValueError(f"members need a member axis and two axes of the field, got shape {fields.shape}")
    if not -fields.ndim <= axis < fields.ndim or axis % fields.ndim >= fields.ndim - 2:
        raise ValueError(f"axis {axis} must be an axis before the last two of shape {fields.shape}")
    fields = np.moveaxis(fields, axis, 0)
    count, shape = fields.shape[0], fields.shape[1:]
    if count == 0:
        raise ValueError(f"members need at least one member, got shape {np.shape(members)}")

    valid: NDArray[np.bool_] = np.asarray(np.isfinite(fields).all(axis=0))
    if mask is not None:
        try:
            valid = valid & np.broadcast_to(np.asarray(mask, dtype=bool), shape)
        except ValueError:
            raise ValueError(f"mask of shape {np.shape(mask)} does not broadcast to the field's {shape}") from None

    flat = fields.reshape(count, -1, shape[-2] * shape[-1])
    valid = valid.reshape(flat.shape[1:])
    matched = np.full(valid.shape, np.nan, dtype=fields.dtype)
    for index, points in enumerate(valid):
        matched[index, points] = _match(flat[:, index, points])
    return matched.reshape(shape)


def _match(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Match [M, n] finite values; returns [n]."""
    count, points = values.shape
    # Summed in sorted order: a sum in the members' order would differ in its last bit and could swap near ties.
    mean = np.sort(values, axis=0).mean(axis=0, dtype=np.float64)
    kept = np.sort(values, axis=None)[count // 2 :: count]
    matched = np.empty(points, dtype=values.dtype)
    matched[np.argsort(mean, kind="stable")] = kept
    return matched
