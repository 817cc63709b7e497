"""Recorded days as builders: a test names only what it is about, and the benchmark and the screenshot get a whole shop."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from jobs.reports.window import Anomaly, Audit, ColumnState, DayState, Failure, Recorded

LAST_DAY = date(2026, 6, 30)
EVENT_TYPES = {"view_item": 0.62, "view_item_list": 0.14, "add_to_cart": 0.11, "search": 0.06, "purchase": 0.04, "add_to_wishlist": 0.03}


def run_of(day: date) -> str:
    """Name of the run that refined a landing day."""
    return f"scheduled__{day + timedelta(days=1)}T00:00:00+00:00"


def audit(day: date = LAST_DAY, *, table: str = "silver.events", **changes: Any) -> Audit:
    """A published attempt at one landing day, with a few rejected rows."""
    ordinary: dict[str, Any] = {
        "table": table,
        "run_id": run_of(day),
        "attempt": 1,
        "start": day,
        "end": day + timedelta(days=1),
        "outcome": "published",
        "newest_partition": day,
        "partition_count": 3,
        "rows_written": 1_000,
        "read": 1_020,
        "rejected": 12,
        "reasons": {"unreadable": 4, "no_user": 8},
        "message": None,
        "started_at": datetime.combine(day + timedelta(days=1), time(0, 5), UTC),
        "evaluated": 12,
        "failures": (),
    }
    return Audit(**(ordinary | changes))


def state(day: date = LAST_DAY, *, table: str = "silver.events", **changes: Any) -> DayState:
    """One day as the run of that landing day left it."""
    ordinary: dict[str, Any] = {
        "table": table,
        "day": day,
        "rows": 1_000,
        "run_id": run_of(day),
        "attempt": 1,
        "recorded_at": datetime.combine(day + timedelta(days=1), time(0, 6), UTC),
        "columns": {"user_id": ColumnState(null_count=100, distinct=400)},
    }
    return DayState(**(ordinary | changes))


def anomaly(day: date = LAST_DAY, *, table: str = "silver.events", **changes: Any) -> Anomaly:
    """One anomaly of the run of that landing day."""
    ordinary: dict[str, Any] = {
        "table": table,
        "run_id": run_of(day),
        "attempt": 1,
        "day": day,
        "rule": "volume",
        "subject": "",
        "severity": "warning",
        "sentence": f"{table} on {day:%A} {day}: 23,102 rows, 0.58 times the 39,870 that the 4 Sundays before let expect.",
    }
    return Anomaly(**(ordinary | changes))


def a_shop(days: int, last_day: date = LAST_DAY) -> Recorded:
    """The records of a shop with weekly waves, a growing price, a dip, a failed day and a column that begins to be missing."""
    found = [_of_table(table, day, days, last_day) for table in _TABLES for day in _days(days, last_day)]
    audits, states = [audit for a, _ in found for audit in a], [state for _, state in found]
    dip = last_day - timedelta(days=9)
    anomalies = (
        anomaly(dip),
        anomaly(
            last_day,
            rule="null_share",
            subject="user_id",
            sentence=f"silver.events on {last_day:%A} {last_day}: user_id is missing in 41.0% of the rows, where 11.2% were due.",
        ),
    )
    return Recorded(tuple(audits), tuple(states), anomalies)


_TABLES = (
    ("bronze.events", 41_000, False),
    ("bronze.orders", 1_300, False),
    ("bronze.items", 500, False),
    ("silver.events", 40_000, True),
    ("silver.events_rejected", 420, False),
    ("silver.order_lines", 2_100, True),
    ("silver.order_lines_rejected", 30, False),
    ("silver.item_observations", 480, True),
    ("silver.sessions", 6_200, False),
    ("gold.interactions", 18_000, False),
    ("gold.daily_item_stats", 470, False),
    ("gold.daily_funnels", 60, False),
    ("gold.user_features", 1_900, False),
    ("gold.item_features", 480, False),
)


def _days(count: int, last_day: date) -> Iterator[date]:
    return (last_day - timedelta(days=back) for back in range(count - 1, -1, -1))


def _of_table(table: tuple[str, int, bool], day: date, days: int, last_day: date) -> tuple[list[Audit], DayState]:
    name, scale, parses = table
    place = (last_day - day).days
    wave = 1 + 0.18 * math.sin(2 * math.pi * day.toordinal() / 7) + 0.03 * math.sin(day.toordinal() * 1.7)
    rows = int(scale * wave * (1 - 0.002 * min(place, days)) * (0.58 if place == 9 and name.endswith("events") else 1))
    counts: dict[str, Any] = {"read": None, "rejected": None, "reasons": {}}
    if parses:
        reasons = {"no_user": int(rows * 0.004 * wave), "unreadable": int(rows * 0.002), "too_late": int(rows * 0.0015 / wave)}
        reasons |= {"unknown_event_type": int(rows * (0.012 if place == 16 else 0.0004))}
        counts = {"read": rows + sum(reasons.values()), "rejected": sum(reasons.values()), "reasons": reasons}
    attempts = [audit(day, table=name, rows_written=rows, **counts)]
    if place == 16 and name == "silver.events":
        why = Failure(
            "expect_column_values_to_be_in_set", "event_type", "critical", '{"value_set": ["view_item"]}', '{"unexpected_count": 480}'
        )
        message = "silver.events: expected expect_column_values_to_be_in_set(event_type); found 480 of 40,112. Nothing was published."
        earlier = {"started_at": attempts[0].started_at - timedelta(minutes=4), "run_id": f"manual__{day}", "message": message}
        attempts.insert(0, audit(day, table=name, outcome="failed: AuditError", failures=(why,), rows_written=rows, **counts, **earlier))
    missing = 0.41 if place == 0 else 0.11 + 0.01 * math.sin(day.toordinal())
    price = 1_200 + 6 * (days - place)
    columns = {
        "event_type": ColumnState(0, len(EVENT_TYPES), (), {kind: int(rows * share) for kind, share in EVENT_TYPES.items()}),
        "item_id": ColumnState(int(rows * 0.2), 480, (), {}),
        "quantity": ColumnState(int(rows * 0.83), 6, (1.0, 1.0, 3.0), {}),
        "session_hint": ColumnState(0, 5_900, (), {}),
        "unit_price_minor": ColumnState(int(rows * 0.5), 300, (price * 0.3, float(price), price * 3.6), {}),
        "user_id": ColumnState(int(rows * missing), 1_650 + 3 * (place % 7), (), {}),
    }
    return attempts, state(day, table=name, rows=rows, columns=columns)
