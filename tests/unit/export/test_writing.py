"""An export is whole, verified and repeatable, or it has no ``_SUCCESS``."""

import hashlib
import io
import json
from datetime import date

import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.content_hash import content_hash
from jobs.contract import Column, Table
from jobs.errors import TryAgainError
from jobs.export.exports import Export
from jobs.export.files import ExportedFile, verify_files
from jobs.export.writing import Exported, Provenance, rows_of_day, write_export
from jobs.settings import Settings
from jobs.store import Store

DAY = date(2026, 6, 30)
CUPS = Table(
    name="gold.cups",
    doc="One row a cup and day.",
    columns=(
        Column("as_of_date", "date", "Day."),
        Column("cup_id", "string", "Cup."),
        Column("owner", "string", "Owner.", nullable=True),
        Column("fill_share", "double", "How full, in [0, 1].", tolerance=1e-9),
        Column("filled_at", "timestamp", "When it was filled, UTC."),
    ),
    key=("as_of_date", "cup_id"),
    partitioned_by="as_of_date",
)


@pytest.fixture(scope="module")
def store(services: Settings) -> Store:
    return Store.from_settings(services)


def cups(spark: SparkSession, count: int, partitions: int = 3) -> DataFrame:
    """Cups of the day, and one of the day before."""
    rows = spark.range(count + 1, numPartitions=partitions).selectExpr(
        f"if(id = {count}, DATE'2026-06-29', DATE'2026-06-30') AS as_of_date",
        "concat('cup', id) AS cup_id",
        "if(id % 3 = 0, NULL, if(id % 3 = 1, '', 'Zoë, the \"great\"')) AS owner",
        "id / 7 AS fill_share",
        "timestamp_micros(id * 1000003) AS filled_at",
    )
    return spark.createDataFrame(rows.rdd, CUPS.struct())


def exported(df: DataFrame, store: Store, release_id: str, rows_per_file: int = 10) -> Exported:
    """The export of the day under ``release_id``."""
    export = Export("cups", CUPS, rows_per_file=rows_per_file)
    verdict = {"evaluated": 1, "critical_failed": 0, "warnings": 0}
    provenance = Provenance(release_id, DAY, 2**60 + 1, {"silver.events": 2**60 + 3}, {}, verdict)
    return write_export(export, rows_of_day(export, df, DAY), store, provenance)


def test_the_files_hold_the_rows_of_the_day_and_nothing_else(spark: SparkSession, store: Store) -> None:
    source = cups(spark, 35)
    done = exported(source, store, "2026-06-30-000101")
    parts = [pq.read_table(io.BytesIO(store.read(f.key) or b"")) for f in done.files if f.format == "parquet"]
    assert (done.rows, len(parts), sum(part.num_rows for part in parts)) == (35, 4, 35)
    back = spark.createDataFrame([row for part in parts for row in part.to_pylist()], CUPS.struct())
    assert content_hash(back, CUPS) == content_hash(source.where("as_of_date = DATE'2026-06-30'"), CUPS) == done.content_hash


def test_the_same_rows_give_the_same_bytes_whatever_their_partitions(spark: SparkSession, store: Store) -> None:
    first = exported(cups(spark, 35, partitions=1), store, "2026-06-30-000102")
    second = exported(cups(spark, 35, partitions=5), store, "2026-06-30-000103")
    assert [file.sha256 for file in first.files] == [file.sha256 for file in second.files]


def test_the_manifest_describes_every_file_and_success_comes_beside_it(spark: SparkSession, store: Store) -> None:
    done = exported(cups(spark, 12), store, "2026-06-30-000104")
    manifest = json.loads(store.read(f"{done.prefix}_manifest.json") or b"")
    assert done.prefix == "exports/cups/schema=v1/release=2026-06-30-000104/"
    for file in manifest["files"]:
        content = store.read(file["key"]) or b""
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert manifest["source"] == {"table": "gold.cups", "snapshot_id": str(2**60 + 1)}
    assert store.read(f"{done.prefix}_SUCCESS") == b""


def test_a_day_without_rows_is_exported_as_files_with_columns(spark: SparkSession, store: Store) -> None:
    done = exported(cups(spark, 0), store, "2026-06-30-000105")
    parquet, text = (next(f for f in done.files if f.format == kind) for kind in ("parquet", "csv"))
    assert (done.rows, len(done.files)) == (0, 2)
    assert pq.read_schema(io.BytesIO(store.read(parquet.key) or b"")).names == list(CUPS.column_names)
    assert store.read(text.key) == b"as_of_date,cup_id,owner,fill_share,filled_at\r\n"


def test_a_file_that_does_not_read_back_stops_the_export(store: Store) -> None:
    store.write("exports/cups/broken", b"other bytes")
    written = ExportedFile("csv", "exports/cups/broken", 1, 11, hashlib.sha256(b"these bytes").hexdigest())
    with pytest.raises(TryAgainError, match="exports/cups/broken has 11 bytes"):
        verify_files([written], store)
