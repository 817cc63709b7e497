"""States of days say what the rows say, alone and merged."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.contract import Table
from jobs.gold.user_features import USER_FEATURES
from jobs.ops.metric_states import METRIC_STATES
from jobs.quality import states
from jobs.quality.watches import watch_of
from jobs.silver.events import EVENTS, EVENTS_REJECTED
from jobs.silver.items import ITEMS
from tests.rows import NOON, events, frame

FIRST = date(2026, 5, 4)
DAYS = [FIRST + timedelta(days=n) for n in range(3)]
NOTHING: dict[str, Any] = {"run_id": "r", "attempt": 1, "snapshot_id": 1, "is_published": True, "through_date": date(2026, 5, 9)}


def recorded(rows: DataFrame, table: Table, days: list[date], **changes: Any) -> list[dict[str, Any]]:
    columns = states.kept(table, watch_of(table.name))
    measured = states.measured(rows, table, columns, FIRST).collect()
    about = {"table_name": table.name, "recorded_at": NOON, **NOTHING, **changes}
    return [state | about for state in states.rows_of(measured, columns, days)]


def shop(spark: SparkSession) -> DataFrame:
    """Three days of 3,000 events: 900 visitors a day of 1,500 in all, prices that rise from day to day, late rows on the first."""
    number, day = F.col("id"), (F.col("id") / 3_000).cast("int")
    known = {
        "event_id": F.concat(F.lit("e"), number.cast("string")),
        "user_id": F.when(number % 10 != 0, F.concat(F.lit("u"), (number % 900 + day * 300).cast("string"))),
        "event_type": F.when(number % 4 == 0, "purchase").otherwise("view_item"),
        "item_id": F.concat(F.lit("i"), (number % 70).cast("string")),
        "occurred_at": F.timestamp_add("DAY", day, F.lit(datetime(2026, 5, 4, 12, tzinfo=UTC))),
        "event_date": F.date_add(F.lit(FIRST), day),
        "unit_price_minor": F.when(number % 4 == 0, number * 7 % 5_000),
        "landed_date": F.date_add(F.lit(FIRST), day + F.when(number < 30, 1).otherwise(0)),
        "delivery_count": F.lit(1),
        "line_number": number,
        "time_resolution": F.lit("second"),
        "source": F.lit("native"),
        "source_file": F.lit("f"),
    }
    types = {column.name: column.type for column in EVENTS.columns}
    columns = [known.get(name, F.lit(None)).cast(kind).alias(name) for name, kind in types.items()]
    return spark.range(0, 9_000, 1, 4).select(*columns)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    return shop(spark).cache()


@pytest.fixture(scope="module")
def of_days(rows: DataFrame) -> list[dict[str, Any]]:
    return recorded(rows, EVENTS, DAYS)


def state(found: list[dict[str, Any]], column: str, day: date = FIRST) -> dict[str, Any]:
    (one,) = [row for row in found if row["column_name"] == column and row["partition_date"] == day]
    return one


def test_a_day_says_what_its_rows_say(of_days: list[dict[str, Any]]) -> None:
    assert (state(of_days, "")["row_count"], state(of_days, "")["on_time_count"]) == (3_000, 2_970)
    assert state(of_days, "event_type")["value_counts"] == {"purchase": 750, "view_item": 2_250}
    assert state(of_days, "user_id")["null_count"] == 300
    assert state(of_days, "visitor_id")["top_count"] == 4
    price = state(of_days, "unit_price_minor")
    prices = [number * 7 % 5_000 for number in range(0, 3_000, 4)]
    assert (price["null_count"], price["value_sum"], price["value_min"], price["value_max"]) == (
        2_250,
        sum(prices),
        min(prices),
        max(prices),
    )
    assert "event_id" not in {row["column_name"] for row in of_days}


def test_a_sum_of_whole_numbers_is_exact_where_they_are_too_large_for_each_other(spark: SparkSession) -> None:
    prices = [2**63 - 1, 2**63 - 1, -5, None, -(2**63), 2**32, -1, 2**31]
    found = recorded(events(spark, *[{"unit_price_minor": price, "quantity": -(2**31)} for price in prices]), EVENTS, [FIRST])
    price, pieces = state(found, "unit_price_minor"), state(found, "quantity")
    known = [one for one in prices if one is not None]
    assert (price["value_sum"], price["value_min"], price["value_max"]) == (sum(known), min(known), max(known))
    assert (pieces["value_sum"], pieces["value_min"]) == (-len(prices) * 2**31, -(2**31))


def test_numbers_without_a_value_have_no_sum(spark: SparkSession) -> None:
    price = state(recorded(events(spark, {}), EVENTS, [FIRST]), "unit_price_minor")
    assert (price["null_count"], price["value_sum"], price["value_min"]) == (1, None, None)


def test_a_replaced_day_without_rows_says_so(rows: DataFrame) -> None:
    found = recorded(rows.where(F.col("event_date") == FIRST), EVENTS, DAYS)
    assert [(row["partition_date"], row["row_count"]) for row in found if row["column_name"] == ""] == [
        (DAYS[0], 3_000),
        (DAYS[1], 0),
        (DAYS[2], 0),
    ]


def test_states_of_days_merge_into_those_of_the_days_together(spark: SparkSession, rows: DataFrame, of_days: list[dict[str, Any]]) -> None:
    together = {row["column_name"]: row for row in states.merged(frame(spark, METRIC_STATES, of_days)).collect()}
    assert (together[""]["row_count"], together[""]["on_time_count"]) == (9_000, 8_970)
    assert together["event_type"]["value_counts"] == {"purchase": 2_250, "view_item": 6_750}
    prices = [number * 7 % 5_000 for number in range(0, 9_000, 4)]
    merged = together["unit_price_minor"]
    assert (merged["value_sum"], merged["value_min"], merged["value_max"]) == (Decimal(sum(prices)), min(prices), max(prices))
    users = rows.select("user_id").where("user_id IS NOT NULL").distinct().count()
    assert together["user_id"]["distinct_count"] == pytest.approx(users, rel=3 * 0.016)
    sketch = spark.createDataFrame([Row(sketch=bytes(merged["quantile_sketch"]))])
    median = sketch.select(F.kll_sketch_get_quantile_double("sketch", F.lit(0.5)).alias("at")).collect()[0]["at"]
    assert sum(price <= median for price in prices) / len(prices) == pytest.approx(0.5, abs=2 * 0.0133)


def test_the_newest_published_attempt_of_a_partition_counts(spark: SparkSession) -> None:
    def attempt(run_id: str, rows: int, hour: int, day: date = FIRST, **changes: Any) -> dict[str, Any]:
        at = datetime(2026, 5, 5, hour, tzinfo=UTC)
        return {**NOTHING, "run_id": run_id, "table_name": "silver.events", "partition_date": day, "column_name": "", "row_count": rows,
                "recorded_at": at, **changes}  # fmt: skip

    written = [
        attempt("a", 10, 1),
        attempt("b", 20, 2),
        attempt("c", 30, 3, is_published=False),
        attempt("a", 40, 1, DAYS[1]),
        attempt("d", 50, 4, DAYS[2]),
        attempt("d", 60, 4, table_name="silver.sessions"),
    ]
    found = states.current(frame(spark, METRIC_STATES, written), ["silver.events"], DAYS[0], DAYS[1]).orderBy("partition_date").collect()
    assert [(row["run_id"], row["row_count"]) for row in found] == [("b", 20), ("a", 40)]


def test_reasons_of_rejected_lines_are_counted_one_by_one(spark: SparkSession) -> None:
    base = {"source": "native", "landed_date": FIRST, "source_file": "f", "raw_line": "{"}
    reasons = [["too_late"], ["too_late", "missing_item"], ["unreadable"]]
    rows = frame(spark, EVENTS_REJECTED, [{**base, "line_number": n, "reasons": one} for n, one in enumerate(reasons)])
    assert state(recorded(rows, EVENTS_REJECTED, [FIRST]), "reasons")["value_counts"] == {"missing_item": 1, "too_late": 2, "unreadable": 1}


def test_what_the_rules_read_is_what_was_recorded(spark: SparkSession) -> None:
    rows = events(spark, {"user_id": None, "unit_price_minor": 100}, {"unit_price_minor": 50}, {"landed_date": FIRST + timedelta(days=1)})
    one = states.day_states(recorded(rows, EVENTS, [FIRST]))["silver.events"][FIRST]
    assert (one.rows, one.timely, one.known("user_id"), one.columns["unit_price_minor"].total) == (3, 2, 2, 150.0)
    assert (one.columns["visitor_id"].distinct, one.columns["visitor_id"].top, one.columns["event_type"].values) == (1, 2, {"view_item": 3})


def test_what_is_kept_follows_from_types_and_names() -> None:
    features = {one.name: one for one in states.kept(USER_FEATURES, watch_of(USER_FEATURES.name))}
    assert "user_id" not in features
    assert "top_categories" not in features
    assert features["events_7d"].is_number
    assert features["top_category_id"].is_id
    assert features["top_category_id"].is_counted
    items = {one.name: one for one in states.kept(ITEMS, watch_of(ITEMS.name))}
    assert items["item_id"].is_id
    assert items["is_on_sale"].is_counted
    assert "valid_from" not in items
