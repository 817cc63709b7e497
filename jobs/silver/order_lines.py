"""``silver.order_lines``: the only truth about purchases."""

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.silver.order_lines import REJECTED_SUITE, SUITE
from expectations.vocabulary import ORDER_LINE_KINDS
from jobs.bronze.events import EVENTS as BRONZE_EVENTS
from jobs.bronze.orders import ORDERS as BRONZE_ORDERS
from jobs.contract import Column, Table, columns
from jobs.settings import Settings
from jobs.silver import parsing
from jobs.silver.provenance import LAST_LANDED, PROVENANCE, rejected_twin
from jobs.sources.source import Source
from jobs.step import EventDays, LandedDays, Read, Step, Write

ORDER_LINES = Table(
    name="silver.order_lines",
    doc="One row an order line, sold or refunded; from the order feed, or from purchase events where a source has none.",
    columns=columns(
        Column("order_line_id", "string", "The source's id, or a hash of what makes the line what it is."),
        Column("order_id", "string", "Order."),
        Column("user_id", "string", "Pseudonym of the user; NULL for a guest.", nullable=True),
        Column("item_id", "string", "Item."),
        Column("ordered_at", "timestamp", "When it was ordered, UTC; midnight when the source knows only the day."),
        Column("ordered_date", "date", "UTC day of ``ordered_at``."),
        Column("kind", "string", "sale or refund."),
        Column("quantity", "int", "Pieces, positive in both kinds."),
        Column("unit_price_minor", "bigint", "Price a piece, in minor units; NULL when the source has no prices.", nullable=True),
        Column("discount_minor", "bigint", "Discount on the whole line, in minor units.", nullable=True),
        Column("currency", "string", "ISO 4217 code.", nullable=True),
        Column("channel", "string", "Marketing channel of the order.", nullable=True),
        Column("campaign_id", "string", "Campaign of the order.", nullable=True),
        Column("source", "string", "Source that the line came from."),
        Column("delivery_count", "int", "Times that the line was delivered; all but one were merged."),
        PROVENANCE,
        LAST_LANDED,
    ),
    key=("ordered_date", "order_line_id"),
    partitioned_by="ordered_date",
)
ORDER_LINES_REJECTED = rejected_twin(ORDER_LINES, "One row a landed line that could not become an order line, with all its reasons.")


def event_type_of_line() -> SparkColumn:
    """The event type that a line stands for by its ``kind``: ``purchase`` or ``refund``."""
    return F.when(F.col("kind") == "sale", "purchase").otherwise("refund")


def parses(events: DataFrame, orders: DataFrame, *, source: Source, settings: Settings) -> DataFrame:
    """Every landed line of the feed that order lines come from, with order-line columns and reasons."""
    bronze = events if source.order_lines.feed == "events" else orders
    faults = {
        "unknown_kind": ~F.col("kind").isin(*ORDER_LINE_KINDS),
        "missing_item": F.col("item_id").isNull(),
        "missing_order": F.col("order_id").isNull(),
        **parsing.time_faults("ordered_date", settings.max_lateness_days),
        **parsing.price_faults(source),
        "impossible_quantity": parsing.quantity_fault(),  # an unknown one is impossible too
        "impossible_discount": parsing.discount_fault(),
    }
    return parsing.mark(bronze, source, source.order_lines, faults, happened_at="ordered_at", day="ordered_date")


def build(marked: DataFrame, *, source: Source, settings: Settings) -> tuple[DataFrame, DataFrame]:
    """One row an order line, and one row a rejected line."""
    clean = marked.where(F.size("reasons") == 0)
    rows = parsing.without_raw_ids(clean, source.order_lines, {"user_id": "user"}, settings.pseudonym_key)
    rows = parsing.identified(rows, source.order_lines, "order_line_id")
    kept = parsing.first_delivery(rows, ORDER_LINES.key).select(*ORDER_LINES.column_names)
    return kept, parsing.rejected(marked, ORDER_LINES_REJECTED)


STEP = Step(
    reads=(Read(BRONZE_EVENTS), Read(BRONZE_ORDERS)),
    writes=(Write(ORDER_LINES, SUITE, EventDays()), Write(ORDER_LINES_REJECTED, REJECTED_SUITE, LandedDays())),
    build=build,
    takes=("source", "settings"),
    parses=parses,
)
