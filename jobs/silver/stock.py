"""``silver.stock``: what was counted of an item, day by day, as it became known."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.silver.stock import MOST_IN_STOCK, REJECTED_SUITE, SUITE
from jobs.bronze.stock import STOCK as BRONZE_STOCK
from jobs.contract import Column, Table, columns
from jobs.settings import Settings
from jobs.silver import parsing
from jobs.silver.provenance import PROVENANCE, rejected_twin
from jobs.sources.source import Source
from jobs.step import EventDays, LandedDays, Read, Step, Write

EVERYWHERE = ""
"""``location_id`` of a count that names no location."""

STOCK = Table(
    name="silver.stock",
    doc="One row an item, location, UTC day on which it was counted, and UTC day on which that landed: what was counted last. A count "
    "holds until the next one of the same item and location; what is in stock is the sum over the locations. "
    "Only where a shop sends the feed.",
    columns=columns(
        Column("item_id", "string", "Item."),
        Column("location_id", "string", "Warehouse or branch; empty where the shop counts all of them as one."),
        Column("observed_date", "date", "UTC day of the count."),
        Column("observed_at", "timestamp", "When it was counted, UTC."),
        Column("quantity", "int", "Pieces that can be sold; below zero where more was sold than there is."),
        Column("source", "string", "Source that the count came from."),
        Column("delivery_count", "int", "Lines that landed that day and counted the item there on this day; all but the last were merged."),
        PROVENANCE,
    ),
    key=("observed_date", "item_id", "location_id", "landed_date"),
    partitioned_by="observed_date",
)
STOCK_REJECTED = rejected_twin(STOCK, "One row a landed line of the stock feed that counts nothing, with all its reasons.")


def parses(stock: DataFrame, *, source: Source, settings: Settings) -> DataFrame:
    """Every landed line of the stock feed, with the columns of a count and reasons; raises ValueError where the source has no such feed."""
    quantity = F.col("quantity")
    faults = {
        "missing_item": F.col("item_id").isNull(),
        **parsing.time_faults("observed_date", settings.max_lateness_days),
        "missing_quantity": quantity.isNull(),
        "impossible_quantity": quantity.isNotNull() & ~quantity.between(-MOST_IN_STOCK, MOST_IN_STOCK),
    }
    marked = parsing.mark(stock, source, source.canonical("stock"), faults, happened_at="observed_at", day="observed_date")
    return marked.withColumn("location_id", F.coalesce("location_id", F.lit(EVERYWHERE)))


def build(marked: DataFrame, **_: object) -> tuple[DataFrame, DataFrame]:
    """One row an item, location, day and landing day with what was counted last, and one row a rejected line."""
    kept = parsing.last_word(marked.where(F.size("reasons") == 0), STOCK.key).select(*STOCK.column_names)
    return kept, parsing.rejected(marked, STOCK_REJECTED)


STEP = Step(
    reads=(Read(BRONZE_STOCK),),
    writes=(Write(STOCK, SUITE, EventDays()), Write(STOCK_REJECTED, REJECTED_SUITE, LandedDays())),
    build=build,
    takes=("source", "settings"),
    parses=parses,
    feed="stock",
)
