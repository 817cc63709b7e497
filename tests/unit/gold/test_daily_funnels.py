"""Funnels: who got how far, and in which order."""

from datetime import datetime, timedelta
from typing import Any

from pyspark.sql import Row, SparkSession

from jobs.gold.daily_funnels import build
from tests.rows import NOON, events


def visit(*event_types: str, **change: Any) -> list[dict[str, Any]]:
    return [{"event_type": t, "occurred_at": NOON + timedelta(minutes=n), **change} for n, t in enumerate(event_types)]


def funnel(spark: SparkSession, *changes: dict[str, Any]) -> Row:
    (row,) = build(events(spark, *changes)).collect()
    return row


def test_stages_are_counted_by_visit_and_order_counts_where_time_is_known(spark: SparkSession) -> None:
    whole = visit("view_item", "add_to_cart", "begin_checkout", "purchase")
    backward = visit("purchase", "add_to_cart", "view_item", user_id="u2")
    row = funnel(spark, *whole, *backward)
    assert (row["visit_count"], row["viewed_count"], row["carted_count"], row["checkout_count"], row["purchased_count"]) == (2, 2, 2, 1, 2)
    assert (row["viewed_then_carted_count"], row["viewed_then_carted_then_purchased_count"]) == (1, 1)


def test_a_purchase_before_the_cart_that_follows_the_view_is_not_the_whole_way(spark: SparkSession) -> None:
    row = funnel(spark, *visit("add_to_cart", "view_item", "purchase", "add_to_cart"))
    assert (row["viewed_then_carted_count"], row["viewed_then_carted_then_purchased_count"]) == (1, 0)


def test_a_source_that_knows_only_days_counts_what_happened_together(spark: SparkSession) -> None:
    midnight = datetime(2026, 5, 4, tzinfo=NOON.tzinfo)
    rows = visit("purchase", "add_to_cart", "view_item", time_resolution="day")
    row = funnel(spark, *[{**r, "occurred_at": midnight} for r in rows])
    assert (row["basis"], row["viewed_then_carted_then_purchased_count"]) == ("user_day", 1)


def test_a_visit_belongs_to_the_channel_that_it_came_by(spark: SparkSession) -> None:
    rows = visit("view_item", "view_item", "purchase")
    rows[1]["channel"], rows[2]["channel"] = "email", "search"
    assert funnel(spark, *rows)["channel"] == "email"
    assert funnel(spark, *visit("view_item"))["channel"] == "(unknown)"
