"""Whole numbers for ids: ALS wants integers, and the same ones whatever the partitions are."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_WITHIN_PARTITION = (1 << 33) - 1
"""``monotonically_increasing_id`` keeps the row's number within its partition in the lower 33 bits (Spark's documentation)."""


def positions(ids: DataFrame, column: str, position: str) -> DataFrame:
    """One row a distinct id: ``column``, and ``position int``, its place from 0 in the order of the ids.

    The sort runs on the executors; the driver sees one count a partition. Needs a checkpoint directory: the sorted rows must stay where
    they are between counting and numbering.
    """
    ordered = ids.select(column).where(F.col(column).isNotNull()).distinct().orderBy(column).checkpoint()
    marked = ordered.select(column, F.spark_partition_id().alias("_partition"), F.monotonically_increasing_id().alias("_number"))
    counts = marked.groupBy("_partition").count().collect()
    offsets: dict[int, int] = {}
    total = 0
    for row in sorted(counts, key=lambda row: row["_partition"]):
        offsets[row["_partition"]] = total
        total += row["count"]
    offset = F.lit(0)
    if offsets:
        offset = F.element_at(F.create_map(*[F.lit(part) for pair in offsets.items() for part in pair]), F.col("_partition"))
    within = F.col("_number").bitwiseAND(F.lit(_WITHIN_PARTITION))
    return marked.select(column, (within + offset).cast("int").alias(position))
