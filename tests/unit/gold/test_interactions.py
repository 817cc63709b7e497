"""Interactions: counted once, guests left out, purchases from order lines, and when the last one was."""

from datetime import timedelta

from pyspark.sql import SparkSession

from jobs.gold.interactions import build
from tests.rows import NOON, events, order_lines


def test_a_purchase_counts_once_although_both_feeds_tell_of_it(spark: SparkSession) -> None:
    browsed = events(spark, {}, {}, {"event_type": "purchase"}, {"user_id": None}, {"item_id": None, "event_type": "search"})
    bought = order_lines(spark, {"quantity": 3}, {"quantity": 1, "kind": "refund"}, {"user_id": None})
    rows = build(browsed, bought).orderBy("event_type").collect()
    assert [(r["event_type"], r["event_count"], r["quantity"]) for r in rows] == [("purchase", 1, 3), ("refund", 1, 1), ("view_item", 2, 0)]


def test_an_interaction_says_when_the_last_of_the_day_was(spark: SparkSession) -> None:
    later = NOON + timedelta(hours=2)
    browsed = events(spark, {"occurred_at": later}, {}, {"item_id": "other"})
    bought = order_lines(spark, {"ordered_at": NOON + timedelta(hours=3)})
    rows = build(browsed, bought).selectExpr("item_id", "event_type", "unix_micros(last_at) AS at").collect()
    found = {(r["item_id"], r["event_type"]): r["at"] - int(NOON.timestamp()) * 1_000_000 for r in rows}
    hours = {key: at / 3_600_000_000 for key, at in found.items()}
    assert hours == {("i1", "view_item"): 2.0, ("other", "view_item"): 0.0, ("i1", "purchase"): 3.0}
