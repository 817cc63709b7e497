"""What a source declares: its feeds, how their raw records are read, and how they become canonical records. No Spark in here."""

import csv
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Literal

from jobs.errors import BadDataError

FeedName = Literal["events", "orders", "items", "stock", "consents", "contacts"]
Repeats = Literal["copies", "meant"]

UNREADABLE = "unreadable"
"""Reason of a record that does not have its feed's shape: wrong number of fields, wrong type, a line cut short."""

EVENT_COLUMNS: Mapping[str, str] = {
    "event_id": "string",
    "user_id": "string",
    "anonymous_id": "string",
    "session_hint": "string",
    "event_type": "string",
    "item_id": "string",
    "occurred_at": "timestamp",
    "quantity": "int",
    "unit_price_minor": "bigint",
    "currency": "string",
    "order_id": "string",
    "channel": "string",
    "campaign_id": "string",
    "experiment": "string",
    "variant": "string",
    "exposure_propensity": "double",
}
"""Columns of a canonical event and their Spark types."""

ORDER_LINE_COLUMNS: Mapping[str, str] = {
    "order_line_id": "string",
    "order_id": "string",
    "user_id": "string",
    "item_id": "string",
    "ordered_at": "timestamp",
    "kind": "string",
    "quantity": "int",
    "unit_price_minor": "bigint",
    "currency": "string",
    "discount_minor": "bigint",
    "channel": "string",
    "campaign_id": "string",
}
"""Columns of a canonical order line and their Spark types; ``kind`` is sale or refund, ``quantity`` positive in both."""

ITEM_COLUMNS: Mapping[str, str] = {
    "item_id": "string",
    "observed_at": "timestamp",
    "name": "string",
    "category_id": "string",
    "brand": "string",
    "unit_price_minor": "bigint",
    "currency": "string",
    "is_on_sale": "boolean",
}
"""Columns of a canonical observation of an item and their Spark types."""

STOCK_COLUMNS: Mapping[str, str] = {
    "item_id": "string",
    "location_id": "string",
    "observed_at": "timestamp",
    "quantity": "int",
}
"""Columns of a canonical count of an item's stock and their Spark types; ``location_id`` is NULL where all places are counted as one."""

CONSENT_COLUMNS: Mapping[str, str] = {
    "user_id": "string",
    "purpose": "string",
    "is_granted": "boolean",
    "decided_at": "timestamp",
}
"""Columns of a canonical decision of a user about a purpose and their Spark types."""

CONTACT_COLUMNS: Mapping[str, str] = {
    "user_id": "string",
    "kind": "string",
    "value": "string",
    "is_active": "boolean",
    "observed_at": "timestamp",
}
"""Columns of a canonical observation of a user's contact point and their Spark types; ``value`` is raw and never reaches silver."""

CANONICAL_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "events": EVENT_COLUMNS,
    "order_lines": ORDER_LINE_COLUMNS,
    "items": ITEM_COLUMNS,
    "stock": STOCK_COLUMNS,
    "consents": CONSENT_COLUMNS,
    "contacts": CONTACT_COLUMNS,
}
"""Every canonical of a source, by the name of its field, with its columns."""


class UnknownSourceError(BadDataError):
    """No source of that name is declared, or it has no such optional feed."""


@dataclass(frozen=True)
class Csv:
    """One delimited record a line, quoted as RFC 4180 says; a line break inside a field is not understood."""

    header: bool
    delimiter: str = ","
    quote: str = '"'


@dataclass(frozen=True)
class JsonLines:
    """One JSON object a line."""


@dataclass(frozen=True)
class Feed:
    """One stream of files: their format, the explicit raw schema (name, Spark type), and the rule that gives a record's UTC event day.

    ``files`` are the glob patterns of the file names that belong to this feed in a folder of raw files. ``day`` takes a raw record and
    raises ValueError when it cannot tell the day. ``may_be_empty`` allows a day without a row (shops close).

    ``is_optional`` is a feed that a shop of this source may send: one that does says so in its settings, with the first landed day, which
    then is ``since``. Nothing is awaited, and nothing read, of a day before it.
    """

    name: FeedName
    format: Csv | JsonLines
    schema: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    day: Callable[[Mapping[str, str]], date]
    may_be_empty: bool
    is_optional: bool = False
    since: date | None = None

    def is_sent_on(self, day: date) -> bool:
        """Whether files of this feed, or a marker that says that there are none, land on ``day``."""
        return self.since is None or self.since <= day

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the raw columns, in order."""
        return tuple(name for name, _ in self.schema)

    @property
    def suffix(self) -> str:
        """Ending of a landed file's name, without compression."""
        return ".csv" if isinstance(self.format, Csv) else ".jsonl"

    def holds(self, file_name: str) -> bool:
        """Whether a file of that name belongs to this feed."""
        return any(fnmatch(file_name, pattern) for pattern in self.files)

    def fields(self, raw_line: str) -> list[str]:
        """Fields of a delimited line; raises ValueError when it cannot be split."""
        if not isinstance(self.format, Csv):
            raise TypeError(f"feed {self.name} is not delimited")
        try:
            return next(csv.reader([raw_line], delimiter=self.format.delimiter, quotechar=self.format.quote), [])
        except csv.Error as error:
            raise ValueError(str(error)) from error

    def record(self, raw_line: str) -> Mapping[str, str]:
        """The raw record as text by column, absent values left out; raises ValueError when the line does not have the feed's shape."""
        if isinstance(self.format, Csv):
            fields = self.fields(raw_line)
            if len(fields) != len(self.columns):
                raise ValueError(f"{len(fields)} fields where {len(self.columns)} were expected")
            return dict(zip(self.columns, fields, strict=True))
        record = json.loads(raw_line)
        if not isinstance(record, dict):
            raise ValueError("not a JSON object")  # noqa: TRY004 - the value of a record, not an argument, is wrong
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in record.items() if value is not None}

    def day_of(self, raw_line: str) -> date:
        """UTC event day of a raw line; raises ValueError when it cannot be told."""
        try:
            return self.day(self.record(raw_line))
        except (KeyError, OverflowError, RecursionError) as error:
            raise ValueError(f"no readable time: {error}") from error


@dataclass(frozen=True)
class Canonical:
    """How the raw records of one feed become canonical events, order lines, items, counts of stock, consents or contacts.

    ``columns`` maps canonical columns to SQL over the raw columns; one that is not mentioned is NULL. ``where`` (SQL over the raw columns)
    tells which raw records become this record; only a derived one may have it. ``faults`` maps a reason to SQL over raw and canonical
    columns (a canonical name hides a raw one of the same name, which then is ``raw.<name>``); true or NULL is a fault.

    ``identity`` names the canonical columns that make the record what it is: a native id, or what an id is derived from. ``repeats`` says
    what equal identities are: ``copies`` of one thing, to be merged, or ``meant``, each a thing of its own. ``carries_user_id`` names
    canonical columns, besides ``user_id`` and ``anonymous_id``, whose text contains a raw user id, so that they must be pseudonymised too.

    ``derived`` is true where another canonical of the same feed is the primary one, which accounts for every row: the faulty rows of a
    derived one are left to the primary's rejected table.
    """

    feed: FeedName
    columns: Mapping[str, str]
    identity: tuple[str, ...]
    repeats: Repeats
    where: str | None = None
    faults: Mapping[str, str] = field(default_factory=dict)
    carries_user_id: tuple[str, ...] = ()
    derived: bool = False


@dataclass(frozen=True)
class Source:
    """One shape in which a shop's files come.

    ``currency`` is the one currency of the shop (None: the source knows no prices, or the records name it themselves). ``guests`` says
    whether records without a user are ordinary. ``time_resolution`` is ``day`` when the order of events within a day is unknown.
    Raises ValueError when the declaration contradicts itself.
    """

    name: str
    doc: str
    feeds: tuple[Feed, ...]
    events: Canonical
    order_lines: Canonical
    items: Canonical | None
    currency: str | None
    time_resolution: Literal["second", "day"]
    guests: bool
    stock: Canonical | None = None
    consents: Canonical | None = None
    contacts: Canonical | None = None

    def __post_init__(self) -> None:
        problems = [
            *(problem for noun, one in self.canonicals.items() for problem in _problems_of(self, noun, one, CANONICAL_COLUMNS[noun])),
            *_primaries_missing(self),
        ]
        if problems:
            raise ValueError(f"source {self.name}: " + "; ".join(problems))

    @property
    def canonicals(self) -> Mapping[str, Canonical]:
        """Those that are declared, by the names of ``CANONICAL_COLUMNS``."""
        return {noun: one for noun in CANONICAL_COLUMNS if (one := getattr(self, noun)) is not None}

    def canonical(self, noun: str) -> Canonical:
        """The one of that name; raises ValueError where the source has none."""
        if noun not in self.canonicals:
            raise ValueError(f"source {self.name} has no {noun}")
        return self.canonicals[noun]

    def has_feed(self, name: str) -> bool:
        """Whether the source has that feed."""
        return any(feed.name == name for feed in self.feeds)

    def feed(self, name: str) -> Feed:
        """The feed of that name; raises KeyError when the source does not have it."""
        for feed in self.feeds:
            if feed.name == name:
                return feed
        raise KeyError(f"source {self.name} has no feed {name}")

    def target_columns(self, canonical: Canonical) -> Mapping[str, str]:
        """All canonical columns, with types, of one of this source's canonicals; raises ValueError for a stranger."""
        for noun, own in self.canonicals.items():
            if own is canonical:
                return CANONICAL_COLUMNS[noun]
        raise ValueError(f"source {self.name} does not declare that canonical")

    def as_sent(self, optional: Mapping[FeedName, date]) -> "Source":
        """The source of a shop that sends, of the optional feeds, those of ``optional``, each from its first landed day on.

        Raises UnknownSourceError for one that the source does not have as an optional feed.
        """
        known = [feed.name for feed in self.feeds if feed.is_optional]
        if strangers := sorted(set(optional) - set(known)):
            raise UnknownSourceError(
                f"the optional feeds of source {self.name}",
                expected=f"some of {', '.join(known) or 'none: it has no optional feed'}",
                found=", ".join(strangers),
                advice="Correct TRADEWIND_OPTIONAL_FEEDS; docs/sources.md lists the feeds of each source.",
            )
        sent = [replace(feed, since=optional[feed.name]) if feed.name in optional else feed for feed in self.feeds]
        feeds = tuple(feed for feed in sent if not feed.is_optional or feed.since)
        names = {feed.name for feed in feeds}
        every = (self.stock, self.consents, self.contacts)
        stock, consents, contacts = (one if one and one.feed in names else None for one in every)
        return replace(self, feeds=feeds, stock=stock, consents=consents, contacts=contacts)


def _problems_of(source: Source, noun: str, canonical: Canonical, columns: Mapping[str, str]) -> list[str]:
    problems = [f"{noun} maps {name}, which is no canonical column" for name in canonical.columns if name not in columns]
    problems += [f"{noun} has {name} in its identity but does not map it" for name in canonical.identity if name not in canonical.columns]
    strangers = [name for name in canonical.carries_user_id if name not in canonical.columns]
    problems += [f"{noun} says that {name} carries a user id but does not map it" for name in strangers]
    if not source.has_feed(canonical.feed):
        problems.append(f"{noun} comes from feed {canonical.feed}, which is not declared")
    if canonical.where and not canonical.derived:
        problems.append(f"{noun} is primary and filters: rows would vanish")
    return problems


def _primaries_missing(source: Source) -> list[str]:
    primaries = [canonical.feed for canonical in source.canonicals.values() if not canonical.derived]
    counted = {feed.name: primaries.count(feed.name) for feed in source.feeds}
    return [f"feed {name} has {count} primary canonicals, not one" for name, count in counted.items() if count != 1]


def known_sources() -> tuple[str, ...]:
    """Names of all declared sources, in order."""
    folder = Path(__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - _NOT_SOURCES
    return tuple(sorted(files | {path.parent.name for path in folder.glob("*/__init__.py")}))


_NOT_SOURCES = {"__init__", "source", "parsing", "days"}


def load(name: str, optional: Mapping[FeedName, date] | None = None) -> Source:
    """The source that ``jobs/sources/<name>`` declares, as a shop sends it: without optional feeds but for those of ``optional``.

    ``optional`` maps a feed to the first landed day on which it is sent. Raises UnknownSourceError that lists the known sources, or feeds.
    """
    if name not in known_sources():
        raise UnknownSourceError(
            "source",
            expected="one of " + ", ".join(known_sources()),
            found=name,
            advice="Correct the name, or declare the source as docs/sources.md shows.",
        )
    source = importlib.import_module(f"jobs.sources.{name}").SOURCE
    if not isinstance(source, Source):
        raise UnknownSourceError(
            f"source {name}", expected="a Source named SOURCE", found=type(source).__name__, advice="See docs/sources.md."
        )
    return source.as_sent(optional or {})
