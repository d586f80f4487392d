"""The contenders: PhysicsNeMo's SongUNet, diffusers' UNet2DModel and ours, of about as many parameters."""

from __future__ import annotations

import importlib.util
import warnings
from typing import cast

import torch
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from torch import Tensor, nn

from peers.denoiser import ConcatDenoiser

OURS = ("ours", "ours, default width")
PEERS = ("SongUNet", "diffusers")
WIDTHS = (136, 272, 408, 544)
"""Of our levels: the default's proportions at the peers' number of parameters."""


def build(name: str, spec: ModelSpec, *, bf16: bool, channels_last: bool) -> EDMDenoiser:
    """A denoiser by name.

    Args:
        name: One of OURS and PEERS.
        spec: Channels and shapes, of which the number of parameters hardly depends.
        bf16: Whether it will run under autocast.
        channels_last: Memory format of the peers; ours is always channels last.
    """
    if name == "ours":
        return EDMDenoiser(spec.model_copy(update={"channels": WIDTHS}))
    if name == "ours, default width":
        return EDMDenoiser(spec)
    make = {"SongUNet": _song_unet, "diffusers": _diffusers}[name]
    peer = ConcatDenoiser(spec, make(spec, bf16, channels_last), channels_last=channels_last)
    return cast(EDMDenoiser, peer)  # as far as loss and samplers know


def _song_unet(spec: ModelSpec, bf16: bool, channels_last: bool) -> nn.Module:
    """CorrDiff's `model_size: mini` on DDPM++, without dropout; Apex's group norm only where it is installed (CUDA)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from physicsnemo.models.diffusion_unets import SongUNet
    return SongUNet(
        img_resolution=list(spec.target_hr_shape),
        in_channels=spec.out_channels + spec.cond_channels,
        out_channels=spec.out_channels,
        model_channels=64,
        channel_mult=[1, 2, 2],
        num_blocks=4,
        attn_resolutions=[16],
        embedding_type="positional",
        dropout=0.0,
        amp_mode=bf16,
        use_apex_gn=bf16 and channels_last and _has_apex(),
    )


def _has_apex() -> bool:
    try:
        return torch.cuda.is_available() and importlib.util.find_spec("apex.contrib.group_norm") is not None
    except ModuleNotFoundError:
        return False


class _UNet2D(nn.Module):
    """UNet2DModel behind SongUNet's call."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, c_noise: Tensor) -> Tensor:
        # Its sines are made for steps 0 to 1000.
        return self.network(x, 1000 * c_noise, return_dict=False)[0]


def _diffusers(spec: ModelSpec, *_: bool) -> nn.Module:
    """The usual blocks on as many levels, attention in the middle only, as SongUNet on grids where 16 x 16 is none."""
    from diffusers import UNet2DModel

    return _UNet2D(
        UNet2DModel(
            sample_size=spec.target_hr_shape,
            in_channels=spec.out_channels + spec.cond_channels,
            out_channels=spec.out_channels,
            block_out_channels=(64, 128, 208),
            layers_per_block=2,
            norm_num_groups=16,
            down_block_types=("DownBlock2D",) * 3,
            up_block_types=("UpBlock2D",) * 3,
        )
    )
