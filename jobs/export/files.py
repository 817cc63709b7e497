"""The files of an export: written by Spark tasks in parallel, read back and compared before anybody is told of them."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame, Row

from jobs.errors import TryAgainError
from jobs.export.csv_text import csv_text
from jobs.store import Store

_PARTS = "part int, format string, key string, row_count bigint, bytes bigint, sha256 string"
_READ_BYTES = 1 << 20
_READERS = 8


@dataclass(frozen=True)
class ExportedFile:
    """One file: its format (parquet or csv), object key, rows, size in bytes and SHA-256."""

    format: str
    key: str
    rows: int
    bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """The file as a manifest lists it."""
        return asdict(self)


def write_files(
    df: DataFrame, schema: pa.Schema, *, store: Store, prefix: str, files: int, spread_by: str, sort_by: Sequence[str]
) -> list[ExportedFile]:
    """Write ``df`` below ``prefix`` as ``files`` Parquet and as many CSV files; returns them in order of format and key.

    Rows are dealt to files by a hash of ``spread_by`` and sorted by ``sort_by`` (a key: no ties), so that the same rows give the same
    bytes in every run and every retry of a task; ranges would not, as Spark draws their bounds from a sample. A task holds one file's
    rows in memory.
    """
    names = schema.names
    dealt = df.select(*names).repartition(files, spread_by).sortWithinPartitions(*sort_by)
    rows = dealt.mapInArrow(_part_writer(schema, store, prefix), _PARTS).collect()
    if not rows:  # Spark plans no task for a frame that it knows to be empty; readers still get a file with the columns
        rows = [Row(**part) for part in _write_part(0, schema.empty_table(), store, prefix)]
    found = [ExportedFile(row["format"], row["key"], row["row_count"], row["bytes"], row["sha256"]) for row in rows]
    return sorted(found, key=lambda file: file.key)


def verify_files(files: Iterable[ExportedFile], store: Store) -> None:
    """Read every file back; raises TryAgainError that lists those whose size or SHA-256 is not what was written."""
    with ThreadPoolExecutor(_READERS) as readers:
        wrong = [message for message in readers.map(lambda file: _difference(file, store), files) if message]
    if wrong:
        raise TryAgainError(
            "export",
            expected="to read back what was written",
            found="; ".join(wrong),
            advice="Nothing was released; the next attempt exports anew.",
        )


def _part_writer(schema: pa.Schema, store: Store, prefix: str) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def write_part(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = TaskContext.get()
        part = task.partitionId() if task is not None else 0
        plain = pa.schema([pa.field(field.name, field.type) for field in schema])
        table = pa.Table.from_batches([batch.cast(plain) for batch in batches], schema=plain).cast(schema)
        yield pa.RecordBatch.from_pylist(_write_part(part, table, store, prefix), schema=_PARTS_ARROW)

    return write_part


_PARTS_ARROW = pa.schema(
    [
        ("part", pa.int32()),
        ("format", pa.string()),
        ("key", pa.string()),
        ("row_count", pa.int64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
    ]
)


def _write_part(part: int, table: pa.Table, store: Store, prefix: str) -> list[dict[str, Any]]:
    parquet = io.BytesIO()
    pq.write_table(table, parquet, compression="zstd", version="2.6")
    written = []
    for kind, content in (("parquet", parquet.getvalue()), ("csv", csv_text(table))):
        key = f"{prefix}{kind}/part-{part:05d}.{kind}"
        store.upload_bytes(content, key)
        digest = hashlib.sha256(content).hexdigest()
        written.append({"part": part, "format": kind, "key": key, "row_count": table.num_rows, "bytes": len(content), "sha256": digest})
    return written


def _difference(file: ExportedFile, store: Store) -> str | None:
    digest, size = hashlib.sha256(), 0
    with store.open(file.key) as stream:
        while chunk := stream.read(_READ_BYTES):
            digest.update(chunk)
            size += len(chunk)
    if (size, digest.hexdigest()) == (file.bytes, file.sha256):
        return None
    return f"{file.key} has {size} bytes and SHA-256 {digest.hexdigest()}, not {file.bytes} and {file.sha256}"
