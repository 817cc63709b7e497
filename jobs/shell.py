"""The shell around every pure build: read, build, stage, audit, count, publish, record."""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, reduce
from importlib import import_module
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gate import Finding, audit
from jobs.bronze.events import EVENTS
from jobs.bronze.items import ITEMS
from jobs.bronze.orders import ORDERS
from jobs.catalog import SCORE
from jobs.content_hash import content_hash
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
from jobs.raw_retention import require_raw
from jobs.release.recorded import versions_of_day
from jobs.reports import data_docs
from jobs.step import AsOf, EventDays, LandedDays, Read, Step, Write
from jobs.worker_errors import ours

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
    is_changed: bool | None = None
    counts: Counts | None = None
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    anomalies: list[Anomaly] = field(default_factory=list)
    data_docs: str | None = None


@dataclass
class Progress:
    """What the steps of one attempt tell those that follow: the event days that its parsing steps have replaced.

    ``parsed_days`` is None until one of them has. ``is_replay`` says whether later landing days were loaded before.
    """

    context: Context
    parsed_days: set[date] | None = None

    @cached_property
    def is_replay(self) -> bool:
        """Whether bronze holds landing days after the interval: then this is a replay, or a day that comes out of order."""
        later = F.col("landed_date") >= F.lit(self.context.interval.end)
        return any(not self.context.lake.read(table).where(later).isEmpty() for table in (EVENTS, ORDERS, ITEMS))


def build_tables(context: Context, names: Sequence[str]) -> dict[str, Any]:
    """Build ``names`` in order and publish them together; returns what was done, small enough for an XCom.

    Nothing is published when anything raises: then the failed attempt is recorded, its branches are dropped, and the error goes on; one
    that a worker raised comes out of Spark's wrappings first.
    """
    records: list[Record] = []
    progress = Progress(context)
    if any(name in SCORE.tables for name in names):
        context.lake.pin(context.lake.read_set(context.interval.last_day))
    try:
        for name in names:
            _build(context, step_of(name), records, progress)
        LOG.info("every audit has passed, publishing %s", ", ".join(record.table.name for record in records))
        published = context.lake.publish()
    except Exception as error:
        context.lake.discard()
        mine = ours(error)
        _record(context, records, names, error=mine or error)
        if mine is None or mine is error:
            raise
        raise mine from error
    _record(context, records, names, published=published)
    return {"tables": {record.table.name: _outcome(record) for record in records}}


def step_of(name: str) -> Step:
    """The step that builds a table, from the module of the same name."""
    step = import_module(f"jobs.{name}").STEP
    if not isinstance(step, Step):
        message = f"jobs.{name}.STEP is no Step"
        raise TypeError(message)
    return step


def _build(context: Context, step: Step, records: list[Record], progress: Progress) -> None:
    """Build one step; its tables are added to ``records`` as they are begun: what an audit refuses is recorded too, with its findings."""
    began, started_at = time.monotonic(), datetime.now(UTC)
    keywords = {keyword: _keyword(context, keyword) for keyword in step.takes}
    if step.model is not None:
        keywords["model"] = _model(context, step.model)
    marked = _marked(context, step, keywords)
    days = _touched_days(context, step, marked, progress)
    require_raw(context.lake, step, context.interval, days, context.settings.max_lateness_days)
    frames = [marked] if marked is not None else [_input(context, step, read, days) for read in step.reads]
    outputs = _built(context, step, frames, keywords)
    mine = []
    for write, rows in zip(step.writes, outputs, strict=True):
        record = Record(write.table, started_at)
        mine.append(record)
        records.append(record)
        record.days, condition = _partitions(context, write, days)
        scoped = rows.where(condition) if isinstance(write.scope, EventDays | LandedDays) else rows
        record.staged = context.lake.stage(write.table, scoped, condition)
        _audit(context, write, record)
        if marked is not None and progress.is_replay:
            record.is_changed = _is_changed(context, record.staged)
    if marked is not None:
        mine[0].counts = accounted(context, step, marked, days)
        marked.unpersist()
    for record in mine:
        record.seconds = time.monotonic() - began
        LOG.info("%s: %s rows in %d partitions, %.1f s", record.table.name, record.rows_written, len(record.days), record.seconds)


def _marked(context: Context, step: Step, keywords: dict[str, Any]) -> DataFrame | None:
    """The parsed lines of a parsing step, kept for the task: all that may belong to an event day that the interval touches."""
    if step.parses is None:
        return None
    lateness = context.settings.max_lateness_days
    reach = context.interval.widened(before=lateness + 1, after=lateness + 1)
    frames = [context.lake.read(read.table).where(_landed(reach.start, reach.end)) for read in step.reads]
    marked: DataFrame = step.parses(*frames, **keywords)
    return marked.persist(StorageLevel.MEMORY_AND_DISK)


def _built(context: Context, step: Step, frames: Sequence[DataFrame], keywords: dict[str, Any]) -> tuple[DataFrame, ...]:
    """What the build returns, one frame a write; of a step by as-of day the rows of all the days that it replaces."""
    as_of_days = [_as_of_days(context, write) for write in step.writes if isinstance(write.scope, AsOf)]
    if not as_of_days:
        built = step.build(*frames, **keywords)
        return built if isinstance(built, tuple) else (built,)
    by_day = [step.build(*frames, **keywords | {"as_of": day}) for day in as_of_days[0]]
    return (reduce(DataFrame.unionByName, by_day),)


def _as_of_days(context: Context, write: Write) -> tuple[date, ...]:
    """The interval's last day, and where the scope asks for it every later partition that exists, unless nothing before it has changed."""
    last_day = context.interval.last_day
    if not (isinstance(write.scope, AsOf) and write.scope.and_later) or not _may_have_changed(context):
        return (last_day,)
    column = str(write.table.partitioned_by)
    there = context.lake.read(write.table).where(F.col(column) > F.lit(last_day)).select(column).distinct().orderBy(column)
    return (last_day, *(row[column] for row in there.limit(MOST_DAYS_REPORTED).collect()))


def _may_have_changed(context: Context) -> bool:
    """Whether silver of this run replaced rows by other rows; not known, which is the same, when this run built none of it."""
    done = _silver_of_run(context).select("is_changed").distinct().collect()
    return not done or any(row["is_changed"] is not False for row in done)


def _is_changed(context: Context, staged: Staged) -> bool:
    """Whether the rows that were written differ from those that were there before this run."""
    replaced = context.lake.read_before(staged.table).where(staged.condition)
    return content_hash(replaced, staged.table) != content_hash(context.lake.replaced_rows(staged), staged.table)


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


def _touched_days(context: Context, step: Step, marked: DataFrame | None, progress: Progress) -> tuple[date, ...]:
    """The event days that the interval touches: of a parsing step from its rows, otherwise from what silver replaced in this run.

    Its rows are those that landed in the interval, and those that it had delivered before: a file that is landed again, corrected,
    touches the days of both. What it had delivered is looked up as it was before this run, so that an attempt after a killed one, which
    may have published a part, still knows it.
    """
    if not any(isinstance(write.scope, EventDays) for write in step.writes):
        return ()
    if marked is None:
        return tuple(sorted(progress.parsed_days)) if progress.parsed_days is not None else _days_of_run(context)
    main = step.writes[0].table
    day = F.col(str(main.partitioned_by)).alias("day")
    start, end = context.interval.start, context.interval.end
    parsed = marked.where(_landed(start, end)).where(F.size("reasons") == 0).select(day)
    last_landed = "last_landed_date" if "last_landed_date" in main.column_names else "landed_date"
    delivered = (F.col("landed_date") < F.lit(end)) & (F.col(last_landed) >= F.lit(start))
    reach = context.interval.widened(before=context.settings.max_lateness_days, after=1)
    before = context.lake.read_before(main).where(delivered & (day >= F.lit(reach.start)) & (day < F.lit(reach.end))).select(day)
    rows = parsed.union(before).distinct().orderBy("day").limit(MOST_DAYS_REPORTED).collect()
    days = tuple(row["day"] for row in rows)
    progress.parsed_days = (progress.parsed_days or set()) | set(days)
    return days


def _days_of_run(context: Context) -> tuple[date, ...]:
    """Days that silver replaced in this run; the whole reach of the interval when this run did not build silver."""
    done = _silver_of_run(context).select(F.explode("partitions").alias("day"))
    rows = done.distinct().orderBy("day").limit(MOST_DAYS_REPORTED).collect()
    if rows:
        return tuple(row["day"] for row in rows)
    return tuple(context.interval.widened(before=context.settings.max_lateness_days, after=1).days())


def _silver_of_run(context: Context) -> DataFrame:
    """The rows of ``ops.runs`` in which this run published what silver parses."""
    names = ("silver.events", "silver.order_lines", "silver.item_observations")
    is_mine = (F.col("run_id") == context.run_id) & (F.col("outcome") == "published")
    return context.lake.read(RUNS).where(is_mine & F.col("table_name").isin(*names))


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
        replaced = _as_of_days(context, write)
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
    findings = [_quality_row(record, f) for record in records for f in record.findings if record.staged]
    context.lake.append_rows(RUNS, rows)
    context.lake.append_rows(QUALITY_RESULTS, findings)
    snapshots = {record.table.name: record.staged.snapshot_id for record in records if record.staged}
    context.lake.append_rows(METRIC_STATES, context.inspection.state_rows(snapshots, is_published=published is not None))
    context.lake.append_rows(ANOMALIES, context.inspection.anomaly_rows())
    outcome = "published" if published is not None else f"failed: {kind}"
    audited = [(record, record.staged) for record in records if record.staged and record.findings]
    audits = [data_docs.Audit(r.table.name, r.findings, staged.snapshot_id, r.rows_written, outcome) for r, staged in audited]
    addresses = data_docs.write(context, audits)
    for record, _ in audited:
        record.data_docs = addresses.get(record.table.name)
    context.lineage.built(rows, findings)


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


def _outcome(record: Record) -> dict[str, Any]:
    outcome: dict[str, Any] = {"written": record.rows_written, "partitions": len(record.days), "seconds": round(record.seconds, 1)}
    outcome["snapshot_id"] = str(record.staged.snapshot_id) if record.staged else None
    outcome["warnings"] = [*(str(f) for f in record.findings if not f.is_met), *map(str, record.anomalies)]
    outcome["data_docs"] = record.data_docs
    return outcome | (record.counts.as_dict() if record.counts else {})
