import pytest
import torch
from stride_model.errors import SpecError
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser


@pytest.fixture
def featured(tiny):
    return tiny.model_copy(update={"film_features": 3})


def test_they_scale_and_shift_what_the_network_makes(featured, perturbed, case):
    denoiser = perturbed(featured)
    x, dynamic, static = case(featured)
    features = torch.tensor([[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
    with torch.no_grad():
        one = denoiser(x, torch.tensor(1.0), denoiser.encode(dynamic, static, features))
        features[1, 0] = 3.0
        other = denoiser(x, torch.tensor(1.0), denoiser.encode(dynamic, static, features))
    torch.testing.assert_close(one[0], other[0], rtol=0, atol=1e-6)
    assert (one[1] - other[1]).abs().max() > 1e-3


def test_at_the_start_they_change_nothing(featured, case):
    denoiser = EDMDenoiser(featured)
    _, dynamic, static = case(featured)
    small, large = (denoiser.encode(dynamic, static, torch.full((2, 3), value)) for value in (0.0, 9.0))
    assert small.embedding is not None and large.embedding is not None
    assert small.embedding.abs().max() == large.embedding.abs().max() == 0


def test_they_are_embedded_once_for_all_members(featured, perturbed, case):
    denoiser = perturbed(featured)
    _, dynamic, static = case(featured)
    features = torch.randn(2, 3)
    encoded = denoiser.encode(dynamic, static, features)
    members = encoded.expand_members(4)
    assert members.embedding is not None and encoded.embedding is not None
    torch.testing.assert_close(members.embedding[:4], encoded.embedding[:1].expand(4, -1))
    single = encoded[0:1].expand_members(5)
    assert single.embedding is not None and single.embedding.shape == (5, featured.embedding_channels)


def test_the_loss_hands_them_on(featured, perturbed, case):
    denoiser = perturbed(featured)
    target, dynamic, static = case(featured)
    losses = [
        EDMLoss()(denoiser, target, dynamic, static, features, generator=torch.Generator().manual_seed(0)).loss.item()
        for features in (torch.zeros(2, 3), torch.ones(2, 3))
    ]
    assert losses[0] != losses[1]


def test_missing_wrong_and_unasked_for_features_are_refused(featured, tiny, perturbed, case):
    _, dynamic, static = case(featured)
    with pytest.raises(SpecError, match="cond_features is missing"):
        perturbed(featured).encode(dynamic, static)
    with pytest.raises(SpecError, match=r"cond_features has shape \[2, 2\]"):
        perturbed(featured).encode(dynamic, static, torch.zeros(2, 2))
    with pytest.raises(SpecError, match="set film_features"):
        perturbed(tiny).encode(dynamic, static, torch.zeros(2, 3))
