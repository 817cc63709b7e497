"""A feed's rows on their way to the landing zone: sorted to days on local disk, in gzip files that depend on nothing but the rows."""

import csv
import gzip
import hashlib
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from jobs.errors import LandingError
from jobs.landing import LandedFile, text_of
from jobs.sources.source import Csv, Feed

PART_ROWS = 1_000_000
"""Most rows in one landed file: a file is the smallest piece of work of a reading task."""
MEMBER_BYTES = 1 << 20
"""Text of one file that is held back before it is compressed, as one gzip member."""
HELD_BYTES = 64 << 20
"""Text of all files together that is held back."""
MOST_LEADING_ROWS = 10_000
"""Rows without a readable day that are held back at the start of a feed; more of them mean another format."""
MOST_LEADING_BYTES = 16 << 20
"""The same in bytes: rows may be megabytes long."""


@dataclass(frozen=True)
class Part:
    """One finished file on local disk and its entry in the marker."""

    path: Path
    file: LandedFile


class _OpenPart:
    def __init__(self, path: Path, header: bytes) -> None:
        self.path, self.rows, self.bytes, self.digest, self.held = path, 0, 0, hashlib.sha256(), bytearray(header)

    def add(self, line: bytes) -> int:
        self.held += line + b"\n"
        self.rows += 1
        return len(line) + 1

    def flush(self) -> int:
        """Compress what is held as one more member (no name, no time in it); the number of bytes of text that are held no longer."""
        size = len(self.held)
        if size:
            member = gzip.compress(self.held, mtime=0)
            with self.path.open("ab") as stream:
                stream.write(member)
            self.digest.update(member)
            self.bytes += len(member)
            self.held.clear()
        return size


class Spool:
    """Days of one feed. Add every line in the order of the input, close, then ask for the parts of each day.

    ``days`` are the days that hold rows; ``rows`` those kept, ``rows_without_day`` those of them whose own day could not be read,
    ``rows_outside`` those left out because their day lies before ``first`` or after ``last``.
    """

    def __init__(self, feed: Feed, folder: Path, *, first: date | None = None, last: date | None = None) -> None:
        self.rows = self.rows_without_day = self.rows_outside = 0
        self._feed, self._folder, self._first, self._last = feed, folder, first, last
        self._parts: dict[date, list[_OpenPart]] = {}
        self._leading: list[bytes] = []
        self._leading_bytes = 0
        self._day: date | None = None
        self._held = 0
        self._header = _header(feed)
        folder.mkdir(parents=True)

    @property
    def days(self) -> frozenset[date]:
        """The days that hold rows."""
        return frozenset(self._parts)

    def add(self, line: bytes) -> None:
        """Sort one line to its day, or to the day of the line before when its own cannot be read.

        Raises LandingError when nothing at the start of the feed can be read.
        """
        try:
            day = self._feed.day_of(text_of(line))
        except ValueError:
            self._add_without_day(line)
            return
        if self._day is None:
            self._place_leading(day)
        self._day = day
        self._put(day, line, has_day=True)

    def close(self, names: str) -> None:
        """Write out what is held; raises LandingError when there were lines and none could be read."""
        if self._day is None and self._leading:
            raise self._nothing_readable(names)
        self._flush_all()

    def parts(self, day: date) -> tuple[Part, ...]:
        """The finished files of a day, none when it is empty."""
        return tuple(
            Part(p.path, LandedFile(p.path.name.partition("_")[2], p.rows, p.bytes, p.digest.hexdigest())) for p in self._parts.get(day, ())
        )

    def _add_without_day(self, line: bytes) -> None:
        if self._day is not None:
            self._put(self._day, line, has_day=False)
            return
        self._leading.append(line)
        self._leading_bytes += len(line)
        if len(self._leading) > MOST_LEADING_ROWS or self._leading_bytes > MOST_LEADING_BYTES:
            raise self._nothing_readable("the first rows")

    def _place_leading(self, day: date) -> None:
        for line in self._leading:
            self._put(day, line, has_day=False)
        self._leading.clear()

    def _put(self, day: date, line: bytes, *, has_day: bool) -> None:
        if (self._first and day < self._first) or (self._last and day > self._last):
            self.rows_outside += 1
            return
        self.rows += 1
        self.rows_without_day += not has_day
        parts = self._parts.setdefault(day, [])
        if not parts or parts[-1].rows >= PART_ROWS:
            name = f"{day.isoformat()}_part-{len(parts):05d}{self._feed.suffix}.gz"
            parts.append(_OpenPart(self._folder / name, self._header))
            self._held += len(self._header)
        self._held += parts[-1].add(line)
        if len(parts[-1].held) >= MEMBER_BYTES:
            self._held -= parts[-1].flush()
        elif self._held >= HELD_BYTES:
            self._flush_all()

    def _flush_all(self) -> None:
        for parts in self._parts.values():
            for part in parts:
                self._held -= part.flush()

    def _nothing_readable(self, names: str) -> LandingError:
        return LandingError(
            f"feed {self._feed.name}, {names}",
            expected="records with a readable time",
            found=f"none, such as {text_of(self._leading[0])[:200]!r}",
            advice="Is this a file of this source?",
        )


def _header(feed: Feed) -> bytes:
    if not (isinstance(feed.format, Csv) and feed.format.header):
        return b""
    text = io.StringIO()
    csv.writer(text, delimiter=feed.format.delimiter, quotechar=feed.format.quote, lineterminator="\n").writerow(feed.columns)
    return text.getvalue().encode()
