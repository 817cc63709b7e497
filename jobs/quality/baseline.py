"""What the days before let expect of a day: the median of its weekday, the last week's level, and how far days usually are off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

WINDOW_DAYS = 28
"""Days that are looked back: four of each weekday. A longer memory takes last season for the rule, a shorter one has no medians."""

NEEDED_SAME_WEEKDAYS = 3
"""Below three a median is no better than its worst value; so a shop is silent for its first three weeks."""

NEEDED_DAYS = 8
"""Days with a known miss that the spread must rest on; a MAD of fewer is as good as a guess."""

RECENT_DAYS = 7

MAD_TO_DEVIATION = 1.4826
"""Makes the MAD of normal values their standard deviation (Rousseeuw & Croux 1993)."""


@dataclass(frozen=True)
class Baseline:
    """What is expected: anything between ``low`` and ``high``. ``spread`` is the usual miss, as a standard deviation."""

    low: float
    high: float
    spread: float
    same_weekdays: Mapping[date, float]
    days: int

    def nearest(self, value: float) -> float:
        """The expected value closest to ``value``."""
        return min(max(value, self.low), self.high)

    def deviation(self, value: float) -> float:
        """How far ``value`` is outside of what is expected; negative below it."""
        return value - self.nearest(value)

    def deviations(self, value: float, floor: float) -> float:
        """The same in usual misses, of at least ``floor``, so that a constant history is not endlessly strict."""
        return self.deviation(value) / max(self.spread, floor)


def baseline(history: Mapping[date, float], day: date) -> Baseline | None:
    """What ``history`` lets expect of ``day``; None when there is not enough of it. Only the ``WINDOW_DAYS`` days before it are used.

    The first expectation is the median of the same weekdays. Each day of the window had one too, the median of its weekday's *other* days;
    the median size of all these misses is the spread, so that a weekly rhythm does not count as noise. The median miss of the last
    ``RECENT_DAYS`` days says by how much the shop as a whole has moved since (a sale, a season): the second expectation. A day has to be
    off from both, on the same side.

    >>> week = {date(2026, 6, 1) + timedelta(days=n): 100.0 + 10 * (n % 7) + n % 2 for n in range(28)}
    >>> found = baseline(week, date(2026, 6, 29))
    >>> (found.low, found.high, found.days)
    (100.5, 101.5, 28)
    >>> baseline({day: value for day, value in week.items() if day > date(2026, 6, 8)}, date(2026, 6, 29)) is None
    True
    """
    first = day - timedelta(days=WINDOW_DAYS)
    window = {one: value for one, value in sorted(history.items()) if first <= one < day}
    same = {one: value for one, value in window.items() if one.weekday() == day.weekday()}
    misses: dict[date, float] = {}
    for one, value in window.items():
        others = [other for at, other in window.items() if at.weekday() == one.weekday() and at != one]
        if len(others) >= NEEDED_SAME_WEEKDAYS - 1:
            misses[one] = value - median(others)
    recent = [miss for one, miss in misses.items() if one >= day - timedelta(days=RECENT_DAYS)]
    if len(same) < NEEDED_SAME_WEEKDAYS or len(misses) < NEEDED_DAYS or not recent:
        return None
    expected, level = median(same.values()), median(recent)
    spread = MAD_TO_DEVIATION * median(abs(miss) for miss in misses.values())
    return Baseline(min(expected, expected + level), max(expected, expected + level), spread, same, len(misses))
