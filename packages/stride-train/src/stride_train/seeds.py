"""Seeds made from what they are for, so that nothing random depends on order, batch or machine."""

from __future__ import annotations

import hashlib

import torch


def derived_seed(seed: int, *parts: str | int) -> int:
    """A 63-bit seed that depends on the experiment's seed and on what it is for, and on nothing else.

    Args:
        seed: The experiment's seed.
        parts: What the seed is for, such as ("member", "2013-01-05T00:00:00", 3).
    """
    text = "/".join(str(part) for part in (seed, *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def derived_generator(seed: int, *parts: str | int) -> torch.Generator:
    """A torch generator on the CPU with the derived seed."""
    return torch.Generator().manual_seed(derived_seed(seed, *parts))
