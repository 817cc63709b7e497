"""Interactions: counted once, guests left out, purchases from order lines."""

from pyspark.sql import SparkSession

from jobs.gold.interactions import build
from tests.rows import events, order_lines


def test_a_purchase_counts_once_although_both_feeds_tell_of_it(spark: SparkSession) -> None:
    browsed = events(spark, {}, {}, {"event_type": "purchase"}, {"user_id": None}, {"item_id": None, "event_type": "search"})
    bought = order_lines(spark, {"quantity": 3}, {"quantity": 1, "kind": "refund"}, {"user_id": None})
    rows = build(browsed, bought).orderBy("event_type").collect()
    assert [(r["event_type"], r["event_count"], r["quantity"]) for r in rows] == [("purchase", 1, 3), ("refund", 1, 1), ("view_item", 2, 0)]
