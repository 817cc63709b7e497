"""The shell around every pure build: read, build, stage, audit, count, publish, record."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial, reduce
from importlib import import_module
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.attempt_record import Record, outcome, record_attempt
from jobs.audits import Audits, audit_written
from jobs.bronze.events import EVENTS
from jobs.bronze.items import ITEMS
from jobs.bronze.orders import ORDERS
from jobs.catalog import SCORE
from jobs.content_hash import content_hash
from jobs.context import Context
from jobs.counts import Tally, accounted, tallied
from jobs.lake import Staged, days_condition
from jobs.lanes import build_in_lanes
from jobs.ops.runs import RUNS
from jobs.raw_retention import require_raw
from jobs.release.recorded import versions_of_day
from jobs.step import AsOf, EventDays, LandedDays, Read, Step, Write
from jobs.worker_errors import ours

LOG = logging.getLogger("tradewind")

OF_ACTS = ("silver.events", "silver.order_lines", "silver.item_observations")
"""The parsed tables that sessions and gold are made of, day by day. Others say what may be shown to whom, not what happened."""

PACKS_KEPT_ROWS = "spark.sql.inMemoryColumnarStorage.compressed"

MOST_DAYS_REPORTED = 3_700
"""Days that a driver may hold: ten years; what a landing interval touches is bounded by it and the lateness."""


@dataclass
class Progress:
    """What the steps of one attempt tell those that follow: the event days that its parsing steps have replaced.

    ``parsed_days`` is None until one of them has. ``is_replay`` says whether later landing days were loaded before. ``done_at`` is when
    the last step that has been audited was done.
    """

    context: Context
    parsed_days: set[date] | None = None
    done_at: datetime | None = None

    @cached_property
    def is_replay(self) -> bool:
        """Whether bronze holds landing days after the interval: then this is a replay, or a day that comes out of order."""
        later = F.col("landed_date") >= F.lit(self.context.interval.end)
        return any(not self.context.lake.read(table).where(later).isEmpty() for table in (EVENTS, ORDERS, ITEMS))


def build_tables(context: Context, names: Sequence[str]) -> dict[str, Any]:
    """Build ``names`` and publish them together; returns what was done, small enough for an XCom.

    They are built in their order, those that need nothing of each other side by side (``jobs.lanes``).

    Nothing is published when anything raises: then the failed attempt is recorded, its branches are dropped, and the error goes on; one
    that a worker raised comes out of Spark's wrappings first.
    """
    records: list[Record] = []
    progress = Progress(context)
    if any(name in SCORE.tables for name in names):
        context.lake.pin(context.lake.read_set(context.interval.last_day))
    try:
        steps = [step for step in map(step_of, names) if step.is_built_from(context.source)]
        with Audits() as audits:
            build_in_lanes(steps, partial(_build_next, context, records, progress, audits))
            audits.wait()
        places = {write.table.name: place for place, write in enumerate(write for step in steps for write in step.writes)}
        records.sort(key=lambda record: places[record.table.name])
        LOG.info("every audit has passed, publishing %s", ", ".join(record.table.name for record in records))
        published = context.lake.publish()
    except Exception as error:
        context.lake.discard()
        mine = ours(error)
        record_attempt(context, records, names, error=mine or error)
        if mine is None or mine is error:
            raise
        raise mine from error
    record_attempt(context, records, names, published=published)
    return {"tables": {record.table.name: outcome(record) for record in records}}


def step_of(name: str) -> Step:
    """The step that builds a table, from the module of the same name."""
    step = import_module(f"jobs.{name}").STEP
    if not isinstance(step, Step):
        message = f"jobs.{name}.STEP is no Step"
        raise TypeError(message)
    return step


def _build_next(context: Context, records: list[Record], progress: Progress, audits: Audits, step: Step) -> None:
    """Build a step unless an audit has failed meanwhile."""
    audits.check()
    _build(context, step, records, progress, audits)


def _build(context: Context, step: Step, records: list[Record], progress: Progress, audits: Audits) -> None:
    """Build and stage one step, and begin its audit.

    Its tables are added to ``records`` as they are begun: what an audit refuses is recorded too, with its findings.
    """
    started_at = datetime.now(UTC)
    keywords = {keyword: _keyword(context, keyword) for keyword in step.takes}
    if step.model is not None:
        keywords["model"] = _model(context, step.model)
    marked = _marked(context, step, keywords)
    tally = tallied(marked, str(step.writes[0].table.partitioned_by), context.interval) if marked is not None else None
    days = _touched_days(context, step, tally, progress)
    require_raw(context.lake, step, context.interval, days, context.settings.max_lateness_days)
    frames = [marked] if marked is not None else [_input(context, step, read, days) for read in step.reads]
    as_of_days = _as_of_days(context, step)
    outputs = _built(step, frames, keywords, as_of_days)
    mine = []
    for write, rows in zip(step.writes, outputs, strict=True):
        record = Record(write.table, started_at)
        mine.append(record)
        records.append(record)
        record.days, condition = _partitions(context, write, days, as_of_days)
        scoped = rows.where(condition) if isinstance(write.scope, EventDays | LandedDays) else rows
        record.staged = context.lake.stage(write.table, scoped, condition, partitions=len(record.days))
    parsed = None
    if marked is not None and tally is not None:
        marked.unpersist()
        parsed = _Parsed(tally, days, progress.is_replay)
    audits.begin(partial(_audit, context, step, mine, progress, parsed))


@dataclass(frozen=True)
class _Parsed:
    """What a parsing step was built from: its lines counted, the event days that they touch, and whether they replace what was there."""

    tally: Tally
    days: tuple[date, ...]
    is_replay: bool


def _audit(context: Context, step: Step, records: Sequence[Record], progress: Progress, parsed: _Parsed | None) -> None:
    """Audit and count what a step has written. A table's time begins when that before it is done, so that times add up."""
    for write, record in zip(step.writes, records, strict=True):
        audit_written(context, write, record)
        if parsed is not None and parsed.is_replay and record.staged is not None:
            record.is_changed = _is_changed(context, record.staged)
    if parsed is not None:
        records[0].counts = accounted(context, step, parsed.tally, parsed.days)
    ended_at = datetime.now(UTC)
    for record in records:
        record.started_at = max(record.started_at, progress.done_at or record.started_at)
        record.seconds = (ended_at - record.started_at).total_seconds()
        LOG.info("%s: %s rows in %d partitions, %.1f s", record.table.name, record.rows_written, len(record.days), record.seconds)
    progress.done_at = ended_at


def _marked(context: Context, step: Step, keywords: dict[str, Any]) -> DataFrame | None:
    """The parsed lines of a parsing step, kept for the task: all that may belong to an event day that the interval touches."""
    if step.parses is None:
        return None
    lateness = context.settings.max_lateness_days
    reach = context.interval.widened(before=lateness + 1, after=lateness + 1)
    frames = [context.lake.read(read.table).where(_landed(reach.start, reach.end)) for read in step.reads]
    marked: DataFrame = step.parses(*frames, **keywords)
    # A day's lines are kept to be read three times: without what no build asks for, and with the text of those alone that it rejects.
    text = F.when(F.size("reasons") > 0, F.col("raw_line")).otherwise(F.lit(""))
    return _kept(marked.drop("raw", "landed_at").withColumn("raw_line", text))


def _kept(lines: DataFrame) -> DataFrame:
    """Keep the lines until the step is done, as they are: packing each column takes as long as parsing them."""
    conf = lines.sparkSession.conf
    before = conf.get(PACKS_KEPT_ROWS)
    conf.set(PACKS_KEPT_ROWS, "false")
    try:
        return lines.persist(StorageLevel.MEMORY_AND_DISK)
    finally:
        conf.set(PACKS_KEPT_ROWS, str(before))


def _built(step: Step, frames: Sequence[DataFrame], keywords: dict[str, Any], as_of_days: tuple[date, ...]) -> tuple[DataFrame, ...]:
    """What the build returns, one frame a write; of a step by as-of day the rows of all the days that it replaces."""
    if not as_of_days:
        built = step.build(*frames, **keywords)
        return built if isinstance(built, tuple) else (built,)
    by_day = [step.build(*frames, **keywords | {"as_of": day}) for day in as_of_days]
    return (reduce(DataFrame.unionByName, by_day),)


def _as_of_days(context: Context, step: Step) -> tuple[date, ...]:
    """Of a step by as-of day the partitions that it replaces, otherwise none.

    They are the interval's last day, and where the scope asks for it every later partition that exists, unless nothing before it has
    changed.
    """
    scopes = [(write.scope, write.table) for write in step.writes if isinstance(write.scope, AsOf)]
    if not scopes:
        return ()
    last_day = context.interval.last_day
    scope, table = scopes[0]
    if not scope.and_later or not _may_have_changed(context):
        return (last_day,)
    column = str(table.partitioned_by)
    there = context.lake.read(table).where(F.col(column) > F.lit(last_day)).select(column).distinct().orderBy(column)
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


def _touched_days(context: Context, step: Step, tally: Tally | None, progress: Progress) -> tuple[date, ...]:
    """The event days that the interval touches: of a parsing step from its rows, otherwise from what silver replaced in this run.

    Its rows are those that landed in the interval, and those that it had delivered before: a file that is landed again, corrected,
    touches the days of both. What it had delivered is looked up as it was before this run, so that an attempt after a killed one, which
    may have published a part, still knows it.
    """
    if not any(isinstance(write.scope, EventDays) for write in step.writes):
        return ()
    if tally is None:
        return tuple(sorted(progress.parsed_days)) if progress.parsed_days is not None else _days_of_run(context)
    main = step.writes[0].table
    day = F.col(str(main.partitioned_by)).alias("day")
    start, end = context.interval.start, context.interval.end
    last_landed = "last_landed_date" if "last_landed_date" in main.column_names else "landed_date"
    delivered = (F.col("landed_date") < F.lit(end)) & (F.col(last_landed) >= F.lit(start))
    reach = context.interval.widened(before=context.settings.max_lateness_days, after=1)
    before = context.lake.read_before(main).where(delivered & (day >= F.lit(reach.start)) & (day < F.lit(reach.end))).select(day)
    days = tuple(sorted(tally.days | {row["day"] for row in before.distinct().orderBy("day").limit(MOST_DAYS_REPORTED).collect()}))
    if main.name in OF_ACTS:
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
    is_mine = (F.col("run_id") == context.run_id) & (F.col("outcome") == "published")
    return context.lake.read(RUNS).where(is_mine & F.col("table_name").isin(*OF_ACTS))


def _input(context: Context, step: Step, read: Read, days: tuple[date, ...]) -> DataFrame:
    """The rows of one input: of an event-day step those of the touched days and the declared margin, otherwise all."""
    rows = context.lake.read(read.table)
    if read.table.partitioned_by is None or not any(isinstance(write.scope, EventDays) for write in step.writes):
        return rows
    wanted = {day + timedelta(days=offset) for day in days for offset in range(-read.before, read.after + 1)}
    return rows.where(days_condition(read.table.partitioned_by, wanted))


def _partitions(context: Context, write: Write, days: tuple[date, ...], as_of_days: tuple[date, ...]) -> tuple[tuple[date, ...], str]:
    scope, column = write.scope, write.table.partitioned_by
    if column is None:
        return (), "true"
    if isinstance(scope, LandedDays):
        replaced = tuple(context.interval.days())
    elif isinstance(scope, EventDays):
        replaced = tuple(sorted({day + timedelta(days=offset) for day in days for offset in range(-scope.before, scope.after + 1)}))
    elif isinstance(scope, AsOf):
        replaced = as_of_days
    else:
        return (), "true"
    return replaced, days_condition(column, replaced)


def _landed(start: date, end: date) -> str:
    return f"landed_date >= DATE'{start}' AND landed_date < DATE'{end}'"
