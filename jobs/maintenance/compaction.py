"""Many small files become few: the rows stay as they are, ``main`` moves.

A branch that was made before cannot be published any more (its writer loses the race and stages anew), so this runs as one of the lake's
writers, in their pool. The new snapshot is a ``replace`` without a run: who asks which run wrote a table finds the snapshot before it.
"""

from collections.abc import Mapping, Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.catalog import LAKE
from jobs.maintenance.going import Going

PART = "compaction"
FILES, MANIFESTS = "partition of small files", "manifest"
TARGET_BYTES = 128 << 20
SMALL_BYTES = 64 << 20
"""A file below this is small; as much of them as fits is joined into files of the target size."""

SMALL_MANIFEST_BYTES = 4 << 20

WHOLE = "all"
"""Name of the one partition of a table without partitions."""


def plan(spark: SparkSession, tables: Sequence[str], min_files: int) -> list[Going]:
    """Partitions of at least ``min_files`` small files, and tables of at least as many small manifests."""
    found = []
    for table in tables:
        crowded = _crowded(spark, table, min_files)
        if crowded:
            files, size = (sum(figures) for figures in zip(*crowded.values(), strict=True))
            reason = f"{files:,} files below {SMALL_BYTES >> 20} MiB, {size:,} bytes to rewrite"
            found.append(Going(PART, table, FILES, tuple(sorted(crowded)), reason))
        manifests = spark.table(f"{LAKE}.{table}.manifests").where(F.col("length") < SMALL_MANIFEST_BYTES).select("path").collect()
        if len(manifests) >= min_files:
            names = tuple(sorted(row["path"].rpartition("/")[2] for row in manifests))
            found.append(Going(PART, table, MANIFESTS, names, "each query opens every manifest"))
    return found


def execute(spark: SparkSession, plan: Sequence[Going]) -> None:
    """Rewrite the planned partitions, one commit a table, then its manifests; raises RuntimeError when a row got lost."""
    for going in plan:
        if going.kind == MANIFESTS:
            spark.sql(f"CALL {LAKE}.system.rewrite_manifests('{going.subject}', false)").collect()
            continue
        rows = _rows(spark, going.subject)
        where = where_of(going.names)
        options = (
            f"map('target-file-size-bytes', '{TARGET_BYTES}', 'min-file-size-bytes', '{SMALL_BYTES}',"
            f" 'max-file-size-bytes', '{TARGET_BYTES * 2}', 'min-input-files', '2')"
        )
        condition = f", where => '{where}'" if where else ""
        spark.sql(f"CALL {LAKE}.system.rewrite_data_files(table => '{going.subject}', options => {options}{condition})").collect()
        if _rows(spark, going.subject) != rows:
            message = f"{going.subject}: {rows} rows before compaction, {_rows(spark, going.subject)} after it"
            raise RuntimeError(message)


def where_of(partitions: Sequence[str]) -> str:
    """The filter of partitions named ``column=value``, for the inside of an SQL text; empty for a table without partitions.

    >>> where_of(["event_date=2026-05-01", "event_date=2026-05-02"])
    'event_date IN ("2026-05-01", "2026-05-02")'
    >>> where_of([WHOLE])
    ''
    """
    if tuple(partitions) == (WHOLE,):
        return ""
    column = partitions[0].partition("=")[0]
    return f"{column} IN ({', '.join(chr(34) + name.partition('=')[2] + chr(34) for name in partitions)})"


def _crowded(spark: SparkSession, table: str, min_files: int) -> Mapping[str, tuple[int, int]]:
    """Partition -> small files and their bytes, where there are at least ``min_files``."""
    files = spark.table(f"{LAKE}.{table}.files").where((F.col("content") == 0) & (F.col("file_size_in_bytes") < SMALL_BYTES))
    has_partitions = "partition" in files.columns
    keys = [F.col("partition")] if has_partitions else []
    sums = (F.count("*").alias("files"), F.sum("file_size_in_bytes").alias("bytes"))
    rows = files.groupBy(*keys).agg(*sums).where(F.col("files") >= min_files).collect()
    return {_named(row["partition"].asDict() if has_partitions else {}): (row["files"], row["bytes"]) for row in rows}


def _named(partition: Mapping[str, object]) -> str:
    return ",".join(f"{column}={value}" for column, value in partition.items()) or WHOLE


def _rows(spark: SparkSession, table: str) -> int:
    return spark.table(f"{LAKE}.{table}").count()
