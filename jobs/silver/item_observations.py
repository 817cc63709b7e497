"""``silver.item_observations``: what was said about an item, day by day, as it became known; ``silver.items`` is made of it."""

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.silver.item_observations import REJECTED_SUITE, SUITE
from jobs.bronze.events import EVENTS as BRONZE_EVENTS
from jobs.bronze.items import ITEMS as BRONZE_ITEMS
from jobs.bronze.orders import ORDERS as BRONZE_ORDERS
from jobs.contract import Column, Table, columns
from jobs.settings import Settings
from jobs.silver import parsing
from jobs.silver.provenance import PROVENANCE, rejected_twin
from jobs.sources.source import ITEM_COLUMNS, Source
from jobs.step import EventDays, LandedDays, Read, Step, Write

ATTRIBUTES = ("name", "category_id", "brand", "unit_price_minor", "currency", "is_on_sale")
"""What an observation says about an item; a change of one of them begins a new version."""

ITEM_OBSERVATIONS = Table(
    name="silver.item_observations",
    doc="One row an item, UTC day on which something was said about it, and UTC day on which that landed: what is said last. "
    "From the item feed, or from events or orders where a source has none.",
    columns=columns(
        Column("item_id", "string", "Item."),
        Column("observed_date", "date", "UTC day of the observation."),
        Column("observed_at", "timestamp", "When it was said, UTC; midnight when the source knows only the day."),
        Column("name", "string", "Name that a shopper reads.", nullable=True),
        Column("category_id", "string", "Category.", nullable=True),
        Column("brand", "string", "Brand.", nullable=True),
        Column("unit_price_minor", "bigint", "List price a piece, in minor units.", nullable=True),
        Column("currency", "string", "ISO 4217 code.", nullable=True),
        Column("is_on_sale", "boolean", "Whether the item can be bought; true where the source does not say."),
        Column("source", "string", "Source that the observation came from."),
        Column("delivery_count", "int", "Lines that landed that day and spoke of the item on this one; all but the last were merged."),
        PROVENANCE,
    ),
    key=("observed_date", "item_id", "landed_date"),
    partitioned_by="observed_date",
)
ITEM_OBSERVATIONS_REJECTED = rejected_twin(
    ITEM_OBSERVATIONS, "One row a landed line of the item feed that says nothing usable, with all its reasons."
)

NOTHING = (
    ", ".join(f"{name} {kind}" for name, kind in ITEM_COLUMNS.items())
    + ", observed_date date, landed_date date, source_file string, line_number bigint, source string"
    + ", raw_line string, reasons array<string>"
)
"""Shape of the marked lines of a source that says nothing about its items."""


def parses(events: DataFrame, orders: DataFrame, items: DataFrame, *, source: Source, settings: Settings) -> DataFrame:
    """Every landed line of the feed that items come from, with the columns of an observation and reasons."""
    if source.items is None:
        return events.sparkSession.createDataFrame([], NOTHING)
    bronze = {"events": events, "orders": orders, "items": items}[source.items.feed]
    faults = {
        "missing_item": F.col("item_id").isNull(),
        **parsing.time_faults("observed_date", settings.max_lateness_days),
        **parsing.price_faults(source),
    }
    return parsing.mark(bronze, source, source.items, faults, happened_at="observed_at", day="observed_date")


def build(marked: DataFrame, **_: object) -> tuple[DataFrame, DataFrame]:
    """One row an item, day and landing day with what is said last, and one row a rejected line."""
    kept = parsing.last_word(marked.where(F.size("reasons") == 0), ITEM_OBSERVATIONS.key).select(*ITEM_OBSERVATIONS.column_names)
    return kept, parsing.rejected(marked, ITEM_OBSERVATIONS_REJECTED)


def last_said(*columns: str) -> SparkColumn:
    """Aggregate: the struct of ``columns`` in the observation that was made last; of equals, the one that landed last counts."""
    return F.max_by(F.struct(*columns), F.struct("observed_at", "landed_date", "source_file", "line_number"))


STEP = Step(
    reads=(Read(BRONZE_EVENTS), Read(BRONZE_ORDERS), Read(BRONZE_ITEMS)),
    writes=(Write(ITEM_OBSERVATIONS, SUITE, EventDays()), Write(ITEM_OBSERVATIONS_REJECTED, REJECTED_SUITE, LandedDays())),
    build=build,
    takes=("source", "settings"),
    parses=parses,
)
