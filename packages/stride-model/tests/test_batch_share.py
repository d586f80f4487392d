"""Shares of a batch, each with its own loss: they sum to the whole batch's, and so do their gradients."""

from itertools import pairwise

import pytest
import torch
from stride_model.batch_share import BatchShare, count_observed
from stride_model.loss import EDMLoss
from stride_model.precondition import EDMDenoiser
from stride_model.uncertainty import LevelUncertainty
from stride_model.unet.dropout import BatchDropout, dropping_rows

ROWS = 6


def case(spec, generator):
    def normal(*shape):
        return torch.randn(shape, generator=generator)

    # Unequal numbers of observed pixels; of the last sample none.
    mask = torch.rand((ROWS, 1, 16, 16), generator=generator) < torch.linspace(1.1, 0, ROWS)[:, None, None, None]
    return {
        "target": normal(ROWS, 1, 16, 16).masked_fill(~mask, float("nan")),
        "cond_dynamic": normal(ROWS, 2, 4, 4),
        "cond_static": normal(ROWS, 1, 16, 16),
        "mask": mask,
        "sigma": normal(ROWS).exp(),
        "noise": normal(ROWS, 1, 16, 16),
    }


def perturbed(spec):
    torch.manual_seed(0)
    denoiser, uncertainty = EDMDenoiser(spec), LevelUncertainty()
    for parameter in [*denoiser.parameters(), *uncertainty.parameters()]:
        torch.nn.init.normal_(parameter, std=0.2)
    return denoiser, uncertainty


def gradients(*modules):
    return [
        parameter.grad.clone() for module in modules for parameter in module.parameters() if parameter.grad is not None
    ]


@pytest.mark.parametrize("bounds", [(0, 3, 6), (0, 1, 2, 6), (0, 5, 6)])
@pytest.mark.parametrize("reweighting", [0.0, 2.0])
def test_losses_and_gradients_sum_to_the_whole(gated, bounds, reweighting):
    batch = case(gated, torch.Generator().manual_seed(1))
    loss = EDMLoss(gate_weight=0.3, gate_reweighting=reweighting)
    denoiser, uncertainty = perturbed(gated)
    whole = loss(denoiser, **batch, uncertainty=uncertainty)
    whole.loss.backward()
    expected = gradients(denoiser, uncertainty)
    observed = float(batch["mask"].sum())

    def shares(total):
        for first, last in pairwise(bounds):
            rows = {name: value[first:last] for name, value in batch.items()}
            share = BatchShare(first, ROWS, observed, observed, total)
            yield loss(denoiser, **rows, uncertainty=uncertainty, share=share)

    # What processes add up at the same time is added up beforehand here.
    told: list[torch.Tensor] = []
    for _ in shares(lambda sums: told.append(sums) or sums):
        pass
    denoiser.zero_grad()
    uncertainty.zero_grad()
    parts = list(shares(lambda _: torch.stack(told).sum(dim=0)))
    for part in parts:
        part.loss.backward()
    for name in ("loss", "edm", "gate"):
        total = sum(getattr(part, name).item() for part in parts)
        assert total == pytest.approx(getattr(whole, name).item(), rel=1e-5), name
    torch.testing.assert_close(torch.cat([part.per_sample for part in parts]), whole.per_sample)
    for mine, theirs in zip(gradients(denoiser, uncertainty), expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max() + 1e-3))


def test_observed_values_are_counted():
    target = torch.zeros(2, 3, 4, 5)
    assert count_observed(target, None) == 120
    assert count_observed(target, None, (0, 2)) == 80
    mask = torch.zeros(2, 3, 4, 5, dtype=torch.bool)
    mask[0, 1] = True
    assert count_observed(target, mask) == 20
    assert count_observed(target, mask, (0, 2)) == 0
    assert count_observed(target, mask[:, 1:2], (0, 2)) == 40, "one mask for all channels"


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_dropout_of_rows_is_that_of_the_batch(layout):
    dropout = BatchDropout(0.4)
    x = torch.rand(ROWS, 8, 5, 7).contiguous(memory_format=layout) + 1
    torch.manual_seed(3)
    whole = dropout(x)
    assert 0.3 < float((whole == 0).float().mean()) < 0.5
    for first, last in ((0, 2), (2, 3), (3, 6)):
        torch.manual_seed(3)
        with dropping_rows(dropout, first, ROWS):
            mine = dropout(x[first:last])
        assert torch.equal(mine, whole[first:last])
    torch.manual_seed(3)
    assert torch.equal(dropout(x), whole), "as before outside"
    assert torch.equal(dropout.eval()(x), x)


def test_a_loss_without_chance_needs_sigma_and_noise(tiny):
    batch = case(tiny, torch.Generator().manual_seed(1))
    del batch["noise"]
    with pytest.raises(ValueError, match="sigma or noise is not given, so a generator is needed"):
        EDMLoss()(EDMDenoiser(tiny), **batch)
