"""What snapshots say about the runs that wrote them, and which of them hold a landed day. No Spark in here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from jobs.interval import Interval
from jobs.lake import PROPERTY

_INTERVAL = re.compile(r"\[(\d{4}-\d{2}-\d{2}), (\d{4}-\d{2}-\d{2})\)")


@dataclass(frozen=True)
class Snapshot:
    """One snapshot of a table: when it was committed, by which run over which landing days, from which snapshots of other tables.

    ``run_id`` is None for a snapshot that no task wrote, such as a compaction.
    """

    table: str
    snapshot_id: int
    committed_at: datetime
    run_id: str | None
    attempt: int | None
    code_version: str | None
    interval: Interval | None
    read: Mapping[str, int]

    @classmethod
    def of_summary(cls, table: str, snapshot_id: int, committed_at: datetime, summary: Mapping[str, str]) -> "Snapshot":
        """Read what ``jobs.lake`` has written into the snapshot's summary."""
        said = {name.removeprefix(PROPERTY): value for name, value in summary.items() if name.startswith(PROPERTY)}
        return cls(
            table=table,
            snapshot_id=snapshot_id,
            committed_at=committed_at,
            run_id=said.get("run_id"),
            attempt=int(said["attempt"]) if said.get("attempt", "").isdigit() else None,
            code_version=said.get("code_version"),
            interval=interval_of(said.get("interval", "")),
            read=read_of(said.get("read", "")),
        )


@dataclass(frozen=True)
class RunOfTable:
    """One row of ``ops.runs``: an attempt at one table over landing days."""

    run_id: str
    attempt: int
    table: str
    interval: Interval
    outcome: str
    snapshot_id: int | None
    started_at: datetime
    message: str | None = None

    @property
    def is_published(self) -> bool:
        """Whether readers got to see what it wrote."""
        return self.outcome == "published"


@dataclass(frozen=True)
class SetOfDay:
    """One set: its id, its day, and the snapshot of the table that was asked for."""

    set_id: str
    day: date
    snapshot_id: int


def interval_of(text: str) -> Interval | None:
    """The interval that a summary says; None when it says none.

    >>> str(interval_of("[2026-06-01, 2026-06-02)"))
    '[2026-06-01, 2026-06-02)'
    """
    match = _INTERVAL.fullmatch(text)
    return Interval.parse(match[1], match[2]) if match else None


def read_of(text: str) -> dict[str, int]:
    """Table name -> snapshot id that the run had read, from a summary.

    >>> read_of("bronze.events@12,ops.runs@7")
    {'bronze.events': 12, 'ops.runs': 7}
    """
    pairs = (part.rpartition("@") for part in text.split(",") if "@" in part)
    return {name: int(snapshot_id) for name, _, snapshot_id in pairs}


def holds(snapshot_id: int, committed_at: datetime | None, runs: Iterable[RunOfTable], day: date) -> bool:
    """Whether a published snapshot holds what a published run over the landing day ``day`` wrote to the same table.

    ``main`` only moves forward, and of two writers the one that began before the other's commit loses its race: so a snapshot that was
    committed after such a run had begun holds its rows. Parents are not followed, since expiry removes those that no set names.
    """
    return any(
        run.is_published
        and day in run.interval
        and (run.snapshot_id == snapshot_id or (committed_at is not None and run.started_at <= committed_at))
        for run in runs
    )
