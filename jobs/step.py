"""A step: which tables a pure ``build`` reads, which it writes, and which partitions a landing interval replaces."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from expectations.suite import Suite
from jobs.contract import Table
from jobs.sources.source import Source


@dataclass(frozen=True)
class LandedDays:
    """Replace the partitions of the landing interval itself; partitioned by ``landed_date``."""


@dataclass(frozen=True)
class EventDays:
    """Replace the event days that the landing interval touches, and as many days before and after as the table declares."""

    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class AsOf:
    """Replace the ``as_of_date`` partition of the interval's last day; with ``and_later`` also every later one that exists.

    What a day's users were like depends on all that had landed by then, so a replay of an earlier day changes the days after it. Then
    ``build`` is called once a day.
    """

    and_later: bool = False


@dataclass(frozen=True)
class Whole:
    """Replace the whole table."""


Scope = LandedDays | EventDays | AsOf | Whole


@dataclass(frozen=True)
class Read:
    """One input of a build. For event-day builds the frame holds the replaced days and ``before``/``after`` more; otherwise all rows."""

    table: Table
    before: int = 0
    after: int = 0


@dataclass(frozen=True)
class Write:
    """One output of a build: the table, its suite, the partitions that it replaces, the largest share of rows it may reject."""

    table: Table
    suite: Suite
    scope: Scope


@dataclass(frozen=True)
class Step:
    """Reads, a pure build, writes. ``build`` takes a frame a read, in order, and returns a frame (or a tuple: one a write, in order).

    ``takes`` names the keywords that the shell passes as well: ``as_of`` (the date of an AsOf scope), ``source`` (the deployment's
    ``jobs.sources.source.Source``), ``settings``, ``spark``, ``store``, ``interval``. With ``model``, the name of a family, it also passes
    ``model``: that family's champion, or None before there is one.

    A step that parses landed lines has ``parses``: inputs and keywords -> every line with its parsed columns and its ``reasons``, empty
    for a clean one; its ``build`` then takes that one frame. It writes two tables, the clean rows and the rejected ones, which may be at
    most ``max_reject_share`` of the lines read.

    ``feed`` names the optional feed without which there is nothing to build: where the shop does not send it, the step is left out and its
    tables stay as they are, which mostly is: not there, and read as empty.
    """

    reads: tuple[Read, ...]
    writes: tuple[Write, ...]
    build: Callable[..., Any]
    takes: tuple[str, ...] = ()
    model: str | None = None
    parses: Callable[..., Any] | None = None
    max_reject_share: float = 0.05
    feed: str | None = None

    def is_built_from(self, source: Source) -> bool:
        """Whether there is anything to build where files come as ``source`` says."""
        return self.feed is None or source.has_feed(self.feed)
