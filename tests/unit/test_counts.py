"""How many lines there are of each kind, and how many rejected ones are too many."""

from collections import Counter
from datetime import date

import pytest
from pyspark.sql import SparkSession

from jobs.counts import Counts, Tally, check_share, tallied
from jobs.errors import RejectShareError
from jobs.interval import Interval


def counts(read: int, rejected: int) -> Counts:
    return Counts(read=read, kept=read - rejected, rejected=rejected, merged=0, reasons=Counter(unreadable=rejected))


@pytest.mark.parametrize(("read", "rejected"), [(0, 0), (16, 1), (2, 1), (40, 2), (1_000, 50)])
def test_as_many_as_usual_and_a_single_row_stop_nothing(read: int, rejected: int) -> None:
    check_share("silver.events", counts(read, rejected), 0.05)


@pytest.mark.parametrize(("read", "rejected"), [(1, 1), (2, 2), (20, 2), (1_000, 51)])
def test_more_than_the_share_and_all_of_them_stop_the_day(read: int, rejected: int) -> None:
    with pytest.raises(RejectShareError, match=rf"silver\.events: .*found {rejected} of {read} .*unreadable {rejected}"):
        check_share("silver.events", counts(read, rejected), 0.05)


def test_lines_are_tallied_by_landing_and_day_and_the_day_of_a_rejected_one_does_not_count(spark: SparkSession) -> None:
    monday, tuesday, wednesday = (date(2026, 6, day) for day in (1, 2, 3))
    lines = [
        (tuesday, monday, []),
        (tuesday, monday, []),
        (tuesday, tuesday, []),
        (tuesday, date(1970, 1, 1), ["too_late"]),
        (tuesday, None, ["unreadable"]),
        (monday, monday, []),
        (monday, date(2026, 5, 31), []),
        (wednesday, tuesday, []),
        (wednesday, wednesday, ["missing_item"]),
    ]
    marked = spark.createDataFrame(lines, "landed_date date, event_date date, reasons array<string>")
    assert tallied(marked, "event_date", Interval(tuesday, wednesday)) == Tally(
        read=5, clean=3, days=frozenset({monday, tuesday}), deliveries={monday: 3, date(2026, 5, 31): 1, tuesday: 2}
    )
