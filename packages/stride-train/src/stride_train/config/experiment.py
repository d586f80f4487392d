"""The whole experiment file: name, seed, data, model, train, generate, evaluate."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, Field, field_validator
from stride_data.config import DataConfig

from stride_train.config.generation import GenerateConfig
from stride_train.config.model import ModelConfig
from stride_train.config.strict import STRICT
from stride_train.config.training import TrainConfig


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

    @field_validator("name")
    @classmethod
    def _usable_as_folder(cls, name: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise ValueError(f"'{name}' names a folder: use letters, digits, dots, dashes and underscores")
        return name
