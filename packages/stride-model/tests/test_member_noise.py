import pytest
import torch
from stride_model.samplers.member_noise import member_noise


def test_a_member_is_the_same_whatever_the_batch_and_the_order_of_draws():
    together = member_noise([3, 5, 9], (1, 4, 6))
    alone = member_noise([5], (1, 4, 6))
    later = alone(2)
    assert torch.equal(together(0)[1], alone(0)[0])
    assert torch.equal(together(2)[1], later[0])


def test_seeds_and_draws_are_independent():
    noise = member_noise([0, 1], (1, 64, 64))
    fields = torch.stack([noise(0)[0], noise(0)[1], noise(1)[0], noise(1)[1]]).flatten(1)
    correlation = torch.corrcoef(fields) - torch.eye(4)
    assert correlation.abs().max() < 5 / 64  # five standard errors
    assert fields.std(dim=1).sub(1).abs().max() < 0.05


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError):
        member_noise([-1], (1, 2, 2))(0)
