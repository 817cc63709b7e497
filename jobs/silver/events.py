"""``silver.events``: what visitors did."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.silver.events import REJECTED_SUITE, SUITE
from expectations.vocabulary import EVENT_TYPES, EVENT_TYPES_WITHOUT_ITEM
from jobs.bronze.events import EVENTS as BRONZE_EVENTS
from jobs.bronze.orders import ORDERS as BRONZE_ORDERS
from jobs.contract import Column, Table, columns
from jobs.settings import Settings
from jobs.silver import parsing
from jobs.silver.provenance import PROVENANCE, rejected_twin
from jobs.sources.source import Source
from jobs.step import EventDays, LandedDays, Read, Step, Write

EVENTS = Table(
    name="silver.events",
    doc="One row an event; copies of one event are merged into the first that landed.",
    columns=columns(
        Column("event_id", "string", "The source's id, or a hash of what makes the event what it is."),
        Column("user_id", "string", "Pseudonym of the user; NULL for a guest.", nullable=True),
        Column("anonymous_id", "string", "Pseudonym of the device or browser.", nullable=True),
        Column("session_hint", "string", "The source's own session id.", nullable=True),
        Column("event_type", "string", "GA4 recommended name."),
        Column("item_id", "string", "Item; NULL where the event has none.", nullable=True),
        Column("occurred_at", "timestamp", "When it happened, UTC; midnight when the source knows only the day."),
        Column("event_date", "date", "UTC day of ``occurred_at``."),
        Column("time_resolution", "string", "second, or day when the source knows only the day: then order within a day is unknown."),
        Column("quantity", "int", "Pieces.", nullable=True),
        Column("unit_price_minor", "bigint", "Price a piece, in minor units.", nullable=True),
        Column("currency", "string", "ISO 4217 code.", nullable=True),
        Column("order_id", "string", "Order that the event belongs to.", nullable=True),
        Column("channel", "string", "Marketing channel of the visit.", nullable=True),
        Column("campaign_id", "string", "Campaign of the visit.", nullable=True),
        Column("experiment", "string", "Experiment that the visitor was part of.", nullable=True),
        Column("variant", "string", "Arm of that experiment.", nullable=True),
        Column("exposure_propensity", "double", "Probability with which the arm was drawn, in (0, 1].", nullable=True, tolerance=1e-9),
        Column("source", "string", "Source that the event came from."),
        Column("delivery_count", "int", "Times that the event was delivered; all but one were merged."),
        PROVENANCE,
    ),
    key=("event_date", "event_id"),
    partitioned_by="event_date",
)
EVENTS_REJECTED = rejected_twin(EVENTS, "One row a landed line that could not become an event, with all its reasons.")


def parses(events: DataFrame, orders: DataFrame, *, source: Source, settings: Settings) -> DataFrame:
    """Every landed line of the feed that events come from, with event columns and reasons."""
    bronze = orders if source.events.feed == "orders" else events
    faults = {
        "unknown_event_type": ~F.col("event_type").isin(*EVENT_TYPES),
        "missing_item": F.col("item_id").isNull() & ~F.col("event_type").isin(*EVENT_TYPES_WITHOUT_ITEM),
        **parsing.time_faults("event_date", settings.max_lateness_days),
        **parsing.price_faults(source),
        "impossible_quantity": F.col("quantity").isNotNull() & parsing.quantity_fault(),
    }
    return parsing.mark(bronze, source, source.events, faults, happened_at="occurred_at", day="event_date")


def build(marked: DataFrame, *, source: Source, settings: Settings) -> tuple[DataFrame, DataFrame]:
    """One row an event, and one row a rejected line. Pseudonyms come before ids, so that an id hides the person too."""
    rows = marked.where(F.size("reasons") == 0).withColumn("time_resolution", F.lit(source.time_resolution))
    rows = parsing.without_raw_ids(rows, source.events, {"user_id": "user", "anonymous_id": "anonymous"}, settings.pseudonym_key)
    rows = parsing.identified(rows, source.events, "event_id")
    kept = parsing.first_delivery(rows, EVENTS.key).select(*EVENTS.column_names)
    return kept, parsing.rejected(marked, EVENTS_REJECTED)


STEP = Step(
    reads=(Read(BRONZE_EVENTS), Read(BRONZE_ORDERS)),
    writes=(Write(EVENTS, SUITE, EventDays()), Write(EVENTS_REJECTED, REJECTED_SUITE, LandedDays())),
    build=build,
    takes=("source", "settings"),
    parses=parses,
)
