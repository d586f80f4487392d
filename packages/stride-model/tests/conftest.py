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
def everything(tiny: ModelSpec) -> ModelSpec:
    """Every switch on, on grids whose cells are not square and whose sizes nothing divides."""
    return ModelSpec(
        **{
            **tiny.model_dump(),
            "out_channels": 2,
            "cond_lr_shape": (7, 6),
            "lr_margins": (1, 0, 2, 1),
            "target_hr_shape": (18, 15),  # LR cells of 3 x 5 pixels
            "temporal_steps": 2,
            "attention_levels": (1,),
            "film_features": 2,
            "use_context_encoder": True,
            "in_context_dynamic_channels": 1,
            "in_context_static_channels": 1,
            "context_shape": (9, 11),
            "context_cell": (0.25, 0.5),
            "context_offset": (2.0, 1.5),
            "context_channels": 8,
            "use_rain_gate": True,
            "gated_channels": (1,),
            "gate_thresholds": (0.5,),
            "fine_scale_std": ((0.05, 0.4), (0.2, 0.9)),
        }
    )


@pytest.fixture
def whole_case() -> Callable[..., tuple[torch.Tensor, dict[str, torch.Tensor]]]:
    """Random target, and everything that `encode` takes by name, that fit a specification."""

    def make(spec: ModelSpec, batch: int = 2, seed: int = 0):
        generator = torch.Generator().manual_seed(seed)
        steps = () if spec.temporal_steps == 1 else (spec.temporal_steps,)
        context = spec.context_shape or (0, 0)
        shapes = {
            "cond_dynamic": (*steps, spec.in_dynamic_channels, *spec.cond_lr_shape),
            "cond_static": (spec.in_static_channels, *spec.target_hr_shape),
            "cond_features": (spec.film_features,),
            "context_dynamic": (*steps, spec.in_context_dynamic_channels, *context),
            "context_static": (spec.in_context_static_channels, *context),
        }
        target = torch.randn(batch, spec.out_channels, *spec.target_hr_shape, generator=generator)
        return target, {
            name: torch.randn(batch, *shape, generator=generator) for name, shape in shapes.items() if 0 not in shape
        }

    return make


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
