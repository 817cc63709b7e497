"""Events: every planted fault is named, copies merge, repeats that are meant stay, nobody's raw id gets through."""

import dataclasses
from datetime import date
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from jobs.bronze.orders import ORDERS
from jobs.silver.events import build, parses
from jobs.sources.source import Source, load
from tests.bronze_rows import EVENT_LINE, SETTINGS, lines

SOURCE = dataclasses.replace(load("native"), currency="EUR")


def built(spark: SparkSession, *entries: str | dict[str, Any], source: Source = SOURCE) -> tuple[list[Row], list[Row]]:
    marked = parses(
        lines(spark, *entries), lines(spark, table=ORDERS), source=source, settings=SETTINGS
    ).persist()  # as the shell does: the plan ends here
    kept, rejected = build(marked, source=source, settings=SETTINGS)
    return kept.orderBy("source_file", "line_number").collect(), rejected.orderBy("line_number").collect()


def event(**change: Any) -> dict[str, Any]:
    return {**EVENT_LINE, **change}


def test_an_ordinary_line_is_kept_whole(spark: SparkSession) -> None:
    kept, rejected = built(spark, event(unit_price_minor=500, currency="EUR", quantity=1))
    assert rejected == []
    (row,) = kept
    assert (row["event_id"], row["item_id"], str(row["event_date"]), row["unit_price_minor"]) == ("e1", "i1", "2026-05-04", 500)
    assert (row["time_resolution"], row["delivery_count"], row["line_number"]) == ("second", 1, 1)


FAULTS: tuple[tuple[str | dict[str, Any], list[str]], ...] = (
    ('{"event_id": "e1", "user', ["unreadable"]),
    ("not json at all", ["unreadable"]),
    (event(event_type="teleport"), ["unknown_event_type"]),
    (event(event_type=None), ["unknown_event_type"]),
    (event(item_id=None), ["missing_item"]),
    (event(occurred_at="yesterday"), ["missing_time"]),
    (event(occurred_at="2026-04-30T12:00:00Z"), ["too_late"]),
    (event(occurred_at="2026-05-06T12:00:00Z"), ["too_early"]),
    (event(unit_price_minor=-1, currency="EUR"), ["impossible_price"]),
    (event(unit_price_minor=99_000_000_000, currency="EUR"), ["impossible_price"]),
    (event(quantity=0), ["impossible_quantity"]),
    (event(quantity=1_000_001), ["impossible_quantity"]),
    (event(user_id="u\x1b[31m"), ["unprintable_text"]),
    (event(session_hint="x" * 20_000), ["overlong_text"]),
    (event(unit_price_minor=500, currency="XAU"), ["other_currency"]),
    (event(event_type="teleport", quantity=0), ["unknown_event_type", "impossible_quantity"]),
)


@pytest.fixture(scope="module")
def refused(spark: SparkSession) -> dict[int, Row]:
    """The rejected row of each line of ``FAULTS``, built in one go; the first is line 1."""
    kept, rejected = built(spark, *[line for line, _ in FAULTS])
    assert (kept, len(rejected)) == ([], len(FAULTS))
    return {row["line_number"]: row for row in rejected}


@pytest.mark.parametrize(("number", "reasons"), [(number, reasons) for number, (_, reasons) in enumerate(FAULTS, start=1)])
def test_each_fault_is_rejected_with_all_its_reasons_and_the_raw_line(refused: dict[int, Row], number: int, reasons: list[str]) -> None:
    assert set(refused[number]["reasons"]) == set(reasons)
    assert refused[number]["raw_line"].startswith(("{", "not"))


@pytest.mark.parametrize("occurred", ["2026-05-01T00:00:00Z", "2026-05-05T23:59:59Z"])
def test_the_first_and_last_day_on_which_a_row_may_land_are_kept(spark: SparkSession, occurred: str) -> None:
    kept, _ = built(spark, event(occurred_at=occurred))
    assert len(kept) == 1


def test_a_search_needs_no_item_and_a_guest_no_user(spark: SparkSession) -> None:
    kept, rejected = built(spark, event(event_type="search", item_id=None, user_id=None))
    assert (len(kept), rejected) == (1, [])
    assert kept[0]["user_id"] is None


def test_copies_merge_into_the_one_that_landed_first_whatever_their_order(spark: SparkSession) -> None:
    first, second = event(channel="email"), event(channel="search", _landed=date(2026, 5, 5))
    for entries in ([first, second], [second, first]):
        kept, _ = built(spark, *entries)
        found = [(row["channel"], row["delivery_count"], str(row["landed_date"]), str(row["last_landed_date"])) for row in kept]
        assert found == [("email", 2, "2026-05-04", "2026-05-05")]


def test_lines_without_an_id_are_one_event_where_repeats_are_copies_and_two_where_they_are_meant(spark: SparkSession) -> None:
    identity = ("user_id", "event_type", "item_id", "occurred_at")
    line = event(event_id=None)
    copies = dataclasses.replace(SOURCE, events=dataclasses.replace(SOURCE.events, identity=identity, repeats="copies", faults={}))
    meant = dataclasses.replace(SOURCE, events=dataclasses.replace(SOURCE.events, identity=identity, repeats="meant", faults={}))
    merged, _ = built(spark, line, line, source=copies)
    assert [row["delivery_count"] for row in merged] == [2]
    both, _ = built(spark, line, line, source=meant)
    assert [row["delivery_count"] for row in both] == [1, 1]
    assert both[0]["event_id"] != both[1]["event_id"]


def test_a_whole_file_that_is_delivered_twice_doubles_no_repeat(spark: SparkSession) -> None:
    identity = ("user_id", "event_type", "item_id", "occurred_at")
    meant = dataclasses.replace(SOURCE, events=dataclasses.replace(SOURCE.events, identity=identity, repeats="meant", faults={}))
    line = event(event_id=None, _file="the same")
    resent = {**line, "_landed": date(2026, 5, 6)}
    kept, _ = built(spark, line, line, resent, resent, source=meant)
    assert [row["delivery_count"] for row in kept] == [2, 2]
    other, _ = built(spark, line, {**line, "_landed": date(2026, 5, 6), "_file": "another"}, source=meant)
    assert [row["delivery_count"] for row in other] == [1, 1]


def test_no_raw_id_gets_through(spark: SparkSession) -> None:
    kept, _ = built(spark, event(user_id="alice@example.com", anonymous_id="cookie-1"))
    assert "alice" not in str(kept[0])
    assert "cookie-1" not in str(kept[0])
    assert len(kept[0]["user_id"]) == len(kept[0]["anonymous_id"]) == 32
