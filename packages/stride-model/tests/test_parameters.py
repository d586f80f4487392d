"""Parameters and multiply-adds against hand-computed ones, and that the summary shows every switch."""

import pytest
import torch
from stride_model.parameters import cost, count, summary
from stride_model.precondition import EDMDenoiser
from stride_model.spec import ModelSpec


def stages(spec):
    return {stage.name: stage for stage in cost(EDMDenoiser(spec)).stages}


def test_multiply_adds_by_hand(tiny):
    """16 x 16 pixels in 2 x 2 patches: 64 cells of 8 channels, then 16 of 16; the LR field has 16 cells."""
    depthwise, perceptron = 64 * 8 * 9, 2 * 64 * 8 * 16
    expected = {
        "network.embedding": 2 * 16 * 16,
        "network.stem": 64 * 4 * 8 * 9,
        "network.encoder.0": depthwise + 16 * 2 * 8 + perceptron,
        "network.down.0": 16 * 8 * 16 * 4,
        "network.encoder.1": 16 * 16 * 9 + 16 * 2 * 16 + 2 * 16 * 16 * 32,
        "network.up.0": 16 * 16 * 8,
        "network.decoder.0": (16 + 64) * 8 * 8 + depthwise + 16 * 2 * 8 + perceptron,
        "network.head": 64 * 8 * 4 * 9,
    }
    lift, block, project = 16 * 2 * 8 * 9, 2 * 16 * 8 * 8 * 9, 16 * 8 * (8 + 16)
    resample = 8 * 8 * 4 * (4 + 8) + 16 * 4 * 4 * (4 + 4)
    static, fuse, out = 64 * 4 * 8 * 9, 64 * 8 * 8 * 9, 64 * 8 * 8 * 9
    encoder = lift + block + project + resample + static + fuse + out
    found = cost(EDMDenoiser(tiny))
    assert {s.name: s.multiply_adds for s in found.stages} == {"encoder": encoder, **expected}
    assert (found.per_case, found.per_call) == (encoder, sum(expected.values()))


def test_channels_and_grids(tiny):
    found = stages(tiny)
    assert (found["encoder"].channels_in, found["encoder"].channels_out) == ((2, 1), (8, 8, 16))
    assert (found["network.decoder.0"].channels_in, found["network.decoder.0"].channels_out) == ((8, 8), (8,))
    assert [found[f"network.encoder.{level}"].grid for level in (0, 1)] == [(8, 8), (4, 4)]
    assert found["network.embedding"].grid is None


def test_attention_by_hand(tiny):
    """Queries, keys, values and output in 1x1 convolutions; then every cell with every cell, twice."""
    plain = stages(tiny)["network.encoder.1"].multiply_adds
    attentive = stages(tiny.model_copy(update={"attention_levels": (1,)}))["network.encoder.1"].multiply_adds
    assert attentive - plain == 16 * 16 * (3 * 16 + 16) + 2 * 16 * 16 * 16


def test_one_member_costs_the_same_whatever_the_mode_the_denoiser_is_in(tiny):
    spec = ModelSpec(**{**tiny.model_dump(), "dropout": 0.5})
    denoiser = EDMDenoiser(spec).train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert cost(denoiser).per_call == cost(EDMDenoiser(tiny).eval()).per_call
    assert denoiser.training and not denoiser.network._forward_hooks and not denoiser.encoder._forward_pre_hooks


def test_parameters_add_up(gated):
    denoiser = EDMDenoiser(gated)
    total = sum(parameter.numel() for parameter in denoiser.parameters())
    assert cost(denoiser).parameters == count(denoiser) == total
    assert sum(count(stage.module) for stage in cost(denoiser).stages) == total


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"film_features": 3}, "film"),
        ({"use_film_vars": True, "film_labels": 2}, "label"),
        ({"use_rain_gate": True, "gated_channels": (0,), "gate_thresholds": (0.0,)}, "gate"),
        ({"attention_levels": (1,)}, "network.encoder.1, attention"),
        ({"temporal_steps": 3}, "encoder            6 + 1"),
        (
            {
                "use_context_encoder": True,
                "in_context_dynamic_channels": 2,
                "context_shape": (8, 8),
                "context_cell": (0.25, 0.25),
            },
            "context",
        ),
    ],
)
def test_every_switch_shows(tiny, change, line):
    def lines(spec):
        return [row for row in summary(EDMDenoiser(spec)).splitlines() if row.startswith(line)]

    assert len(lines(ModelSpec(**{**tiny.model_dump(), **change}))) == 1
    assert not lines(tiny)


def test_the_summary_as_a_whole(tiny):
    text = summary(EDMDenoiser(tiny)).splitlines()
    assert text[0] == "HR 16 x 16 in patches of 2 x 2, padded to 16 x 16; LR 4 x 4"
    assert text[1].split() == ["stage", "channels", "in", "out", "grid", "parameters", "multiply-adds"]
    assert text[2].split() == ["encoder", "2", "+", "1", "8", "+", "8", "+", "16", "8", "x", "8", "3,000", "121,088"]
    assert text[-3:] == [
        f"{count(EDMDenoiser(tiny)):,} parameters",
        "114,432 multiply-adds per call of the network and member",
        "121,088 multiply-adds per case, encoded once",
    ]


def test_a_module_that_a_call_does_not_reach_is_still_listed(tiny):
    denoiser = EDMDenoiser(tiny)
    denoiser.spare = torch.nn.Linear(3, 2)
    row = next(row for row in summary(denoiser).splitlines() if row.startswith("spare"))
    assert row.split() == ["spare", "-", "-", "-", "8", "-"]
