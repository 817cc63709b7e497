"""What is known of an attempt, table by table, and its record in ``ops``: what was built, found and measured."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from expectations.gate import Finding
from jobs.context import Context
from jobs.contract import Table
from jobs.counts import Counts
from jobs.errors import TradewindError
from jobs.lake import Staged
from jobs.ops.anomalies import ANOMALIES
from jobs.ops.metric_states import METRIC_STATES
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.ops.runs import RUNS
from jobs.quality.rules import Anomaly
from jobs.reports import data_docs


@dataclass
class Record:
    """What is known of one table of the attempt, for ``ops.runs`` and the task's result."""

    table: Table
    started_at: datetime
    staged: Staged | None = None
    days: tuple[date, ...] = ()
    rows_written: int | None = None
    is_changed: bool | None = None
    counts: Counts | None = None
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)
    data_docs: str | None = None


def record_attempt(
    context: Context,
    records: Sequence[Record],
    names: Sequence[str],
    *,
    published: dict[str, int] | None = None,
    error: Exception | None = None,
) -> None:
    """Write the attempt to ``ops``: every table that was begun, and, when it failed, why."""
    ended = "published" if published is not None else f"failed: {type(error).__name__ if error else ''}"
    unbegun = [name for name in names if name not in {record.table.name for record in records}]
    rows = [_run_row(context, record, published, ended) for record in records]
    if error and unbegun:
        subject = error.subject if isinstance(error, TradewindError) and "." in error.subject else unbegun[0]
        if subject not in {row["table_name"] for row in rows}:
            rows.append(_run_row(context, Record(Table(subject, "", (), ()), datetime.now(UTC)), published, ended))
    if error:
        for row in rows:
            row["message"] = str(error)[:4_000]
    findings = [_quality_row(record, f) for record in records for f in record.findings if record.staged]
    snapshots = {record.table.name: record.staged.snapshot_id for record in records if record.staged}
    _append(
        context,
        {
            RUNS: rows,
            QUALITY_RESULTS: findings,
            METRIC_STATES: context.inspection.state_rows(snapshots, is_published=published is not None),
            ANOMALIES: context.inspection.anomaly_rows(),
        },
    )
    audited = [(record, record.staged) for record in records if record.staged and record.findings]
    audits = [data_docs.Audit(r.table.name, r.findings, staged.snapshot_id, r.rows_written, ended) for r, staged in audited]
    addresses = data_docs.write(context, audits)
    for record, _ in audited:
        record.data_docs = addresses.get(record.table.name)
    context.lineage.built(rows, findings)


def _append(context: Context, rows: Mapping[Table, Sequence[Mapping[str, Any]]]) -> None:
    """Record the rows of each table, all tables at once: a commit is mostly waiting."""
    context.lake.ensure(RUNS)  # two that make the namespace at once would collide
    with ThreadPoolExecutor(thread_name_prefix="record") as pool:
        list(pool.map(context.lake.append_rows, rows, rows.values()))  # raises what one of them has raised


def _run_row(context: Context, record: Record, published: dict[str, int] | None, ended: str) -> dict[str, Any]:
    return {
        "table_name": record.table.name,
        "interval_start": context.interval.start,
        "interval_end": context.interval.end,
        "outcome": ended,
        "partitions": list(record.days),
        "rows_written": record.rows_written,
        "counts": json.dumps(record.counts.as_dict(), sort_keys=True) if record.counts else None,
        "snapshot_id": (published or {}).get(record.table.name),
        "is_changed": record.is_changed,
        "message": None,
        "code_version": context.code_version,
        "started_at": record.started_at,
        "seconds": round(record.seconds, 3),
    }


def _quality_row(record: Record, finding: Finding) -> dict[str, Any]:
    return {
        "table_name": record.table.name,
        "snapshot_id": record.staged.snapshot_id if record.staged else None,
        "expectation": finding.expectation,
        "subject": finding.subject,
        "severity": finding.severity,
        "is_met": finding.is_met,
        "expected": finding.expected,
        "found": finding.found,
    }


def outcome(record: Record) -> dict[str, Any]:
    """What a task tells of one table, small enough for an XCom."""
    told: dict[str, Any] = {"written": record.rows_written, "partitions": len(record.days), "seconds": round(record.seconds, 1)}
    told["snapshot_id"] = str(record.staged.snapshot_id) if record.staged else None
    told["warnings"] = [*(str(f) for f in record.findings if not f.is_met), *map(str, record.anomalies)]
    told["data_docs"] = record.data_docs
    return told | (record.counts.as_dict() if record.counts else {})
