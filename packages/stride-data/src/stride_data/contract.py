"""The contract batch: the only thing that passes from data to model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stride_data.assembly.channels import ChannelCounts
from stride_data.errors import DataError

_CONTEXT = ("cond_context_dynamic", "cond_context_static")
_KEYS = ("target", "cond_dynamic", "cond_static", *_CONTEXT, "cond_time", "cond_coord", "mask", "meta")
_OPTIONAL = ("target", "cond_static", *_CONTEXT, "cond_time", "cond_coord", "mask")
_MAY_BE_LEFT_OUT = (*_CONTEXT, "cond_time")
_META = ("timestamps", "target_vars", "cond_vars", "static_vars", "domain_info", "scaling_info", "seed")
_COORD = {"hr_box": "int64", "lr_box": "int64", "hr_bounds": "float64", "lr_bounds": "float64"}
_CONTEXT_COORD = {"context_box": "int64", "context_bounds": "float64"}


def validate_batch(
    batch: Mapping[str, Any],
    *,
    counts: ChannelCounts,
    hr_shape: tuple[int, int],
    lr_shape: tuple[int, int],
    context_shape: tuple[int, int] | None = None,
    temporal_steps: int = 1,
    time_features: int = 0,
) -> None:
    """Check keys, shapes and types of a contract batch, of numpy arrays or torch tensors.

    - ``target`` float32 [B, C_out, H_hr, W_hr] or None
    - ``cond_dynamic`` float32 [B, C_dyn, H_lr, W_lr], or [B, T, C_dyn, H_lr, W_lr] with more than one temporal step
    - ``cond_static`` float32 [B, C_static, H_hr, W_hr], None exactly when there are no static channels
    - ``cond_context_dynamic`` float32 [B, C_ctx, H_ctx, W_ctx] or [B, T, C_ctx, H_ctx, W_ctx], ``cond_context_static``
      float32 [B, C, H_ctx, W_ctx]; None (or left out) exactly when there are no such channels
    - ``cond_time`` float32 [B, F], None (or left out) exactly when there are no time features
    - ``cond_coord`` None, or boxes int64 [B, 4] and bounds float64 [B, 4] of HR, LR and, with context, context
    - ``mask`` bool of the target's shape, or None
    - ``meta`` a dictionary

    Args:
        batch: The batch.
        counts: Channels of each role.
        hr_shape: Rows and columns on the HR grid.
        lr_shape: Rows and columns on the LR grid.
        context_shape: Rows and columns on the context grid; None without context.
        temporal_steps: Steps of the dynamic fields' stack.
        time_features: Numbers that describe a sample's time.

    Raises:
        DataError: Naming the key, what is expected and what was got.
    """
    batch = {**dict.fromkeys(_MAY_BE_LEFT_OUT), **batch}
    for key in _KEYS:
        if key not in batch:
            raise DataError(f"batch: key '{key}' is missing; got {', '.join(map(str, batch)) or 'no keys'}.")
    for key in batch:
        if key not in _KEYS:
            raise DataError(f"batch: unknown key '{key}'; expected {', '.join(_KEYS)}.")
    for key in _KEYS:
        if key not in _OPTIONAL and batch[key] is None:
            raise DataError(f"batch: '{key}' is None; expected a value.")
    size = batch["cond_dynamic"].shape[0] if getattr(batch["cond_dynamic"], "ndim", 0) else 0
    hr = (size, counts.target, *hr_shape)
    steps = (temporal_steps,) if temporal_steps > 1 else ()
    _check(batch["cond_dynamic"], "cond_dynamic", "float32", (size, *steps, counts.dynamic, *lr_shape))
    if (batch["cond_time"] is None) != (time_features == 0):
        got = "None" if batch["cond_time"] is None else "a value"
        raise DataError(f"batch: 'cond_time' is {got}; expected {time_features} time features.")
    if batch["cond_time"] is not None:
        _check(batch["cond_time"], "cond_time", "float32", (size, time_features))
    if (batch["cond_static"] is None) != (counts.static == 0):
        got = "None" if batch["cond_static"] is None else "a value"
        raise DataError(f"batch: 'cond_static' is {got}; expected {counts.static} static channels.")
    if batch["cond_static"] is not None:
        _check(batch["cond_static"], "cond_static", "float32", (size, counts.static, *hr_shape))
    around = (("cond_context_dynamic", counts.context, steps), ("cond_context_static", counts.context_static, ()))
    for key, channels, leading in around:
        if (batch[key] is None) != (channels == 0):
            got = "None" if batch[key] is None else "a value"
            raise DataError(f"batch: '{key}' is {got}; expected {channels} channels.")
        if batch[key] is not None:
            _check(batch[key], key, "float32", (size, *leading, channels, *(context_shape or ())))
    if batch["target"] is not None:
        _check(batch["target"], "target", "float32", hr)
    if batch["mask"] is not None:
        if batch["target"] is None:
            raise DataError("batch: 'mask' is given without 'target'; expected None.")
        _check(batch["mask"], "mask", "bool", hr)
    _check_coord(batch["cond_coord"], size, with_context=context_shape is not None)
    _check_meta(batch["meta"], size, counts)


def _check(value: Any, key: str, dtype: str, shape: tuple[int, ...]) -> None:
    got_type = str(getattr(value, "dtype", type(value).__name__)).removeprefix("torch.")
    got_shape = tuple(getattr(value, "shape", ()))
    if got_type != dtype or got_shape != shape:
        raise DataError(f"batch: '{key}' expected {dtype} {list(shape)}, got {got_type} {list(got_shape)}.")


def _check_coord(coord: Any, size: int, *, with_context: bool) -> None:
    if coord is None:
        return
    for key, dtype in {**_COORD, **(_CONTEXT_COORD if with_context else {})}.items():
        if key not in coord:
            raise DataError(f"batch: 'cond_coord.{key}' is missing; got {', '.join(coord)}.")
        _check(coord[key], f"cond_coord.{key}", dtype, (size, 4))


def _check_meta(meta: Any, size: int, counts: ChannelCounts) -> None:
    for key in _META:
        if key not in meta:
            raise DataError(f"batch: 'meta.{key}' is missing; got {', '.join(meta)}.")
    lengths = (
        ("timestamps", size),
        ("target_vars", counts.target),
        ("cond_vars", counts.dynamic),
        ("static_vars", counts.static),
    )
    for key, length in lengths:
        if len(meta[key]) != length:
            raise DataError(f"batch: 'meta.{key}' expected {length} entries, got {len(meta[key])}.")
