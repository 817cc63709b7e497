"""``gold.daily_item_stats``: how each item did, day by day."""

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.daily_item_stats import SUITE
from jobs.contract import Column, Table
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES
from jobs.step import EventDays, Read, Step, Write

DAILY_ITEM_STATS = Table(
    name="gold.daily_item_stats",
    doc="One row an item and UTC day on which anything happened to it; guests count too.",
    columns=(
        Column("item_id", "string", "Item."),
        Column("event_date", "date", "UTC day."),
        Column("view_count", "bigint", "Views of the item."),
        Column("wishlist_count", "bigint", "Times put on a wish list."),
        Column("cart_count", "bigint", "Times put in a cart."),
        Column("viewer_count", "bigint", "Different known visitors (device or user) that viewed it."),
        Column("order_count", "bigint", "Different orders with a sale of it."),
        Column("buyer_count", "bigint", "Different users that bought it; guests are not told apart."),
        Column("units_sold", "bigint", "Pieces sold."),
        Column("units_refunded", "bigint", "Pieces refunded."),
        Column(
            "revenue_minor", "bigint", "Sales before refunds and discounts, in minor units; NULL when no price is known.", nullable=True
        ),
        Column("refund_minor", "bigint", "Refunds, in minor units; NULL when no price is known.", nullable=True),
        Column("currency", "string", "ISO 4217 code; NULL when no price is known.", nullable=True),
    ),
    key=("event_date", "item_id"),
    partitioned_by="event_date",
)


def build(events: DataFrame, order_lines: DataFrame) -> DataFrame:
    """One row an item and UTC day; behaviour from events, everything that is sold from order lines."""
    visitor = F.coalesce("anonymous_id", "user_id")

    def happened(event_type: str) -> SparkColumn:
        return F.count_if(F.col("event_type") == event_type)

    behaviour = (
        events.where(F.col("item_id").isNotNull())
        .groupBy("item_id", "event_date")
        .agg(
            happened("view_item").alias("view_count"),
            happened("add_to_wishlist").alias("wishlist_count"),
            happened("add_to_cart").alias("cart_count"),
            F.count_distinct(F.when(F.col("event_type") == "view_item", visitor)).alias("viewer_count"),
        )
    )
    is_sale = F.col("kind") == "sale"
    pieces, amount = F.col("quantity").cast("bigint"), F.col("quantity") * F.col("unit_price_minor")
    sales = order_lines.groupBy("item_id", F.col("ordered_date").alias("event_date")).agg(
        F.count_distinct(F.when(is_sale, F.col("order_id"))).alias("order_count"),
        F.count_distinct(F.when(is_sale, F.col("user_id"))).alias("buyer_count"),
        F.sum(F.when(is_sale, pieces).otherwise(0)).alias("units_sold"),
        F.sum(F.when(~is_sale, pieces).otherwise(0)).alias("units_refunded"),
        F.sum(F.when(is_sale, amount)).alias("revenue_minor"),
        F.sum(F.when(~is_sale, amount)).alias("refund_minor"),
        F.max("currency").alias("currency"),
    )
    counts = [c.name for c in DAILY_ITEM_STATS.columns if c.type == "bigint" and not c.nullable]
    joined = behaviour.join(sales, ["item_id", "event_date"], "full").na.fill(0, counts)
    return joined.where(_anything(counts)).select(*DAILY_ITEM_STATS.column_names)


def _anything(counts: list[str]) -> SparkColumn:
    return F.greatest(*[F.col(name) for name in counts]) > 0


STEP = Step(
    reads=(Read(EVENTS), Read(ORDER_LINES)),
    writes=(Write(DAILY_ITEM_STATS, SUITE, EventDays()),),
    build=build,
)
