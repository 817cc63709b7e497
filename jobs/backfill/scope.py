"""Which partitions a run over some landing days may replace, by the scope that each table declares."""

from collections.abc import Collection
from datetime import date

from jobs.interval import Interval
from jobs.step import AsOf, EventDays, LandedDays, Scope


def replaced_days(scope: Scope, interval: Interval, existing: Collection[date], max_lateness_days: int) -> frozenset[date] | None:
    """The most that a run over ``interval`` may replace, whether it exists yet or not; None for a whole table.

    An event day is touched by what landed from the day before it to ``max_lateness_days`` after it. A run replaces those on which its rows
    fall, which can be fewer.

    >>> [str(day)[8:] for day in sorted(replaced_days(EventDays(), Interval.parse("2026-05-10", "2026-05-12"), (), 3))]
    ['07', '08', '09', '10', '11', '12']
    """
    if isinstance(scope, LandedDays):
        return frozenset(interval.days())
    if isinstance(scope, EventDays):
        return frozenset(interval.widened(before=max_lateness_days + scope.before, after=1 + scope.after).days())
    if isinstance(scope, AsOf):
        return frozenset({interval.last_day, *(day for day in existing if scope.and_later and day > interval.last_day)})
    return None


def in_words(scope: Scope) -> str:
    """What one landing day replaces, for a table of a plan."""
    if isinstance(scope, LandedDays):
        return "landed days"
    if isinstance(scope, EventDays):
        return "event days" + (f", {scope.before} before, {scope.after} after" if scope.before or scope.after else "")
    if isinstance(scope, AsOf):
        return "as-of day" + (" and later ones" if scope.and_later else "")
    return "all of it"
