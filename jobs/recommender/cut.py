"""Where time is cut: what a candidate may learn from, what it is chosen on, what it is judged on."""

from dataclasses import dataclass
from datetime import date, timedelta

from jobs.interval import Interval

TEST_DAYS = 7
"""Days of the test window, and of the validation window before it; a fifth of the history where that is shorter."""

LEAST_DAYS = 3
"""One day to learn from, one to choose on (then learnt from too), one to be judged on."""


@dataclass(frozen=True)
class Cut:
    """Three adjoining intervals of event days, oldest first."""

    train: Interval
    validation: Interval
    test: Interval


def cut(first_day: date, last_day: date, test_days: int = TEST_DAYS) -> Cut | None:
    """Cut the history ``first_day .. last_day`` (inclusive); None when it is shorter than ``LEAST_DAYS``.

    >>> found = cut(date(2026, 5, 27), date(2026, 6, 30))
    >>> str(found.train), str(found.validation), str(found.test)
    ('[2026-05-27, 2026-06-17)', '[2026-06-17, 2026-06-24)', '[2026-06-24, 2026-07-01)')
    >>> cut(date(2026, 6, 29), date(2026, 6, 30)) is None
    True
    """
    days = (last_day - first_day).days + 1
    if days < LEAST_DAYS:
        return None
    held_out = timedelta(days=min(test_days, max(1, days // 5)))
    end = last_day + timedelta(days=1)
    return Cut(Interval(first_day, end - 2 * held_out), Interval(end - 2 * held_out, end - held_out), Interval(end - held_out, end))
