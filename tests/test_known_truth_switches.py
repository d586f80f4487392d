"""What each input of the model takes off the CRPS where that is known: `benchmarks/truth`."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("truth")]

MEMBERS = 8


@pytest.mark.parametrize(
    ("name", "least"),
    [("statics", 0.2), ("temporal_stack", 0.05), ("context", 0.15), ("day_of_year", 0.2), ("labels", 0.2)],
)
def test_an_input_lowers_the_crps(name, least):
    from truth.learning import Budget
    from truth.problems import SWITCHES
    from truth.switching import switch_gain

    found = switch_gain(SWITCHES[name](), Budget(steps=150, batch=32, sampling=12), 48, MEMBERS)
    print(found)
    assert found["crps_gain"] > least


def test_the_rain_gate_lowers_false_drizzle():
    from truth.gating import gate_switch
    from truth.learning import Budget
    from truth.problems import SWITCHES

    found = gate_switch(SWITCHES["rain_gate"](), Budget(steps=300, batch=32, sampling=12), 128, 16)
    print(found)
    assert abs(found["mean_change"]) < 0.01
    assert found["excluded_wet_on"] < 0.1 * found["excluded_wet_off"]
    assert found["trace_on"] < 0.97 * found["trace_ungated"]
    assert found["trace_on"] < found["trace_off"]
    # Before gating the Brier score exceeds that of the exact conditional by 1 %: the gate takes part of that off.
    assert found["brier_ungated"] - found["brier_on"] > 0.2 * (found["brier_ungated"] - found["exact_brier"])
    assert found["reliability_error"] < 2 * found["reliability_sampling_error"]
