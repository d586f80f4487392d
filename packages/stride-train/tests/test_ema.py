import pytest
import torch
from stride_train.training.ema import WeightAverage
from torch import nn


def test_weights_halve_after_the_half_life():
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    average = WeightAverage(network, halflife_images=8, ramp=1e9)
    nn.init.constant_(network.weight, 0.0)
    average.update(batch_size=4, images_seen=1000)
    average.update(batch_size=4, images_seen=1000)
    assert average.state["weight"].item() == pytest.approx(0.5)


def test_the_ramp_forgets_the_first_weights():
    average = WeightAverage(nn.Linear(1, 1), halflife_images=1000, ramp=0.5)
    assert average.beta(batch_size=8, images_seen=8) == pytest.approx(0.5 ** (8 / 4))
    assert average.beta(batch_size=8, images_seen=10**6) == pytest.approx(0.5 ** (8 / 1000))


def test_integer_buffers_are_copied_not_averaged():
    network = nn.BatchNorm1d(2)
    average = WeightAverage(network, 10, 1.0)
    network.train()(torch.randn(4, 2))
    average.update(4, 4)
    assert average.state["num_batches_tracked"] == 1
