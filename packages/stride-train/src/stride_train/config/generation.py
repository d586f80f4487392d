"""The `generate` section of an experiment."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator
from stride_data.config import BoxConfig

from stride_train.averages.profiles import LONGEST
from stride_train.config.strict import STRICT

Baseline = Literal["interpolated", "quantile_mapping", "quantile_mapping_per_pixel", "climatology", "analogues"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
MODEL_SYSTEM = "edm"
SYSTEMS = (MODEL_SYSTEM, *BASELINES)


CHURNING = ("heun", "euler")
"""Samplers that add fresh noise by churn."""


class SamplerConfig(BaseModel):
    """The sampler and its noise levels (Karras et al. 2022, eq. 5).

    The default keeps the variance of every scale to 5 % with an exact denoiser, in 18 network calls; Heun's method at
    the paper's levels (0.002 to 80, rho 7) is off by 27 % at 35 calls (`benchmarks/sampler_curve.py`, `scales`).

    Attributes:
        method: `heun` (Karras et al. 2022, algorithm 2; 2N - 1 network calls), `euler`, `dpmpp_2m` or `dpmpp_2m_sde`
            (Lu et al. 2022, DPM-Solver++; N network calls each).
        steps: Number of noise levels N.
        sigma_min: Smallest noise level, in units of the scaled target.
        sigma_max: Largest noise level.
        rho: Spacing of the levels: 7 in the paper, for images; a high one treats large and small scales alike, which
            fields need whose variance falls by decades from the ones to the others.
        eta: Share of the SDE's fresh noise; `dpmpp_2m_sde` alone.
        s_churn: Amount of fresh noise of `heun` and `euler`; 0 gives the deterministic sampler.
        s_min: Smallest noise level at which noise is added.
        s_max: Largest noise level at which noise is added.
        s_noise: Inflation of the added noise.
    """

    model_config = STRICT

    method: Literal["heun", "euler", "dpmpp_2m", "dpmpp_2m_sde"] = "dpmpp_2m"
    steps: int = Field(default=18, ge=1)
    sigma_min: float = Field(default=0.005, gt=0)
    sigma_max: float = Field(default=80.0, gt=0)
    rho: float = Field(default=40.0, gt=0)
    eta: float = Field(default=1.0, ge=0, le=1)
    s_churn: float = Field(default=0.0, ge=0)
    s_min: float = Field(default=0.0, ge=0)
    s_max: float = Field(default=float("inf"), ge=0)
    s_noise: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> SamplerConfig:
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min {self.sigma_min} must be below sigma_max {self.sigma_max}")
        if self.s_churn > 0 and self.method not in CHURNING:
            raise ValueError(f"s_churn belongs to {' and '.join(CHURNING)}, not to {self.method}; set it to 0")
        return self

    @property
    def network_calls(self) -> int:
        """Calls of the network for one member."""
        return 2 * self.steps - 1 if self.method == "heun" else self.steps


class StartConfig(BaseModel):
    """Scale control: members start from the noised low-resolution field, which keeps its scales (arXiv 2108.01073).

    Kept is what has more power than the noise; the finer scales are the model's, as without it.

    Attributes:
        sigma: Noise level at which sampling starts, in units of the scaled target: the lower, the more is kept.
        fields: Dynamic field (`source.key`) of a target, by the target's name; a target that is not named takes the
            first dynamic field of its own variable.
    """

    model_config = STRICT

    sigma: float = Field(gt=0)
    fields: dict[str, str] = Field(default_factory=dict)


class TilesConfig(BaseModel):
    """How a domain larger than the network's box is laid out in tiles of that box.

    Attributes:
        overlap: HR cells that neighbouring tiles share at least; None takes a quarter of a tile's shorter side, and no
            less than two LR cells.
        batch: Tiles (of one member each) that are denoised at once: with the tile's size it decides how much memory is
            used, whatever the domain's size.
    """

    model_config = STRICT

    overlap: int | None = Field(default=None, ge=0)
    batch: int = Field(default=8, ge=1)


def _form(value: Any) -> str:
    return "whole" if isinstance(value, str) else "BoxConfig"


DomainChoice = Annotated[
    # The tag of the box is its class's name, which messages about keys leave out of the path.
    Annotated[BoxConfig, Tag("BoxConfig")] | Annotated[Literal["whole"], Tag("whole")],
    Discriminator(_form),
]
"""A box, or everything that there is."""


def _weights(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value in ("ema", "raw") or (number and 0 < value <= LONGEST):
        return value
    raise ValueError("write ema, raw, or the length of an average, a number above 0 and up to 0.288 such as 0.08")


WeightsChoice = Annotated[Literal["ema", "raw"] | float, BeforeValidator(_weights)]
"""The averaged weights, the last ones, or a power-function average of that relative width."""


class GenerateConfig(BaseModel):
    """What is generated, and how.

    Attributes:
        split: The split whose times are generated.
        targets: Which of the experiment's targets (`source.key`) are drawn and saved; empty takes all.
        domain: Box on the HR grid that is generated, as `data.region.hr` takes it (in cells or in coordinates), or
            `whole` for the largest one that all data cover; at least as large as `data.region.hr`, which stays what the
            network sees at once. None generates `data.region.hr` itself.
        tiles: How a larger domain is laid out in tiles.
        members: Ensemble size of the model.
        batch_size: Members drawn at once.
        sampler: The sampler and its noise levels.
        start: Scale control; None starts from noise.
        pmm: Whether the probability matched mean is computed and saved.
        mean: Whether the ensemble mean is computed and saved.
        spread: Whether the standard deviation of the members is computed and saved.
        remove_drizzle: Whether the RainGate sets pixels that it holds for dry to zero (needs `model.use_rain_gate`).
        gate_probability: Below which predicted probability of wet a pixel is set to zero; null chooses it on the
            validation split, for each gated target the largest that removes no more than `gate_removes_at_most`.
        gate_removes_at_most: Share of the total, of the observed and of the generated validation fields alike, that may
            stand on the pixels which are set to zero.
        checkpoint: `last`, or `best` for the one with the best reading of the monitors (`train.early_stopping.monitor`,
            else CRPS).
        weights: `ema` takes the averaged weights, `raw` the last ones; a number, the power-function average of that
            length (a relative width such as 0.08), made of the run's snapshots.
        compile: Compile the network's calls, which takes a minute or so at the start and pays in long generations.
        baselines: Which baselines `stride run` makes beside the model: `interpolated`, `quantile_mapping`,
            `quantile_mapping_per_pixel`, `climatology`, `analogues`.
        quantiles: Number of quantiles of the empirical quantile mapping; per pixel no more than there are training
            times.
        climatology_window_days: The climatology draws training times that are at most this many days of the year from
            the time they stand for, further ones only where these are fewer than the members; null draws from the
            whole year.
        analogue_fields: Analogues are training times whose low-resolution fields are alike: `own` compares those of the
            targets' own variables, `all` every dynamic field.
    """

    model_config = STRICT

    split: str = "test"
    targets: tuple[str, ...] = ()
    domain: DomainChoice | None = None
    tiles: TilesConfig = TilesConfig()
    members: int = Field(default=16, ge=1)
    batch_size: int = Field(default=8, ge=1)
    sampler: SamplerConfig = SamplerConfig()
    start: StartConfig | None = None
    pmm: bool = True
    mean: bool = False
    spread: bool = False
    remove_drizzle: bool = False
    gate_probability: float | None = Field(default=None, ge=0, le=1)
    gate_removes_at_most: float = Field(default=0.005, ge=0, lt=1)
    checkpoint: Literal["last", "best"] = "last"
    weights: WeightsChoice = "ema"
    compile: bool = False
    baselines: tuple[Baseline, ...] = ("interpolated", "quantile_mapping")
    quantiles: int = Field(default=1000, ge=2)
    climatology_window_days: int | None = Field(default=30, ge=0)
    analogue_fields: Literal["own", "all"] = "own"

    @model_validator(mode="after")
    def _start_within_the_sampler(self) -> GenerateConfig:
        low, high = self.sampler.sigma_min, self.sampler.sigma_max
        if self.start is not None and not low < self.start.sigma <= high:
            raise ValueError(
                f"start.sigma {self.start.sigma:g} must be above sampler.sigma_min {low:g} and at most "
                f"sampler.sigma_max {high:g}; choose it between them"
            )
        return self

    @field_validator("domain", mode="before")
    @classmethod
    def _box_or_whole(cls, value: Any) -> Any:
        if value is None or isinstance(value, dict | BoxConfig) or value == "whole":
            return value
        raise ValueError("write whole, or a box such as {y: 0, x: 0, height: 288, width: 288}")
