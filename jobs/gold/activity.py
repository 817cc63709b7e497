"""What was done by the end of a day, and what was said about items by then; the features of users and of items are made of it."""

from datetime import date, timedelta

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.silver.item_observations import last_said
from jobs.silver.order_lines import event_type_of_line

TASTE_TYPES = ("select_item", "view_item", "add_to_wishlist", "add_to_cart", "purchase")
"""Event types that say what a user likes; what the shop chose to list, and what was taken back, says nothing."""

WINDOWS = (7, 30, 90, 365)
"""Days of the windows; the last N days end with the as-of day and include it."""


def activity(events: DataFrame, order_lines: DataFrame, *, as_of: date) -> DataFrame:
    """One row an event or order line that happened and had landed by ``as_of``, those of guests too.

    Purchase and refund events only lend their day and hour (``is_counted`` is false): the order lines are those purchases.
    """
    return browsed(events, as_of=as_of).unionByName(ordered(order_lines, as_of=as_of))


def browsed(events: DataFrame, *, as_of: date) -> DataFrame:
    """The events among ``activity``; ``visitor_id`` is the device or user."""
    return events.where(_known_by("event_date", as_of)).select(
        "user_id",
        F.coalesce("anonymous_id", "user_id").alias("visitor_id"),
        "item_id",
        "event_type",
        F.col("event_date").alias("active_date"),
        F.when(F.col("time_resolution") == "second", F.hour("occurred_at")).alias("hour"),
        "channel",
        (~F.col("event_type").isin("purchase", "refund")).alias("is_counted"),
        F.lit(None).cast("string").alias("order_id"),
        F.lit(0).cast("bigint").alias("quantity"),
        F.lit(None).cast("bigint").alias("gross_minor"),
        F.lit(None).cast("bigint").alias("discount_minor"),
    )


def ordered(order_lines: DataFrame, *, as_of: date) -> DataFrame:
    """The order lines among ``activity``; ``gross_minor`` is the amount before the discount, NULL without a price."""
    pieces = F.col("quantity").cast("bigint")
    return order_lines.where(_known_by("ordered_date", as_of)).select(
        "user_id",
        F.col("user_id").alias("visitor_id"),
        "item_id",
        event_type_of_line().alias("event_type"),
        F.col("ordered_date").alias("active_date"),
        F.lit(None).cast("int").alias("hour"),
        "channel",
        F.lit(True).alias("is_counted"),
        "order_id",
        pieces.alias("quantity"),
        (pieces * F.col("unit_price_minor")).alias("gross_minor"),
        F.coalesce("discount_minor", F.lit(0).cast("bigint")).alias("discount_minor"),
    )


def said_by(observations: DataFrame, *columns: str, as_of: date) -> DataFrame:
    """One row an item: what ``columns`` last were by ``as_of``, as it had landed by then, and ``first_observed_date``."""
    said = observations.where(_known_by("observed_date", as_of))
    known = said.groupBy("item_id").agg(last_said(*columns).alias("_said"), F.min("observed_date").alias("first_observed_date"))
    return known.select("item_id", *[F.col("_said")[name].alias(name) for name in columns], "first_observed_date")


def within(day: SparkColumn, days: int, *, as_of: date) -> SparkColumn:
    """Whether ``day``, which is not after ``as_of``, is one of the last ``days`` days."""
    return day > F.lit(as_of - timedelta(days=days))


def sold() -> SparkColumn:
    """Whether a row of ``activity`` is a line that was sold."""
    return F.col("is_counted") & (F.col("event_type") == "purchase")


def refunded() -> SparkColumn:
    """Whether a row of ``activity`` is a line that was refunded."""
    return F.col("is_counted") & (F.col("event_type") == "refund")


def tasted() -> SparkColumn:
    """Whether a row of ``activity`` says what somebody likes."""
    return F.col("is_counted") & F.col("event_type").isin(*TASTE_TYPES)


def ratio(part: str, whole: str) -> SparkColumn:
    """``part`` by ``whole``; NULL where there is none of ``whole``."""
    return F.when(F.col(whole) > 0, F.col(part) / F.col(whole))


def _known_by(day_column: str, as_of: date) -> SparkColumn:
    return (F.col(day_column) <= F.lit(as_of)) & (F.col("landed_date") <= F.lit(as_of))
