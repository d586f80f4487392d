"""Which number format the network computes in."""

from __future__ import annotations

from typing import Any, Literal

import torch
from lightning_fabric.plugins.precision import MixedPrecision

Precision = Literal["32-true", "bf16-mixed"]


def choose_precision(wanted: Literal["auto", "32-true", "bf16-mixed"]) -> Precision:
    """Resolves `auto`: bf16 autocast where the hardware multiplies in bf16, else float32.

    The preconditioning and the loss stay in float32 in either case (stride_model sees to it).
    """
    if wanted != "auto":
        return wanted
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    if torch.backends.mps.is_available():
        return "32-true"
    capability = torch.backends.cpu.get_cpu_capability()
    return "bf16-mixed" if capability == "AVX512" and torch.cpu._is_avx512_bf16_supported() else "32-true"


class Autocast(MixedPrecision):
    """bf16 autocast of the layers, with the batch left in float32.

    The engine's own rounds every input to bf16 as well: eight bits of the target, coarser than the lowest noise levels.
    """

    def convert_input(self, data: Any) -> Any:
        """Hands the data on as they are."""
        return data
