"""Days loaded at once or one by one, in any order, give the same tables; what lands again replaces what it had delivered.

`benchmarks/history_equals_days.py` says the same of fourteen real days.
"""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from jobs.interval import Interval
from jobs.settings import Settings
from tests.bronze_rows import EVENT_LINE
from tests.landed_day import land_day
from tests.landed_history import landed_history
from tests.worlds import World, world

pytestmark = pytest.mark.timeout(1_800)

FIRST, DAYS, SEED = date(2026, 3, 1), 2, 20260301
INTERVAL = Interval(FIRST, FIRST + timedelta(days=DAYS))

OF_EVENTS = (("bronze.events",), ("silver.events", "silver.sessions"))
"""The tasks where nothing but events land."""

MakeWorld = Callable[[str], World]


@pytest.fixture(scope="module")
def make_world(services: Settings, lake_spark: SparkSession) -> MakeWorld:
    """An empty world of a name."""
    return lambda name: world(services, lake_spark, name, optional_feeds={"stock": FIRST, "consents": FIRST, "contacts": FIRST})


def landed(into: World) -> World:
    """The history, landed."""
    feeds = landed_history(FIRST, DAYS, SEED)
    for day in INTERVAL.days():
        land_day(into.settings, day, {feed: by_day.get(day, ()) for feed, by_day in feeds.items()})
    return into


def test_a_history_in_one_go_equals_its_days_one_by_one_the_last_one_first(make_world: MakeWorld) -> None:
    at_once, one_by_one = landed(make_world("once")), landed(make_world("days"))
    at_once.run(INTERVAL, "history")
    first, second = INTERVAL.days()
    one_by_one.run_days([second, first])
    found = one_by_one.hashes([second])
    assert found == at_once.hashes()
    assert all(not digest.startswith("0-") for name, digest in found.items() if not name.endswith("_rejected"))


def test_a_corrected_file_replaces_what_it_had_delivered_and_touches_the_days_of_both(make_world: MakeWorld) -> None:
    def event(name: str, day: int, hour: int = 12) -> dict[str, object]:
        return {**EVENT_LINE, "event_id": name, "occurred_at": f"2026-03-{day:02d}T{hour:02d}:00:00Z"}

    first, second = FIRST, FIRST + timedelta(days=1)
    kept = [event("a", 1), event("copied", 1)]
    wrong = [event("b", 2), event("copied", 1)]  # nothing but a copy speaks of the first day, and the correction takes it back
    right = [event("b", 2, hour=15), event("c", 2)]
    mended, fresh = make_world("mended"), make_world("fresh")
    for one, content in ((mended, wrong), (fresh, right)):
        land_day(one.settings, first, {"events": kept})
        land_day(one.settings, second, {"events": content})
        one.run(INTERVAL, "both", OF_EVENTS)
    land_day(mended.settings, second, {"events": right})
    mended.run(Interval(second, INTERVAL.end), "corrected", OF_EVENTS)
    assert mended.hashes() == fresh.hashes()
