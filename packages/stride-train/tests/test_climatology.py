import numpy as np
import pytest
from stride_train.baselines.climatology import Climatology, days_apart

LOW = np.zeros((1, 1, 1))
TEST = "2009-01-02T00:00:00"


def climatology(adapter, silent, *, members=16, window_days=None, seed=0, times=(TEST,), **options):
    return Climatology(
        adapter, members=members, window_days=window_days, seed=seed, times=times, advance=silent, **options
    )


def constant(value):
    return [[[value, 10 * value]]], LOW


@pytest.fixture
def dated(fields_adapter):
    def make(*dates, **options):
        return fields_adapter(
            {f"{date}T00:00:00": constant(float(number)) for number, date in enumerate(dates, 1)}, **options
        )

    return make


def test_of_two_days_both_are_the_members(dated, silent):
    system = climatology(dated("2001-01-01", "2001-01-02"), silent)
    assert system.members == 2
    members = system.generate(TEST)
    assert members.shape == (2, 1, 1, 2) and members.dtype == np.float32
    np.testing.assert_array_equal(np.sort(members[:, 0, 0], axis=0), [[1, 10], [2, 20]])
    np.testing.assert_array_equal(system.generate(TEST, [1]), members[[1]])
    assert system.description["training_times"] == 2


def test_members_are_drawn_within_the_window_and_then_the_nearest_in_the_year(dated, silent):
    adapter = dated("2001-07-01", "2003-12-30", "2004-01-04", "2002-02-20")
    for seed in range(8):
        found = climatology(adapter, silent, window_days=5, seed=seed).members_of(TEST)
        assert {time[:10] for time in found[:2]} == {"2003-12-30", "2004-01-04"}
        assert [time[:10] for time in found[2:]] == ["2002-02-20", "2001-07-01"]


def test_the_year_runs_in_a_circle():
    assert days_apart(0.0, 364 / 365) == pytest.approx(1.0, abs=0.01)
    assert days_apart(0.25, 0.75) == pytest.approx(182.625)


def test_members_depend_on_seed_and_time_alone(dated, silent):
    adapter = dated(*(f"2001-{month:02}-11" for month in range(1, 13)))
    other = "2009-01-03T00:00:00"
    for window in (None, 100):
        system = climatology(adapter, silent, members=6, window_days=window)
        first = system.members_of(TEST)
        assert len(set(first)) == 6
        assert system.members_of(other) != first
        assert system.members_of(TEST) == first, "the order of times does not matter"
        more = climatology(adapter, silent, members=9, window_days=window).members_of(TEST)
        assert more[:6] == first, "more members leave the first ones as they are"
        assert climatology(adapter, silent, members=6, window_days=window, seed=1).members_of(TEST) != first


def test_nothing_but_the_training_split_is_drawn_and_never_the_date_itself(dated, silent):
    dates = ("2001-01-01", "2001-01-02", "2001-01-03", "2009-01-02")
    system = climatology(dated(*dates, test=(TEST,)), silent)
    assert system.members == 3 and TEST not in system.members_of(TEST)
    inside = climatology(dated(*dates), silent, times=[f"{date}T00:00:00" for date in dates])
    assert inside.members == 3
    for date in dates:
        assert f"{date}T00:00:00" not in inside.members_of(f"{date}T00:00:00")


def test_all_targets_of_a_member_are_of_one_time(fields_adapter, silent):
    days = {f"2001-01-0{number}T00:00:00": ([[[number]], [[100 + number]]], LOW) for number in range(1, 6)}
    adapter = fields_adapter(days, keys=("prcp", "t2m"), low_keys=("prcp",))
    members = climatology(adapter, silent).generate(TEST)
    np.testing.assert_array_equal(members[:, 1], 100 + members[:, 0])
    only = climatology(adapter, silent, targets=[1]).generate(TEST)
    np.testing.assert_array_equal(only, members[:, [1]])


def test_ranks_are_flat_where_climate_is_stationary(fields_adapter, silent):
    """The observation is as likely to take one rank as any other; the 5 x 5 pixels and 160 days are independent."""
    rng = np.random.default_rng(4)
    times = [str(np.datetime64("2001-01-01T00:00:00") + np.timedelta64(day, "D")) for day in range(400)]
    days = {time: (rng.gamma(0.6, 5.0, (1, 5, 5)), LOW) for time in times}
    adapter = fields_adapter(days, test=times[240:])
    system = climatology(adapter, silent, members=9, window_days=60, times=times[240:])
    ranks = np.concatenate(
        [(system.generate(time) < adapter.days[time][0]).sum(axis=0).ravel() for time in times[240:]]
    )
    counts = np.bincount(ranks, minlength=10)
    chi_square = np.square(counts - counts.mean()).sum() / counts.mean()
    assert counts.sum() == 4000
    assert chi_square < 27.9, f"0.1 % of calibrated ensembles lie above that, with 9 degrees of freedom: {counts}"
