"""The whole experiment file: name, seed, data, model, train, generate, evaluate."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from stride_data.config import DataConfig
from stride_vars.errors import nearest

from stride_train.config.generation import GenerateConfig
from stride_train.config.model import ModelConfig
from stride_train.config.strict import STRICT
from stride_train.config.training import SCORES, TrainConfig

LEAST_SHARE = 1e-3
"""Training must draw at least this share of its noise levels where the sampler starts, or above."""

_NEARLY = 0.8  # levels within a fifth below sigma_max count: a uniform range may end with the sampler's


class ExperimentConfig(BaseModel):
    """One experiment: which data, which network, how long, what to generate, what to evaluate.

    Attributes:
        name: Names the run folder and stands in every output.
        seed: Fixes initial weights, crops, training noise and the members' noise.
        data: The data section, as `stride_data` defines it.
        model: What the user chooses of the network; the channels are counted by the adapter.
        train: How it is trained.
        generate: What is generated.
        evaluate: Handed on to `stride-eval`, which knows what it may say.
    """

    model_config = STRICT

    name: str
    seed: int = Field(default=0, ge=0)
    data: DataConfig
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    generate: GenerateConfig = GenerateConfig()
    evaluate: dict[str, Any] = Field(default_factory=dict)

    @field_validator("model")
    @classmethod
    def _several_targets_one_at_a_time(cls, model: ModelConfig, info: ValidationInfo) -> ModelConfig:
        data = info.data.get("data")
        if data is not None and len(data.target) < 2 and not model.targets_together:
            raise ValueError("targets_together: false is for several targets, and data.target names one; leave it out")
        return model

    @field_validator("train")
    @classmethod
    def _weights_of_targets(cls, train: TrainConfig, info: ValidationInfo) -> TrainConfig:
        data = info.data.get("data")
        targets: list[str] = data.target if data is not None else list(train.target_weights)
        for name in train.target_weights:
            if name not in targets:
                raise ValueError(f"target_weights names '{name}', which is no target.{nearest(name, targets)}")
        return train

    @field_validator("train")
    @classmethod
    def _gate_that_reweights(cls, train: TrainConfig, info: ValidationInfo) -> TrainConfig:
        model = info.data.get("model")
        if train.gate_reweighting > 0 and model is not None and not model.use_rain_gate:
            raise ValueError("gate_reweighting needs a RainGate; set model.use_rain_gate true, or leave it at 0")
        if train.gate_reweighting > 0 and train.gate_weight == 0:
            raise ValueError("gate_reweighting needs a trained RainGate, but gate_weight is 0; raise it")
        return train

    @field_validator("train")
    @classmethod
    def _reading_that_stops(cls, train: TrainConfig, info: ValidationInfo) -> TrainConfig:
        data = info.data.get("data")
        if train.early_stopping is not None and data is not None:
            several = ("crps", *(f"{score}/{target}" for target in data.target for score in SCORES))
            offered = SCORES if len(data.target) == 1 else several
            if train.early_stopping.monitor not in offered:
                raise ValueError(
                    f"early_stopping.monitor names '{train.early_stopping.monitor}', which no monitor reads."
                    f"{nearest(train.early_stopping.monitor, offered)}"
                )
        return train

    @field_validator("generate")
    @classmethod
    def _sampler_within_training(cls, generate: GenerateConfig, info: ValidationInfo) -> GenerateConfig:
        """The sampler starts at sigma_max, where the network must have been trained."""
        train = info.data.get("train")
        if train is not None:
            from stride_train.training.noise_levels import training_levels

            share = training_levels(train).share_above(_NEARLY * generate.sampler.sigma_max)
            if share < LEAST_SHARE:
                raise ValueError(
                    f"sampler.sigma_max {generate.sampler.sigma_max:g} lies beyond what training sees ({share:.1e} of "
                    "its noise levels lie there or higher); lower it, or raise train.p_std (of loguniform, "
                    "train.sigma_max)"
                )
        return generate

    @field_validator("generate")
    @classmethod
    def _targets_to_generate(cls, generate: GenerateConfig, info: ValidationInfo) -> GenerateConfig:
        data = info.data.get("data")
        targets: list[str] = data.target if data is not None else list(generate.targets)
        for name in generate.targets:
            if name not in targets:
                raise ValueError(f"targets names '{name}', which is no target.{nearest(name, targets)}")
            if generate.targets.count(name) > 1:
                raise ValueError(f"targets names '{name}' twice; once is enough")
        return generate

    @field_validator("name")
    @classmethod
    def _usable_as_folder(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise ValueError(f"'{name}' names a folder: use letters, digits, dots, dashes and underscores")
        return name
