"""Weights that lie in shares over the processes (FSDP), and whole again for files and monitors."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from stride_model.unet.blocks import ResBlock
from torch import Tensor

from stride_train.errors import ExperimentError

if TYPE_CHECKING:
    from lightning_fabric.strategies.model_parallel import ModelParallelStrategy
    from torch.distributed.device_mesh import DeviceMesh

    from stride_train.training.objective import Objective

_FULLY_SHARD = "torch.distributed.fsdp"


def sharding_strategy(size: int) -> ModelParallelStrategy:
    """The engine's strategy that shares weights, gradients and the optimiser's state out over all processes.

    Args:
        size: How many processes there are.

    Raises:
        ExperimentError: If this torch does not have it.
    """
    from lightning_fabric.strategies.model_parallel import ModelParallelStrategy

    if not hasattr(importlib.import_module(_FULLY_SHARD), "fully_shard"):
        raise ExperimentError(
            f"train.sharding: full needs torch 2.6 or newer, this is {torch.__version__}: install a newer one, or set "
            "it to none."
        )
    return ModelParallelStrategy(_shard, data_parallel_size=size, tensor_parallel_size=1)


def _shard(objective: Objective, mesh: DeviceMesh) -> Objective:
    """Every residual block is gathered when its turn comes, and what lies outside of them for the whole step."""
    fully_shard = importlib.import_module(_FULLY_SHARD).fully_shard
    processes = mesh["data_parallel"]
    # Shares are cut from plain memory, so that the weights lose the layout that CPUs are fastest with.
    objective.to(mesh.device_type, memory_format=torch.contiguous_format)  # pyright: ignore[reportCallIssue]
    for part in objective.modules():
        if isinstance(part, ResBlock):
            fully_shard(part, mesh=processes)
    return fully_shard(objective, mesh=processes)


def is_shared_out(tensor: Tensor) -> bool:
    """Whether this process holds a share of the tensor only."""
    return hasattr(tensor, "full_tensor")


def whole(tensor: Tensor) -> Tensor:
    """A tensor without shares; all processes have to call it in the same order where there are shares."""
    return tensor.full_tensor() if is_shared_out(tensor) else tensor  # type: ignore[attr-defined]


def all_whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by name, each without shares; see `whole`."""
    return {name: whole(tensor) for name, tensor in tensors.items()}


@torch.no_grad()
def take_up(target: Tensor, value: Tensor) -> None:
    """Copies a whole tensor into one that may be shared out."""
    target.copy_(shared_out_as(target, value))


def shared_out_as(target: Tensor, value: Tensor) -> Tensor:
    """A whole tensor in the shares of another, which may be whole itself; on its device."""
    value = value.to(target.device)
    if not is_shared_out(target):
        return value
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value, target.device_mesh, target.placements)  # type: ignore[attr-defined]
