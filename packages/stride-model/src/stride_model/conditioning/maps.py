"""What the conditioning of a case becomes: maps that every call of the network reuses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Conditioning:
    """Encoded conditioning of B cases.

    Attributes:
        levels: One map [B, channels, rows, columns] per level of the UNet, added where the level begins.
        gate_logits: [B, gated channels, H, W] of a gate on the conditioning alone; None without one.
        gate_features: [B, channels[0], rows, columns] for a gate that also sees a denoised field; None without one.
        embedding: [B, embedding_channels], what scales and shifts the residual blocks beside the noise level; None
            where the cases have no features.
    """

    levels: tuple[Tensor, ...]
    gate_logits: Tensor | None = None
    embedding: Tensor | None = None
    gate_features: Tensor | None = None

    @property
    def batch(self) -> int:
        """Number of cases."""
        return self.levels[0].shape[0]

    def expand_members(self, members: int) -> "Conditioning":
        """Each case `members` times, members of a case side by side: [B * members, ...].

        A single case is expanded without copying.
        """
        if self.batch == 1:
            return self._map(lambda x: x.expand(members, *x.shape[1:]))
        return self._map(lambda x: x.repeat_interleave(members, dim=0))

    def __getitem__(self, cases: slice) -> "Conditioning":
        """Some of the cases."""
        return self._map(lambda x: x[cases])

    @classmethod
    def join(cls, parts: Sequence["Conditioning"]) -> "Conditioning":
        """The cases of several encodings, one after the other."""
        if len(parts) == 1:
            return parts[0]

        def joined(values: Sequence[Tensor | None]) -> Tensor | None:
            given = [value for value in values if value is not None]
            return torch.cat(given) if given else None

        levels = tuple(torch.cat(level) for level in zip(*(part.levels for part in parts), strict=True))
        others = ([p.gate_logits for p in parts], [p.embedding for p in parts], [p.gate_features for p in parts])
        return cls(levels, *map(joined, others))

    def to(self, device: torch.device | str) -> "Conditioning":
        """The same on another device."""
        return self._map(lambda x: x.to(device))

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Conditioning":
        gate = None if self.gate_logits is None else change(self.gate_logits)
        embedding = None if self.embedding is None else change(self.embedding)
        features = None if self.gate_features is None else change(self.gate_features)
        return Conditioning(tuple(change(level) for level in self.levels), gate, embedding, features)
