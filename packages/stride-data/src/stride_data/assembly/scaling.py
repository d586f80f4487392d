"""The transforms of all channels of a role, applied along the channel axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stride_data.assembly.channels import Channel, Channels
from stride_data.errors import DataError
from stride_data.statistics.file import entry_for
from stride_data.transforms import Transform, build
from stride_data.transforms.arrays import array_namespace


@dataclass(frozen=True)
class ChannelScaling:
    """Scaling of the channels of one role, in their order."""

    transforms: tuple[Transform, ...]

    def forward(self, x: Any) -> Any:
        """Physical to scaled, [..., C, H, W], numpy or torch."""
        return self._apply(x, [transform.forward for transform in self.transforms])

    def inverse(self, z: Any) -> Any:
        """Scaled to physical, [..., C, H, W], numpy or torch."""
        return self._apply(z, [transform.inverse for transform in self.transforms])

    def _apply(self, x: Any, functions: Sequence[Any]) -> Any:
        if x.ndim < 3 or x.shape[-3] != len(functions):
            raise ValueError(f"expected [..., {len(functions)}, H, W], got shape {tuple(x.shape)}")
        if len(functions) == 1:
            return functions[0](x)
        return array_namespace(x).stack([function(x[..., i, :, :]) for i, function in enumerate(functions)], -3)


@dataclass(frozen=True)
class Scaling:
    """Scaling of all roles."""

    target: ChannelScaling
    dynamic: ChannelScaling
    static: ChannelScaling
    context: ChannelScaling
    context_static: ChannelScaling
    statistics_id: str

    @classmethod
    def from_statistics(cls, channels: Channels, statistics: Mapping[str, Any], where: str) -> Scaling:
        """Build every channel's transform from a statistics file's content.

        Raises:
            DataError: If the statistics are of other variables, sources or units, or do not suit a transform.
        """
        statistics_id = str(statistics["id"])

        def scaling(some: Sequence[Channel]) -> ChannelScaling:
            transforms: list[Transform] = []
            for channel in some:
                entry = entry_for(statistics, channel.source, channel.spec.key, channel.spec.units, where)
                try:
                    transforms.append(
                        build(
                            entry,
                            spec=channel.spec,
                            source=channel.source,
                            statistics_id=statistics_id,
                            options=channel.options,
                        )
                    )
                except DataError as exc:
                    raise DataError(f"{where}: {exc}") from exc
            return ChannelScaling(tuple(transforms))

        return cls(
            scaling(channels.target),
            scaling(channels.dynamic),
            scaling(channels.static),
            scaling(channels.context),
            scaling(channels.context_static),
            statistics_id,
        )

    def metadata(self) -> list[dict[str, Any]]:
        """Metadata of every transform, with the role it has; ``stride_data.transforms.from_metadata`` rebuilds each."""
        return [
            {"role": role, **transform.metadata()}
            for role in ("target", "dynamic", "static", "context", "context_static")
            for transform in getattr(self, role).transforms
        ]
