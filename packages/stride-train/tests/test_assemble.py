from types import SimpleNamespace

import pytest
from stride_data.assembly.channels import ChannelCounts
from stride_train.assemble import assemble_spec
from stride_train.config import ModelConfig
from stride_train.errors import ExperimentError


def adapter(thresholds=(0.5, None), context=()):
    return SimpleNamespace(
        counts=ChannelCounts(2, 3, 1, *context),
        hr_shape=(16, 24),
        lr_shape=(4, 7),
        lr_margins=(0, 0, 0, 1),
        temporal_steps=1,
        context_shape=(10, 10) if any(context) else None,
        context_cell=(0.25, 0.25),
        context_offset=(3.0, 2.0),
        time_feature_names=(),
        target_names=("fine.prcp", "fine.t2m"),
        wet_thresholds_scaled=lambda: list(thresholds),
    )


def test_the_spec_holds_what_the_adapter_counts():
    spec = assemble_spec(adapter(), ModelConfig(channels=(8, 16)), sigma_data=0.9)
    assert (spec.in_dynamic_channels, spec.in_static_channels, spec.out_channels) == (3, 1, 2)
    assert (spec.target_hr_shape, spec.cond_lr_shape, spec.sigma_data) == ((16, 24), (4, 7), 0.9)
    assert spec.lr_margins == (0, 0, 0, 1)
    assert spec.channels == (8, 16)
    assert not spec.use_rain_gate


def test_the_gate_takes_every_target_with_a_wet_threshold():
    spec = assemble_spec(adapter(), ModelConfig(use_rain_gate=True), sigma_data=1.0)
    assert (spec.gated_channels, spec.gate_thresholds) == ((0,), (0.5,))


@pytest.mark.parametrize(
    ("targets", "message"),
    [(("fine.prpc",), r"which is no target.*fine\.prcp"), (("fine.t2m",), "has no wet threshold")],
)
def test_gating_what_cannot_be_gated_is_refused(targets, message):
    with pytest.raises(ExperimentError, match=message):
        assemble_spec(adapter(), ModelConfig(use_rain_gate=True, gated_targets=targets), sigma_data=1.0)


def test_a_gate_without_any_threshold_is_refused():
    with pytest.raises(ExperimentError, match="switch it off"):
        assemble_spec(adapter((None, None)), ModelConfig(use_rain_gate=True), sigma_data=1.0)


def test_options_that_do_not_go_together_are_refused():
    with pytest.raises(ExperimentError, match=r"does not fit the data: .*attention_levels"):
        assemble_spec(adapter(), ModelConfig(channels=(8,), attention_levels=(3,)), sigma_data=1.0)


@pytest.mark.parametrize("context", [(1, 0), (0, 2)])
def test_context_fields_bring_their_encoder(context):
    spec = assemble_spec(adapter(context=context), ModelConfig(), sigma_data=1.0)
    assert spec.use_context_encoder
    assert (spec.in_context_dynamic_channels, spec.in_context_static_channels) == context
    assert (spec.context_shape, spec.context_cell, spec.context_offset) == ((10, 10), (0.25, 0.25), (3.0, 2.0))
