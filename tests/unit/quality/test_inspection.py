"""The quality pass of an attempt: which days it judges, against what, and how gravely."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.contract import Table
from jobs.gold.daily_item_stats import DAILY_ITEM_STATS
from jobs.gold.user_features import USER_FEATURES
from jobs.interval import Interval
from jobs.lake import Lake
from jobs.ops.metric_states import METRIC_STATES
from jobs.quality.inspection import Inspection
from jobs.silver.events import EVENTS
from jobs.silver.items import ITEMS
from tests.rows import frame

FIRST = date(2026, 5, 4)
LAST = FIRST + timedelta(days=29)


@dataclass
class Tables:
    """A lake that holds the given tables, and nothing of the others."""

    spark: SparkSession
    frames: Mapping[str, DataFrame] = field(default_factory=dict)

    def snapshot_id(self, _: Table) -> None:
        return None

    def read(self, table: Table, _: int | None) -> DataFrame:
        return self.frames.get(table.name, self.spark.createDataFrame([], table.struct()))


def inspection(spark: SparkSession, interval: Interval, **frames: DataFrame) -> Inspection:
    return Inspection(cast("Lake", Tables(spark, {name.replace("__", "."): rows for name, rows in frames.items()})), interval)


def of(spark: SparkSession, table: Table, rows: int, **known: Any) -> DataFrame:
    """``rows`` rows numbered by ``id``; a column that is not ``known`` is NULL, or 0 where it may not be."""
    blank = {
        c.name: F.lit(None) if c.nullable else F.lit(0) if c.type in {"int", "bigint", "double"} else F.lit(None) for c in table.columns
    }
    return spark.range(0, rows, 1, 2).select(*[{**blank, **known}[c.name].cast(c.type).alias(c.name) for c in table.columns])


def days_of_events(spark: SparkSession) -> DataFrame:
    """Thirty days of 60 events; only the first 4 of each on the fifth day before the last, and on the last."""
    day = (F.col("id") / 60).cast("int")
    event_date = F.date_add(F.lit(FIRST), day)
    rows = of(spark, EVENTS, 30 * 60, event_id=F.col("id"), event_date=event_date, landed_date=event_date, user_id=F.col("id"))
    return rows.where(~F.col("event_date").isin(LAST - timedelta(days=5), LAST) | (F.col("event_id").cast("int") % 60 < 4))


def test_in_a_history_only_the_last_day_may_be_critical(spark: SparkSession) -> None:
    found = inspection(spark, Interval(FIRST, LAST + timedelta(days=1)))
    days = [FIRST + timedelta(days=n) for n in range(30)]
    anomalies = found.inspect(EVENTS, days_of_events(spark), days)
    assert [(one.partition_date, one.rule, one.severity) for one in anomalies] == [
        (LAST - timedelta(days=5), "volume", "warning"),
        (LAST, "volume", "critical"),
    ]


def test_a_day_is_held_against_recorded_days_and_no_other_day_is_judged(spark: SparkSession) -> None:
    load = inspection(spark, Interval(FIRST, LAST))
    past = days_of_events(spark)
    load.inspect(EVENTS, past.where(F.col("event_date") < LAST), [FIRST + timedelta(days=n) for n in range(29)])
    who = {"run_id": "load", "attempt": 1}
    recorded = [state | who for state in load.state_rows({"silver.events": 7}, is_published=True)]
    stray = next(state for state in recorded if state["column_name"] == "" and state["partition_date"] == LAST - timedelta(days=1))
    recorded.append(stray | {"partition_date": LAST, "row_count": 1, "on_time_count": 1, "run_id": "earlier"})
    today = inspection(spark, Interval(LAST, LAST + timedelta(days=1)), ops__metric_states=frame(spark, METRIC_STATES, recorded))
    replaced = past.where(F.col("event_date") >= LAST - timedelta(days=5))
    anomalies = today.inspect(EVENTS, replaced, [LAST - timedelta(days=n) for n in range(-1, 6)])
    assert [(one.partition_date, one.rule, one.severity) for one in anomalies] == [(LAST, "volume", "critical")]
    rows = today.state_rows({"silver.events": 8}, is_published=False)
    assert {row["partition_date"] for row in rows} == {LAST - timedelta(days=n) for n in range(-1, 6)}
    assert {(row["through_date"], row["is_published"], row["snapshot_id"]) for row in rows} == {(LAST, False, 8)}
    assert [row["rule"] for row in today.anomaly_rows()] == ["volume"]


def test_features_are_held_against_the_week_before_once_the_shop_is_of_age(spark: SparkSession) -> None:
    def features(day: date, tenure: int, shift: int) -> DataFrame:
        number = F.col("id")
        return of(spark, USER_FEATURES, 1_000, as_of_date=F.lit(day), user_id=number, tenure_days=F.lit(tenure),
                  events_7d=number % 50 + shift, events_30d=number % 90)  # fmt: skip

    def recorded(tenure: int) -> DataFrame:
        day = LAST - timedelta(days=7)
        before = inspection(spark, Interval(day, day + timedelta(days=1)))
        before.inspect(USER_FEATURES, features(day, tenure, 0), [day])
        who = {"run_id": "before", "attempt": 1}
        rows = before.state_rows({"gold.user_features": 1}, is_published=True)
        return frame(spark, METRIC_STATES, [row | who | {"recorded_at": datetime(2026, 6, 1, tzinfo=UTC)} for row in rows])

    for tenure, expected in ((40, ["events_7d against 7 days before"]), (20, [])):
        today = inspection(spark, Interval(LAST, LAST + timedelta(days=1)), ops__metric_states=recorded(tenure))
        anomalies = today.inspect(USER_FEATURES, features(LAST, tenure + 7, 25), [LAST])
        assert [(one.subject, one.severity) for one in anomalies] == [(subject, "warning") for subject in expected]


def test_items_are_counted_by_the_category_that_they_had_on_the_day(spark: SparkSession) -> None:
    def version(item: str, category: str, begins: date, ends: date | None) -> dict[str, Any]:
        return {"item_id": item, "valid_from": begins, "valid_to": ends, "category_id": category, "is_on_sale": True}

    moved = FIRST + timedelta(days=1)
    items = frame(spark, ITEMS, [version("0", "tea", FIRST, moved), version("0", "mugs", moved, None), version("1", "tea", FIRST, None)])
    stats = of(spark, DAILY_ITEM_STATS, 6, item_id=F.col("id") % 3, event_date=F.date_add(F.lit(FIRST), (F.col("id") / 3).cast("int")))
    found = inspection(spark, Interval(FIRST, FIRST + timedelta(days=2)), silver__items=items)
    found.inspect(DAILY_ITEM_STATS, stats, [FIRST, moved])
    states = [row for row in found.states["gold.daily_item_stats"] if row["column_name"] == "category_id"]
    assert [(row["partition_date"], row["value_counts"], row["null_count"]) for row in states] == [
        (FIRST, {"tea": 2}, 1),
        (moved, {"mugs": 1, "tea": 1}, 1),
    ]
