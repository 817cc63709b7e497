"""Landed lines as a Spark frame: the contract that the bronze tables share, and the reader behind them.

Files are read where the tasks run, as streams out of the object store: one file after the other, a batch of lines at a time, while
their SHA-256 and their rows are held against the marker.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.contract import Column, Table
from jobs.errors import LandingError
from jobs.interval import Interval
from jobs.landing import HashingStream, PlacedFile, bare_line, check_header, has_header, is_bare, landed_files, line_blocks, text_of
from jobs.sources.source import Feed, Source
from jobs.store import Store

BATCH_ROWS = 20_000
"""Most lines in one batch; its text is a block of the file, a megabyte or one line that is longer."""

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
                    for first, lines in verified_lines(store, feed, file):
                        yield _batch(source_name, file, first, lines)

    return read


def verified_lines(store: Store, feed: Feed, file: PlacedFile) -> Iterator[tuple[int, pa.StringArray]]:
    """The data lines of a landed file in batches, each with the number of its first line; a header is verified and left out.

    Raises LandingError when rows or SHA-256 differ from the marker, before the last batch.
    """
    held: tuple[int, pa.StringArray] | None = None
    number = 1
    with store.open(file.key) as body:
        stream = HashingStream(body)
        for block in line_blocks(stream, file.key):
            lines = texts(block)
            if number == 1 and has_header(feed):
                check_header(lines[0].as_py(), feed, file.key)
                lines, number = lines.slice(1), 2
            for at in range(0, len(lines), BATCH_ROWS):
                batch = lines.slice(at, BATCH_ROWS)
                if held is not None:
                    yield held
                held = (number, batch)
                number += len(batch)
        found = stream.sha256()
    if number == 1 and has_header(feed):
        check_header("", feed, file.key)
    rows = number - 1 - has_header(feed)
    if (rows, found) != (file.rows, file.sha256):
        raise LandingError(
            file.key,
            expected=f"{file.rows} rows, sha256 {file.sha256} as its marker says",
            found=f"{rows} rows, sha256 {found}",
            advice="The file was changed after it landed. Land the day again.",
        )
    if held is not None:
        yield held


def texts(block: bytes) -> pa.StringArray:
    r"""The lines of a block as text. All at once where the block is plain UTF-8, which is eight times as fast as line by line.

    >>> texts(b"tea\r\nmug\n").to_pylist()
    ['tea', 'mug']
    """
    if not (is_bare(block) and _is_utf8(block)):
        return pa.array([text_of(bare_line(line)) for line in block.removesuffix(b"\n").split(b"\n")], pa.string())
    ended = block if block.endswith(b"\n") else block + b"\n"
    characters = np.frombuffer(ended, np.uint8)
    is_end = characters == ord("\n")
    ends = np.flatnonzero(is_end)
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(characters[~is_end]))


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _batch(source_name: str, file: PlacedFile, first: int, lines: pa.StringArray) -> pa.RecordBatch:
    rows = len(lines)
    columns = [
        pa.repeat(source_name, rows),
        pa.repeat(pa.scalar(file.landed_date, pa.date32()), rows),
        pa.repeat(file.key, rows),
        pa.array(np.arange(first, first + rows)),
        pa.repeat(pa.scalar(midnight(file.landed_date), pa.timestamp("us", tz="UTC")), rows),
        pa.repeat(file.sha256, rows),
        lines,
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_ARROW_SCHEMA)


def midnight(day: date) -> datetime:
    """The instant that begins a UTC day."""
    return datetime.combine(day, time(), tzinfo=UTC)
