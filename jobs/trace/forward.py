"""Forward from a landed file or line to everything that was made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import functions as F

from jobs.catalog import SCORE, SET_TABLES
from jobs.contract import Table
from jobs.errors import BadDataError
from jobs.interval import Interval
from jobs.landing import Marker, find_marker
from jobs.release.record import Release
from jobs.release.releases import current, named, read_all
from jobs.shell import step_of
from jobs.silver.consent_decisions import CONSENT_DECISIONS
from jobs.silver.contact_observations import CONTACT_OBSERVATIONS
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.order_lines import ORDER_LINES
from jobs.silver.stock import STOCK
from jobs.sources.source import Canonical, Source, load
from jobs.tables import contract_of
from jobs.trace import answers
from jobs.trace.call import Call
from jobs.trace.history import RunOfTable, SetOfDay, holds
from jobs.trace.places import LandedPlace
from jobs.trace.tree import Node

_SILVER: Mapping[str, Table] = {
    "events": EVENTS,
    "order_lines": ORDER_LINES,
    "items": ITEM_OBSERVATIONS,
    "stock": STOCK,
    "consents": CONSENT_DECISIONS,
    "contacts": CONTACT_OBSERVATIONS,
}
"""Canonical of a source -> the silver table that its lines become rows of."""

MOST_LOOKED_AT = 1_000
"""Attempts over one landing day, and sets from that day on, that an answer looks at."""


@dataclass(frozen=True)
class _Asked:
    """What is asked about: a landed file, its source, the silver tables that its lines become rows of."""

    place: LandedPlace
    source: Source
    tables: Mapping[Table, Canonical]

    @property
    def primary(self) -> Table:
        """The silver table that accounts for every line of the feed."""
        return next(table for table, canonical in self.tables.items() if not canonical.derived)


@dataclass(frozen=True)
class _Seen:
    """Where it is read: the snapshots of silver and bronze (none: as published now), and what bronze holds of the file there."""

    name: str
    silver: Mapping[str, int]
    bronze: Mapping[str, int]
    file: Mapping[str, Any] | None


@dataclass(frozen=True)
class _Became:
    """What a file or a line became, the event days of its rows, and, of a line, the user that it belongs to."""

    nodes: tuple[Node, ...]
    days: frozenset[date]
    user: str | None = None


def landed(call: Call, what: str, line: int | None, release_id: str | None, *, is_now: bool = False) -> Node:
    """From a landed file, or one line of it, to everything that was made of it; raises BadDataError for what has never landed.

    Read as the newest release that holds the landed day, another one that holds it, or, with ``is_now``, as published now.
    """
    place = LandedPlace.parse(what, call.settings.bucket)
    source = load(place.source, call.settings.optional_feeds_of(place.source))
    if not source.has_feed(place.feed):
        raise BadDataError(what, expected=f"a feed of {source.name}", found=place.feed, advice="Correct the key.")
    asked = _Asked(place, source, _fed(source, place.feed))
    runs = call.reader.runs([f"bronze.{place.feed}", *(table.name for table in asked.tables)], place.landed_date, MOST_LOOKED_AT)
    sets = _sets_with(call, asked, runs)
    releases = read_all(call.store)
    made = answers.made_of(releases, {one.snapshot_id for one in sets}, asked.primary.name, place.landed_date)
    shown = None if is_now else _shown_at(call, releases, made, release_id)
    if shown is not None:
        call.require(shown, [table.name for table in asked.tables])
    seen = _seen(call, place, shown)
    landing = _landing(call, place, seen)
    attempts = answers.runs_of(runs[: call.limit], len(runs))
    if seen.file is None:
        return Node("landed file", place.key, {}, (landing, attempts))
    became = _file(call, asked, seen) if line is None else _line(call, asked, seen, line)
    parts = (
        landing,
        Node("read at", seen.name, {}, became.nodes),
        attempts,
        answers.sets_of(sets[: call.limit], len(sets)),
        answers.partitions_made(_derived(place.feed), became.days, place.landed_date),
        _releases_made(call, made if became.days else [], became.user),
    )
    return Node("landed file", place.key, {}, parts) if line is None else Node("landed line", f"{place.key} line {line}", {}, parts)


def _seen(call: Call, place: LandedPlace, shown: Release | None) -> _Seen:
    bronze = call.bronze_behind(call.snapshots(shown)) if shown else {}
    # A rejected twin goes when its raw text does; then what is left of it is read as published now.
    silver = {name: one.snapshot_id for name, one in call.snapshots(shown).items()} if shown else {}
    name = f"the set {shown.content.set.id} of release {shown.id}" if shown else "what is published now"
    return _Seen(name, silver, bronze, call.reader.bronze_file(place.feed, place.landed_date, place.key, bronze))


def _sets_with(call: Call, asked: _Asked, runs: Sequence[RunOfTable]) -> list[SetOfDay]:
    """The sets whose snapshot of the primary table holds the landed day, newest first."""
    table, day = asked.primary.name, asked.place.landed_date
    sets = call.reader.sets(table, day, MOST_LOOKED_AT)
    known = call.reader.committed(table, {one.snapshot_id for one in sets})
    mine = [run for run in runs if run.table == table]
    committed = {snapshot_id: one.committed_at for snapshot_id, one in known.items()}
    return [one for one in sets if holds(one.snapshot_id, committed.get(one.snapshot_id), mine, day)]


def _landing(call: Call, place: LandedPlace, seen: _Seen) -> Node:
    """Bronze and the marker; raises BadDataError when neither knows the file."""
    marker = find_marker(call.store, place.source, place.feed, place.landed_date)
    listed = next((file for file in marker.files if file.name == place.name), None) if marker else None
    now = seen.file if not seen.bronze else call.reader.bronze_file(place.feed, place.landed_date, place.key, {})
    if listed is None and seen.file is None and now is None:
        raise _unknown_file(place, marker)
    return answers.landing(f"bronze.{place.feed}", place.landed_date, listed, seen.file, now)


def _unknown_file(place: LandedPlace, marker: Marker | None) -> BadDataError:
    if marker is None:
        found = "no marker of that day, and nothing in bronze"
        advice = f"Has {place.landed_date} landed? `python -m jobs.land --source {place.source}` lands a file."
    else:
        names = [file.name for file in marker.files]
        found = f"a marker that lists {', '.join(names[:5]) or 'no file'}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"
        advice = "Name one of these files."
    return BadDataError(place.key, expected="a landed file", found=found, advice=advice)


def _fed(source: Source, feed: str) -> dict[Table, Canonical]:
    return {_SILVER[noun]: one for noun, one in source.canonicals.items() if one.feed == feed}


def _event_days(call: Call, landed: date) -> Interval:
    return Interval(landed - timedelta(days=call.settings.max_lateness_days), landed + timedelta(days=2))


def _shown_at(call: Call, releases: Sequence[Release], made: Sequence[Release], release_id: str | None) -> Release | None:
    """The release whose snapshots are read: the one that is named, else the newest that holds the landed day."""
    if release_id is None:
        return made[0] if made else None
    wanted = named(call.store, release_id)
    if wanted.id not in {one.id for one in made}:
        newest = made[0].id if made else "none"
        raise BadDataError(
            f"release {release_id}",
            expected="a release that holds the landed day",
            found=f"another; {len(made)} of {len(releases)} releases hold it, the newest is {newest}",
            advice="Leave --release away to read the newest that does.",
        )
    return wanted


def _file(call: Call, asked: _Asked, seen: _Seen) -> _Became:
    place, lines = asked.place, seen.file["lines"] if seen.file else 0
    nodes, days = [], set()
    for table, canonical in asked.tables.items():
        found = call.reader.fate(table, seen.silver, place.key, place.landed_date, _event_days(call, place.landed_date))
        nodes.append(answers.fate(table.name, found.kept, found.rejected, lines, is_primary=not canonical.derived))
        days |= set(found.kept)
    return _Became(tuple(nodes), frozenset(days))


def _line(call: Call, asked: _Asked, seen: _Seen, number: int) -> _Became:
    place, reach = asked.place, _event_days(call, asked.place.landed_date)
    lines = call.reader.bronze_lines(place.feed, place.landed_date, place.key, seen.bronze)
    one = lines.where(F.col("line_number") == number)
    raw = one.first()
    if raw is None:
        found = seen.file or {}
        raise BadDataError(
            f"{place.key} line {number}",
            expected=f"a data line, {found.get('first_line')} to {found.get('last_line')}",
            found="none of that number",
            advice="Line numbers count from 1; a header is a line, but no data.",
        )
    nodes, days, user = [Node("text", raw["raw_line"])], set(), None
    for table, canonical in asked.tables.items():
        kept = call.reader.kept_line(table, seen.silver, place.key, number, reach)
        rejected = None if kept else call.reader.rejected_line(table, seen.silver, place.key, number, place.landed_date)
        merged = None
        if kept is None and rejected is None:
            alone = lines if canonical.repeats == "meant" else one
            merged = call.reader.merged_into(table, seen.silver, alone, number, source=asked.source, settings=call.settings)
        nodes.append(answers.line_in(table.name, kept, rejected, merged, table.key))
        became = kept or merged
        if became:
            days.add(became[str(table.partitioned_by)])
            user = user or became.get("user_id")
    return _Became(tuple(nodes), frozenset(days), user)


def _releases_made(call: Call, made: Sequence[Release], user: str | None) -> Node:
    now = current(call.store)
    nodes = []
    for found in made[: call.limit]:
        exports = []
        for name, record in found.content.exports.items():
            files = record["files"]
            table = contract_of(f"gold.{name}")
            if user is not None and "user_id" in table.column_names:
                files = _files_of_user(call, found, table, record, user)
            exports.append(answers.export(name, record, files[: call.limit]))
        nodes.append(answers.release(found, now, *exports))
    facts: dict[str, Any] = {"is_in_current": any(now is not None and one.origin == now.origin for one in made), "whose": user}
    if len(made) > call.limit:
        facts["shown"] = f"the newest {call.limit}; --limit asks for more"
    return Node("releases", f"{len(made)} made of it", facts, tuple(nodes))


def _files_of_user(call: Call, found: Release, table: Table, record: Mapping[str, Any], user: str) -> list[dict[str, Any]]:
    """The exported files that hold a user's rows; none when the release has none of that user."""
    if not call.reader.rows_of_user(table, found.content.snapshots()[table.name], found.content.day, user, limit=1).total:
        return []
    parts = sum(file["format"] == "parquet" for file in record["files"])
    part = f"part-{call.reader.part_of_user(user, parts):05d}."
    return [file for file in record["files"] if part in file["key"]]


def _derived(feed: str) -> dict[str, Any]:
    """Table -> scope, of the tables that are made of parsed ones in which lines of the feed have a part.

    >>> list(_derived("consents"))
    ['silver.consents', 'gold.activations', 'gold.recommendations']
    """
    reached, found = {f"bronze.{feed}"}, {}
    for name in (*SET_TABLES, *SCORE.tables):
        step = step_of(name)
        if any(read.table.name in reached for read in step.reads):
            reached |= {write.table.name for write in step.writes}
            if step.parses is None:
                found[name] = step.writes[0].scope
    return found
