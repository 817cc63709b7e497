"""What there is: markers in the object store, partitions and runs in the lake, releases. Reads, and nothing else."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import functions as F

from jobs.backfill.plan import Facts, LandedDay, Size, TableFacts
from jobs.backfill.timing import Pace, between_tasks
from jobs.catalog import LAKE, REFINE, SCORE
from jobs.contract import Table
from jobs.errors import LandingError
from jobs.interval import Interval
from jobs.lake import Lake
from jobs.landing import find_marker
from jobs.ops.runs import RUNS
from jobs.ops.sets import SETS
from jobs.raw_retention import expired_before
from jobs.release.releases import committed
from jobs.settings import Settings
from jobs.shell import step_of
from jobs.sources.source import Source
from jobs.store import Store

TASKS = (*REFINE, SCORE)


def gather(lake: Lake, store: Store, source: Source, settings: Settings, interval: Interval) -> Facts:
    """The facts for a plan of ``interval``."""
    builders = {
        name: task.name for task in TASKS for name in task.tables if not name.startswith("ops.") and step_of(name).is_built_from(source)
    }
    paces, waits = _runs(lake, builders)
    in_the_same_time = Pace.of([(0, 0.0)])  # a rejected twin is written with its table
    tables = [
        TableFacts(
            write.table.name, task, write.scope, _partitions(lake, write.table), paces.get(name) if number == 0 else in_the_same_time
        )
        for name, task in builders.items()
        for number, write in enumerate(step_of(name).writes)
    ]
    bronze = [one for one in tables if one.name.startswith("bronze.")]
    lines: dict[date, int] = {}
    for table in bronze:
        for day in table.days:
            lines[day] = lines.get(day, 0) + table.partitions[day].rows
    cutoffs = [cutoff for table in bronze if (cutoff := expired_before(lake, step_of(table.name).writes[0].table)) is not None]
    return Facts(
        tables=tables,
        landed=[_landed(store, source.name, feed.name, day) for feed in source.feeds for day in interval.days() if feed.is_sent_on(day)],
        lines=lines,
        sets={row["day"]: row["set_id"] for row in lake.read(SETS).groupBy("day").agg(F.max("set_id").alias("set_id")).collect()},
        releases=[(key.id, key.day) for key in committed(store)],
        expired_before=max(cutoffs, default=None),
        max_lateness_days=settings.max_lateness_days,
        between_tasks=waits,
    )


def _landed(store: Store, source: str, feed: str, day: date) -> LandedDay:
    try:
        marker = find_marker(store, source, feed, day)
    except LandingError as error:
        return LandedDay(feed, day, None, fault=str(error))
    if marker is None:
        return LandedDay(feed, day, None)
    return LandedDay(feed, day, marker.rows, len(marker.files), sum(file.bytes for file in marker.files))


def _partitions(lake: Lake, table: Table) -> Mapping[date | None, Size]:
    """Day -> size, from metadata; what the contract partitions by is what the metadata is keyed by."""
    if not lake.exists(table):
        return {}
    day = F.col(f"partition.{table.partitioned_by}") if table.partitioned_by else F.lit(None).cast("date")
    counted = lake.spark.table(f"{LAKE}.{table.name}.partitions").select(
        day.alias("day"), "record_count", "total_data_file_size_in_bytes", "file_count"
    )
    return {row["day"]: Size(row["record_count"], row["total_data_file_size_in_bytes"], row["file_count"]) for row in counted.collect()}


def _runs(lake: Lake, builders: Mapping[str, str]) -> tuple[dict[str, Pace], Pace | None]:
    """Table -> its pace, and what lies between two tasks of a run, from the attempts that were published."""
    published = lake.read(RUNS).where((F.col("outcome") == "published") & F.col("table_name").isin(*builders))
    began = F.unix_micros("started_at") / 1_000_000
    rows = (
        published.select("run_id", "table_name", "rows_written", "seconds", began.alias("began")).orderBy("began", "table_name").collect()
    )
    points: dict[str, list[tuple[int, float]]] = {}
    spans: dict[tuple[str, str], tuple[float, float]] = {}
    for row in rows:
        points.setdefault(row["table_name"], []).append((row["rows_written"] or 0, row["seconds"]))
        key, end = (row["run_id"], builders[row["table_name"]]), row["began"] + row["seconds"]
        first, last = spans.get(key, (row["began"], end))
        spans[key] = (min(first, row["began"]), max(last, end))
    paces = {name: pace for name, runs in points.items() if (pace := Pace.of(runs)) is not None}
    return paces, between_tasks([(run_id, first, last) for (run_id, _), (first, last) in spans.items()])
