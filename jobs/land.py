"""``python -m jobs.land``: split files of a source into the landing zone, by event day, and mark each day as landed.

A day of event D lands on D. Every day from the first to the last gets a marker for each feed that the shop sends. Landing the same content
again changes nothing; other content replaces what its days held. Memory stays constant at any size of input.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from jobs import landing
from jobs.errors import LandingError, TradewindError, printable
from jobs.landing_spool import Spool
from jobs.settings import Settings
from jobs.sources.source import Csv, Feed, FeedName, Source, load
from jobs.store import Store

LONGEST_HISTORY_DAYS = 3_700
"""Most days that one call lands; more are a sign of a clock that was wrong by years."""
PROGRESS_ROWS = 1_000_000
PROGRESS_DAYS = 100


@dataclass(frozen=True)
class Landed:
    """What a call did. ``rows`` by feed are the data rows that landed; the unreadable ones (of no readable day) are among them."""

    first: date
    last: date
    rows: dict[str, int]
    rows_without_day: int
    rows_outside: int
    days_written: int
    days_unchanged: int

    def __str__(self) -> str:
        rows = ", ".join(f"{feed} {count:,}" for feed, count in self.rows.items())
        days = (self.last - self.first).days + 1
        return (
            f"landed {days} days, {self.first} to {self.last}; rows: {rows}; {self.rows_without_day:,} of them without a readable day; "
            f"{self.rows_outside:,} rows outside the asked days left out; "
            f"feed-days written {self.days_written:,}, unchanged {self.days_unchanged:,}"
        )


def land(
    store: Store,
    source: Source,
    place: Path,
    *,
    first: date | None = None,
    last: date | None = None,
    report: Callable[[str], None] = print,
) -> Landed:
    """Land the file or the folder ``place``, or what of it lies within ``first`` and ``last`` (both included).

    A record whose day cannot be read lands with the record before it, or with the first readable one, so that it is rejected later with its
    reason. Raises LandingError, before anything is stored, when no file belongs to the source, a header is wrong, a file holds nothing that
    can be read, a day is empty in a feed where that is not allowed, or the days span more than ``LONGEST_HISTORY_DAYS``.
    """
    files = files_of(source, place, report)
    with tempfile.TemporaryDirectory(prefix="tradewind-land-") as folder:
        spools = {
            feed.name: Spool(feed, Path(folder) / feed.name, first=max(filter(None, (first, feed.since)), default=None), last=last)
            for feed in source.feeds
        }
        for feed in source.feeds:
            for path in files[feed.name]:
                _split(path, feed, spools[feed.name], report)
            spools[feed.name].close(", ".join(path.name for path in files[feed.name]))
        days = _days(source, spools, place)
        written = unchanged = 0
        for number, day in enumerate(days, start=1):
            for feed in (feed for feed in source.feeds if feed.is_sent_on(day)):
                is_written = _place(store, source, feed, day, spools[feed.name])
                written, unchanged = written + is_written, unchanged + (not is_written)
            if number % PROGRESS_DAYS == 0:
                report(f"{number:,} of {len(days):,} days in place")
    return Landed(
        first=days[0],
        last=days[-1],
        rows={name: spool.rows for name, spool in spools.items()},
        rows_without_day=sum(spool.rows_without_day for spool in spools.values()),
        rows_outside=sum(spool.rows_outside for spool in spools.values()),
        days_written=written,
        days_unchanged=unchanged,
    )


def files_of(source: Source, place: Path, report: Callable[[str], None]) -> dict[str, list[Path]]:
    """The input files by feed, in order of their names. A file given by itself is the feed's when the source has but one feed.

    Raises LandingError when there is none, or when the folder has a link that leads out of it.
    """
    if not place.exists():
        raise LandingError(str(place), expected="a file or a folder", found="nothing there", advice="Correct --input.")
    candidates = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
    files: dict[str, list[Path]] = {feed.name: [] for feed in source.feeds}
    for path in candidates:
        if place.is_dir() and not path.resolve().is_relative_to(place.resolve()):
            raise LandingError(
                str(path),
                expected="files that lie in the folder",
                found=f"a link to {path.resolve()}",
                advice="Copy the file into the folder, or name its own folder with --input.",
            )
        owner = next((feed.name for feed in source.feeds if feed.holds(path.name)), None)
        if owner is None and path == place and len(source.feeds) == 1:
            owner = source.feeds[0].name
        if owner is None:
            report(f"left out {printable(path.name)}: no feed of {source.name} has files of that name")
        else:
            files[owner].append(path)
    if not any(files.values()):
        patterns = "; ".join(f"{feed.name}: {' '.join(feed.files)}" for feed in source.feeds)
        raise LandingError(str(place), expected=f"files of {source.name} ({patterns})", found="none", advice="Correct --source or --input.")
    return files


def _split(path: Path, feed: Feed, spool: Spool, report: Callable[[str], None]) -> None:
    rows = 0
    with path.open("rb") as stream:
        lines = landing.raw_lines(stream, str(path))
        if isinstance(feed.format, Csv) and feed.format.header:
            landing.check_header(landing.text_of(next(lines, b"")), feed, str(path))
        for line in lines:
            spool.add(line)
            rows += 1
            if rows % PROGRESS_ROWS == 0:
                report(f"{printable(path.name)}: {rows:,} rows")
    report(f"read {rows:,} rows of {feed.name} from {printable(path.name)}")


def _days(source: Source, spools: Mapping[FeedName, Spool], place: Path) -> list[date]:
    """Every day from the first to the last of all feeds; raises LandingError for none, too many, or an empty one that may not be."""
    there = sorted({day for spool in spools.values() for day in spool.days})
    if not there:
        raise LandingError(
            str(place), expected="records within the asked days", found="none", advice="Correct --from, --through or --input."
        )
    span = (there[-1] - there[0]).days + 1
    if span > LONGEST_HISTORY_DAYS:
        raise LandingError(
            str(place),
            expected=f"at most {LONGEST_HISTORY_DAYS} days",
            found=f"{span} days from {there[0]} to {there[-1]}",
            advice="Some clocks were wrong by years: name the days that you want with --from and --through.",
        )
    days = [there[0] + timedelta(days=offset) for offset in range(span)]
    for feed in source.feeds:
        empty = [] if feed.may_be_empty else [day for day in days if day not in spools[feed.name].days]
        if empty:
            raise LandingError(
                f"feed {feed.name} of {source.name}",
                expected=f"rows on each day from {days[0]} to {days[-1]}",
                found=f"none on {', '.join(map(str, empty[:5]))}" + (f" and {len(empty) - 5} more days" if len(empty) > 5 else ""),
                advice="Complete the files, narrow the days with --from and --through, or let the source say that the feed may be empty.",
            )
    return days


def _place(store: Store, source: Source, feed: Feed, day: date, spool: Spool) -> bool:
    """Bring one feed's day in place, the marker last; False when it lay there already."""
    parts = spool.parts(day)
    files = tuple(part.file for part in parts)
    marker = landing.Marker(source.name, feed.name, day, sum(file.rows for file in files), files)
    prefix = landing.folder(source.name, feed.name, day)
    there = {stored.key: stored.size for stored in store.list(prefix)}
    wanted = {prefix + file.name: file.bytes for file in files}
    marker_key = prefix + landing.MARKER
    if there.pop(marker_key, None) is not None:
        if there == wanted and store.read(marker_key) == marker.to_json():
            return False
        store.delete([marker_key])
    store.delete(key for key in there if key not in wanted)
    for part in parts:
        store.upload(part.path, prefix + part.file.name)
    landing.write_marker(store, marker)
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0, or that of the TradewindError that was met."""
    parser = argparse.ArgumentParser(prog="python -m jobs.land", description="Split files of a source into the landing zone by event day.")
    parser.add_argument("--source", required=True, help="a source of jobs/sources")
    parser.add_argument("--input", required=True, type=Path, help="a file, or a folder whose files are sorted to feeds by their names")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first event day to land, YYYY-MM-DD")
    parser.add_argument("--through", dest="last", type=date.fromisoformat, help="last event day to land, YYYY-MM-DD, included")
    asked = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name need not be text
    try:
        settings = Settings.from_environment()
        source = load(asked.source, settings.optional_feeds_of(asked.source))
        store = Store.from_settings(settings)
        print(land(store, source, asked.input, first=asked.first, last=asked.last))
    except TradewindError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
