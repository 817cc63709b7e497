"""``silver.items``: the catalogue, one row a version of an item."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from expectations.silver.items import SUITE
from jobs.contract import Column, Table
from jobs.silver.item_observations import ATTRIBUTES, ITEM_OBSERVATIONS, last_said
from jobs.step import Read, Step, Whole, Write

ITEMS = Table(
    name="silver.items",
    doc="One row a version of an item; a version begins when one of its attributes changed, and the last one is open.",
    columns=(
        Column("item_id", "string", "Item."),
        Column("valid_from", "date", "First UTC day on which the version holds."),
        Column("valid_to", "date", "First UTC day on which it no longer holds; NULL for the current version.", nullable=True),
        Column("name", "string", "Name that a shopper reads.", nullable=True),
        Column("category_id", "string", "Category.", nullable=True),
        Column("brand", "string", "Brand.", nullable=True),
        Column("unit_price_minor", "bigint", "List price a piece, in minor units.", nullable=True),
        Column("currency", "string", "ISO 4217 code.", nullable=True),
        Column("is_on_sale", "boolean", "Whether the item can be bought."),
    ),
    key=("item_id", "valid_from"),
)


def build(observations: DataFrame) -> DataFrame:
    """One row a version: days in a row whose last words say the same are one version, open until the next one begins."""
    by_day = Window.partitionBy("item_id").orderBy("observed_date")
    days = observations.groupBy("item_id", "observed_date").agg(last_said(*ATTRIBUTES).alias("_said"))
    begins = days.withColumn("_before", F.lag("_said").over(by_day))
    versions = begins.where(F.col("_before").isNull() | ~F.col("_said").eqNullSafe(F.col("_before")))
    versions = versions.withColumn("valid_from", F.col("observed_date")).withColumn("valid_to", F.lead("observed_date").over(by_day))
    return versions.select("*", "_said.*").select(*ITEMS.column_names)


STEP = Step(reads=(Read(ITEM_OBSERVATIONS),), writes=(Write(ITEMS, SUITE, Whole()),), build=build)
