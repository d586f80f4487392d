import numpy as np
import pytest
from stride_train.baselines.analogues import Analogues
from stride_train.errors import GenerationError

TEST = "2009-01-01T00:00:00"


def day(number):
    return f"2001-01-{number:02}T00:00:00"


def analogues(adapter, silent, *, members=16, fields="own", times=(TEST,), **options):
    return Analogues(adapter, members=members, fields=fields, times=times, advance=silent, **options)


def archive(fields_adapter, low, wanted, **options):
    """Training days with these LR fields [C, h, w]; the observed field is the day's number."""
    keys = options.get("keys", ("prcp",))
    days = {day(number): (np.full((len(keys), 1, 2), number), field) for number, field in enumerate(low, start=1)}
    return fields_adapter({**days, TEST: (None, wanted)}, test=(TEST,), **options)


def test_of_two_days_the_nearer_comes_first(fields_adapter, silent):
    adapter = archive(fields_adapter, [[[[0.0, 0.0]]], [[[4.0, 2.0]]]], [[[3.0, 2.0]]])
    system = analogues(adapter, silent)
    assert system.members == 2
    assert system.members_of(TEST) == [day(2), day(1)]
    np.testing.assert_array_equal(system.generate(TEST), [[[[2, 2]]], [[[1, 1]]]])
    np.testing.assert_array_equal(system.generate(TEST, [1]), [[[[1, 1]]]])
    spread = np.std([0.0, 0.0, 4.0, 2.0])
    found = system.distances(TEST)
    assert found[day(1)] == pytest.approx(np.sqrt((9 + 4) / 2) / spread)
    assert found[day(2)] == pytest.approx(np.sqrt(1 / 2) / spread)


def test_of_equally_near_days_the_earlier_comes_first(fields_adapter, silent):
    adapter = archive(fields_adapter, [[[[1.0]]], [[[3.0]]], [[[1.0]]]], [[[2.0]]])
    assert analogues(adapter, silent, members=2).members_of(TEST) == [day(1), day(2)]


def test_the_other_fields_count_when_asked_for_each_by_its_own_spread(fields_adapter, silent):
    """By precipitation alone the second day is nearest, but its pressure is two standard deviations off."""
    low = [[[[1.0]], [[100_000.0]]], [[[5.0]], [[106_000.0]]], [[[9.0]], [[101_000.0]]]]
    adapter = archive(fields_adapter, low, [[[5.0]], [[100_100.0]]], low_keys=("prcp", "msl"))
    assert analogues(adapter, silent).members_of(TEST)[0] == day(2)
    everything = analogues(adapter, silent, fields="all")
    assert everything.description["fields"] == ["coarse.prcp", "coarse.msl"]
    assert everything.members_of(TEST)[0] == day(1)
    spreads = np.std([1.0, 5.0, 9.0]), np.std([100_000.0, 106_000.0, 101_000.0])
    expected = np.sqrt(((4 / spreads[0]) ** 2 + (100 / spreads[1]) ** 2) / 2)
    assert everything.distances(TEST)[day(1)] == pytest.approx(expected, rel=1e-5)


def test_margins_do_not_count(fields_adapter, silent):
    low = [[[[50.0], [1.0]]], [[[0.0], [3.0]]]]
    adapter = archive(fields_adapter, low, [[[0.0], [1.2]]], margins=(1, 0, 0, 0))
    assert analogues(adapter, silent).members_of(TEST)[0] == day(1)


def test_of_a_stack_the_step_of_the_target_counts(fields_adapter, silent):
    low = [[[[[9.0]]], [[[1.0]]]], [[[[1.0]]], [[[3.0]]]]]
    adapter = archive(fields_adapter, low, [[[[1.0]]], [[[1.2]]]], lag_hours=(-24.0, 0.0))
    assert analogues(adapter, silent).members_of(TEST)[0] == day(1)


def test_distances_are_those_of_a_loop_over_days(fields_adapter, silent):
    rng = np.random.default_rng(2)
    low = rng.gamma(0.7, 3.0, (300, 2, 3, 4)) * [[[1.0]], [[50.0]]]
    wanted = rng.gamma(0.7, 3.0, (2, 3, 4)) * [[[1.0]], [[50.0]]]
    times = [str(np.datetime64("2001-01-01T00:00:00") + np.timedelta64(day, "D")) for day in range(300)]
    days = {time: (rng.gamma(1.0, 1.0, (2, 2, 2)), field) for time, field in zip(times, low, strict=True)}
    adapter = fields_adapter({**days, TEST: (None, wanted)}, test=(TEST,), keys=("prcp", "t2m"))
    system = analogues(adapter, silent, members=5)
    expected = []
    for field in low:
        parts = [np.mean(((field[c] - wanted[c]) / low[:, c].std()) ** 2) for c in range(2)]
        expected.append(np.sqrt(np.mean(parts)))
    np.testing.assert_allclose(list(system.distances(TEST).values()), expected, rtol=1e-5)
    assert system.members_of(TEST) == [times[number] for number in np.argsort(expected)[:5]]
    np.testing.assert_array_equal(system.generate(TEST)[1], adapter.days[times[np.argsort(expected)[1]]][0])


def test_a_training_day_is_no_analogue_of_itself(fields_adapter, silent):
    adapter = archive(fields_adapter, [[[[1.0]]], [[[1.1]]], [[[7.0]]]], [[[1.0]]])
    system = analogues(adapter, silent, members=3, times=[day(1), day(3)])
    assert system.members == 2
    assert system.members_of(day(1)) == [day(2), day(3)]
    assert system.members_of(day(3)) == [day(2), day(1)]


def test_days_with_gaps_are_no_analogues(fields_adapter, silent):
    low, wanted = [[[1.0]]], [[[1.0]]]
    days = {day(1): ([[[1, np.nan]]], low), day(2): ([[[2, 2]]], [[[5.0]]]), day(3): ([[[3, 3]]], [[[9.0]]])}
    adapter = fields_adapter({**days, TEST: (None, wanted)}, test=(TEST,))
    system = analogues(adapter, silent)
    assert system.members_of(TEST) == [day(2), day(3)]
    assert system.description["left_out_for_gaps"] == 1


def test_without_the_targets_own_field_all_must_be_asked_for(fields_adapter, silent):
    adapter = archive(fields_adapter, [[[[1.0]]], [[[2.0]]]], [[[1.9]]], keys=("prcp",), low_keys=("msl",))
    with pytest.raises(GenerationError, match=r"analogue_fields.*all"):
        analogues(adapter, silent)
    assert analogues(adapter, silent, fields="all").members_of(TEST)[0] == day(2)


def test_values_outside_the_transform_are_named(fields_adapter, silent):
    adapter = archive(fields_adapter, [[[[1.0]]], [[[2.0]]]], [[[1.9]]])
    adapter.forward_conditioning = lambda values: np.where(values > 1.5, np.nan, values)
    with pytest.raises(GenerationError, match=r"'coarse\.prcp' at 2001-01-02T00:00:00.*data\.transforms"):
        analogues(adapter, silent)
