from collections.abc import Callable

import pytest
import torch
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> ModelSpec:
    """Small enough for any test, with every branch of the conditioning."""
    return ModelSpec(
        in_dynamic_channels=2,
        in_static_channels=1,
        out_channels=1,
        cond_lr_shape=(4, 4),
        target_hr_shape=(16, 16),
        channels=(8, 16),
        blocks=1,
        embedding_channels=16,
        lr_channels=8,
        lr_blocks=1,
    )


@pytest.fixture
def gated(tiny: ModelSpec) -> ModelSpec:
    return tiny.model_copy(update={"use_rain_gate": True, "gated_channels": (0,), "gate_thresholds": (0.5,)})


@pytest.fixture
def perturbed() -> Callable[[ModelSpec], EDMDenoiser]:
    """Build a denoiser whose zero-initialised layers are moved off zero."""

    def build(spec: ModelSpec) -> EDMDenoiser:
        torch.manual_seed(0)
        denoiser = EDMDenoiser(spec).eval()
        with torch.no_grad():
            for parameter in denoiser.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
        return denoiser

    return build


@pytest.fixture
def case() -> Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]]:
    """Random target, dynamic and static fields that fit a specification."""

    def make(spec: ModelSpec, batch: int = 2, seed: int = 0):
        generator = torch.Generator().manual_seed(seed)
        steps = () if spec.temporal_steps == 1 else (spec.temporal_steps,)
        target = torch.randn(batch, spec.out_channels, *spec.target_hr_shape, generator=generator)
        dynamic = torch.randn(batch, *steps, spec.in_dynamic_channels, *spec.cond_lr_shape, generator=generator)
        static = torch.randn(batch, spec.in_static_channels, *spec.target_hr_shape, generator=generator)
        return target, dynamic, static if spec.in_static_channels else None

    return make
