"""``gold.interactions``: who did what with which item, counted by day."""

from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.interactions import SUITE
from jobs.contract import Column, Table
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES, event_type_of_line
from jobs.step import EventDays, Read, Step, Write

INTERACTIONS = Table(
    name="gold.interactions",
    doc="One row a user, item, event type and UTC day. Purchases and refunds come from silver.order_lines, the rest from silver.events.",
    columns=(
        Column("user_id", "string", "Pseudonym of the user; guests are absent."),
        Column("item_id", "string", "Item."),
        Column("event_type", "string", "GA4 recommended name."),
        Column("event_date", "date", "UTC day."),
        Column("event_count", "bigint", "Events, or order lines for purchase and refund."),
        Column("quantity", "bigint", "Pieces bought or refunded; 0 for other types."),
        Column(
            "last_at",
            "timestamp",
            "When the last of them happened, UTC; midnight when the source knows only the day. NULL in rows from before this column.",
            nullable=True,
        ),
    ),
    key=("event_date", "user_id", "item_id", "event_type"),
    partitioned_by="event_date",
)


def build(events: DataFrame, order_lines: DataFrame) -> DataFrame:
    """One row a user, item, event type and day; a purchase is counted once, as its order line."""
    is_bought = F.col("event_type").isin("purchase", "refund")
    browsed = events.where(~is_bought & F.col("user_id").isNotNull() & F.col("item_id").isNotNull())
    no_pieces = F.lit(0).cast("bigint").alias("quantity")
    browsed = browsed.select("user_id", "item_id", "event_type", "event_date", no_pieces, F.col("occurred_at").alias("at"))
    day, quantity = F.col("ordered_date").alias("event_date"), F.col("quantity").cast("bigint").alias("quantity")
    bought = order_lines.where(F.col("user_id").isNotNull()).select(
        "user_id", "item_id", event_type_of_line().alias("event_type"), day, quantity, F.col("ordered_at").alias("at")
    )
    counted = browsed.unionByName(bought).groupBy("user_id", "item_id", "event_type", "event_date")
    return counted.agg(F.count("*").alias("event_count"), F.sum("quantity").alias("quantity"), F.max("at").alias("last_at"))


def known_by(day: date, interactions: DataFrame, events: DataFrame, order_lines: DataFrame, *, max_lateness_days: int) -> DataFrame:
    """The interactions up to ``day`` as they were known at its end, whatever has landed since.

    Event days whose last row had landed by then come from ``interactions``; the ``max_lateness_days`` younger ones are built anew from the
    silver rows that had.
    """
    settled = F.lit(day - timedelta(days=max_lateness_days))

    def had_landed(rows: DataFrame, day_column: str) -> DataFrame:
        return rows.where((F.col(day_column) > settled) & (F.col(day_column) <= F.lit(day)) & (F.col("landed_date") <= F.lit(day)))

    young = build(had_landed(events, "event_date"), had_landed(order_lines, "ordered_date"))
    return interactions.where(F.col("event_date") <= settled).unionByName(young)


STEP = Step(
    reads=(Read(EVENTS), Read(ORDER_LINES)),
    writes=(Write(INTERACTIONS, SUITE, EventDays()),),
    build=build,
)
