"""Claims about what an interaction says."""

import math
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.recommender.popular import popular
from jobs.recommender.weights import Weighting, signals
from tests.rows import interactions

DAY = date(2026, 6, 30)
FORTNIGHT = Weighting(half_life_days=14.0)


def rows(spark: SparkSession, *given: tuple[str, str, str, date, int]) -> DataFrame:
    return interactions(spark, given)


def sums(found: object) -> dict[str, float]:
    return dict(zip(found.item_ids.to_pylist(), found.sums.tolist(), strict=True))  # type: ignore[attr-defined]


def test_a_purchase_outweighs_views_and_a_refund_says_nothing(spark: SparkSession) -> None:
    given = rows(
        spark,
        ("u1", "seen", "view_item", DAY, 1),
        ("u2", "seen", "view_item", DAY, 1),
        ("u1", "bought", "purchase", DAY, 1),
        ("u3", "returned", "refund", DAY, 9),
    )
    assert sums(popular(given, DAY)) == {"bought": 5.0, "seen": 2.0}


def test_an_event_counts_half_after_its_half_life_and_a_later_one_not_at_all(spark: SparkSession) -> None:
    days = {"today": DAY, "old": date(2026, 6, 16), "tomorrow": date(2026, 7, 1)}
    given = rows(spark, *[("u", item, "view_item", day, 1) for item, day in days.items()])
    assert sums(popular(given, DAY)) == {"today": 1.0, "old": 0.5}


def test_an_item_of_the_shelf_that_nobody_touched_is_known_and_last(spark: SparkSession) -> None:
    shelf = spark.createDataFrame([("new",), ("seen",), (None,)], "item_id string")
    assert sums(popular(rows(spark, ("u", "seen", "view_item", DAY, 1)), DAY, shelf)) == {"new": 0.0, "seen": 1.0}


def test_a_signal_is_the_logarithm_of_the_decayed_sum_and_says_when_last(spark: SparkSession) -> None:
    given = rows(
        spark, ("u", "a", "view_item", date(2026, 6, 16), 2), ("u", "a", "view_item", DAY, 1), ("u", "b", "view_item", date(2026, 7, 1), 1)
    )
    [found] = signals(given, FORTNIGHT, DAY).collect()
    assert (found["user_id"], found["item_id"]) == ("u", "a")
    assert found["weight"] == pytest.approx(math.log1p(2.0))
    assert found["last_at"].replace(tzinfo=UTC) == datetime(2026, 6, 30, 12, tzinfo=UTC)


def test_what_was_written_before_the_moment_was_kept_counts_from_the_start_of_its_day(spark: SparkSession) -> None:
    given = rows(spark, ("u", "a", "view_item", DAY, 1)).withColumn("last_at", F.lit(None).cast("timestamp"))
    [found] = signals(given, FORTNIGHT, DAY).collect()
    assert found["last_at"].replace(tzinfo=UTC) == datetime(2026, 6, 30, tzinfo=UTC)
