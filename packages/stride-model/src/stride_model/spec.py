"""What a model is: channels, resolutions and widths. Assembled by the caller, never inferred from tensors."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stride_model.errors import SpecError

Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[int, Field(ge=0)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Shape = tuple[Positive, Positive]


class ModelSpec(BaseModel):
    """Complete description of an EDM denoiser; with a state dict it rebuilds the network.

    Attributes:
        in_dynamic_channels: Channels of the LR conditioning (of one time step).
        in_static_channels: Channels of the conditioning that stands on the HR grid; 0 for none.
        out_channels: Channels of the field that is generated.
        cond_lr_shape: Rows and columns of the LR box, margins included.
        target_hr_shape: Rows and columns of the HR box.
        lr_margins: LR cells by which the LR box goes beyond the HR box: top, bottom, left, right.
        temporal_steps: Length of the temporal stack of LR fields.
        use_context_encoder: Whether fields of a larger domain condition the network beside the co-located ones.
        in_context_dynamic_channels: Channels of the larger domain's fields (of one time step).
        in_context_static_channels: Channels of its fields without time; 0 for none.
        context_shape: Rows and columns of the larger domain on its own grid.
        context_cell: Height and width of an HR pixel in cells of that grid.
        context_offset: Cells of that grid from its first row and column edge to those of the HR box.
        film_features: Numbers per case that scale and shift every residual block, such as where in a cycle it lies.
        use_film_vars: Whether every case has a label, such as which of several targets it is about. A learnt vector per
            label scales and shifts every residual block and the encoded conditioning.
        film_labels: Number of labels; they count from 0.
        use_rain_gate: Whether an auxiliary head predicts the probability of exceeding a threshold.
        gated_channels: Output channels that the head speaks about.
        gate_thresholds: One threshold per gated channel, in the scaled units of the target.
        gate_input: What the head sees: the conditioning alone, or a denoised field and the noise level as well.
        gate_sigma: Noise level at which the second kind of head looks at a finished field, in units of sigma_data.
        sigma_data: Standard deviation of the scaled target (Karras et al. 2022, table 1).
        fine_scale_std: For each output channel, finest scale first: the standard deviation of white noise that has as
            much power there as the scaled target (`stride_model.fine_scales`). The network then sees these scales of
            the noisy field at unit variance, and a learnt multiple of them passes it by; empty for neither.
        patch: Side of the square of HR pixels that the network sees as one cell (space to depth); 1 for none.
        channels: Width of each level; each level has half the resolution of the one before.
        blocks: Residual blocks per level, on the way down and on the way up.
        expansion: Hidden width of a residual block's perceptron, in units of the level's width.
        attention_levels: Levels with self-attention, counted from 0 at the finest; for grids of up to 64 x 64 cells, as
            its cost grows with their square (`EDMDenoiser` warns of larger ones).
        embedding_channels: Width of the noise-level embedding.
        lr_channels: Width of the LR encoder.
        lr_blocks: Residual blocks of the LR encoder.
        context_channels: Width of the context encoder.
        dropout: Probability in the residual blocks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_dynamic_channels: Positive
    in_static_channels: NonNegative = 0
    out_channels: Positive
    cond_lr_shape: Shape
    target_hr_shape: Shape
    lr_margins: tuple[NonNegative, NonNegative, NonNegative, NonNegative] = (0, 0, 0, 0)
    temporal_steps: Positive = 1
    use_context_encoder: bool = False
    in_context_dynamic_channels: NonNegative = 0
    in_context_static_channels: NonNegative = 0
    context_shape: Shape | None = None
    context_cell: tuple[PositiveNumber, PositiveNumber] = (1.0, 1.0)
    context_offset: tuple[float, float] = (0.0, 0.0)
    film_features: NonNegative = 0
    use_film_vars: bool = False
    film_labels: NonNegative = 0
    use_rain_gate: bool = False
    gated_channels: tuple[NonNegative, ...] = ()
    gate_thresholds: tuple[float, ...] = ()
    gate_input: Literal["conditioning", "conditioning_and_denoised"] = "conditioning"
    gate_sigma: PositiveNumber = 0.2
    sigma_data: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    fine_scale_std: tuple[Annotated[tuple[PositiveNumber, ...], Field(min_length=1)], ...] = ()
    patch: Positive = 2
    channels: Annotated[tuple[Positive, ...], Field(min_length=1)] = (32, 64, 96, 128)
    blocks: Positive = 2
    expansion: Positive = 2
    attention_levels: tuple[NonNegative, ...] = ()
    embedding_channels: Positive = 128
    lr_channels: Positive = 32
    lr_blocks: NonNegative = 2
    context_channels: Positive = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0

    def __init__(self, **values: object) -> None:
        """Validate.

        Raises:
            SpecError: One sentence that names the field, what is wrong and the mend.
        """
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SpecError(_sentence(error)) from None

    @model_validator(mode="after")
    def _check(self) -> Self:
        core = self.lr_core_shape
        if min(core) < 1:
            raise ValueError(
                f"lr_margins {self.lr_margins} leave nothing of cond_lr_shape {self.cond_lr_shape}; "
                "cond_lr_shape counts the margins on all sides"
            )
        if any(hr < lr for hr, lr in zip(self.target_hr_shape, core, strict=True)):
            raise ValueError(
                f"target_hr_shape {self.target_hr_shape} is coarser than the LR box without its margins, {core}; "
                "exchange them or correct lr_margins"
            )
        if self.embedding_channels % 2:
            raise ValueError(f"embedding_channels {self.embedding_channels} must be even")
        if any(level >= len(self.channels) for level in self.attention_levels):
            raise ValueError(
                f"attention_levels {self.attention_levels} go beyond the {len(self.channels)} levels of channels; "
                "levels count from 0"
            )
        if self.fine_scale_std and len(self.fine_scale_std) != self.out_channels:
            raise ValueError(
                f"fine_scale_std speaks of {len(self.fine_scale_std)} channels, but out_channels is "
                f"{self.out_channels}; give the scales of each, or none"
            )
        if len({len(stds) for stds in self.fine_scale_std}) > 1:
            raise ValueError("fine_scale_std gives channels different numbers of scales; give all of them the same")
        self._check_labels()
        self._check_context()
        self._check_gate()
        return self

    def _check_labels(self) -> None:
        if self.use_film_vars and not self.film_labels:
            raise ValueError("use_film_vars needs film_labels, the number of labels")
        if self.film_labels and not self.use_film_vars:
            raise ValueError(f"film_labels is {self.film_labels} but use_film_vars is false; set it true")
        if self.use_film_vars and self.use_rain_gate:
            raise ValueError(
                "use_rain_gate and use_film_vars do not go together, for the gate's channels and thresholds are the "
                "same for every label; switch one of them off"
            )

    def _check_context(self) -> None:
        channels = self.in_context_dynamic_channels + self.in_context_static_channels
        if not self.use_context_encoder:
            if channels or self.context_shape is not None:
                raise ValueError(
                    "context channels or context_shape are given but use_context_encoder is false; set it true"
                )
            return
        if channels == 0 or self.context_shape is None:
            raise ValueError("use_context_encoder needs context_shape and at least one context channel")
        ends = [
            (offset, offset + pixels * cell)
            for offset, pixels, cell in zip(self.context_offset, self.target_hr_shape, self.context_cell, strict=True)
        ]
        if any(first < 0 or last > cells for (first, last), cells in zip(ends, self.context_shape, strict=True)):
            raise ValueError(
                f"the HR box lies outside the context of {self.context_shape} cells (from {ends[0][0]:g} to "
                f"{ends[0][1]:g} and {ends[1][0]:g} to {ends[1][1]:g}); correct context_offset or context_cell"
            )

    def _check_gate(self) -> None:
        if not self.use_rain_gate:
            if self.gated_channels or self.gate_thresholds:
                raise ValueError("gated_channels and gate_thresholds are given but use_rain_gate is false; set it true")
            if self.gate_input != "conditioning":
                raise ValueError(f"gate_input {self.gate_input} is given but use_rain_gate is false; set it true")
            return
        if not self.gated_channels:
            raise ValueError("use_rain_gate needs gated_channels, at least one output channel")
        if len(self.gated_channels) != len(self.gate_thresholds):
            raise ValueError(
                f"{len(self.gated_channels)} gated_channels but {len(self.gate_thresholds)} gate_thresholds; "
                "give one threshold per gated channel"
            )
        if len(set(self.gated_channels)) != len(self.gated_channels):
            raise ValueError(f"gated_channels {self.gated_channels} name a channel twice")
        if max(self.gated_channels) >= self.out_channels:
            raise ValueError(
                f"gated_channels {self.gated_channels} go beyond the {self.out_channels} out_channels; "
                "channels count from 0"
            )

    @property
    def lr_core_shape(self) -> tuple[int, int]:
        """Rows and columns of the LR box without its margins: the part that covers the HR box exactly."""
        rows, columns = self.cond_lr_shape
        top, bottom, left, right = self.lr_margins
        return rows - top - bottom, columns - left - right

    @property
    def field_channels(self) -> int:
        """Channels of the noisy field as the network sees it: the field and its finest scales."""
        return self.out_channels + sum(len(stds) for stds in self.fine_scale_std)

    @property
    def gate_sees_field(self) -> bool:
        """Whether the gate's head sees a denoised field beside the conditioning."""
        return self.use_rain_gate and self.gate_input == "conditioning_and_denoised"

    @property
    def context_input_channels(self) -> int:
        """Channels that the context encoder sees, the temporal stack unrolled."""
        return self.in_context_dynamic_channels * self.temporal_steps + self.in_context_static_channels

    @property
    def cond_channels(self) -> int:
        """LR channels that the network sees, the temporal stack unrolled."""
        return self.in_dynamic_channels * self.temporal_steps


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    return f"model spec: {key}: {what}" if key else f"model spec: {what}"
