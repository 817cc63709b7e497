"""The landing zone: where raw files arrive, a marker for each feed and day that is written last, and the lines of a landed file.

Keys are ``landing/<source>/<feed>/<landed_date>/<file>``. Without its marker a day has not landed, whatever lies in its folder.
"""

import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import IO, Any

from jobs.errors import LandingError, NotLandedError
from jobs.interval import Interval
from jobs.sources.source import Csv, Feed, Source
from jobs.store import Store

MARKER = "_LANDED.json"
MAX_LINE_BYTES = 4 * 1024 * 1024
"""Longest line that is read; a longer one means that the file does not hold one record a line."""

MOST_EXPANSION, FREE_EXPANSION_BYTES = 200, 16 << 20
"""How many times its size an archive may grow to, once it has grown beyond so many bytes: logs grow to 50 times theirs, bombs to 1,000."""

_FILE_NAME = re.compile(r"[^/\\\x00-\x1f\x7f]{1,255}")
_GZIP_MAGIC = b"\x1f\x8b"
_NO_TEXT = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"\x04\x22\x4d\x18": "an lz4 archive",
    b"\xff\xfe": "text in UTF-16 or UTF-32",
    b"\xfe\xff": "text in UTF-16",
    b"\x00\x00\xfe\xff": "text in UTF-32",
    b"PAR1": "a Parquet file",
    b"\x89PNG": "a picture",
    _GZIP_MAGIC: "gzip inside gzip",
}
"""How files begin that hold no lines of text: named at once, rather than as thousands of lines that cannot be read."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CHUNK = 256 * 1024
_BLOCK = 1 << 20
_UPLOAD_IN_FLIGHT = re.compile(r"-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
"""S3Proxy lists an upload that is under way, or was killed, as the key and a UUID."""


@dataclass(frozen=True)
class LandedFile:
    """One file as its marker describes it: data rows (a header is none), and the bytes and SHA-256 of the stored object."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Marker:
    """What landed for one feed on one day."""

    source: str
    feed: str
    landed_date: date
    rows: int
    files: tuple[LandedFile, ...]

    def to_json(self) -> bytes:
        """The marker as it is stored; the same marker gives the same bytes."""
        return json.dumps(asdict(self) | {"landed_date": self.landed_date.isoformat()}, indent=1, sort_keys=True).encode()

    @classmethod
    def from_json(cls, content: bytes, key: str) -> "Marker":
        """Read a stored marker; raises LandingError when it is malformed."""
        try:
            raw = json.loads(content)
            files = tuple(LandedFile(_file_name(f["name"]), int(f["rows"]), int(f["bytes"]), str(f["sha256"])) for f in raw["files"])
            return cls(str(raw["source"]), str(raw["feed"]), date.fromisoformat(raw["landed_date"]), int(raw["rows"]), files)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise LandingError(
                key,
                expected="source, feed, landed_date, rows and files as JSON",
                found=f"a malformed marker ({error})",
                advice="Land the day again.",
            ) from error


@dataclass(frozen=True)
class PlacedFile:
    """A landed file and where it lies."""

    key: str
    landed_date: date
    rows: int
    bytes: int
    sha256: str


def _file_name(name: object) -> str:
    """The name of a file in its day's folder, and of nothing beyond it; raises ValueError for any other."""
    if not isinstance(name, str) or name in {".", "..", MARKER} or not _FILE_NAME.fullmatch(name):
        message = f"a file named {name!r}"
        raise ValueError(message)
    return name


def folder(source: str, feed: str, day: date) -> str:
    """Prefix of one feed's day, with its slash."""
    return f"landing/{source}/{feed}/{day.isoformat()}/"


def write_marker(store: Store, marker: Marker) -> None:
    """Declare the day complete; call it after every file is in place."""
    store.write(folder(marker.source, marker.feed, marker.landed_date) + MARKER, marker.to_json())


def find_marker(store: Store, source: str, feed: str, day: date) -> Marker | None:
    """The marker of a feed's day, or None when it has not landed; raises LandingError when it is malformed."""
    key = folder(source, feed, day) + MARKER
    content = store.read(key)
    return None if content is None else Marker.from_json(content, key)


def read_marker(store: Store, source: str, feed: str, day: date) -> Marker:
    """The marker of a feed's day; raises NotLandedError (tried again) when there is none, LandingError when it is malformed."""
    marker = find_marker(store, source, feed, day)
    if marker is None:
        raise NotLandedError(
            f"feed {feed} of {source} on {day}",
            expected=f"the marker {folder(source, feed, day)}{MARKER}",
            found="none",
            advice="The day has not landed yet and is tried again; if nothing is on its way, deliver the files and run"
            f" python -m jobs.land --source {source}.",
        )
    return marker


def check(store: Store, source: Source, feed_name: str, day: date) -> Marker:
    """The marker of a feed's day, held against what lies there: names and sizes; content is checked while it is read.

    Raises NotLandedError without a marker; LandingError when it is another day's marker or names a file twice, the day is empty and may not
    be, or files are missing, extra, or of another size.
    """
    marker = read_marker(store, source.name, feed_name, day)
    place = folder(source.name, feed_name, day)
    if (written_for := folder(marker.source, marker.feed, marker.landed_date)) != place:
        raise _broken(place, expected="a marker of this source, feed and day", found=f"one of {written_for}")
    if len({file.name for file in marker.files}) != len(marker.files):
        raise _broken(place, expected="each file once in the marker", found="a file that it names twice")
    if marker.rows == 0 and not source.feed(feed_name).may_be_empty:
        raise _broken(place, expected="at least one row (this feed may not be empty)", found="a marker that says 0 rows")
    if marker.rows != sum(file.rows for file in marker.files):
        raise _broken(place, expected=f"{marker.rows} rows", found=f"files of {sum(file.rows for file in marker.files)} rows in the marker")
    wanted = {file.name: file.bytes for file in marker.files}
    there = {stored.key.removeprefix(place): stored.size for stored in store.list(place)}
    there = {name: size for name, size in there.items() if name != MARKER and not (name not in wanted and _UPLOAD_IN_FLIGHT.search(name))}
    if there != wanted:
        differing = sorted({name for name, _ in wanted.items() ^ there.items()})
        raise _broken(place, expected=_listed(wanted, differing), found=_listed(there, differing))
    return marker


def _listed(files: dict[str, int], names: list[str]) -> str:
    shown = [f"{name} of {files[name]} bytes" if name in files else f"no {name}" for name in names[:5]]
    return ", ".join(shown) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _broken(subject: str, *, expected: str, found: str) -> LandingError:
    return LandingError(subject, expected=expected, found=found, advice="Land this day again: files first, the marker last.")


def landed_files(store: Store, source: Source, feed_name: str, interval: Interval) -> tuple[PlacedFile, ...]:
    """Every file that landed for a feed in the interval, by day and name, after each day was checked; none where the source lacks the feed.

    Of an optional feed no day is looked at before the shop began to send it. Raises NotLandedError and LandingError as ``check`` does.
    """
    if not source.has_feed(feed_name):
        return ()
    feed = source.feed(feed_name)
    markers = [check(store, source, feed_name, day) for day in interval.days() if feed.is_sent_on(day)]
    return tuple(
        PlacedFile(
            folder(marker.source, marker.feed, marker.landed_date) + file.name, marker.landed_date, file.rows, file.bytes, file.sha256
        )
        for marker in markers
        for file in sorted(marker.files, key=lambda file: file.name)
    )


def is_upload_in_flight(key: str) -> bool:
    """Whether an object is an upload that is under way or was killed, as S3Proxy lists one.

    >>> is_upload_in_flight("landing/corner/events/2026-05-04/a.gz-0b7a1f0e-9c1d-4c55-8f2e-0123456789ab")
    True
    """
    return _UPLOAD_IN_FLIGHT.search(key) is not None


def landed_days(store: Store, source: Source) -> tuple[date, ...]:
    """The days for which every feed that is sent on them has its marker, in order."""
    complete: set[date] | None = None
    for feed in source.feeds:
        prefix = f"landing/{source.name}/{feed.name}/"
        keys = (stored.key.removeprefix(prefix) for stored in store.list(prefix) if stored.key.endswith("/" + MARKER))
        days = {date.fromisoformat(key.partition("/")[0]) for key in keys}
        complete = days if complete is None else {day for day in complete if day in days or not feed.is_sent_on(day)}
    return tuple(sorted(complete or ()))


class _CountingStream(io.RawIOBase):
    """A readable stream that counts the bytes which go through it."""

    def __init__(self, stream: IO[bytes] | io.RawIOBase) -> None:
        self._stream, self.count = stream, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer``; 0 at the end."""
        chunk = self._stream.read(len(buffer)) or b""
        self._pass(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _pass(self, chunk: bytes) -> None:
        self.count += len(chunk)


class HashingStream(_CountingStream):
    """One that takes the SHA-256 of everything, too."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self._digest = hashlib.sha256()

    def _pass(self, chunk: bytes) -> None:
        super()._pass(chunk)
        self._digest.update(chunk)

    def sha256(self) -> str:
        """Of the whole stream: what was not read so far is read now."""
        while self.read(_CHUNK):
            pass
        return self._digest.hexdigest()


def raw_lines(stream: IO[bytes] | io.RawIOBase, name: str) -> Iterator[bytes]:
    """The lines of a plain or gzip stream without their line ends (LF, and CR before it).

    A line end inside quotes ends the line like any other. Byte order marks at the beginning of a line are left out: files are put together
    of files, and a line that ``land`` moves to the beginning of one must stay the line that it was. Raises LandingError for a broken
    archive, one that grows beyond all measure, a line without end, or a file that begins like an archive of another kind or like text in
    UTF-16.
    """
    for block in line_blocks(stream, name):
        lines = block.removesuffix(b"\n").split(b"\n")
        yield from lines if is_bare(block) else map(bare_line, lines)


def line_blocks(stream: IO[bytes] | io.RawIOBase, name: str) -> Iterator[bytes]:
    """The text of a plain or gzip stream in blocks of whole lines; the last one may lack its line end. Raises as ``raw_lines`` does."""
    counted = _CountingStream(stream)
    buffered = io.BufferedReader(counted, _CHUNK)
    is_gzip = buffered.peek(2)[:2] == _GZIP_MAGIC
    source = io.BufferedReader(gzip.GzipFile(fileobj=buffered), _CHUNK) if is_gzip else buffered
    grown = 0
    try:
        _check_beginning(source.peek(8), name)
        begun = b""
        while chunk := source.read(_BLOCK):
            grown += len(chunk)
            _check_expansion(counted.count, grown, name)
            whole, _, rest = chunk.rpartition(b"\n")
            if len(chunk) > len(rest):
                block = begun + whole + b"\n"
                if len(block) > MAX_LINE_BYTES:
                    _check_length(max(map(len, block.split(b"\n"))) + 1, name)
                yield block
                begun = rest
            else:
                begun += rest
            _check_length(len(begun), name)
        if begun:
            yield begun
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LandingError(
            name, expected="a whole gzip file", found=str(error), advice="Fetch the file again: it is cut or damaged."
        ) from error


def bare_line(line: bytes) -> bytes:
    """A line without carriage returns at its end and byte order marks at its beginning."""
    line = line.rstrip(b"\r")
    while line.startswith(_BYTE_ORDER_MARK):
        line = line.removeprefix(_BYTE_ORDER_MARK)
    return line


def is_bare(block: bytes) -> bool:
    """Whether nothing would have to be taken off the block's lines: surely when it holds neither of the two at all."""
    return b"\r" not in block and _BYTE_ORDER_MARK not in block


def _check_length(line_bytes: int, name: str) -> None:
    if line_bytes > MAX_LINE_BYTES:
        raise LandingError(
            name,
            expected="one record a line",
            found=f"a line of more than {MAX_LINE_BYTES} bytes",
            advice="Is this a text file of this source?",
        )


def _check_expansion(archived: int, grown: int, name: str) -> None:
    if grown > max(FREE_EXPANSION_BYTES, MOST_EXPANSION * archived):
        raise LandingError(
            name,
            expected=f"an archive that grows to at most {MOST_EXPANSION} times its size",
            found=f"{grown:,} bytes out of the first {archived:,}, and more to come",
            advice="No log is that repetitive: ask who sent it. One that is can be landed as plain text.",
        )


def _check_beginning(first: bytes, name: str) -> None:
    kind = next((kind for magic, kind in _NO_TEXT.items() if first.startswith(magic)), None)
    if kind is not None:
        raise LandingError(
            name, expected="lines of text in UTF-8, plain or in gzip", found=kind, advice="Convert the file, or correct the export."
        )


def text_of(line: bytes) -> str:
    r"""The line as text; a byte that is not UTF-8 is written out as ``\xNN``, so that nothing is lost and two such bytes stay apart.

    >>> text_of(b"caf\xe9")
    'caf\\xe9'
    """
    return line.decode("utf-8", errors="backslashreplace")


def has_header(feed: Feed) -> bool:
    """Whether the first line of a feed's files names its columns."""
    return isinstance(feed.format, Csv) and feed.format.header


def check_header(line: str, feed: Feed, name: str) -> None:
    """Raise LandingError unless the header names the feed's raw columns, in order."""
    try:
        found = feed.fields(line)
    except ValueError:  # a carriage return within, or half a megabyte without a delimiter
        found = []
    if tuple(found) != feed.columns:
        raise LandingError(
            name,
            expected="the header " + ",".join(feed.columns),
            found=line[:500] or "an empty line or no line at all",
            advice="Is this a file of this source? If its columns have changed, change the source's schema.",
        )


def read_lines(stream: IO[bytes] | io.RawIOBase, feed: Feed, name: str = "the file") -> Iterator[tuple[int, str]]:
    """The data lines of a landed file with their line numbers, from 1; a header is verified and left out but keeps its number.

    Raises LandingError when the header is missing or wrong, or the file is broken. ``name`` is for its message.
    """
    lines = enumerate(raw_lines(stream, name), start=1)
    if has_header(feed):
        check_header(text_of(next(lines, (1, b""))[1]), feed, name)
    for number, line in lines:
        yield number, text_of(line)
