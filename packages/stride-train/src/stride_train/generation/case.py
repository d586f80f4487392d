"""A contract sample as the network's conditioning."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import torch
from stride_model.conditioning.maps import Conditioning
from stride_model.precondition import EDMDenoiser
from stride_model.tiles.denoiser import TiledConditioning, TiledDenoiser


@overload
def encode_case(denoiser: EDMDenoiser, sample: dict[str, Any], *, label: int | None = None) -> Conditioning: ...
@overload
def encode_case(denoiser: TiledDenoiser, sample: dict[str, Any], *, label: int | None = None) -> TiledConditioning: ...
def encode_case(
    denoiser: EDMDenoiser | TiledDenoiser, sample: dict[str, Any], *, label: int | None = None
) -> Conditioning | TiledConditioning:
    """The conditioning of a contract sample, encoded.

    Args:
        denoiser: The network; or, of a larger domain, its tiles.
        sample: A sample without batch dimension, encoded as a batch of one; of tiles, their samples with an axis of
            tiles in front.
        label: Number of the target that is asked for, of a network that serves one at a time.
    """
    tiled = isinstance(denoiser, TiledDenoiser)

    def given(key: str) -> torch.Tensor | None:
        value = sample.get(key)
        if value is None:
            return None
        tensor = torch.as_tensor(np.asarray(value), device=denoiser.device)
        return tensor if tiled else tensor[None]

    dynamic = given("cond_dynamic")
    assert dynamic is not None, "every sample has dynamic conditioning"
    return denoiser.encode(
        dynamic,
        given("cond_static"),
        given("cond_time"),
        context_dynamic=given("cond_context_dynamic"),
        context_static=given("cond_context_static"),
        labels=None if label is None else torch.full((len(dynamic),), label, device=denoiser.device),
    )
