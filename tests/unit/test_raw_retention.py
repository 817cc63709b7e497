"""Since when raw text has expired, and what a replay may still rebuild."""

from datetime import date
from typing import Any

import pytest

import jobs.bronze.events
import jobs.gold.interactions
import jobs.silver.events
from jobs.errors import ExpiredRawError
from jobs.interval import Interval
from jobs.raw_retention import require_raw
from jobs.step import Step

CUTOFF = date(2026, 5, 10)


class Told:
    """A lake whose bronze tables say since when raw text is kept."""

    def __init__(self, cutoff: date | None) -> None:
        self.cutoff = cutoff

    def property_of(self, *_: object) -> str | None:
        return str(self.cutoff) if self.cutoff else None


def refuse(step: Step, *, landed: date, days: tuple[date, ...] = (), cutoff: date | None = CUTOFF) -> None:
    lake: Any = Told(cutoff)
    require_raw(lake, step, Interval(landed, date.fromordinal(landed.toordinal() + 1)), days, 3)


def test_an_event_day_whose_lines_landed_after_the_cutoff_is_rebuilt() -> None:
    refuse(jobs.silver.events.STEP, landed=date(2026, 5, 12), days=(date(2026, 5, 11), date(2026, 5, 12)))


def test_an_event_day_that_needs_one_expired_landed_day_is_refused_with_what_is_missing() -> None:
    with pytest.raises(
        ExpiredRawError, match=r"silver\.events: expected .*bronze\.events .*\[2026-05-09, 2026-05-15\).*\[2026-05-09, 2026-05-10\)"
    ) as raised:
        refuse(jobs.silver.events.STEP, landed=date(2026, 5, 12), days=(date(2026, 5, 10), date(2026, 5, 11)))
    assert raised.value.exit_code == 65


def test_bronze_is_not_rebuilt_for_a_day_whose_text_has_expired() -> None:
    refuse(jobs.bronze.events.STEP, landed=CUTOFF)
    with pytest.raises(ExpiredRawError, match=r"bronze\.events"):
        refuse(jobs.bronze.events.STEP, landed=date(2026, 5, 9))


def test_what_reads_no_raw_text_is_never_refused() -> None:
    refuse(jobs.gold.interactions.STEP, landed=date(2026, 5, 1), days=(date(2026, 5, 1),))


def test_nothing_is_refused_before_anything_has_expired() -> None:
    refuse(jobs.silver.events.STEP, landed=date(2026, 5, 1), days=(date(2026, 5, 1),), cutoff=None)
