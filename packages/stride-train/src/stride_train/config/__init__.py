"""What an experiment file may say, and how it is found and read."""

from stride_train.config.budget import Amount, Budget
from stride_train.config.experiment import ExperimentConfig
from stride_train.config.generation import GenerateConfig, SamplerConfig, StartConfig, TilesConfig
from stride_train.config.model import ModelConfig
from stride_train.config.training import EarlyStoppingConfig, MonitorConfig, TrainConfig

__all__ = [
    "Amount",
    "Budget",
    "EarlyStoppingConfig",
    "ExperimentConfig",
    "GenerateConfig",
    "ModelConfig",
    "MonitorConfig",
    "SamplerConfig",
    "StartConfig",
    "TilesConfig",
    "TrainConfig",
]
