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


@pytest.mark.parametrize("corner", [(0, 0), (40, 100), (-30, -70)])
def test_a_pixel_has_the_same_noise_in_every_field_that_holds_it(corner):
    whole = member_noise([3, 4], (2, 150, 90), corner=corner)
    part = member_noise([4], (2, 70, 33), corner=(corner[0] + 21, corner[1] + 50))
    for draw in (0, 7):
        torch.testing.assert_close(part(draw)[0], whole(draw)[1, :, 21:91, 50:83], rtol=0, atol=0)


def test_noise_with_a_place_is_white_across_the_blocks():
    noise = member_noise([0], (1, 256, 256), corner=(10, 20))
    field, other = noise(0)[0, 0], noise(1)[0, 0]
    assert abs(field.mean()) < 5 / 256 and abs(field.std() - 1) < 0.02
    for shift in (1, 64, 128):  # neighbours, and the same pixel of the next blocks
        for axis in (0, 1):
            assert abs((field * field.roll(shift, axis)).mean()) < 5 / 256
    assert abs((field * other).mean()) < 5 / 256
