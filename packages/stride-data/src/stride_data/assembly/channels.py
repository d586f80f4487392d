"""A channel: one variable of one source in one role, at a fixed place in the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from stride_vars.spec import VariableSpec

from stride_data.config import DataConfig
from stride_data.field_source import FieldSource

Role = Literal["target", "dynamic", "static", "context", "context_static"]


class ChannelCounts(NamedTuple):
    """How many channels each role has."""

    target: int
    dynamic: int
    static: int
    context: int = 0
    context_static: int = 0


@dataclass(frozen=True)
class Channel:
    """One variable of one source in one role.

    Attributes:
        role: What it is used as.
        source: Name of the source.
        spec: The variable.
        options: The configuration's transform options; empty for the variable's default.
    """

    role: Role
    source: str
    spec: VariableSpec
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``source.key``."""
        return f"{self.source}.{self.spec.key}"


@dataclass(frozen=True)
class Channels:
    """All channels, in the configuration's order."""

    target: tuple[Channel, ...]
    dynamic: tuple[Channel, ...]
    static: tuple[Channel, ...]
    context: tuple[Channel, ...] = ()
    context_static: tuple[Channel, ...] = ()

    @classmethod
    def from_config(cls, config: DataConfig, sources: Mapping[str, FieldSource]) -> Channels:
        """Channels that a configuration names."""

        def channels(role: Role, names: Sequence[str]) -> tuple[Channel, ...]:
            found: list[Channel] = []
            for name in names:
                source, _, key = name.partition(".")
                spec = sources[source].fields[key].spec
                found.append(Channel(role, source, spec, dict(config.transforms.get(name, {}))))
            return tuple(found)

        return cls(
            channels("target", config.target),
            channels("dynamic", config.dynamic),
            channels("static", config.static),
            channels("context", config.context),
            channels("context_static", config.context_static),
        )

    @property
    def counts(self) -> ChannelCounts:
        """How many channels each role has."""
        return ChannelCounts(
            len(self.target), len(self.dynamic), len(self.static), len(self.context), len(self.context_static)
        )

    @property
    def all(self) -> tuple[Channel, ...]:
        """All channels; a variable of several roles comes once, as the first of: target, dynamic, static, context."""
        found = {channel.name: channel for channel in (*self.static, *self.dynamic, *self.target)}
        for channel in (*self.context, *self.context_static):
            found.setdefault(channel.name, channel)
        return tuple(found.values())
