"""Daily statistics of items."""

from pyspark.sql import SparkSession

from jobs.gold.daily_item_stats import build
from tests.rows import events, order_lines


def test_behaviour_and_sales_meet_on_item_and_day(spark: SparkSession) -> None:
    browsed = events(spark, {}, {"user_id": "u2"}, {"event_type": "add_to_cart"}, {"item_id": "i2"})
    sold = order_lines(spark, {"quantity": 2}, {"kind": "refund"}, {"order_id": "o2", "user_id": None}, {"item_id": "i3"})
    stats = {r["item_id"]: r for r in build(browsed, sold).collect()}
    assert set(stats) == {"i1", "i2", "i3"}
    first = stats["i1"]
    assert (first["view_count"], first["viewer_count"], first["cart_count"]) == (2, 2, 1)
    assert (first["order_count"], first["buyer_count"], first["units_sold"], first["units_refunded"]) == (2, 1, 3, 1)
    assert (first["revenue_minor"], first["refund_minor"], first["currency"]) == (1500, 500, "EUR")
    assert (stats["i2"]["units_sold"], stats["i2"]["revenue_minor"]) == (0, None)


def test_an_item_without_prices_has_units_but_no_revenue(spark: SparkSession) -> None:
    sold = order_lines(spark, {"unit_price_minor": None, "currency": None})
    (row,) = build(events(spark), sold).collect()
    assert (row["units_sold"], row["revenue_minor"]) == (1, None)
