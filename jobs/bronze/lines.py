"""Landed lines as a Spark frame: the contract that the bronze tables share, and the reader behind them.

Files are read where the tasks run, as streams out of the object store: one file after the other, a batch of lines at a time, while
their SHA-256 and their rows are held against the marker.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.contract import Column, Table
from jobs.errors import LandingError
from jobs.interval import Interval
from jobs.landing import HashingStream, PlacedFile, landed_files, read_lines
from jobs.sources.source import Feed, Source
from jobs.store import Store

BATCH_ROWS = 20_000
BATCH_CHARACTERS = 8 << 20
"""A batch of lines ends at whichever comes first."""

TASK_BYTES = 32 << 20
"""Stored bytes that one task reads at most, unless a single file is larger: small files share a task, since a task costs a start."""

_ARROW_SCHEMA = pa.schema(
    [
        ("source", pa.string()),
        ("landed_date", pa.date32()),
        ("source_file", pa.string()),
        ("line_number", pa.int64()),
        ("landed_at", pa.timestamp("us", tz="UTC")),
        ("file_sha256", pa.string()),
        ("raw_line", pa.string()),
    ]
)


def lines_table(name: str, doc: str) -> Table:
    """The contract of a bronze table: what all of them have in common."""
    return Table(
        name=name,
        doc=doc,
        columns=(
            Column("source", "string", "Source that the line came from."),
            Column("landed_date", "date", "UTC day on which the line landed: its folder's day."),
            Column("source_file", "string", "Object key of the landed file."),
            Column("line_number", "bigint", "Line in that file, from 1; a header counts as a line."),
            Column("landed_at", "timestamp", "Midnight UTC of ``landed_date``: from the folder, not from a file's clock."),
            Column("file_sha256", "string", "SHA-256 of the landed file: two files that share it are one file, delivered twice."),
            Column("raw_line", "string", "The line as it landed; a byte that is not UTF-8 as ``\\xNN``."),
        ),
        key=("source_file", "line_number"),
        partitioned_by="landed_date",
    )


def landed_lines(feed_name: str, *, spark: SparkSession, source: Source, store: Store, interval: Interval) -> DataFrame:
    """One row a data line that landed for a feed in the interval; no rows where the source does not have the feed.

    Markers, names and sizes are checked at once: raises NotLandedError and LandingError as ``landing.check`` does. A file whose content
    differs from its marker raises LandingError inside the task that reads it.
    """
    files = landed_files(store, source, feed_name, interval)
    schema = lines_table("", "").struct()
    if not files:
        return spark.createDataFrame([], schema)
    shares = shared_out(files, spark.sparkContext.defaultParallelism)
    read = _reader(store, source.name, source.feed(feed_name), shares)
    return spark.range(0, len(shares), 1, numPartitions=len(shares)).mapInArrow(read, schema)


def shared_out(files: Sequence[PlacedFile], tasks: int) -> tuple[tuple[PlacedFile, ...], ...]:
    """The files in shares of neighbours, one a Spark task: ``tasks`` of them if there are as many files, more where shares grow large."""
    largest = min(TASK_BYTES, sum(file.bytes for file in files) / tasks)
    shares: list[list[PlacedFile]] = []
    size = 0
    for number, file in enumerate(files):
        is_needed_by_others = len(files) - number <= tasks - len(shares)
        if not shares or size + file.bytes > largest or is_needed_by_others:
            shares.append([])
            size = 0
        shares[-1].append(file)
        size += file.bytes
    return tuple(map(tuple, shares))


def _reader(
    store: Store, source_name: str, feed: Feed, shares: Sequence[Sequence[PlacedFile]]
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index in batch.column("id").to_pylist():
                for file in shares[index]:
                    for numbers, lines in verified_lines(store, feed, file):
                        yield _batch(source_name, file, numbers, lines)

    return read


def verified_lines(store: Store, feed: Feed, file: PlacedFile) -> Iterator[tuple[list[int], list[str]]]:
    """Line numbers and lines of a landed file, a batch at a time; raises LandingError when rows or SHA-256 differ from the marker."""
    numbers: list[int] = []
    lines: list[str] = []
    rows = characters = 0
    with store.open(file.key) as body:
        stream = HashingStream(body)
        for number, line in read_lines(stream, feed, file.key):
            numbers.append(number)
            lines.append(line)
            rows += 1
            characters += len(line)
            if len(lines) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                yield numbers, lines
                numbers, lines, characters = [], [], 0
        found = stream.sha256()
    if (rows, found) != (file.rows, file.sha256):
        raise LandingError(
            file.key,
            expected=f"{file.rows} rows, sha256 {file.sha256} as its marker says",
            found=f"{rows} rows, sha256 {found}",
            advice="The file was changed after it landed. Land the day again.",
        )
    if lines:
        yield numbers, lines


def _batch(source_name: str, file: PlacedFile, numbers: list[int], lines: list[str]) -> pa.RecordBatch:
    rows = len(lines)
    columns = [
        pa.repeat(source_name, rows),
        pa.repeat(pa.scalar(file.landed_date, pa.date32()), rows),
        pa.repeat(file.key, rows),
        pa.array(numbers, pa.int64()),
        pa.repeat(pa.scalar(midnight(file.landed_date), pa.timestamp("us", tz="UTC")), rows),
        pa.repeat(file.sha256, rows),
        pa.array(lines, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW_SCHEMA)


def midnight(day: date) -> datetime:
    """The instant that begins a UTC day."""
    return datetime.combine(day, time(), tzinfo=UTC)
