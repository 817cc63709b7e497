"""Which partitions a run may replace."""

from datetime import date

import pytest

from jobs.backfill.scope import in_words, replaced_days
from jobs.interval import Interval
from jobs.step import AsOf, EventDays, LandedDays, Scope, Whole

TWO_DAYS = Interval(date(2026, 5, 10), date(2026, 5, 12))


def days(scope: Scope, *existing: date) -> tuple[date, date, int]:
    found = replaced_days(scope, TWO_DAYS, existing, max_lateness_days=3) or frozenset()
    return min(found), max(found), len(found)


def test_landed_days_are_those_of_the_interval() -> None:
    assert days(LandedDays()) == (date(2026, 5, 10), date(2026, 5, 11), 2)


def test_event_days_reach_back_by_the_lateness_and_a_day_ahead() -> None:
    assert days(EventDays()) == (date(2026, 5, 7), date(2026, 5, 12), 6)


def test_a_session_reaches_one_day_further_on_each_side() -> None:
    assert days(EventDays(before=1, after=1)) == (date(2026, 5, 6), date(2026, 5, 13), 8)


def test_an_as_of_table_replaces_its_last_day_and_where_it_says_so_every_later_one_that_exists() -> None:
    existing = (date(2026, 5, 1), date(2026, 5, 10), date(2026, 5, 14), date(2026, 5, 20))
    assert days(AsOf(and_later=True), *existing) == (date(2026, 5, 11), date(2026, 5, 20), 3)
    assert days(AsOf(), *existing) == (date(2026, 5, 11), date(2026, 5, 11), 1)


def test_a_whole_table_has_no_days() -> None:
    assert replaced_days(Whole(), TWO_DAYS, (), 3) is None


@pytest.mark.parametrize("scope", [LandedDays(), EventDays(), EventDays(1, 1), AsOf(), AsOf(and_later=True), Whole()])
def test_every_scope_has_its_words(scope: Scope) -> None:
    assert in_words(scope)
