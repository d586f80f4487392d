from types import SimpleNamespace

import numpy as np
import pytest
from stride_data.assembly.channels import ChannelCounts
from stride_train.assemble import assemble_spec
from stride_train.config import ModelConfig
from stride_train.errors import ExperimentError
from stride_train.target_scales import TargetScales, measure_target_scales


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
    spec = assemble_spec(adapter(), ModelConfig(channels=(8, 16)), scales=TargetScales(0.9))
    assert (spec.in_dynamic_channels, spec.in_static_channels, spec.out_channels) == (3, 1, 2)
    assert (spec.target_hr_shape, spec.cond_lr_shape, spec.sigma_data) == ((16, 24), (4, 7), 0.9)
    assert spec.lr_margins == (0, 0, 0, 1)
    assert spec.channels == (8, 16)
    assert not spec.use_rain_gate


def test_the_gate_takes_every_target_with_a_wet_threshold():
    spec = assemble_spec(adapter(), ModelConfig(use_rain_gate=True), scales=TargetScales(1.0))
    assert (spec.gated_channels, spec.gate_thresholds) == ((0,), (0.5,))


@pytest.mark.parametrize(
    ("targets", "message"),
    [(("fine.prpc",), r"which is no target.*fine\.prcp"), (("fine.t2m",), "has no wet threshold")],
)
def test_gating_what_cannot_be_gated_is_refused(targets, message):
    with pytest.raises(ExperimentError, match=message):
        assemble_spec(adapter(), ModelConfig(use_rain_gate=True, gated_targets=targets), scales=TargetScales(1.0))


def test_a_gate_without_any_threshold_is_refused():
    with pytest.raises(ExperimentError, match="switch it off"):
        assemble_spec(adapter((None, None)), ModelConfig(use_rain_gate=True), scales=TargetScales(1.0))


def test_options_that_do_not_go_together_are_refused():
    with pytest.raises(ExperimentError, match=r"does not fit the data: .*attention_levels"):
        assemble_spec(adapter(), ModelConfig(channels=(8,), attention_levels=(3,)), scales=TargetScales(1.0))


@pytest.mark.parametrize("context", [(1, 0), (0, 2)])
def test_context_fields_bring_their_encoder(context):
    spec = assemble_spec(adapter(context=context), ModelConfig(), scales=TargetScales(1.0))
    assert spec.use_context_encoder
    assert (spec.in_context_dynamic_channels, spec.in_context_static_channels) == context
    assert (spec.context_shape, spec.context_cell, spec.context_offset) == ((10, 10), (0.25, 0.25), (3.0, 2.0))


class Targets(SimpleNamespace):
    """Two targets, one rough and one that is the same everywhere in each field; a strip is missing."""

    training_box = None

    def times(self, split):
        return list(range(5))

    def fields(self, time, box):
        random = np.random.default_rng(time)
        target = np.stack([random.normal(0, 0.5, (48, 48)), np.full((48, 48), float(time))])
        mask = np.ones(target.shape, dtype=bool)
        mask[:, :6] = False
        return SimpleNamespace(target=np.where(mask, target, np.nan), mask=mask)

    def forward_target(self, target):
        return target


def test_the_scales_of_the_targets_are_measured():
    found = measure_target_scales(Targets(), fine_scales=2)
    values = np.array([0, 1, 2, 3, 4])  # half of all values; the others are N(0, 0.5²)
    assert found.sigma_data == pytest.approx(((0.25 + (values**2).mean()) / 2 - 1) ** 0.5, rel=0.01)
    (rough, constant) = found.fine_scale_std
    assert rough == pytest.approx((0.5, 0.5), rel=0.15)
    assert max(constant) < 0.2 * min(rough)
    assert measure_target_scales(Targets(), fine_scales=0).fine_scale_std == ()


def test_one_channel_that_serves_all_targets_gets_their_mean_power():
    separate = np.array(measure_target_scales(Targets(), fine_scales=2).fine_scale_std)
    (shared,) = measure_target_scales(Targets(), fine_scales=2, together=False).fine_scale_std
    assert shared == pytest.approx(np.sqrt((separate**2).mean(axis=0)), rel=1e-4)


def test_the_spec_takes_the_measured_scales():
    spec = assemble_spec(adapter(), ModelConfig(), scales=TargetScales(1.0, ((0.1, 0.2), (0.3, 0.4))))
    assert spec.fine_scale_std == ((0.1, 0.2), (0.3, 0.4))
    assert assemble_spec(adapter(), ModelConfig(), scales=TargetScales(1.0)).field_channels == 2


def test_a_target_that_a_time_lacks_does_not_count_there():
    class Gaps(Targets):
        def fields(self, time, box):
            found = super().fields(time, box)
            if time % 2:
                found.mask[0] = False
            return found

    (with_gaps, _), (without, _) = (
        measure_target_scales(case, fine_scales=2).fine_scale_std for case in (Gaps(), Targets())
    )
    assert with_gaps == pytest.approx(without, rel=0.05)
