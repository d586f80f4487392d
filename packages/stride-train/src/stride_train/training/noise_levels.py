"""The noise levels that an experiment trains on."""

from __future__ import annotations

from stride_model.noise_levels import LogNormal, LogUniform, NoiseLevels

from stride_train.config.training import TrainConfig


def training_levels(train: TrainConfig) -> NoiseLevels:
    """The distribution of sigma that the `train` section asks for."""
    if train.noise_levels == "loguniform":
        return LogUniform(train.sigma_min, train.sigma_max)
    return LogNormal(train.p_mean, train.p_std)
