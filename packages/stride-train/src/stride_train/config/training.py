"""The `train` section of an experiment."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from stride_train.averages.profiles import exponent_of
from stride_train.config.budget import Amount, Budget
from stride_train.config.strict import STRICT

Decay = Literal["linear", "cosine", "inverse_sqrt", "none"]
"""How the learning rate falls."""


class MonitorConfig(BaseModel):
    """The sanity monitors: a small ensemble on validation times, drawn as training goes.

    Attributes:
        every: How often; an amount of training.
        cases: Number of validation times, spread evenly over the split; 0 switches the monitors off.
        members: Ensemble size (at least 2: the fair CRPS is undefined for one member).
        sampler_steps: Steps of the sampler, fewer than for a real generation.
        quicklook: Whether every reading leaves a picture of low resolution, observation, members and their mean.
        quicklook_cases: Validation times in that picture: those of the `cases` whose observed fields vary most.
        quicklook_members: Members in it, at most `members`.
    """

    model_config = STRICT

    every: Budget = Amount.parse("2000steps")
    cases: int = Field(default=4, ge=0)
    members: int = Field(default=4, ge=2)
    sampler_steps: int = Field(default=8, ge=1)
    quicklook: bool = True
    quicklook_cases: int = Field(default=2, ge=1)
    quicklook_members: int = Field(default=3, ge=1)


SCORES = ("crps", "spread_skill", "spectrum_ratio", "bias", "bias_percent")
"""Readings of the monitors that a training can be judged by."""


class EarlyStoppingConfig(BaseModel):
    """Ends a training that no longer improves.

    Attributes:
        monitor: The reading that judges: `crps` (lower is better), `bias`, `bias_percent` (nearer to 0), `spread_skill`
            or `spectrum_ratio` (nearer to 1, as a ratio). With several targets `crps` is the mean over them, each in
            units of its standard deviation, and `crps/<target>` and its kind are those of one target.
        patience: Readings in a row without improvement after which training ends.
        min_delta: Least improvement that counts: in the units of `crps` and `bias`, of ln(ratio) for the ratios.
    """

    model_config = STRICT

    monitor: str = "crps"
    patience: int = Field(default=5, ge=1)
    min_delta: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class TrainConfig(BaseModel):
    """How the network is trained.

    Attributes:
        budget: When training ends: `600steps`, `50000images` or `10min` of wall clock, monitors included.
        batch_size: Images of one optimiser step, whatever the number of processes.
        accumulate: Turns in which a process computes its share of a step, one after the other: less memory, the same
            update to rounding.
        devices: Processes on this machine, each with a device of its own: `auto` is one, or as many as torchrun or
            SLURM's srun have started.
        sharding: `none` keeps the whole network in every process, `full` (FSDP) keeps a share of weights, averages,
            gradients and optimiser in each and gathers a block when its turn comes: for networks that do not fit. Of no
            effect in one process.
        crops_per_field: Crops that one epoch draws of each time when a shuffle region is given.
        learning_rate: Peak learning rate of AdamW.
        warmup_steps: Steps of linear rise to it.
        decay: How the rate falls: `linear` or `cosine` to zero at the end of the budget, `inverse_sqrt` as
            sqrt(decay_from / share of the budget) (Karras et al. 2024, eq. 67), `none` not at all.
        decay_from: Share of the budget after which it falls; 1 keeps it constant.
        weight_decay: Decoupled weight decay.
        gradient_clip: Largest norm of the gradient.
        noise_levels: `lognormal` (p_mean, p_std) or `loguniform` (sigma_min, sigma_max): which sigma training sees.
        p_mean: Mean of ln(sigma) in training (Karras et al. 2022, Table 1). Higher than the paper's -1.2: the
            conditioning decides most at high noise, and the sampler starts there.
        p_std: Standard deviation of ln(sigma) in training; must reach the sampler's sigma_max.
        sigma_min: Lowest sigma of `loguniform`.
        sigma_max: Highest sigma of `loguniform`.
        uncertainty_weighting: Divide the loss at each sigma by its learnt expectation (Karras et al. 2024, eq. 14).
        target_weights: Factor on the squared error of a target, by its name; 1 where none is given.
        gate_weight: Weight of the RainGate's cross-entropy beside the EDM loss.
        gate_reweighting: How much more a pixel that the RainGate holds for surely wet weighs in the EDM loss than one
            that it holds for surely dry; 0 weighs all the same. The weights see nothing that the network does not see,
            so they bias nothing.
        ema_halflife_images: Half-life of the averaged weights, in images.
        ema_ramp: The half-life is at most this share of the images seen so far.
        power_averages: Lengths of the power-function averages that are followed beside it (Karras et al. 2024), as
            relative widths sigma_rel; from their snapshots, averages of other lengths are made after training, see
            `generate.weights`. Empty for none.
        snapshots: How many snapshots of them are kept, spread evenly over the budget; each takes 2 bytes a parameter
            and length.
        precision: `auto` takes bf16 autocast where the hardware computes in it, else float32.
        compile: Compile the network's calls, which takes a minute or so at the start and pays in long trainings.
        accelerator: Passed to lightning-fabric.
        num_workers: Loader processes; 0 reads in the training process.
        log_every: Steps between rows of the history.
        checkpoint_every: How often a checkpoint is written; an amount of training.
        keep_last: How many checkpoints are kept.
        monitor: The sanity monitors.
        early_stopping: Ends training before the budget is used up when a reading of the monitors no longer improves;
            null never does. Its `monitor` also decides which checkpoint is the best; `crps` does without it.
        loggers: Where the history goes beside `history.csv`: `tensorboard`, `wandb`; both are extras of the package.
    """

    model_config = STRICT

    budget: Budget = Amount.parse("10min")
    batch_size: int = Field(default=8, ge=1)
    accumulate: int = Field(default=1, ge=1)
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    sharding: Literal["none", "full"] = "none"
    crops_per_field: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=3e-3, gt=0)
    warmup_steps: int = Field(default=100, ge=0)
    decay: Decay = "linear"
    decay_from: float = Field(default=0.5, ge=0, le=1)
    weight_decay: float = Field(default=0.0, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    noise_levels: Literal["lognormal", "loguniform"] = "lognormal"
    p_mean: float = 1.0
    p_std: float = Field(default=1.8, gt=0)
    sigma_min: float = Field(default=0.002, gt=0)
    sigma_max: float = Field(default=200.0, gt=0)
    uncertainty_weighting: bool = False
    target_weights: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    gate_weight: float = Field(default=0.1, ge=0)
    gate_reweighting: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    ema_halflife_images: float = Field(default=2000.0, gt=0)
    ema_ramp: float = Field(default=0.1, gt=0)
    power_averages: tuple[float, ...] = (0.05, 0.1)
    snapshots: int = Field(default=16, ge=0)
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    compile: bool = False
    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    num_workers: int = Field(default=0, ge=0)
    log_every: int = Field(default=20, ge=1)
    checkpoint_every: Budget = Amount.parse("1min")
    keep_last: int = Field(default=2, ge=1)
    monitor: MonitorConfig = MonitorConfig()
    early_stopping: EarlyStoppingConfig | None = None
    loggers: tuple[Literal["tensorboard", "wandb"], ...] = ()

    @property
    def judged_by(self) -> str:
        """The reading of the monitors that decides which checkpoint is the best."""
        return "crps" if self.early_stopping is None else self.early_stopping.monitor

    @model_validator(mode="after")
    def _readings_to_stop_by(self) -> TrainConfig:
        if self.early_stopping is not None and self.monitor.cases == 0:
            raise ValueError("early_stopping needs readings, but monitor.cases is 0; raise it, or leave one out")
        return self

    @model_validator(mode="after")
    def _compiled_or_shared_out(self) -> TrainConfig:
        if self.compile and self.sharding != "none":
            raise ValueError("compile and sharding: full do not go together; leave one out")
        return self

    @field_validator("power_averages")
    @classmethod
    def _lengths(cls, lengths: tuple[float, ...]) -> tuple[float, ...]:
        for length in lengths:
            exponent_of(length)
            if lengths.count(length) > 1:
                raise ValueError(f"{length:g} stands there twice; once is enough")
        return lengths

    @model_validator(mode="after")
    def _ordered(self) -> TrainConfig:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} must be below sigma_max {self.sigma_max}")
        if self.decay == "inverse_sqrt" and self.decay_from == 0:
            raise ValueError("decay: inverse_sqrt falls from decay_from on and needs it above 0")
        if self.accumulate > 1 and self.gate_reweighting > 0:
            raise ValueError("gate_reweighting needs a mean over the whole batch; with it, leave accumulate at 1")
        return self
