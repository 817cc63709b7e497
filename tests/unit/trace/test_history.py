"""What a snapshot says of itself, and which snapshots hold a landed day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.interval import Interval
from jobs.trace.history import RunOfTable, Snapshot, holds

DAY = date(2027, 5, 2)
BEGAN = datetime(2027, 5, 3, 0, 10, tzinfo=UTC)


def run(*, outcome: str = "published", snapshot_id: int | None = 20, day: date = DAY) -> RunOfTable:
    return RunOfTable("r", 1, "silver.events", Interval(day, day + timedelta(days=1)), outcome, snapshot_id, BEGAN)


def test_a_snapshot_tells_who_wrote_it_over_which_days_from_what() -> None:
    summary = {
        "tradewind.run_id": "scheduled__1",
        "tradewind.attempt": "2",
        "tradewind.interval": "[2027-05-02, 2027-05-03)",
        "tradewind.read": "bronze.events@11,ops.runs@3",
        "added-records": "5",
    }
    found = Snapshot.of_summary("silver.events", 20, BEGAN, summary)
    assert (found.run_id, found.attempt, found.interval) == ("scheduled__1", 2, Interval(DAY, date(2027, 5, 3)))
    assert found.read == {"bronze.events": 11, "ops.runs": 3}


def test_a_snapshot_that_no_task_wrote_says_so_by_silence() -> None:
    found = Snapshot.of_summary("silver.events", 20, BEGAN, {"operation": "replace"})
    assert (found.run_id, found.attempt, found.interval, dict(found.read)) == (None, None, None, {})


@pytest.mark.parametrize(
    ("claim", "snapshot_id", "committed_at", "of_run", "does"),
    [
        ("the run's own snapshot", 20, None, run(), "holds it"),
        ("a later snapshot", 30, BEGAN + timedelta(minutes=1), run(), "holds it"),
        ("an earlier snapshot", 10, BEGAN - timedelta(minutes=1), run(), "holds nothing of it"),
        ("a later snapshot whose metadata is gone", 30, None, run(), "holds nothing of it"),
        ("a run that failed", 20, BEGAN + timedelta(minutes=1), run(outcome="failed: AuditError", snapshot_id=None), "holds nothing of it"),
        ("a run over another day", 20, BEGAN + timedelta(minutes=1), run(day=date(2027, 5, 1)), "holds nothing of it"),
    ],
)
def test_a_snapshot_holds_a_day_from_the_first_published_run_over_it_on(
    claim: str, snapshot_id: int, committed_at: datetime | None, of_run: RunOfTable, does: str
) -> None:
    assert holds(snapshot_id, committed_at, [of_run], DAY) is (does == "holds it"), claim
