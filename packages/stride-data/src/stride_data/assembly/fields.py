"""Physical fields of one time and box."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
        lr_box: Box of the dynamic fields on the LR grid, margin included.
        coords: Coordinates of both boxes, as ``GriddedAdapter.hr_coords`` and ``lr_coords`` give them.
    """

    target: NDArray[np.float32] | None
    dynamic: NDArray[np.float32]
    static: NDArray[np.float32] | None
    mask: NDArray[np.bool_] | None
    hr_box: Box
    lr_box: Box
    coords: Mapping[str, tuple[tuple[str, ...], NDArray[Any], dict[str, str]]]


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
        box = self.geometry.hr_box_of(channel.source, hr)
        return self.sources[channel.source].read_box(channel.spec.key, time, box)

    def dynamic(self, channel: Channel, time: str, lr: Box) -> NDArray[np.float32]:
        """A dynamic field in an LR box.

        Raises:
            DataError: If values are missing and the configuration refuses that.
        """
        box = self.geometry.lr_box_of(channel.source, lr)
        source = self.sources[channel.source]
        values = source.read_box(channel.spec.key, time, box)
        return self._conditioning(values, channel, source.place(time), f"LR box {box}")

    def dynamic_stack(self, time: str, lr: Box) -> NDArray[np.float32]:
        """All dynamic fields of a target's time in an LR box: [C, H, W], or [T, C, H, W] with several steps.

        Raises:
            DataError: As ``dynamic``.
        """
        steps = [
            stacked([self.dynamic(channel, other, lr) for channel in self.channels.dynamic])
            for other in self.lags.times(time)
        ]
        return np.stack(steps) if self.lags.stacked else steps[0]

    def at(self, time: str, hr: Box, lr: Box) -> Iterator[tuple[Channel, NDArray[np.float32]]]:
        """Dynamic fields of the step nearest a time, and the time's targets where it has them: what statistics see."""
        nearest = min(zip(self.lags.hours, self.lags.times(time), strict=True), key=lambda step: abs(step[0]))[1]
        for channel in self.channels.dynamic:
            yield channel, self.dynamic(channel, nearest, lr)
        for channel in self.channels.target if self.has_target(time) else ():
            yield channel, self.target(channel, time, hr)

    def static(self, channel: Channel, hr: Box) -> NDArray[np.float32]:
        """A static field in an HR box.

        Raises:
            DataError: If values are missing and the configuration refuses that.
        """
        box = self.geometry.hr_box_of(channel.source, hr)
        source = self.sources[channel.source]
        values = source.read_static_box(channel.spec.key, box)
        return self._conditioning(values, channel, source.place(), f"HR box {box}")

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


def stacked(fields: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Fields [H, W] as channels [C, H, W]."""
    return np.stack(fields) if fields else np.empty((0, 0, 0), np.float32)
