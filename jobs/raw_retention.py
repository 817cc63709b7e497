"""Raw text lives for a while: since when it has expired, and the refusal to rebuild what would need it.

The first landed day that is kept is written down on each bronze table before anything is deleted, so that a replay that needs an earlier
one refuses from then on, whatever a crash has left there.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from jobs.contract import Table
from jobs.errors import ExpiredRawError
from jobs.interval import Interval
from jobs.lake import Lake
from jobs.step import LandedDays, Step

EXPIRED_BEFORE = "tradewind.raw_expired_before"
"""Property of a bronze table: the first landed day whose raw text is still kept, ISO. It never moves back."""


def expired_before(lake: Lake, table: Table) -> date | None:
    """The first landed day that a bronze table still keeps; None where nothing has expired."""
    value = lake.property_of(table, EXPIRED_BEFORE)
    return date.fromisoformat(value) if value else None


def require_raw(lake: Lake, step: Step, interval: Interval, days: Sequence[date], max_lateness_days: int) -> None:
    """Raise ExpiredRawError when a step needs raw text that has expired.

    A step that parses needs, for each event day that it replaces, every landed day from the one before to ``max_lateness_days`` after. A
    bronze step needs the landed days of the interval itself.
    """
    if step.parses is not None and days:
        needed = needed_days(days, max_lateness_days)
        _refuse(lake, [read.table for read in step.reads], step.writes[0].table.name, needed)
    elif not step.reads and isinstance(step.writes[0].scope, LandedDays):
        _refuse(lake, [step.writes[0].table], step.writes[0].table.name, interval)


def needed_days(days: Sequence[date], max_lateness_days: int) -> Interval:
    """The landed days from which event days are built, the first to the last.

    >>> str(needed_days([date(2026, 5, 4), date(2026, 5, 6)], 3))
    '[2026-05-03, 2026-05-10)'
    """
    return Interval(min(days) - timedelta(days=1), max(days) + timedelta(days=max_lateness_days + 1))


def expired_of(needed: Interval, cutoff: date | None) -> Interval | None:
    """The part of the needed landed days that lies before the cutoff; None when all are kept.

    >>> str(expired_of(Interval(date(2026, 5, 3), date(2026, 5, 10)), date(2026, 5, 5)))
    '[2026-05-03, 2026-05-05)'
    """
    if cutoff is None or needed.start >= cutoff:
        return None
    return Interval(needed.start, min(cutoff, needed.end))


def _refuse(lake: Lake, tables: Iterable[Table], written: str, needed: Interval) -> None:
    for table in tables:
        gone = expired_of(needed, expired_before(lake, table))
        if gone is not None:
            raise ExpiredRawError(
                written,
                expected=f"the raw lines of {table.name} that landed in {needed}",
                found=f"those of {gone} have expired",
                advice="What was built from them stays as it is: replay later days only. `python -m jobs.backfill plan` says which.",
            )
