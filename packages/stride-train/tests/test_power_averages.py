import numpy as np
import pytest
import torch
from stride_train.averages.power import PowerAverages, lengths_in
from stride_train.averages.profiles import exponent_of
from torch import nn

BATCHES = [4] * 30 + [8] * 20 + [3] * 40 + [16] * 60


class Weights(nn.Module):
    """A network of one parameter, which is set from outside."""

    def __init__(self, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.full((size,), 7.0))
        self.register_buffer("buffer", torch.ones(2))

    @torch.no_grad()
    def become(self, values: torch.Tensor) -> "Weights":
        self.weight.copy_(values)
        return self


def shares(length: float, batches: list[int]) -> torch.Tensor:
    """Share of every past iterate in the average: iterate i is the i-th unit vector."""
    network = Weights(len(batches))
    averages, images = PowerAverages(network, [length]), 0
    for step, batch in enumerate(batches):
        images += batch
        network.become(torch.eye(len(batches))[step])
        averages.update(batch, images)
    return averages.tensors[length]["weight"].double()


@pytest.mark.parametrize("length", [0.05, 0.1, 0.25])
def test_past_weights_count_as_the_profile_says_whatever_the_batches(length):
    found = shares(length, BATCHES).numpy()
    ends = np.cumsum(BATCHES) / sum(BATCHES)
    begins = np.append(0.0, ends[:-1])
    exponent = exponent_of(length)
    np.testing.assert_allclose(found, ends ** (exponent + 1) - begins ** (exponent + 1), rtol=1e-4, atol=1e-9)
    assert found.sum() == pytest.approx(1.0, abs=1e-5), "and the first weights, 7 each, count nothing"


def test_the_share_has_the_relative_width():
    found = shares(0.1, [5] * 400).numpy()
    middles = (np.arange(400) + 0.5) / 400
    mean = np.sum(found * middles)
    assert np.sqrt(np.sum(found * (middles - mean) ** 2)) == pytest.approx(0.1, rel=1e-3)
    gamma = exponent_of(0.1)
    assert mean == pytest.approx((gamma + 1) / (gamma + 2), rel=1e-3)


def test_weights_that_stand_still_are_their_average():
    network = Weights(3).become(torch.tensor([0.1, -2.0, 3e-7]))
    averages = PowerAverages(network, [0.05, 0.1])
    for step in range(1, 50):
        averages.update(4, 4 * step)
    for tensors in averages.tensors.values():
        assert torch.equal(tensors["weight"], network.weight)


def test_only_parameters_are_followed_and_come_back_bit_for_bit():
    network = Weights(5)
    averages = PowerAverages(network, [0.05, 0.1])
    network.become(torch.randn(5))
    averages.update(4, 4)
    network.become(torch.randn(5))
    averages.update(4, 8)
    assert sorted(averages.flat()) == ["0.05/weight", "0.1/weight"]
    assert lengths_in(list(averages.flat())) == (0.05, 0.1)
    again = PowerAverages(Weights(5), [0.05, 0.1])
    again.load({name: value.clone() for name, value in averages.flat().items()})
    for name, value in averages.flat().items():
        assert torch.equal(again.flat()[name], value)
    assert not torch.equal(averages.flat()["0.05/weight"], averages.flat()["0.1/weight"])
