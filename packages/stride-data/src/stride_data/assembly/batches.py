"""Physical fields of several samples, read straight into the arrays of a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.assembly.channels import Channel
from stride_data.assembly.fields import FieldReader

Fields = NDArray[np.float32]


@dataclass(frozen=True)
class FieldBatch:
    """Fields of B samples in canonical units, float32.

    Attributes:
        target: [B, C_out, H_hr, W_hr], missing values NaN; None where a time has no target.
        dynamic: [B, C_dyn, H_lr, W_lr], or [B, T, C_dyn, H_lr, W_lr] with temporal stacking.
        static: [B, C_static, H_hr, W_hr]; None without static channels.
        context: [B, C_ctx, H_ctx, W_ctx], or with T as ``dynamic``; None without such channels.
        context_static: [B, C, H_ctx, W_ctx]; None without such channels.
        hr_boxes: Of each sample, on the HR grid.
        lr_boxes: On the LR grid, margins included.
        context_boxes: On the context grid; None without context.
    """

    target: Fields | None
    dynamic: Fields
    static: Fields | None
    context: Fields | None
    context_static: Fields | None
    hr_boxes: tuple[Box, ...]
    lr_boxes: tuple[Box, ...]
    context_boxes: tuple[Box, ...] | None


def read_batch(reader: FieldReader, times: Sequence[str], hr_boxes: Sequence[Box]) -> FieldBatch:
    """Read the fields of several samples.

    Args:
        reader: Hands out fields.
        times: ISO time of each sample.
        hr_boxes: HR box of each sample, all of one size.

    Raises:
        DataError: If a time is not there, conditioning is missing, or a box does not fit.
    """
    geometry, channels = reader.geometry, reader.channels
    lr = tuple(geometry.lr_box(hr) for hr in hr_boxes)
    around = [geometry.context_box(hr) for hr in hr_boxes]
    context = tuple(box for box in around if box is not None) or None
    dynamic = _timed(reader, channels.dynamic, times, lr, geometry.lr_box_of, reader.dynamic)
    assert dynamic is not None
    target = None
    if all(map(reader.has_target, times)):
        target = _read(reader, channels.target, [(time,) for time in times], hr_boxes, geometry.hr_box_of)[:, 0]
    return FieldBatch(
        target,
        dynamic,
        _untimed(reader, channels.static, hr_boxes, geometry.hr_box_of, reader.static),
        _timed(reader, channels.context, times, context, geometry.context_box_of, reader.context),
        _untimed(reader, channels.context_static, context, geometry.context_box_of, reader.context_static),
        tuple(hr_boxes),
        lr,
        context,
    )


def _timed(
    reader: FieldReader,
    channels: Sequence[Channel],
    times: Sequence[str],
    boxes: Sequence[Box] | None,
    box_of: Callable[[str, Box], Box],
    careful: Callable[[Channel, str, Box], Fields],
) -> Fields | None:
    """Conditioning with time, [B, C, H, W] or [B, T, C, H, W]."""
    if not channels or boxes is None:
        return None
    steps = [reader.lags.times(time) for time in times]
    out = _read(reader, channels, steps, boxes, box_of)
    if _any_missing(out):
        for sample, step, number in np.argwhere(np.isnan(out).any(axis=(-2, -1))):
            out[sample, step, number] = careful(channels[number], steps[sample][step], boxes[sample])
    return out if reader.lags.stacked else out[:, 0]


def _untimed(
    reader: FieldReader,
    channels: Sequence[Channel],
    boxes: Sequence[Box] | None,
    box_of: Callable[[str, Box], Box],
    careful: Callable[[Channel, Box], Fields],
) -> Fields | None:
    """Conditioning without time, [B, C, H, W]."""
    if not channels or boxes is None:
        return None
    out = _read(reader, channels, None, boxes, box_of)[:, 0]
    if _any_missing(out):
        for sample, number in np.argwhere(np.isnan(out).any(axis=(-2, -1))):
            out[sample, number] = careful(channels[number], boxes[sample])
    return out


def _any_missing(values: Fields) -> bool:
    # A missing value spreads to the minimum, which is found without writing an array of answers.
    return bool(np.isnan(values.min()))


def _read(
    reader: FieldReader,
    channels: Sequence[Channel],
    steps: Sequence[Sequence[str]] | None,
    boxes: Sequence[Box],
    box_of: Callable[[str, Box], Box],
) -> Fields:
    """Fields as the sources have them, [B, T, C, H, W]; without ``steps``, those without time with T = 1."""
    out = np.empty((len(boxes), len(steps[0]) if steps else 1, len(channels), *boxes[0].shape), np.float32)
    # The box is the same for all channels of a source.
    grouped: dict[str, list[tuple[int, str]]] = {}
    for number, channel in enumerate(channels):
        grouped.setdefault(channel.source, []).append((number, channel.spec.key))
    for name, keys in grouped.items():
        source, view = reader.sources[name], reader.geometry.views[name]
        # A training store copies straight into the batch; an archive hands out views of decoded fields.
        read_into = getattr(source, "read_into", None) if steps and view.is_plain else None
        for sample, box in enumerate(boxes):
            native, here = box_of(name, box), out[sample]
            for step, time in enumerate(steps[sample] if steps else (None,)):
                for number, key in keys:
                    if read_into is not None:
                        read_into(here[step, number], key, time, native)
                    elif time is None:
                        here[step, number] = view.read(partial(source.read_static_box, key), native)
                    else:
                        here[step, number] = view.read(partial(source.read_box, key, time), native)
    return out
