"""What the pages show, read from ``ops``: four small reads, pruned to what was recorded since the last page; never a table of the lake."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from jobs.context import Context
from jobs.ops.anomalies import ANOMALIES
from jobs.ops.metric_states import METRIC_STATES
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.ops.runs import RUNS
from jobs.reports.window import Anomaly, Audit, ColumnState, DayState, Failure, Recorded, first_day

OVERLAP = timedelta(hours=1)
"""How far before the newest known attempt is read again: clocks of two machines differ; rows that are known already change nothing."""

MOST_NAMES = 200
"""Values of one ``IN`` that Iceberg still compares with a file's bounds."""

COMMONEST = 12
"""Values of a column that are read a day, the commonest first."""

RANKS = (0.1, 0.5, 0.9)


def recorded(context: Context, since: datetime | None) -> Recorded:
    """What ``ops`` holds of the window that ends with the interval's last day; ``since`` leaves out what was recorded before."""
    first = first_day(context.interval.last_day)
    runs = context.lake.read(RUNS).where(F.col("interval_end") > F.lit(first))
    if since is not None:
        runs = runs.where(F.col("started_at") >= F.lit(since - OVERLAP))
    attempts = runs.withColumn("started_at", F.unix_micros("started_at")).orderBy("started_at", "run_id", "attempt", "table_name").collect()
    if not attempts:
        return Recorded()
    run_ids = sorted({row["run_id"] for row in attempts})
    verdicts = _verdicts(context.lake.read(QUALITY_RESULTS).where(_among("run_id", run_ids)))
    return Recorded(
        audits=tuple(_audit(row, *verdicts.get((row["table_name"], row["run_id"], row["attempt"]), (0, ()))) for row in attempts),
        states=tuple(_states(context, first, run_ids)),
        anomalies=tuple(_anomalies(context, run_ids)),
    )


def _audit(row: Row, evaluated: int, failures: tuple[Failure, ...]) -> Audit:
    counts = json.loads(row["counts"]) if row["counts"] else {}
    return Audit(
        table=row["table_name"],
        run_id=row["run_id"],
        attempt=row["attempt"],
        start=row["interval_start"],
        end=row["interval_end"],
        outcome=row["outcome"],
        newest_partition=max(row["partitions"], default=None),
        partition_count=len(row["partitions"]),
        rows_written=row["rows_written"],
        read=counts.get("read"),
        rejected=counts.get("rejected"),
        reasons=counts.get("reasons", {}),
        message=row["message"],
        started_at=_instant(row["started_at"]),
        evaluated=evaluated,
        failures=failures,
    )


def _verdicts(results: DataFrame) -> dict[tuple[str, str, int], tuple[int, tuple[Failure, ...]]]:
    names = ("expectation", "subject", "severity", "expected", "found")
    failed = F.when(~F.col("is_met"), F.struct(*names))
    grouped = results.groupBy("table_name", "run_id", "attempt").agg(
        F.count("*").alias("evaluated"), F.collect_list(failed).alias("failed")
    )
    return {
        (row["table_name"], row["run_id"], row["attempt"]): (row["evaluated"], tuple(Failure(**f.asDict()) for f in sorted(row["failed"])))
        for row in grouped.collect()
    }


def _states(context: Context, first: date, run_ids: Sequence[str]) -> Iterable[DayState]:
    """Days with their columns; the sketches are asked in Spark, so that a row that comes back is a few figures."""
    rows = context.lake.read(METRIC_STATES).where(
        (F.col("partition_date") >= F.lit(first)) & F.col("is_published") & _among("run_id", run_ids)
    )
    has_numbers = F.col("quantile_sketch").isNotNull() & (F.col("row_count") > F.col("null_count"))
    ranks = F.array(*[F.lit(rank) for rank in RANKS])
    found = rows.select(
        "table_name",
        "partition_date",
        "column_name",
        "run_id",
        "attempt",
        F.unix_micros("recorded_at").alias("recorded_at"),
        "row_count",
        "null_count",
        "distinct_count",
        F.when(has_numbers, F.kll_sketch_get_quantile_double("quantile_sketch", ranks)).alias("quantiles"),
        F.slice(F.reverse(F.array_sort(F.transform(F.map_entries("value_counts"), _by_count))), 1, COMMONEST).alias("values"),
    ).collect()
    columns: dict[tuple[Any, ...], dict[str, ColumnState]] = {}
    for row in found:
        if row["column_name"]:
            columns.setdefault(_whole(row), {})[row["column_name"]] = ColumnState(
                null_count=row["null_count"],
                distinct=row["distinct_count"],
                quantiles=tuple(row["quantiles"] or ()),
                values={entry["value"]: entry["count"] for entry in row["values"] or ()},
            )
    return [
        DayState(
            table=row["table_name"],
            day=row["partition_date"],
            rows=row["row_count"],
            run_id=row["run_id"],
            attempt=row["attempt"],
            recorded_at=_instant(row["recorded_at"]),
            columns=dict(sorted(columns.get(_whole(row), {}).items())),
        )
        for row in found
        if not row["column_name"]
    ]


def _by_count(entry: Column) -> Column:
    return F.struct(entry["value"].alias("count"), entry["key"].alias("value"))


def _whole(row: Row) -> tuple[Any, ...]:
    return row["table_name"], row["partition_date"], row["run_id"], row["attempt"]


def _anomalies(context: Context, run_ids: Sequence[str]) -> Iterable[Anomaly]:
    rows = context.lake.read(ANOMALIES).where(_among("run_id", run_ids)).collect()
    return [
        Anomaly(
            table=row["table_name"],
            run_id=row["run_id"],
            attempt=row["attempt"],
            day=row["partition_date"],
            rule=row["rule"],
            subject=row["subject"],
            severity=row["severity"],
            sentence=row["sentence"],
        )
        for row in rows
    ]


def _instant(micros: int) -> datetime:
    """An instant in UTC, whatever zone the driver's machine is in."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=micros)


def _among(column: str, names: Sequence[str]) -> Column:
    """Whether a column holds one of ``names``, asked in portions that a file's bounds can answer."""
    found = F.lit(False)
    for start in range(0, len(names), MOST_NAMES):
        found |= F.col(column).isin(*names[start : start + MOST_NAMES])
    return found
