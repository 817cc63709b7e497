"""Files below a table that no snapshot names: what a writer left that died before its commit.

A file that is being written now is named by nothing either. So only old ones go: three days at least, which is a setting, and more than the
day that Iceberg itself insists on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.catalog import LAKE
from jobs.maintenance.going import Going
from jobs.store import Store

PART = "orphans"


def plan(spark: SparkSession, store: Store, tables: Sequence[str], older_than: datetime) -> list[Going]:
    """The orphans of each table that were last written before ``older_than``."""
    found = []
    for table in tables:
        rows = spark.sql(_call(table, older_than, "dry_run => true")).collect()
        names = tuple(sorted(row["orphan_file_location"] for row in rows))
        if names:
            sizes = _sizes(store, names)
            reason = f"named by no snapshot, written before {older_than:%Y-%m-%d %H:%M} UTC"
            found.append(Going(PART, table, "file", names, reason, sum(sizes.get(key_of(name), 0) for name in names)))
    return found


def execute(spark: SparkSession, plan: Sequence[Going], older_than: datetime) -> None:
    """Remove the planned files that are still orphans; no other."""
    view = "_tradewind_orphans"
    for going in plan:
        listed = spark.createDataFrame([(name,) for name in going.names], "file_path string")
        long_ago = F.timestamp_seconds(F.lit(0))  # the plan has looked at the age; the procedure asks for the column
        listed.withColumn("last_modified", long_ago).createOrReplaceTempView(view)
        spark.sql(_call(going.subject, older_than, f"file_list_view => '{view}'")).collect()
        spark.catalog.dropTempView(view)


def key_of(location: str) -> str:
    """The object key of a file's address.

    >>> key_of("s3://tradewind/warehouse/ops/runs/data/a.parquet")
    'warehouse/ops/runs/data/a.parquet'
    """
    return urlsplit(location).path.lstrip("/")


def _sizes(store: Store, names: Sequence[str]) -> dict[str, int]:
    folders = {key_of(name).rpartition("/")[0] + "/" for name in names}
    return {entry.key: entry.size for folder in sorted(folders) for entry in store.list(folder)}


def _call(table: str, older_than: datetime, mode: str) -> str:
    at = f"TIMESTAMP '{older_than.astimezone(UTC):%Y-%m-%d %H:%M:%S}'"
    return f"CALL {LAKE}.system.remove_orphan_files(table => '{table}', older_than => {at}, prefix_listing => true, {mode})"
