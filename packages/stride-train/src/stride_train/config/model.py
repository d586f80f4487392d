"""The `model` section of an experiment: what the user chooses; channels and shapes come from the data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, model_validator

from stride_train.config.strict import STRICT


class ModelConfig(BaseModel):
    """Widths, depths and switches of the network.

    Attributes:
        patch: Side of the square of HR pixels that the network sees as one cell (space to depth); 1 for none.
        channels: Width of each level of the UNet, finest first.
        blocks: Residual blocks per level.
        expansion: Hidden width of a block's perceptron, in units of the level's width.
        attention_levels: Levels (0 is the finest) with self-attention; for levels of up to 64 x 64 cells (a warning
            tells of larger ones).
        dropout: Dropout within the residual blocks.
        embedding_channels: Width of the noise-level embedding.
        lr_channels: Width of the encoder of the low-resolution fields.
        lr_blocks: Residual blocks of that encoder.
        context_channels: Width of the encoder of the larger domain, where `data.context` gives one.
        fine_scales: How many of the target's finest scales (2, 4, 8 ... pixels) are brought to unit variance for the
            network and, times a learnt factor, pass it by; 0 for none. Fields that are smooth from pixel to pixel come
            out with less grain.
        use_rain_gate: Adds the auxiliary head that predicts wet or dry for every gated target.
        gated_targets: Targets (`source.key`) that the RainGate gates; empty takes all that have a wet threshold.
        targets_together: Whether several targets are generated together, so that the fields of a member belong to each
            other. If not, one network of one output channel serves them one at a time and is told which (FiLM labels);
            the members of different targets are then independent given the conditioning.
        gate_input: `conditioning`, or `conditioning_and_denoised` for a head that also sees a denoised field: it then
            judges each member for itself.
        gate_sigma: Noise level through which such a head looks at a member, in units of sigma_data.
    """

    model_config = STRICT

    patch: int = Field(default=2, ge=1)
    channels: tuple[int, ...] = (32, 64, 96, 128)
    blocks: int = Field(default=2, ge=1)
    expansion: int = Field(default=2, ge=1)
    attention_levels: tuple[int, ...] = ()
    dropout: float = Field(default=0.0, ge=0, lt=1)
    embedding_channels: int = Field(default=128, ge=2)
    lr_channels: int = Field(default=32, ge=1)
    lr_blocks: int = Field(default=2, ge=0)
    context_channels: int = Field(default=32, ge=1)
    fine_scales: int = Field(default=2, ge=0)
    use_rain_gate: bool = False
    gated_targets: tuple[str, ...] = ()
    gate_input: Literal["conditioning", "conditioning_and_denoised"] = "conditioning"
    gate_sigma: float = Field(default=0.2, gt=0)
    targets_together: bool = True

    @model_validator(mode="after")
    def _gate_needs_targets_together(self) -> ModelConfig:
        if self.use_rain_gate and not self.targets_together:
            raise ValueError("use_rain_gate needs targets_together: true; switch the gate off or set that")
        return self
