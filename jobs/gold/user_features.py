"""``gold.user_features``: what is known about each user at the end of a day, from what had landed by then."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.user_features import SUITE
from jobs.contract import Column, Table
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS, last_said
from jobs.silver.order_lines import ORDER_LINES
from jobs.step import AsOf, Read, Step, Write

TASTE_TYPES = ("select_item", "view_item", "add_to_wishlist", "add_to_cart", "purchase")
"""Event types that say what a user likes; what the shop chose to list, and what was taken back, says nothing."""

TOP_CATEGORIES = 30
"""Most categories that a user's row carries."""

SHARE = 1e-6
NIGHT_ENDS, NIGHT_BEGINS = 6, 22

USER_FEATURES = Table(
    name="gold.user_features",
    doc=(
        "One row a user and as-of day, for every user with an event or order line by then. Uses only rows that had landed by that day and "
        "happened by it. Purchases and refunds are order lines, everything else is silver.events, so that nothing is counted twice. "
        "Guests are absent. Days and hours are UTC; the last N days end with the as-of day and include it."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("user_id", "string", "Pseudonym of the user."),
        Column("first_event_date", "date", "Day of the first event or order line."),
        Column("last_event_date", "date", "Day of the last event or order line."),
        Column("tenure_days", "int", "Days from the first one to the as-of day."),
        Column("recency_days", "int", "Days from the last one to the as-of day."),
        Column("purchase_recency_days", "int", "Days from the last purchase to the as-of day; NULL without one.", nullable=True),
        Column("event_count", "bigint", "Events, with order lines as purchases and refunds."),
        Column("active_days", "bigint", "Different days with an event or order line."),
        Column("events_7d", "bigint", "Events of the last 7 days."),
        Column("events_30d", "bigint", "Events of the last 30 days."),
        Column("order_count", "bigint", "Different orders with a sale."),
        Column("orders_30d", "bigint", "Different orders with a sale in the last 30 days."),
        Column("units_bought", "bigint", "Pieces bought, refunded ones included."),
        Column("spend_minor", "bigint", "Sales less discounts and refunds, minor units; NULL when no line has a price.", nullable=True),
        Column("spend_30d_minor", "bigint", "The same for the last 30 days.", nullable=True),
        Column("mean_order_minor", "bigint", "Sales before refunds by order, rounded; NULL without a priced sale.", nullable=True),
        Column(
            "mean_days_between_orders", "double", "Mean days between days with an order; NULL below two.", nullable=True, tolerance=SHARE
        ),
        Column("refund_count", "bigint", "Refunded order lines."),
        Column("view_count", "bigint", "Item pages viewed."),
        Column("wishlist_count", "bigint", "Items put on a wish list."),
        Column("add_to_cart_count", "bigint", "Items put into a cart."),
        Column("purchase_line_count", "bigint", "Order lines sold."),
        Column("view_share", "double", "view_count by event_count; 0 without events.", tolerance=SHARE),
        Column("wishlist_share", "double", "wishlist_count by event_count.", tolerance=SHARE),
        Column("add_to_cart_share", "double", "add_to_cart_count by event_count.", tolerance=SHARE),
        Column("purchase_share", "double", "purchase_line_count by event_count.", tolerance=SHARE),
        Column("distinct_items", "bigint", "Different items clicked, viewed, wished for, put into a cart or bought."),
        Column("distinct_categories", "bigint", "Different categories of those items, as the catalogue knew them on the as-of day."),
        Column("top_category_id", "string", "Category with most of those events; the lowest id of equals.", nullable=True),
        Column("top_category_share", "double", "Its share of those events with a known category.", nullable=True, tolerance=SHARE),
        Column(
            "top_categories",
            "array<struct<category_id:string,event_count:bigint>>",
            f"The {TOP_CATEGORIES} categories with most of those events, falling, equals by id.",
        ),
        Column("weekend_share", "double", "Share of events on Saturdays and Sundays.", tolerance=SHARE),
        Column(
            "night_share",
            "double",
            "Share from 22:00 to 06:00 of events whose second is known; NULL without.",
            nullable=True,
            tolerance=SHARE,
        ),
        Column("active_hour", "int", "Hour with most events whose second is known, the earliest of equals; NULL without.", nullable=True),
    ),
    key=("as_of_date", "user_id"),
    partitioned_by="as_of_date",
)


def activity(events: DataFrame, order_lines: DataFrame, *, as_of: date) -> DataFrame:
    """One row an event or order line of a known user that happened and had landed by ``as_of``.

    Purchase and refund events only lend their day and hour (``is_counted`` is false): the order lines are those purchases.
    """
    known_events = events.where(_known_by("event_date", as_of)).select(
        "user_id",
        "item_id",
        "event_type",
        F.col("event_date").alias("active_date"),
        F.when(F.col("time_resolution") == "second", F.hour("occurred_at")).alias("hour"),
        (~F.col("event_type").isin("purchase", "refund")).alias("is_counted"),
        F.lit(None).cast("string").alias("order_id"),
        F.lit(0).cast("bigint").alias("quantity"),
        F.lit(None).cast("bigint").alias("amount_minor"),
    )
    amount = F.col("quantity").cast("bigint") * F.col("unit_price_minor") - F.coalesce("discount_minor", F.lit(0))
    known_lines = order_lines.where(_known_by("ordered_date", as_of)).select(
        "user_id",
        "item_id",
        F.when(F.col("kind") == "sale", "purchase").otherwise("refund").alias("event_type"),
        F.col("ordered_date").alias("active_date"),
        F.lit(None).cast("int").alias("hour"),
        F.lit(True).alias("is_counted"),
        "order_id",
        F.col("quantity").cast("bigint").alias("quantity"),
        amount.alias("amount_minor"),
    )
    return known_events.unionByName(known_lines)


def build(events: DataFrame, order_lines: DataFrame, observations: DataFrame, *, as_of: date) -> DataFrame:
    """One row a user with anything known by ``as_of``; two shuffles by user and one by item."""
    known = activity(events, order_lines, as_of=as_of)
    features = known.groupBy("user_id").agg(*_sums(as_of)).join(_tastes(known, observations, as_of=as_of), "user_id", "left")
    day = F.lit(as_of)
    no_categories = F.array().cast("array<struct<category_id:string,event_count:bigint>>")
    top = F.get("top_categories", 0)
    derived = {
        "as_of_date": day,
        "tenure_days": F.datediff(day, "first_event_date"),
        "recency_days": F.datediff(day, "last_event_date"),
        "purchase_recency_days": F.datediff(day, "_last_ordered_date"),
        "spend_minor": _net("_sold_minor", "_refunded_minor", "_lines"),
        "spend_30d_minor": _net("_sold_30d_minor", "_refunded_30d_minor", "_lines_30d"),
        "mean_order_minor": F.when(F.col("order_count") > 0, F.round(F.col("_sold_minor") / F.col("order_count")).cast("bigint")),
        "mean_days_between_orders": F.when(
            F.col("_ordered_days") > 1, F.datediff("_last_ordered_date", "_first_ordered_date") / (F.col("_ordered_days") - 1)
        ),
        **{f"{name}_share": _share(f"{name}{'_line' if name == 'purchase' else ''}_count", "event_count") for name in _SHARED},
        "distinct_items": F.coalesce("distinct_items", F.lit(0).cast("bigint")),
        "distinct_categories": F.coalesce("distinct_categories", F.lit(0).cast("bigint")),
        "top_categories": F.coalesce("top_categories", no_categories),
        "top_category_id": top["category_id"],
        "top_category_share": F.when(F.col("_categorised") > 0, top["event_count"] / F.col("_categorised")),
        "weekend_share": _share("_weekend", "event_count"),
        "night_share": F.when(F.col("_timed") > 0, F.col("_night") / F.col("_timed")),
    }
    return features.select(*[derived.get(name, F.col(name)).alias(name) for name in USER_FEATURES.column_names])


_SHARED = ("view", "wishlist", "add_to_cart", "purchase")


def _known_by(day_column: str, as_of: date) -> SparkColumn:
    return F.col("user_id").isNotNull() & (F.col(day_column) <= F.lit(as_of)) & (F.col("landed_date") <= F.lit(as_of))


def _sums(as_of: date) -> Sequence[SparkColumn]:
    counted = F.col("is_counted")
    kind = F.col("event_type")
    sold, refunded = counted & (kind == "purchase"), counted & (kind == "refund")
    age_days = F.datediff(F.lit(as_of), "active_date")
    last_7, last_30 = age_days < 7, age_days < 30
    night = (F.col("hour") < NIGHT_ENDS) | (F.col("hour") >= NIGHT_BEGINS)

    def total(condition: SparkColumn, value: SparkColumn, name: str) -> SparkColumn:
        return F.sum(F.when(condition, value)).alias(name)

    def different(condition: SparkColumn, column: str, name: str) -> SparkColumn:
        return F.size(F.collect_set(F.when(condition, F.col(column)))).cast("bigint").alias(name)

    return (
        F.min("active_date").alias("first_event_date"),
        F.max("active_date").alias("last_event_date"),
        F.count_if(counted).alias("event_count"),
        different(F.lit(True), "active_date", "active_days"),
        F.count_if(counted & last_7).alias("events_7d"),
        F.count_if(counted & last_30).alias("events_30d"),
        different(sold, "order_id", "order_count"),
        different(sold & last_30, "order_id", "orders_30d"),
        F.coalesce(F.sum(F.when(sold, F.col("quantity"))), F.lit(0).cast("bigint")).alias("units_bought"),
        total(sold, F.col("amount_minor"), "_sold_minor"),
        total(refunded, F.col("amount_minor"), "_refunded_minor"),
        total(sold & last_30, F.col("amount_minor"), "_sold_30d_minor"),
        total(refunded & last_30, F.col("amount_minor"), "_refunded_30d_minor"),
        F.count_if(sold | refunded).alias("_lines"),
        F.count_if((sold | refunded) & last_30).alias("_lines_30d"),
        F.min(F.when(sold, F.col("active_date"))).alias("_first_ordered_date"),
        F.max(F.when(sold, F.col("active_date"))).alias("_last_ordered_date"),
        different(sold, "active_date", "_ordered_days"),
        F.count_if(refunded).alias("refund_count"),
        F.count_if(kind == "view_item").alias("view_count"),
        F.count_if(kind == "add_to_wishlist").alias("wishlist_count"),
        F.count_if(kind == "add_to_cart").alias("add_to_cart_count"),
        F.count_if(sold).alias("purchase_line_count"),
        F.count_if(counted & F.dayofweek("active_date").isin(1, 7)).alias("_weekend"),
        F.count("hour").alias("_timed"),
        F.count_if(night).alias("_night"),
        F.mode("hour", deterministic=True).alias("active_hour"),
    )


def _tastes(known: DataFrame, observations: DataFrame, *, as_of: date) -> DataFrame:
    liked = known.where(F.col("is_counted") & F.col("event_type").isin(*TASTE_TYPES) & F.col("item_id").isNotNull())
    said = observations.where((F.col("observed_date") <= F.lit(as_of)) & (F.col("landed_date") <= F.lit(as_of)))
    catalogue = said.groupBy("item_id").agg(last_said("category_id")["category_id"].alias("category_id"))
    by_item = liked.select("user_id", "item_id").repartition("user_id").groupBy("user_id", "item_id").agg(F.count("*").alias("event_count"))
    by_category = (
        by_item.join(catalogue, "item_id", "left")
        .groupBy("user_id", "category_id")
        .agg(F.sum("event_count").alias("event_count"), F.count("*").alias("items"))
    )
    has_category = F.col("category_id").isNotNull()
    rank = F.when(has_category, F.struct((-F.col("event_count")).alias("fewer"), "category_id"))
    ranked = F.slice(F.array_sort(F.collect_list(rank)), 1, TOP_CATEGORIES)
    return by_category.groupBy("user_id").agg(
        F.sum("items").alias("distinct_items"),
        F.count_if(has_category).alias("distinct_categories"),
        F.coalesce(F.sum(F.when(has_category, F.col("event_count"))), F.lit(0).cast("bigint")).alias("_categorised"),
        F.transform(ranked, lambda r: F.struct(r["category_id"].alias("category_id"), (-r["fewer"]).alias("event_count"))).alias(
            "top_categories"
        ),
    )


def _net(sold: str, refunded: str, lines: str) -> SparkColumn:
    zero = F.lit(0).cast("bigint")
    has_price = F.col(sold).isNotNull() | F.col(refunded).isNotNull()
    return F.when(has_price, F.coalesce(sold, zero) - F.coalesce(refunded, zero)).when(F.col(lines) == 0, zero)


def _share(part: str, whole: str) -> SparkColumn:
    return F.when(F.col(whole) > 0, F.col(part) / F.col(whole)).otherwise(F.lit(0.0))


STEP = Step(
    reads=(Read(EVENTS), Read(ORDER_LINES), Read(ITEM_OBSERVATIONS)),
    writes=(Write(USER_FEATURES, SUITE, AsOf(and_later=True)),),
    build=build,
    takes=("as_of",),
)
