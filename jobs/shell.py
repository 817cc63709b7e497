"""The shell around every pure build: read, build, stage, audit, count, publish, record."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gate import Finding, audit
from jobs.catalog import SCORE
from jobs.context import Context
from jobs.contract import Table
from jobs.counts import Counts, accounted
from jobs.errors import AuditError, CriticalAnomalyError, TradewindError
from jobs.lake import Staged, days_condition
from jobs.ops.anomalies import ANOMALIES
from jobs.ops.metric_states import METRIC_STATES
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.ops.runs import RUNS
from jobs.quality.rules import Anomaly
from jobs.release.recorded import versions_of_day
from jobs.step import AsOf, EventDays, LandedDays, Read, Step, Write

LOG = logging.getLogger("tradewind")

MOST_DAYS_REPORTED = 3_700
"""Days that a driver may hold: ten years; what a landing interval touches is bounded by it and the lateness."""


@dataclass
class Record:
    """What is known of one table of the attempt, for ``ops.runs`` and the task's result."""

    table: Table
    started_at: datetime
    staged: Staged | None = None
    days: tuple[date, ...] = ()
    rows_written: int | None = None
    counts: Counts | None = None
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)


def build_tables(context: Context, names: Sequence[str]) -> dict[str, Any]:
    """Build ``names`` in order and publish them together; returns what was done, small enough for an XCom.

    Nothing is published when anything raises: then the failed attempt is recorded, its branches are dropped, and the error goes on.
    """
    records: list[Record] = []
    if any(name in SCORE.tables for name in names):
        context.lake.pin(context.lake.read_set(context.interval.last_day))
    try:
        for name in names:
            records.extend(_build(context, step_of(name)))
        LOG.info("every audit has passed, publishing %s", ", ".join(record.table.name for record in records))
        published = context.lake.publish()
    except Exception as error:
        context.lake.discard()
        _record(context, records, names, error=error)
        raise
    _record(context, records, names, published=published)
    return {"tables": {record.table.name: _outcome(record) for record in records}}


def step_of(name: str) -> Step:
    """The step that builds a table, from the module of the same name."""
    step = import_module(f"jobs.{name}").STEP
    if not isinstance(step, Step):
        message = f"jobs.{name}.STEP is no Step"
        raise TypeError(message)
    return step


def _build(context: Context, step: Step) -> list[Record]:
    began, started_at = time.monotonic(), datetime.now(UTC)
    keywords = {keyword: _keyword(context, keyword) for keyword in step.takes}
    if step.model is not None:
        keywords["model"] = _model(context, step.model)
    marked = _marked(context, step, keywords)
    days = _touched_days(context, step, marked)
    frames = [marked] if marked is not None else [_input(context, step, read, days) for read in step.reads]
    built = step.build(*frames, **keywords)
    outputs = built if isinstance(built, tuple) else (built,)
    records = []
    for write, rows in zip(step.writes, outputs, strict=True):
        record = Record(write.table, started_at)
        records.append(record)
        record.days, condition = _partitions(context, write, days)
        scoped = rows.where(condition) if isinstance(write.scope, EventDays | LandedDays) else rows
        record.staged = context.lake.stage(write.table, scoped, condition)
        _audit(context, write, record)
    if marked is not None:
        records[0].counts = accounted(context, step, marked, days)
        marked.unpersist()
    for record in records:
        record.seconds = time.monotonic() - began
        LOG.info("%s: %s rows in %d partitions, %.1f s", record.table.name, record.rows_written, len(record.days), record.seconds)
    return records


def _marked(context: Context, step: Step, keywords: dict[str, Any]) -> DataFrame | None:
    """The parsed lines of a parsing step, kept for the task: all that may belong to an event day that the interval touches."""
    if step.parses is None:
        return None
    lateness = context.settings.max_lateness_days
    reach = context.interval.widened(before=lateness + 1, after=lateness + 1)
    frames = [context.lake.read(read.table).where(_landed(reach.start, reach.end)) for read in step.reads]
    marked: DataFrame = step.parses(*frames, **keywords)
    return marked.persist(StorageLevel.MEMORY_AND_DISK)


def _model(context: Context, family: str) -> Any:
    """The model that serves: the version that the day's release recorded, otherwise the champion; None where none does."""
    load = import_module(f"jobs.{_FAMILY_PACKAGES[family]}.champion").load
    recorded = versions_of_day(context.store, context.interval.last_day) if context.models == "recorded" else None
    if recorded is None or family not in recorded:
        return load(context)
    version = recorded[family]
    return load(context, version) if version is not None else None


_FAMILY_PACKAGES = {"recommender": "recommender", "segments": "segmentation"}


def _keyword(context: Context, keyword: str) -> Any:
    values: dict[str, Callable[[], Any]] = {
        "as_of": lambda: context.interval.last_day,
        "source": lambda: context.source,
        "settings": lambda: context.settings,
        "spark": lambda: context.spark,
        "store": lambda: context.store,
        "interval": lambda: context.interval,
    }
    return values[keyword]()


def _touched_days(context: Context, step: Step, marked: DataFrame | None) -> tuple[date, ...]:
    """The event days that the interval touches: of a parsing step from its rows, otherwise from what silver replaced in this run."""
    if not any(isinstance(write.scope, EventDays) for write in step.writes):
        return ()
    if marked is None:
        return _days_of_run(context)
    main = step.writes[0].table
    day = F.col(str(main.partitioned_by)).alias("day")
    landed = _landed(context.interval.start, context.interval.end)
    parsed = marked.where(landed).where(F.size("reasons") == 0).select(day)
    before = context.lake.read(main).where(landed).select(day)
    rows = parsed.union(before).distinct().orderBy("day").limit(MOST_DAYS_REPORTED).collect()
    return tuple(row["day"] for row in rows)


def _days_of_run(context: Context) -> tuple[date, ...]:
    """Days that silver replaced in this run; the whole reach of the interval when this run did not build silver."""
    names = ("silver.events", "silver.order_lines", "silver.item_observations")
    done = context.lake.read(RUNS).where(
        (F.col("run_id") == context.run_id) & (F.col("outcome") == "published") & F.col("table_name").isin(*names)
    )
    rows = done.select(F.explode("partitions").alias("day")).distinct().orderBy("day").limit(MOST_DAYS_REPORTED).collect()
    if rows:
        return tuple(row["day"] for row in rows)
    return tuple(context.interval.widened(before=context.settings.max_lateness_days, after=1).days())


def _input(context: Context, step: Step, read: Read, days: tuple[date, ...]) -> DataFrame:
    """The rows of one input: of an event-day step those of the touched days and the declared margin, otherwise all."""
    rows = context.lake.read(read.table)
    if read.table.partitioned_by is None or not any(isinstance(write.scope, EventDays) for write in step.writes):
        return rows
    wanted = {day + timedelta(days=offset) for day in days for offset in range(-read.before, read.after + 1)}
    return rows.where(days_condition(read.table.partitioned_by, wanted))


def _partitions(context: Context, write: Write, days: tuple[date, ...]) -> tuple[tuple[date, ...], str]:
    scope, column = write.scope, write.table.partitioned_by
    if column is None:
        return (), "true"
    if isinstance(scope, LandedDays):
        replaced = tuple(context.interval.days())
    elif isinstance(scope, EventDays):
        replaced = tuple(sorted({day + timedelta(days=offset) for day in days for offset in range(-scope.before, scope.after + 1)}))
    elif isinstance(scope, AsOf):
        replaced = (context.interval.last_day,)
    else:
        return (), "true"
    return replaced, days_condition(column, replaced)


def _landed(start: date, end: date) -> str:
    return f"landed_date >= DATE'{start}' AND landed_date < DATE'{end}'"


def _audit(context: Context, write: Write, record: Record) -> None:
    if record.staged is None:
        return
    rows = context.lake.replaced_rows(record.staged).persist(StorageLevel.MEMORY_AND_DISK)  # read back once, asked several questions
    record.rows_written = rows.count()
    record.findings = audit(rows, write.suite)
    record.anomalies = context.inspection.inspect(write.table, rows, record.days)
    rows.unpersist()
    failed = [finding for finding in record.findings if not finding.is_met]
    for finding in failed:
        LOG.warning("%s %s: %s", finding.severity, write.table.name, finding)
    critical = [finding for finding in failed if finding.severity == "critical"]
    if critical:
        raise AuditError(
            write.table.name,
            expected="; ".join(f"{f.expectation}({f.subject}) {f.expected}" for f in critical),
            found="; ".join(str(f.found) for f in critical),
            advice="Nothing was published. Look at the rows that break the rule, mend the input, and run the day again.",
        )
    _heed(context, record)


def _heed(context: Context, record: Record) -> None:
    """Tell what is unlike its history; raises CriticalAnomalyError when one of it is critical and the settings let it stop the task."""
    for anomaly in record.anomalies:
        LOG.warning("%s", anomaly)
    critical = [anomaly for anomaly in record.anomalies if anomaly.severity == "critical"]
    if critical and context.settings.anomalies_stop == "on":
        raise CriticalAnomalyError(
            record.table.name,
            expected="; ".join(f"{a.rule}({a.subject}) {a.expected}" for a in critical),
            found="; ".join(f"{a.found}: {a.sentence.rstrip('.')}" for a in critical),
            advice="Nothing was published. Mend the input and land the day again; if the day really was like that, run it once with "
            "TRADEWIND_ANOMALIES_STOP=off. docs/runbook.md has each rule under Anomalies.",
        )


def _record(
    context: Context,
    records: Sequence[Record],
    names: Sequence[str],
    *,
    published: dict[str, int] | None = None,
    error: Exception | None = None,
) -> None:
    """Write the attempt to ``ops``: every table that was begun, and, when it failed, why."""
    kind = type(error).__name__ if error else ""
    unbegun = [name for name in names if name not in {record.table.name for record in records}]
    rows = [_run_row(context, record, published, kind) for record in records]
    if error and unbegun:
        subject = error.subject if isinstance(error, TradewindError) and "." in error.subject else unbegun[0]
        if subject not in {row["table_name"] for row in rows}:
            rows.append(_run_row(context, Record(Table(subject, "", (), ()), datetime.now(UTC)), published, kind))
    if error:
        for row in rows:
            row["message"] = str(error)[:4_000]
    context.lake.append_rows(RUNS, rows)
    context.lake.append_rows(QUALITY_RESULTS, [_quality_row(record, f) for record in records for f in record.findings if record.staged])
    snapshots = {record.table.name: record.staged.snapshot_id for record in records if record.staged}
    context.lake.append_rows(METRIC_STATES, context.inspection.state_rows(snapshots, is_published=published is not None))
    context.lake.append_rows(ANOMALIES, context.inspection.anomaly_rows())


def _run_row(context: Context, record: Record, published: dict[str, int] | None, kind: str) -> dict[str, Any]:
    return {
        "table_name": record.table.name,
        "interval_start": context.interval.start,
        "interval_end": context.interval.end,
        "outcome": "published" if published is not None else f"failed: {kind}",
        "partitions": list(record.days),
        "rows_written": record.rows_written,
        "counts": json.dumps(record.counts.as_dict(), sort_keys=True) if record.counts else None,
        "snapshot_id": (published or {}).get(record.table.name),
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


def _outcome(record: Record) -> dict[str, Any]:
    outcome: dict[str, Any] = {"written": record.rows_written, "partitions": len(record.days), "seconds": round(record.seconds, 1)}
    outcome["snapshot_id"] = str(record.staged.snapshot_id) if record.staged else None
    outcome["warnings"] = [*(str(f) for f in record.findings if not f.is_met), *map(str, record.anomalies)]
    return outcome | (record.counts.as_dict() if record.counts else {})
