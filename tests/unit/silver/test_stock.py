"""Stock: the last count of a day and place holds, and what counts nothing is rejected."""

from datetime import date
from typing import Any

from pyspark.sql import Row, SparkSession

from expectations.gate import audit
from expectations.silver.stock import MOST_IN_STOCK, SUITE
from jobs.bronze.stock import STOCK as LINES
from jobs.silver.stock import STOCK, build, parses
from jobs.sources.source import load
from tests.bronze_rows import DAY, SETTINGS, STOCK_LINE, lines
from tests.rows import counted, frame

SOURCE = load("native", {"stock": DAY})


def built(spark: SparkSession, *entries: str | dict[str, Any]) -> tuple[list[Row], list[Row]]:
    marked = parses(lines(spark, *entries, table=LINES), source=SOURCE, settings=SETTINGS).persist()  # as the shell does
    kept, rejected = build(marked, source=SOURCE, settings=SETTINGS)
    return kept.collect(), rejected.collect()


def test_the_last_count_of_a_day_holds_and_of_two_at_one_instant_the_later_line(spark: SparkSession) -> None:
    noon = {**STOCK_LINE, "observed_at": "2026-05-04T12:00:00Z", "quantity": 0}
    for entries in ([STOCK_LINE, noon], [noon, STOCK_LINE]):
        kept, rejected = built(spark, *map(dict, entries))
        assert ([(row["quantity"], row["delivery_count"]) for row in kept], rejected) == ([(0, 2)], [])
    for first, second in ((5, 6), (6, 5)):
        kept, _ = built(spark, {**STOCK_LINE, "quantity": first}, {**STOCK_LINE, "quantity": second})
        assert [row["quantity"] for row in kept] == [second]


def test_places_and_landing_days_are_rows_of_their_own_and_no_place_is_one_place(spark: SparkSession) -> None:
    late = {**STOCK_LINE, "quantity": 7, "_landed": date(2026, 5, 7)}
    kept, rejected = built(spark, dict(STOCK_LINE), {**STOCK_LINE, "location_id": "north"}, {**STOCK_LINE, "location_id": ""}, late)
    assert rejected == []
    assert sorted((row["location_id"], str(row["landed_date"]), row["delivery_count"]) for row in kept) == [
        ("", "2026-05-04", 2),
        ("", "2026-05-07", 1),
        ("north", "2026-05-04", 1),
    ]


def test_more_sold_than_there_is_is_a_count_and_what_counts_nothing_is_rejected(spark: SparkSession) -> None:
    kept, rejected = built(
        spark,
        {**STOCK_LINE, "quantity": -2},
        "{",
        {**STOCK_LINE, "quantity": "3"},
        {**STOCK_LINE, "item_id": ""},
        {**STOCK_LINE, "quantity": None},
        {**STOCK_LINE, "quantity": MOST_IN_STOCK + 1},
        {**STOCK_LINE, "quantity": -MOST_IN_STOCK - 1},
        {**STOCK_LINE, "observed_at": "noon"},
        {**STOCK_LINE, "_landed": date(2026, 5, 8)},
        {**STOCK_LINE, "_landed": date(2026, 5, 2)},
        {"item_id": None, "observed_at": None},
    )
    assert [row["quantity"] for row in kept] == [-2]
    assert sorted(tuple(row["reasons"]) for row in rejected) == [
        ("impossible_quantity",),
        ("impossible_quantity",),
        ("missing_item",),
        ("missing_item", "missing_time", "missing_quantity"),
        ("missing_quantity",),
        ("missing_time",),
        ("too_early",),
        ("too_late",),
        ("unreadable",),
        ("unreadable",),
    ]


def test_the_suite_accepts_a_count_and_refuses_faults(spark: SparkSession) -> None:
    def broken(*rows: dict[str, Any]) -> set[str]:
        return {finding.subject for finding in audit(frame(spark, STOCK, rows), SUITE) if not finding.is_met}

    assert broken(counted("i1", 0), counted("i1", -3, location_id="north")) == set()
    assert broken(counted("i1", 2 * MOST_IN_STOCK), counted("i2", 1), counted("i2", 2)) == {
        "quantity",
        "observed_date, item_id, location_id, landed_date",
    }
