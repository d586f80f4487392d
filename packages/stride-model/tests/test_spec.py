import subprocess
import sys

import pytest
from stride_model.errors import SpecError
from stride_model.spec import ModelSpec

GOOD = {"in_dynamic_channels": 1, "out_channels": 2, "cond_lr_shape": (6, 6), "target_hr_shape": (48, 48)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lr_margins": (3, 3, 0, 0)}, "lr_margins (3, 3, 0, 0) leave nothing of cond_lr_shape (6, 6)"),
        ({"target_hr_shape": (5, 48)}, "coarser than the LR box"),
        ({"embedding_channels": 33}, "must be even"),
        ({"attention_levels": (4,)}, "beyond the 4 levels"),
        ({"gated_channels": (0,)}, "use_rain_gate is false"),
        ({"use_rain_gate": True}, "needs gated_channels"),
        ({"use_rain_gate": True, "gated_channels": (0, 1), "gate_thresholds": (0.0,)}, "one threshold per gated"),
        ({"use_rain_gate": True, "gated_channels": (0, 0), "gate_thresholds": (0.0, 0.0)}, "a channel twice"),
        ({"use_rain_gate": True, "gated_channels": (2,), "gate_thresholds": (0.0,)}, "beyond the 2 out_channels"),
        ({"sigma_data": 0.0}, "sigma_data"),
        ({"out_channels": 0}, "out_channels"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_wrong_combinations_are_refused_with_one_sentence(change, says):
    with pytest.raises(SpecError) as refused:
        ModelSpec(**{**GOOD, **change})
    message = str(refused.value)
    assert says in message
    assert message.startswith("model spec: ")
    assert "\n" not in message


def test_lr_core_shape_leaves_out_the_margin():
    assert ModelSpec(**{**GOOD, "cond_lr_shape": (10, 8), "lr_margins": (1, 1, 0, 2)}).lr_core_shape == (8, 6)


def test_json_round_trip():
    spec = ModelSpec(**GOOD, use_rain_gate=True, gated_channels=(1,), gate_thresholds=(0.25,))
    assert ModelSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert ModelSpec.model_validate_json(spec.model_dump_json()) == spec


def test_validating_a_wrong_mapping_is_a_value_error():
    with pytest.raises(ValueError, match="Extra inputs"):
        ModelSpec.model_validate({**GOOD, "colour": "red"})


def test_frozen():
    with pytest.raises(ValueError, match="frozen"):
        ModelSpec(**GOOD).blocks = 3


def test_reading_a_specification_does_not_import_torch():
    code = "import sys, stride_model.spec; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
