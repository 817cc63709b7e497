"""Days loaded at once, one by one, or in any order give the same tables; what lands again replaces what it had delivered."""

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

FIRST, DAYS, SEED = date(2026, 3, 1), 3, 20260301
INTERVAL = Interval(FIRST, FIRST + timedelta(days=DAYS))

MakeWorld = Callable[[str], World]


@pytest.fixture(scope="module")
def make_world(services: Settings, lake_spark: SparkSession) -> MakeWorld:
    """An empty world of a name."""
    return lambda name: world(services, lake_spark, name)


def landed(into: World) -> World:
    """The history, landed."""
    feeds = landed_history(FIRST, DAYS, SEED)
    for day in INTERVAL.days():
        land_day(into.settings, day, {feed: by_day.get(day, ()) for feed, by_day in feeds.items()})
    return into


@pytest.fixture(scope="module")
def day_by_day(make_world: MakeWorld) -> World:
    """The history, refined a day at a time."""
    one = landed(make_world("days"))
    one.run_days(INTERVAL.days())
    return one


def test_a_history_in_one_go_equals_the_same_days_one_by_one(make_world: MakeWorld, day_by_day: World) -> None:
    at_once = landed(make_world("once"))
    at_once.run(INTERVAL, "history")
    last = [INTERVAL.last_day]
    assert at_once.hashes(last) == day_by_day.hashes(last)
    assert all(not digest.startswith("0-") for name, digest in at_once.hashes().items() if not name.endswith("_rejected"))


def test_the_order_of_days_changes_nothing(make_world: MakeWorld, day_by_day: World) -> None:
    shuffled = landed(make_world("shuffled"))
    first, second, third = INTERVAL.days()
    shuffled.run_days([third, first, second])
    assert shuffled.hashes() == day_by_day.hashes()


def test_a_corrected_file_replaces_what_it_had_delivered_and_touches_the_days_of_both(make_world: MakeWorld) -> None:
    def event(name: str, day: int, hour: int = 12) -> dict[str, object]:
        return {**EVENT_LINE, "event_id": name, "occurred_at": f"2026-03-{day:02d}T{hour:02d}:00:00Z"}

    first, second = FIRST, FIRST + timedelta(days=1)
    kept = [event("a", 1), event("copied", 1)]
    wrong = [event("b", 2), event("late", 1), event("copied", 1)]
    right = [event("b", 2, hour=15), event("c", 2), event("c", 1)]
    mended, fresh = make_world("mended"), make_world("fresh")
    for one, contents in ((mended, (wrong, right)), (fresh, (right,))):
        land_day(one.settings, first, {"events": kept})
        one.run_days([first])
        for number, content in enumerate(contents):
            land_day(one.settings, second, {"events": content})
            one.run(Interval(second, second + timedelta(days=1)), f"second-{number}")
    assert mended.hashes() == fresh.hashes()
