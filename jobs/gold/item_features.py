"""``gold.item_features``: what is known about each item at the end of a day, from what had landed by then."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.item_features import SUITE
from jobs.contract import Column, Table
from jobs.gold.activity import WINDOWS, activity, browsed, ordered, ratio, refunded, said_by, sold, tasted, within
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.order_lines import ORDER_LINES
from jobs.step import AsOf, Read, Step, Write

TREND_DAYS, WEEKS_BEFORE = 7, 4
"""A trend holds the last days against the mean of as many weeks before them."""

_TOLERANCE = 1e-6
_SOME_WINDOWS, _LONG_WINDOWS = (30, 90), (30, 90, 365)

ITEM_FEATURES = Table(
    name="gold.item_features",
    doc=(
        "One row an item and as-of day, for every item that was spoken of, looked at or sold by then; guests count too. Uses only rows "
        "that had landed by that day and happened by it. Sales and refunds are order lines, everything else is silver.events. Days are "
        "UTC; the last N days end with the as-of day and include it."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("item_id", "string", "Item."),
        Column("category_id", "string", "Category that was said last; NULL when none was.", nullable=True),
        Column("brand", "string", "Brand that was said last.", nullable=True),
        Column("unit_price_minor", "bigint", "List price that was said last, in minor units.", nullable=True),
        Column("is_on_sale", "boolean", "Whether it could be bought; NULL for an item that nothing was said about.", nullable=True),
        Column(
            "relative_price",
            "double",
            "unit_price_minor by the mean list price of the items of its category; NULL when one of them is not known.",
            nullable=True,
            tolerance=_TOLERANCE,
        ),
        Column("first_seen_date", "date", "Day on which it was first spoken of, looked at or sold."),
        Column("age_days", "int", "Days from then to the as-of day."),
        Column(
            "last_event_date", "date", "Day on which it was last clicked, viewed, wished for, put into a cart or bought.", nullable=True
        ),
        Column("recency_days", "int", "Days from then to the as-of day; NULL without.", nullable=True),
        *[Column(f"views_{days}d", "bigint", f"Views of its page in the last {days} days.") for days in WINDOWS],
        *[Column(f"carts_{days}d", "bigint", f"Times put into a cart in the last {days} days.") for days in _SOME_WINDOWS],
        *[Column(f"purchase_lines_{days}d", "bigint", f"Order lines sold in the last {days} days.") for days in _SOME_WINDOWS],
        *[Column(f"units_{days}d", "bigint", f"Pieces sold in the last {days} days, refunded ones included.") for days in WINDOWS],
        *[
            Column(
                f"revenue_{days}d_minor",
                "bigint",
                f"Sales of the last {days} days before refunds and discounts, minor units; NULL when none of them has a price.",
                nullable=True,
            )
            for days in _LONG_WINDOWS
        ],
        Column("viewers_30d", "bigint", "Different known visitors (device or user) that viewed it in the last 30 days."),
        Column("buyers_90d", "bigint", "Different users that bought it in the last 90 days; guests are not told apart."),
        Column(
            "cart_by_view",
            "double",
            "Times put into a cart by views, ever; may be above 1; NULL without.",
            nullable=True,
            tolerance=_TOLERANCE,
        ),
        Column(
            "purchase_by_view",
            "double",
            "Order lines sold by views, ever; may be above 1; NULL without.",
            nullable=True,
            tolerance=_TOLERANCE,
        ),
        Column(
            "refund_unit_share",
            "double",
            "Pieces refunded by pieces sold, ever, above 1 where the purchase came before the data; NULL without sales.",
            nullable=True,
            tolerance=_TOLERANCE,
        ),
        Column(
            "discount_share",
            "double",
            "Discounts by priced sales before discounts, ever; NULL without.",
            nullable=True,
            tolerance=_TOLERANCE,
        ),
        Column(
            "repeat_buyer_share",
            "double",
            "Users that bought it on two days or more by users that bought it, ever; NULL without.",
            nullable=True,
            tolerance=_TOLERANCE,
        ),
        Column(
            "trend",
            "double",
            f"Clicks, views, wishes, carts and purchases of the last {TREND_DAYS} days by the mean week of the {TREND_DAYS * WEEKS_BEFORE} "
            "days before; NULL without any then.",
            nullable=True,
            tolerance=_TOLERANCE,
        ),
    ),
    key=("as_of_date", "item_id"),
    partitioned_by="as_of_date",
)


def build(events: DataFrame, order_lines: DataFrame, observations: DataFrame, *, as_of: date) -> DataFrame:
    """One row an item with anything known by ``as_of``; what is summed by item is small before it is shuffled."""
    catalogue = said_by(observations, "category_id", "brand", "unit_price_minor", "is_on_sale", as_of=as_of)
    done = activity(events, order_lines, as_of=as_of).where(F.col("item_id").isNotNull()).groupBy("item_id").agg(*_sums(as_of))
    items = catalogue.join(done, "item_id", "full")
    for people in (_viewers(browsed(events, as_of=as_of), as_of), _buyers(ordered(order_lines, as_of=as_of), as_of)):
        items = items.join(people, "item_id", "left")
    price, has_category = F.col("unit_price_minor"), F.col("category_id").isNotNull()
    usual = catalogue.where(has_category).groupBy("category_id").agg((F.sum(price) / F.count(price)).alias("_usual_minor"))
    counts = [column.name for column in ITEM_FEATURES.columns if column.type == "bigint" and not column.nullable]
    rows = items.join(F.broadcast(usual), "category_id", "left").na.fill(0, counts).withColumns(_days(as_of))
    derived = _derived()
    return rows.select(*[derived.get(name, F.col(name)).alias(name) for name in ITEM_FEATURES.column_names])


def _sums(as_of: date) -> Sequence[SparkColumn]:
    kind, day = F.col("event_type"), F.col("active_date")
    is_priced = sold() & F.col("gross_minor").isNotNull()
    viewed, carted = kind == "view_item", kind == "add_to_cart"

    def last(days: int) -> SparkColumn:
        return within(day, days, as_of=as_of)

    def pieces(condition: SparkColumn, name: str) -> SparkColumn:
        return F.coalesce(F.sum(F.when(condition, F.col("quantity"))), F.lit(0).cast("bigint")).alias(name)

    return (
        F.min("active_date").alias("_first_active_date"),
        F.max(F.when(tasted(), day)).alias("last_event_date"),
        *[F.count_if(viewed & last(days)).alias(f"views_{days}d") for days in WINDOWS],
        *[F.count_if(carted & last(days)).alias(f"carts_{days}d") for days in _SOME_WINDOWS],
        *[F.count_if(sold() & last(days)).alias(f"purchase_lines_{days}d") for days in _SOME_WINDOWS],
        *[pieces(sold() & last(days), f"units_{days}d") for days in WINDOWS],
        *[F.sum(F.when(sold() & last(days), F.col("gross_minor"))).alias(f"_revenue_{days}d") for days in _LONG_WINDOWS],
        F.count_if(viewed).alias("_views"),
        F.count_if(carted).alias("_carts"),
        F.count_if(sold()).alias("_purchase_lines"),
        pieces(sold(), "_units"),
        pieces(refunded(), "_refunded_units"),
        F.sum(F.when(is_priced, F.col("gross_minor"))).alias("_gross_minor"),
        F.sum(F.when(is_priced, F.col("discount_minor"))).alias("_discount_minor"),
        F.count_if(tasted() & last(TREND_DAYS)).alias("_events_now"),
        F.count_if(tasted() & ~last(TREND_DAYS) & last(TREND_DAYS * (1 + WEEKS_BEFORE))).alias("_events_before"),
    )


def _viewers(events: DataFrame, as_of: date) -> DataFrame:
    recent = events.where((F.col("event_type") == "view_item") & within(F.col("active_date"), 30, as_of=as_of))
    return recent.groupBy("item_id").agg(F.count_distinct("visitor_id").alias("viewers_30d"))


def _buyers(lines: DataFrame, as_of: date) -> DataFrame:
    bought = lines.where(sold() & F.col("user_id").isNotNull()).groupBy("item_id", "user_id")
    by_user = bought.agg(F.min("active_date").alias("_first"), F.max("active_date").alias("_last"))
    return by_user.groupBy("item_id").agg(
        F.count_if(within(F.col("_last"), 90, as_of=as_of)).alias("buyers_90d"),
        F.count("*").alias("_buyers"),
        F.count_if(F.col("_first") < F.col("_last")).alias("_repeat_buyers"),
    )


def _days(as_of: date) -> dict[str, SparkColumn]:
    return {"as_of_date": F.lit(as_of), "first_seen_date": F.least("first_observed_date", "_first_active_date")}


def _derived() -> dict[str, SparkColumn]:
    def revenue(days: int) -> SparkColumn:
        return F.when(F.col(f"units_{days}d") > 0, F.col(f"_revenue_{days}d")).otherwise(F.lit(0).cast("bigint"))

    return {
        "relative_price": ratio("unit_price_minor", "_usual_minor"),
        "age_days": F.datediff("as_of_date", "first_seen_date"),
        "recency_days": F.datediff("as_of_date", "last_event_date"),
        **{f"revenue_{days}d_minor": revenue(days) for days in _LONG_WINDOWS},
        "cart_by_view": ratio("_carts", "_views"),
        "purchase_by_view": ratio("_purchase_lines", "_views"),
        "refund_unit_share": ratio("_refunded_units", "_units"),
        "discount_share": ratio("_discount_minor", "_gross_minor"),
        "repeat_buyer_share": ratio("_repeat_buyers", "_buyers"),
        "trend": ratio("_events_now", "_events_before") * WEEKS_BEFORE,
    }


STEP = Step(
    reads=(Read(EVENTS), Read(ORDER_LINES), Read(ITEM_OBSERVATIONS)),
    writes=(Write(ITEM_FEATURES, SUITE, AsOf(and_later=True)),),
    build=build,
    takes=("as_of",),
)
