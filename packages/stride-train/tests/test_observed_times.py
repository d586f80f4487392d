import numpy as np
import pytest
from stride_train.baselines.observed_times import ObservedTimes
from stride_train.errors import GenerationError

NAN = np.nan
LOW = np.zeros((1, 1, 1))


def day(number):
    return f"2001-01-{number:02}T00:00:00"


def archive(fields_adapter, *targets, **options):
    days = {day(number): (None if row is None else [[row]], LOW) for number, row in enumerate(targets, start=1)}
    return fields_adapter(days, **options)


def test_times_that_miss_what_others_observe_are_left_out(fields_adapter, silent):
    """The last pixel is never observed, as over sea: that costs no time."""
    adapter = archive(fields_adapter, [1, 2, NAN], [3, NAN, NAN], None, [5, 6, NAN])
    found = ObservedTimes(adapter, None, [0], advance=silent)
    assert found.times == [day(1), day(4)]
    assert (found.left_out, found.with_gaps) == (1, False)
    np.testing.assert_array_equal(found.field(day(4)), [[[5, 6, NAN]]])


def test_with_gaps_everywhere_all_are_taken(fields_adapter, silent):
    adapter = archive(fields_adapter, [1, NAN, 3], [NAN, 5, 6], [7, 8, NAN])
    found = ObservedTimes(adapter, None, [0], advance=silent)
    assert found.times == [day(1), day(2), day(3)]
    assert (found.left_out, found.with_gaps) == (0, True)


def test_a_single_time_is_enough(fields_adapter, silent):
    found = ObservedTimes(archive(fields_adapter, [1, NAN], None), None, [0], advance=silent)
    assert found.times == [day(1)] and not found.with_gaps


def test_nothing_observed_is_said(fields_adapter, silent):
    adapter = archive(fields_adapter, [NAN, NAN], None)
    with pytest.raises(GenerationError, match=r"no observed value of fine\.prcp: check data\.splits"):
        ObservedTimes(adapter, None, [0], advance=silent)


def test_the_date_itself_never_stands_for_itself(fields_adapter, silent):
    hours = [f"2001-01-0{number}T{hour}:00:00" for number in (1, 2) for hour in ("00", "12")]
    adapter = fields_adapter({time: ([[[1.0]]], LOW) for time in hours})
    found = ObservedTimes(adapter, None, [0], advance=silent)
    assert found.others(hours[1]) == hours[2:]
    assert found.ensemble_size(10, hours) == 2
    assert found.ensemble_size(10, ["2005-01-01T00:00:00"]) == 4
    only = ObservedTimes(fields_adapter({hours[0]: ([[[1.0]]], LOW)}), None, [0], advance=silent)
    with pytest.raises(GenerationError, match=r"of another date than the one that is generated"):
        only.ensemble_size(1, hours)


def test_fields_beyond_what_memory_keeps_are_read_again(fields_adapter, silent):
    adapter = archive(fields_adapter, [1, 2], [3, 4], [5, 6])
    found = ObservedTimes(adapter, None, [0], advance=silent, kept_bytes=20)
    assert adapter.reads == 3
    found.field(day(2)), found.field(day(3))
    assert adapter.reads == 3
    np.testing.assert_array_equal(found.field(day(1)), [[[1, 2]]])
    assert adapter.reads == 4
