"""How large a network is: parameters, channels and multiply-adds of every stage."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from stride_model.grids import Grids
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec
from stride_model.unet.blocks import SelfAttention


def count(module: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


@dataclass(frozen=True)
class Stage:
    """One stage of a denoiser.

    Attributes:
        name: The module's name in the denoiser, as in its state dict.
        module: The module itself.
        channels_in: Channels of each input: of its maps, or of its vectors where it sees no map; empty for a module
            that neither encoding nor denoising calls.
        channels_out: Channels of each output.
        grid: Rows and columns of the first output; None for vectors.
        multiply_adds: Of one case: per case where the stage belongs to `encode`, else per call of the network.
    """

    name: str
    module: nn.Module
    channels_in: tuple[int, ...] = ()
    channels_out: tuple[int, ...] = ()
    grid: tuple[int, int] | None = None
    multiply_adds: int = 0


@dataclass(frozen=True)
class Cost:
    """What a denoiser computes, counted by running it on one case of zeros.

    A multiply-add is one product and one sum in a convolution, a matrix product or an attention; what is linear in the
    number of values alone (norms, activations, additions) is left out.

    Attributes:
        parameters: Trainable parameters.
        per_call: Multiply-adds of one call of the network for one member.
        per_case: Multiply-adds of `encode` for one case, done once whatever the members and steps.
        stages: In the order in which they run.
    """

    parameters: int
    per_call: int
    per_case: int
    stages: tuple[Stage, ...]


@torch.no_grad()
def cost(denoiser: EDMDenoiser) -> Cost:
    """Count the parameters and multiply-adds of a denoiser and of its stages, on its device, in float32."""
    device, training = next(denoiser.parameters()).device, denoiser.training
    modules = dict(_stages(denoiser))
    seen: dict[str, Stage] = {}
    begun: dict[str, int] = {}
    counter = FlopCounterMode(display=False)

    def before(name: str, _module: nn.Module, _inputs: tuple[Any, ...]) -> None:
        begun[name] = counter.get_total_flops()

    def after(name: str, module: nn.Module, inputs: tuple[Any, ...], outputs: Any) -> None:
        tensors = _tensors(outputs)
        grids = [(tensor.shape[-2], tensor.shape[-1]) for tensor in tensors if tensor.ndim == 4]
        seen[name] = Stage(
            name,
            module,
            _channels([value for value in inputs if isinstance(value, Tensor)]),
            _channels(tensors),
            grids[0] if grids else None,
            (counter.get_total_flops() - begun[name]) // 2,
        )

    hooks = []
    for name, module in modules.items():
        hooks.append(module.register_forward_pre_hook(partial(before, name)))
        hooks.append(module.register_forward_hook(partial(after, name)))
    try:
        denoiser.eval()
        with counter, torch.autocast(device.type, enabled=False):
            conditioning = denoiser.encode(**_case(denoiser.spec, device))
            per_case = counter.get_total_flops()
            field = torch.zeros(1, denoiser.spec.out_channels, *denoiser.spec.target_hr_shape, device=device)
            denoiser(field, torch.ones(1, device=device), conditioning)
            per_call = counter.get_total_flops() - per_case
            denoiser.gate_logits(conditioning, field, torch.ones(1, device=device))  # no part of a sampler's call
    finally:
        denoiser.train(training)
        for hook in hooks:
            hook.remove()
    uncalled = [Stage(name, module) for name, module in modules.items() if name not in seen]
    return Cost(count(denoiser), per_call // 2, per_case // 2, (*seen.values(), *uncalled))


def summary(denoiser: EDMDenoiser) -> str:
    """A denoiser as text: one line a stage with its channels in and out, grid, parameters and multiply-adds."""
    spec, found = denoiser.spec, cost(denoiser)
    lr, hr, padded = (f"{y} x {x}" for y, x in (spec.cond_lr_shape, spec.target_hr_shape, Grids.of(spec).padded_shape))
    rows = [("stage", "channels in", "out", "grid", "parameters", "multiply-adds")]
    for stage in found.stages:
        attention = any(isinstance(module, SelfAttention) for module in stage.module.modules())
        rows.append(
            (
                f"{stage.name}, attention" if attention else stage.name,
                " + ".join(map(str, stage.channels_in)) or "-",
                " + ".join(map(str, stage.channels_out)) or "-",
                "-" if stage.grid is None else f"{stage.grid[0]} x {stage.grid[1]}",
                f"{count(stage.module):,}",
                f"{stage.multiply_adds:,}" if stage.channels_out else "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(_aligned(row, widths)).rstrip() for row in rows]
    return "\n".join(
        [
            f"HR {hr} in patches of {spec.patch} x {spec.patch}, padded to {padded}; LR {lr}",
            *lines,
            f"{found.parameters:,} parameters",
            f"{found.per_call:,} multiply-adds per call of the network and member",
            f"{found.per_case:,} multiply-adds per case, encoded once",
        ]
    )


def _aligned(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for column, (text, width) in enumerate(zip(row, widths, strict=True)):
        yield text.ljust(width) if column < 4 else text.rjust(width)


def _stages(denoiser: EDMDenoiser) -> Iterator[tuple[str, nn.Module]]:
    """The denoiser's parts; of the network and of its lists of levels, theirs. Those without weights are left out."""
    for name, module in denoiser.named_children():
        parts = module.named_children() if module is denoiser.network else [("", module)]
        for part, child in parts:
            entries = child.named_children() if isinstance(child, nn.ModuleList) else [("", child)]
            for entry, stage in entries:
                if count(stage):
                    yield ".".join(text for text in (name, part, entry) if text), stage


def _case(spec: ModelSpec, device: torch.device) -> dict[str, Tensor]:
    """Zeros that fit a specification, as `encode` takes them."""
    steps = () if spec.temporal_steps == 1 else (spec.temporal_steps,)
    context = spec.context_shape or (0, 0)
    shapes = {
        "cond_dynamic": (*steps, spec.in_dynamic_channels, *spec.cond_lr_shape),
        "cond_static": (spec.in_static_channels, *spec.target_hr_shape),
        "cond_features": (spec.film_features,),
        "context_dynamic": (*steps, spec.in_context_dynamic_channels, *context),
        "context_static": (spec.in_context_static_channels, *context),
    }
    case = {name: torch.zeros(1, *shape, device=device) for name, shape in shapes.items() if 0 not in shape}
    if spec.use_film_vars:
        case["labels"] = torch.zeros(1, dtype=torch.int64, device=device)
    return case


def _tensors(values: Any) -> list[Tensor]:
    if isinstance(values, Tensor):
        return [values]
    return [tensor for value in values for tensor in _tensors(value)] if isinstance(values, tuple | list) else []


def _channels(tensors: list[Tensor]) -> tuple[int, ...]:
    """Channels of the maps, or of the vectors where there is no map; 1 for a number per case."""
    maps = [tensor for tensor in tensors if tensor.ndim == 4]
    return tuple(tensor.shape[1] if tensor.ndim > 1 else 1 for tensor in maps or tensors)
