"""A contract sample as the network's conditioning."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from stride_model.conditioning.maps import Conditioning
from stride_model.precondition import EDMDenoiser


def encode_case(denoiser: EDMDenoiser, sample: dict[str, Any], *, label: int | None = None) -> Conditioning:
    """The conditioning of a contract sample (no batch dimension), encoded as a batch of one.

    Args:
        denoiser: The network.
        sample: The sample.
        label: Number of the target that is asked for, of a network that serves one at a time.
    """
    device = next(denoiser.parameters()).device

    def given(key: str) -> torch.Tensor | None:
        value = sample.get(key)
        return None if value is None else torch.as_tensor(np.asarray(value), device=device)[None]

    return denoiser.encode(
        torch.as_tensor(np.asarray(sample["cond_dynamic"]), device=device)[None],
        given("cond_static"),
        given("cond_time"),
        context_dynamic=given("cond_context_dynamic"),
        context_static=given("cond_context_static"),
        labels=None if label is None else torch.tensor([label], device=device),
    )
