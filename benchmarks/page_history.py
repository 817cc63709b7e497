"""What a run's pages cost when 400 days have been recorded, against 20: ``python -m benchmarks.page_history [--days 20 400]``.

Starts a Postgres and an object store of its own, fills ``ops`` as that many daily runs leave it (thirteen tables a day, nothing compacted;
the last month with a commit a task, as runs make them), and then measures, in one warm session, what one more day adds: the Data Docs of
an attempt at the gold tables, and the quality pages. Each is measured ``--rounds`` times on days of their own, and the median counts. The
window is that of the day before, as its run has left it; ``from scratch`` is a page without one, which reads the 60 days from ``ops``.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from expectations.gate import Finding, audit
from jobs.context import Context
from jobs.contract import Table
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.ops.metric_states import METRIC_STATES
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.ops.runs import RUNS
from jobs.reports import data_docs, places, quality_pages
from jobs.reports.window import Audit, DayState
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.shell import step_of
from jobs.sources.source import load
from jobs.store import Store
from stack import java
from stack.services import BASE, temporary
from stack.settings import StackSettings
from tests.recorded_days import a_shop, run_of

FIRST_DAY = date(2024, 1, 1)
LIMIT = 1.2
GOLD = ("gold.interactions", "gold.daily_item_stats", "gold.daily_funnels", "gold.user_features", "gold.item_features")
LAYERS = ("bronze", "silver", "gold")
EXPECTATIONS = 10
UNMERGED = 33
"""Days whose 99 commits lie in manifests of their own: Iceberg merges them at 100."""


@contextmanager
def lake() -> Iterator[Settings]:
    """A real lake on services of its own, gone afterwards."""
    stack = temporary(StackSettings.from_environment().local_dir / "test-stacks" / f"{os.getpid()}-pages")
    try:
        stack.start(names=BASE)
        os.environ |= {"PYSPARK_PYTHON": sys.executable, "JAVA_HOME": str(java.home(java.require()))}
        os.environ["SPARK_CONF_DIR"] = str(stack.state / "conf" / "spark")
        yield Settings.from_environment({"TRADEWIND_ENV_FILE": str(stack.env_file)})
    finally:
        stack.remove()


def context_of(spark: SparkSession, settings: Settings, day: date) -> Context:
    """One attempt at a day."""
    interval = Interval(day, day + timedelta(days=1))
    attempt = Attempt(run_id=run_of(day), attempt=1, interval=interval, code_version="benchmark")
    return Context(settings, spark, Store.from_settings(settings), Lake(spark, attempt), load(settings.source), interval, attempt.run_id, 1)


def record(context: Context, day: date) -> None:
    """What a daily run records: a commit a task in each table of ``ops``."""
    for layer in LAYERS:
        for table, rows in _rows(day, layer).items():
            _append(context, table, rows)


def record_at_once(context: Context, days: Sequence[date]) -> None:
    """The same rows for many days, about a file a day, in one commit a table: older commits share merged manifests anyway."""
    for table in (RUNS, QUALITY_RESULTS, METRIC_STATES):
        rows = [row for day in days for layer in LAYERS for row in _rows(day, layer)[table]]
        _append(context, table, rows, files=len(days))


def _rows(day: date, layer: str) -> dict[Table, list[dict[str, Any]]]:
    shop = a_shop(1, day)
    audits = [one for one in shop.audits if one.table.startswith(layer)]
    return {
        RUNS: [_run_row(one) for one in audits],
        QUALITY_RESULTS: [_result_row(one, number) for one in audits for number in range(EXPECTATIONS)],
        METRIC_STATES: [row for state in shop.states if state.table.startswith(layer) for row in _state_rows(state)],
    }


def _append(context: Context, table: Table, rows: list[dict[str, Any]], files: int = 1) -> None:
    context.lake.ensure(table)
    values = [tuple(row.get(column) for column in table.column_names) for row in rows]
    frame = context.spark.createDataFrame(values, table.struct())
    spread = frame.coalesce(1) if files == 1 else frame.repartitionByRange(files, "run_id", F.substring("table_name", 1, 4))
    spread.writeTo(f"lake.{table.name}").option("distribution-mode", "none").option("fanout-enabled", "true").append()


def _state_rows(state: DayState) -> list[dict[str, Any]]:
    whole = {
        "run_id": state.run_id,
        "attempt": 1,
        "table_name": state.table,
        "partition_date": state.day,
        "column_name": "",
        "row_count": state.rows,
        "through_date": state.day,
        "snapshot_id": 1,
        "is_published": True,
        "recorded_at": state.recorded_at,
    }
    columns = [
        whole
        | {"column_name": name, "null_count": one.null_count, "distinct_count": one.distinct, "value_counts": dict(one.values) or None}
        for name, one in state.columns.items()
    ]
    return [whole, *columns]


def _run_row(audit: Audit) -> dict[str, Any]:
    counts = {"read": audit.read, "rejected": audit.rejected, "reasons": dict(audit.reasons)} if audit.read else None
    return {
        "run_id": audit.run_id,
        "attempt": 1,
        "table_name": audit.table,
        "interval_start": audit.start,
        "interval_end": audit.end,
        "outcome": "published",
        "partitions": [audit.newest_partition],
        "rows_written": audit.rows_written,
        "counts": json.dumps(counts) if counts else None,
        "snapshot_id": 1,
        "code_version": "benchmark",
        "started_at": audit.started_at,
        "seconds": 1.0,
    }


def _result_row(audit: Audit, number: int) -> dict[str, Any]:
    kind = f"expect_{number}"
    met = {"expectation": kind, "subject": "column", "severity": "critical", "is_met": True, "expected": "{}", "found": None}
    return {"run_id": audit.run_id, "attempt": 1, "table_name": audit.table, "snapshot_id": 1} | met


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


@dataclass
class Bench:
    """A lake with so many recorded days, from ``FIRST_DAY`` on."""

    spark: SparkSession
    settings: Settings
    findings: dict[str, list[Finding]]
    days: int = 0

    def advance(self, days: int) -> None:
        """Record until there are so many days; the last ``UNMERGED`` of them with all their commits."""
        many = [FIRST_DAY + timedelta(days=number) for number in range(self.days, days - UNMERGED)]
        if many:
            record_at_once(self._context(many[-1]), many)
            self.days += len(many)
        while self.days < days:
            self.next_day()

    def next_day(self) -> Context:
        """Record one more day; returns its attempt."""
        context = self._context(FIRST_DAY + timedelta(days=self.days))
        record(context, context.interval.last_day)
        self.days += 1
        return context

    def measured(self, rounds: int) -> dict[str, float]:
        """Seconds of each part for one more day."""
        Store.from_settings(self.settings).delete([places.WINDOW])
        last = self._context(FIRST_DAY + timedelta(days=self.days - 1))
        scratch = seconds(partial(quality_pages.publish, last))
        docs, pages = [], []
        for _ in range(rounds):
            context = self.next_day()
            audits = [data_docs.Audit(table, found, 1, 1_000, "published") for table, found in self.findings.items()]
            docs.append(seconds(partial(data_docs.write, context, audits)))
            pages.append(seconds(partial(quality_pages.publish, context)))
        return {"Data Docs": statistics.median(docs), "quality pages": statistics.median(pages), "from scratch": scratch}

    def _context(self, day: date) -> Context:
        return context_of(self.spark, self.settings, day)


def findings_of(spark: SparkSession) -> dict[str, list[Finding]]:
    """What Great Expectations says of each gold table without rows: all expectations are drawn, some as failed."""
    steps = [step_of(table) for table in GOLD]
    return {
        write.table.name: audit(spark.createDataFrame([], write.table.struct()), write.suite) for step in steps for write in step.writes
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a day costs more than ``LIMIT`` times as much with the longer history."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, nargs=2, default=(20, 400), metavar=("SHORT", "LONG"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    short, long = options.days
    with lake() as settings:
        spark = spark_session(settings, "page_history")
        bench = Bench(spark, settings, findings_of(spark))
        found = {}
        for days in (short, long):
            bench.advance(days - options.rounds - 1)
            bench.measured(1)  # warms
            found[days] = bench.measured(options.rounds)
        spark.stop()
    ratios = {part: found[long][part] / found[short][part] for part in found[short]}
    print(f"{'seconds':<16}{short:>6} days{long:>7} days   ratio")
    for part, ratio in ratios.items():
        print(f"{part:<16}{found[short][part]:>11.2f}{found[long][part]:>12.2f}{ratio:>8.2f}")
    day = {days: parts["Data Docs"] + parts["quality pages"] for days, parts in found.items()}
    print(f"{'a day of both':<16}{day[short]:>11.2f}{day[long]:>12.2f}{day[long] / day[short]:>8.2f}   (limit {LIMIT})")
    if options.json:
        options.json.write_text(json.dumps({"seconds": found, "ratios": ratios}), encoding="utf-8")
    return 0 if day[long] / day[short] <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
