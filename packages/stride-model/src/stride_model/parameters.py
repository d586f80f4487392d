"""How large a network is: parameters in all, and the stages in words."""

from torch import nn

from stride_model.grids import Grids
from stride_model.precondition import EDMDenoiser


def count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def summary(denoiser: EDMDenoiser) -> str:
    """Stages of a denoiser as text: channels, grids and parameters, one stage a line."""
    spec, network = denoiser.spec, denoiser.network
    grids = Grids.of(spec)
    lr, hr, padded = (f"{y} x {x}" for y, x in (spec.cond_lr_shape, spec.target_hr_shape, grids.padded_shape))
    context = []
    if denoiser.context is not None and spec.context_shape is not None:
        height, width = spec.context_shape
        given = f"{spec.context_input_channels} channels, {height} x {width}"
        context = [("context encoder", given, count(denoiser.context))]
    rows = [
        ("LR and static encoder", f"{spec.cond_channels} LR + {spec.in_static_channels} HR channels, LR {lr}",
         count(denoiser.encoder)),
        *context,
        ("noise embedding", f"{spec.embedding_channels} channels", count(network.embedding)),
        ("stem and head", f"{spec.out_channels} channels, HR {hr}, padded {padded}, patch {spec.patch}",
         count(network.stem) + count(network.head)),
    ]  # fmt: skip
    for level, channels in enumerate(spec.channels):
        stages = [network.encoder[level]]
        if level < len(network.decoder):
            stages += [network.decoder[level]]
        if level > 0:
            stages += [network.down[level - 1], network.up[level - 1]]
        height, width = grids.level_shape(level)
        attention = ", attention" if level in spec.attention_levels else ""
        rows.append((f"level {level}", f"{channels} channels, {height} x {width}{attention}", sum(map(count, stages))))
    if denoiser.gate is not None:
        rows.append(("gate", f"{len(spec.gated_channels)} channels", count(denoiser.gate)))
    rows.append(("parameters", "", count(denoiser)))
    return "\n".join(f"{name:<22} {what:<58} {parameters:>12,}" for name, what, parameters in rows)
