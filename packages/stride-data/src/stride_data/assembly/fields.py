"""Physical fields of one time and box."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stride_vars.regions import Box

from stride_data.assembly.channels import Channel, Channels
from stride_data.assembly.lags import Lags
from stride_data.errors import DataError
from stride_data.field_source import FieldSource
from stride_data.regions.geometry import Geometry


@dataclass(frozen=True)
class FieldSet:
    """Fields of one time in canonical units, float32.

    Attributes:
        target: [C_out, H_hr, W_hr], missing values NaN; None where the time has no target.
        dynamic: [C_dyn, H_lr, W_lr], or [T, C_dyn, H_lr, W_lr] with temporal stacking.
        static: [C_static, H_hr, W_hr]; None without static channels.
        mask: bool, the target's shape, True where it is observed; None where the time has no target.
        hr_box: Box of target and static on the HR grid.
        lr_box: Box of the dynamic fields on the LR grid, margins included.
        context: [C_ctx, H_ctx, W_ctx], or [T, C_ctx, H_ctx, W_ctx] with temporal stacking; None without such channels.
        context_static: [C, H_ctx, W_ctx]; None without such channels.
        context_box: Box of both on the context grid; None without context.
        locate: Works out ``coords``, which few need.
    """

    target: NDArray[np.float32] | None
    dynamic: NDArray[np.float32]
    static: NDArray[np.float32] | None
    mask: NDArray[np.bool_] | None
    hr_box: Box
    lr_box: Box
    context: NDArray[np.float32] | None
    context_static: NDArray[np.float32] | None
    context_box: Box | None
    locate: Callable[[], Mapping[str, tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]]]

    @functools.cached_property
    def coords(self) -> Mapping[str, tuple[tuple[str, ...], NDArray[Any], dict[str, Any]]]:
        """Coordinates of all boxes, as the adapter's ``hr_coords``, ``lr_coords``, ``context_coords`` give them."""
        return self.locate()


@dataclass(frozen=True)
class FieldReader:
    """Hands out the boxes of channels at a time.

    Attributes:
        sources: By name.
        channels: In order.
        geometry: Boxes.
        lags: Steps of the dynamic fields' stack.
        missing_conditioning: For a channel's name, "refuse" or the value to fill with.
    """

    sources: Mapping[str, FieldSource]
    channels: Channels
    geometry: Geometry
    lags: Lags
    missing_conditioning: Callable[[str], float | str]

    def has_target(self, time: str) -> bool:
        """Whether all targets have this time."""
        return all(self.sources[channel.source].has_time(time) for channel in self.channels.target)

    def target(self, channel: Channel, time: str, hr: Box) -> NDArray[np.float32]:
        """View of a target field in an HR box; missing values are NaN."""
        return self._timed(channel, time, self.geometry.hr_box_of(channel.source, hr))

    def dynamic(self, channel: Channel, time: str, lr: Box) -> NDArray[np.float32]:
        """A dynamic field in an LR box.

        Raises:
            DataError: If values are missing and the configuration refuses that.
        """
        values = self._timed(channel, time, self.geometry.lr_box_of(channel.source, lr))
        return self._conditioning(values, channel, self.sources[channel.source].place(time), f"LR box {lr}")

    def context(self, channel: Channel, time: str, context: Box) -> NDArray[np.float32]:
        """A context field in a context box.

        Raises:
            DataError: If values are missing and the configuration refuses that.
        """
        values = self._timed(channel, time, self.geometry.context_box_of(channel.source, context))
        return self._conditioning(values, channel, self.sources[channel.source].place(time), f"context box {context}")

    def at(self, time: str, hr: Box, lr: Box) -> Iterator[tuple[Channel, NDArray[np.float32]]]:
        """Conditioning of the step nearest a time, and the time's targets where it has them: what statistics see.

        Context fields come in the context box of the HR box, unless they have another role already.
        """
        nearest = min(zip(self.lags.hours, self.lags.times(time), strict=True), key=lambda step: abs(step[0]))[1]
        for channel in self.channels.dynamic:
            yield channel, self.dynamic(channel, nearest, lr)
        context = self.geometry.context_box(hr)
        others = {channel.name for channel in (*self.channels.dynamic, *self.channels.target)}
        for channel in self.channels.context:
            if context is not None and channel.name not in others:
                yield channel, self.context(channel, nearest, context)
        for channel in self.channels.target if self.has_target(time) else ():
            yield channel, self.target(channel, time, hr)

    def static(self, channel: Channel, hr: Box) -> NDArray[np.float32]:
        """A static field in an HR box.

        Raises:
            DataError: If values are missing and the configuration refuses that.
        """
        values = self._untimed(channel, self.geometry.hr_box_of(channel.source, hr))
        return self._conditioning(values, channel, self.sources[channel.source].place(), f"HR box {hr}")

    def context_static(self, channel: Channel, context: Box) -> NDArray[np.float32]:
        """A context field without time in a context box.

        Raises:
            DataError: If values are missing and the configuration refuses that.
        """
        values = self._untimed(channel, self.geometry.context_box_of(channel.source, context))
        return self._conditioning(values, channel, self.sources[channel.source].place(), f"context box {context}")

    def statics(self, hr: Box) -> Iterator[tuple[Channel, NDArray[np.float32]]]:
        """Static fields in an HR box, and those of context in its context box unless they are static already."""
        for channel in self.channels.static:
            yield channel, self.static(channel, hr)
        context = self.geometry.context_box(hr)
        others = {channel.name for channel in self.channels.static}
        for channel in self.channels.context_static:
            if context is not None and channel.name not in others:
                yield channel, self.context_static(channel, context)

    def _timed(self, channel: Channel, time: str, box: Box) -> NDArray[np.float32]:
        """A field in a box that counts rows and columns as the source's view does."""
        source, key = self.sources[channel.source], channel.spec.key
        return self.geometry.views[channel.source].read(lambda native: source.read_box(key, time, native), box)

    def _untimed(self, channel: Channel, box: Box) -> NDArray[np.float32]:
        source, key = self.sources[channel.source], channel.spec.key
        return self.geometry.views[channel.source].read(lambda native: source.read_static_box(key, native), box)

    def _conditioning(self, values: NDArray[np.float32], channel: Channel, path: str, box: str) -> NDArray[np.float32]:
        missing = np.isnan(values)
        if not missing.any():
            return values
        fill = self.missing_conditioning(channel.name)
        if isinstance(fill, str):
            raise DataError(
                f"{path}: {int(missing.sum())} of {missing.size} values of {channel.name} are missing in the {box}; "
                "choose a region without missing conditioning, or set data.missing_conditioning to the value to fill "
                f"with ({channel.spec.units})."
            )
        return np.where(missing, np.float32(fill), values)
