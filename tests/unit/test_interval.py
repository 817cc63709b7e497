"""Intervals are half-open and never empty."""

from datetime import date

import pytest

from jobs.interval import Interval


def test_midnight_belongs_to_the_day_that_it_begins() -> None:
    interval = Interval.parse("2013-07-14", "2013-07-15")
    assert date(2013, 7, 14) in interval
    assert date(2013, 7, 15) not in interval
    assert interval.last_day == date(2013, 7, 14)


@pytest.mark.parametrize("end", ["2013-07-14", "2013-07-13"])
def test_an_empty_or_backward_interval_is_refused(end: str) -> None:
    with pytest.raises(ValueError, match="half-open"):
        Interval.parse("2013-07-14", end)


def test_widening_crosses_months() -> None:
    assert list(Interval.parse("2024-02-29", "2024-03-01").widened(before=1, after=1).days()) == [
        date(2024, 2, 28),
        date(2024, 2, 29),
        date(2024, 3, 1),
    ]
