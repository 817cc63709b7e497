"""The last days of every table, as small data: what the quality pages show, and what the next page adds to.

Kept as one object beside the pages, so that a page costs what has been recorded since the last one, however long the history. ``ops`` is
the truth: without the object, or with one of another form, the window is read from there again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Self

DAYS = 60
"""Days that a page shows, ending with the newest landing day."""

FORM = 1
"""Form of the stored object; one of another form is not read but made anew."""

MOST_AUDITS = 240
"""Attempts of a table that are kept at most: four a day."""


@dataclass(frozen=True)
class Failure:
    """An expectation that was not met."""

    expectation: str
    subject: str
    severity: str
    expected: str
    found: str | None


@dataclass(frozen=True)
class Audit:
    """One attempt at one table: what it read and rejected, what was expected of it, how it ended. ``end`` is the day after the last."""

    table: str
    run_id: str
    attempt: int
    start: date
    end: date
    outcome: str
    newest_partition: date | None
    partition_count: int
    rows_written: int | None
    read: int | None
    rejected: int | None
    reasons: Mapping[str, int]
    message: str | None
    started_at: datetime
    evaluated: int = 0
    failures: tuple[Failure, ...] = ()

    @property
    def is_published(self) -> bool:
        """Whether its rows became the table's."""
        return self.outcome == "published"

    @property
    def key(self) -> tuple[str, int]:
        """What tells attempts at a table apart."""
        return self.run_id, self.attempt


@dataclass(frozen=True)
class ColumnState:
    """One column on one day: rows without a value, distinct values, the 10th, 50th and 90th percentile, the commonest values."""

    null_count: int | None = None
    distinct: int | None = None
    quantiles: tuple[float, ...] = ()
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DayState:
    """One partition as its newest publication left it."""

    table: str
    day: date
    rows: int
    run_id: str
    attempt: int
    recorded_at: datetime
    columns: Mapping[str, ColumnState] = field(default_factory=dict)


@dataclass(frozen=True)
class Anomaly:
    """Something that the history of the table did not lead to expect; ``sentence`` says it to a person."""

    table: str
    run_id: str
    attempt: int
    day: date | None
    rule: str
    subject: str
    severity: str
    sentence: str

    @property
    def column(self) -> str:
        """The column that it speaks of, also where it names one of its values (``column=value``); empty for the whole table."""
        return self.subject.partition("=")[0]


@dataclass(frozen=True)
class Recorded:
    """Rows of ``ops`` in the form of the window: all of it, or what was recorded since a moment."""

    audits: tuple[Audit, ...] = ()
    states: tuple[DayState, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()


@dataclass(frozen=True)
class History:
    """One table within the window: audits and days in order, oldest first."""

    table: str
    audits: tuple[Audit, ...] = ()
    days: tuple[DayState, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()

    def volumes(self, through: date) -> dict[date, int]:
        """Rows of each day up to ``through``: of its state, or of a publication that replaced this day alone.

        Later days are left out: clocks that are ahead put a few rows into a day that has not been.
        """
        alone = {
            audit.newest_partition: audit.rows_written
            for audit in self.audits
            if audit.is_published and audit.partition_count == 1 and audit.newest_partition and audit.rows_written is not None
        }
        found = alone | {state.day: state.rows for state in self.days}
        return {day: rows for day, rows in sorted(found.items()) if day <= through}

    def open_anomalies(self) -> list[Anomaly]:
        """The anomalies that no later attempt at the same day has cleared, newest day first."""
        latest: dict[date | None, Audit] = {}
        order = {audit.key: place for place, audit in enumerate(self.audits)}
        for audit in self.audits:
            for day in {a.day for a in self.anomalies if (a.run_id, a.attempt) == audit.key}:
                latest[day] = audit
        for state in self.days:
            there = latest.get(state.day)
            mine = order.get((state.run_id, state.attempt))
            if there and mine is not None and mine > order[there.key]:
                del latest[state.day]
        found = [a for a in self.anomalies if a.day in latest and latest[a.day].key == (a.run_id, a.attempt)]
        return sorted(found, key=lambda a: (-(a.day or date.min).toordinal(), a.severity, a.rule, a.subject))


@dataclass(frozen=True)
class Window:
    """Every table's last days; ``last_day`` is the newest landing day, ``read_through`` the newest attempt that is in it."""

    last_day: date | None = None
    read_through: datetime | None = None
    tables: Mapping[str, History] = field(default_factory=dict)

    @property
    def first_day(self) -> date | None:
        """The oldest day that is shown."""
        return first_day(self.last_day) if self.last_day else None

    def with_recorded(self, recorded: Recorded) -> Self:
        """The window after these rows: a row of the same key replaces, days before the window leave.

        Adding the same rows twice, or in another order, gives the same window.
        """
        audits = {(a.table, *a.key): a for history in self.tables.values() for a in history.audits}
        audits |= {(a.table, *a.key): a for a in recorded.audits}
        if not audits:
            return self
        last_day = max(audit.end for audit in audits.values()) - timedelta(days=1)
        first = first_day(last_day)
        failed = {key for key, audit in audits.items() if not audit.is_published}
        states: dict[tuple[str, date], DayState] = {}
        for state in (*(s for history in self.tables.values() for s in history.days), *recorded.states):
            there = states.get((state.table, state.day))
            is_shown = state.day >= first and (state.table, state.run_id, state.attempt) not in failed
            if is_shown and (there is None or _age(state) >= _age(there)):
                states[state.table, state.day] = state
        kept = _newest(audits.values(), first)
        known = {(a.table, *a.key) for a in kept}
        anomalies = {(a.table, a.run_id, a.attempt, a.day, a.rule, a.subject): a for h in self.tables.values() for a in h.anomalies}
        anomalies |= {(a.table, a.run_id, a.attempt, a.day, a.rule, a.subject): a for a in recorded.anomalies}
        shown = [a for a in anomalies.values() if (a.table, a.run_id, a.attempt) in known and (a.day is None or a.day >= first)]
        tables = {
            name: History(
                name,
                tuple(a for a in kept if a.table == name),
                tuple(sorted((s for s in states.values() if s.table == name), key=lambda s: s.day)),
                tuple(
                    sorted((a for a in shown if a.table == name), key=lambda a: (a.day or date.min, a.run_id, a.attempt, a.rule, a.subject))
                ),
            )
            for name in sorted({a.table for a in kept})
        }
        return replace(self, last_day=last_day, read_through=max(a.started_at for a in audits.values()), tables=tables)

    def to_json(self) -> bytes:
        """The object that is kept beside the pages."""
        tables = [asdict(history) for history in self.tables.values()]
        stored = {"form": FORM, "last_day": self.last_day, "read_through": self.read_through, "tables": tables}
        return json.dumps(stored, default=lambda value: value.isoformat(), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes | None) -> Self:
        """The window that was kept; empty where there is none, or one of another form."""
        stored = json.loads(content) if content else {}
        if stored.get("form") != FORM or not stored["tables"]:
            return cls()
        histories = [_history(entry) for entry in stored["tables"]]
        return cls(
            date.fromisoformat(stored["last_day"]),
            datetime.fromisoformat(stored["read_through"]),
            {history.table: history for history in histories},
        )


def first_day(last_day: date) -> date:
    """The first of the ``DAYS`` days that end with ``last_day``.

    >>> first_day(date(2026, 6, 30))
    datetime.date(2026, 5, 2)
    """
    return last_day - timedelta(days=DAYS - 1)


def _newest(audits: Iterable[Audit], first: date) -> list[Audit]:
    """The audits that reach into the window, the newest ``MOST_AUDITS`` of each table, oldest first."""
    ordered = sorted((a for a in audits if a.end > first), key=lambda a: (a.started_at, a.run_id, a.attempt))
    by_table: dict[str, list[Audit]] = {}
    for audit in ordered:
        by_table.setdefault(audit.table, []).append(audit)
    return [audit for name in sorted(by_table) for audit in by_table[name][-MOST_AUDITS:]]


def _age(state: DayState) -> tuple[datetime, str, int]:
    return state.recorded_at, state.run_id, state.attempt


def _history(entry: Mapping[str, Any]) -> History:
    return History(
        entry["table"],
        tuple(_audit(audit) for audit in entry["audits"]),
        tuple(_day(state) for state in entry["days"]),
        tuple(Anomaly(**{**anomaly, "day": _date(anomaly["day"])}) for anomaly in entry["anomalies"]),
    )


def _audit(entry: Mapping[str, Any]) -> Audit:
    parsed = {
        "start": _date(entry["start"]),
        "end": _date(entry["end"]),
        "newest_partition": _date(entry["newest_partition"]),
        "started_at": datetime.fromisoformat(entry["started_at"]),
        "failures": tuple(Failure(**failure) for failure in entry["failures"]),
    }
    return Audit(**{**entry, **parsed})


def _day(entry: Mapping[str, Any]) -> DayState:
    columns = {name: ColumnState(**{**column, "quantiles": tuple(column["quantiles"])}) for name, column in entry["columns"].items()}
    parsed = {"day": _date(entry["day"]), "recorded_at": datetime.fromisoformat(entry["recorded_at"]), "columns": columns}
    return DayState(**{**entry, **parsed})


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
