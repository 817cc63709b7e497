"""What the daily quality pass costs after 400 recorded days, as a multiple of what it costs after 20.

``python -m benchmarks.quality_history [--days 400] [--passes 5]``: starts a Postgres and an object store of its own, records the states of
day after day as daily runs do (each run records its day, the three before and the next one), and times the pass of the next day: read the
history, judge, record. Exit 1 when the ratio is above 1.2. Reading and recording are in it, building the table is not.
"""

import argparse
import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.ops.anomalies import ANOMALIES
from jobs.ops.metric_states import METRIC_STATES
from jobs.quality.inspection import Inspection
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.silver.events import EVENTS
from stack.services import BASE, temporary
from stack.settings import StackSettings

FIRST = date(2025, 1, 1)
MOST = 1.2
FEW_DAYS = 20
WARMING = 10  # passes of a driver that is still compiling: not measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, measure after few days, record on, measure after many."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality_history", description="The quality pass over a growing history.")
    parser.add_argument("--days", type=int, default=400, help="recorded days of the long history (default: 400)")
    parser.add_argument("--passes", type=int, default=5, help="passes that are timed at each length (default: 5)")
    options = parser.parse_args(arguments)
    folder: Path = StackSettings.from_environment().local_dir / "benchmark-stacks" / secrets.token_hex(3)
    stack = temporary(folder)
    try:
        stack.start(names=BASE)
        spark = spark_session(Settings.from_environment({"TRADEWIND_ENV_FILE": str(stack.env_file)}), "quality history")
        spark.sparkContext.setLogLevel("ERROR")
        ratio = measure(spark, options.days, options.passes)
        spark.stop()
    finally:
        stack.remove()
    return 0 if ratio <= MOST else 1


def measure(spark: SparkSession, days: int, passes: int) -> float:
    """The ratio of the medians; prints both."""
    record(spark, range(FEW_DAYS - passes - WARMING + 1))
    for day in range(FEW_DAYS - passes - WARMING + 1, FEW_DAYS - passes + 1):
        one_pass(spark, day)
    few = [one_pass(spark, day) for day in range(FEW_DAYS - passes + 1, FEW_DAYS + 1)]
    record(spark, range(FEW_DAYS + 1, days - passes + 1))
    many = [one_pass(spark, day) for day in range(days - passes + 1, days + 1)]
    ratio = statistics.median(many) / statistics.median(few)
    for name, seconds in ((FEW_DAYS, few), (days, many)):
        print(f"{name} days: median {statistics.median(seconds):.2f} s of {', '.join(f'{one:.2f}' for one in sorted(seconds))}")
    print(f"ratio {ratio:.2f}, at most {MOST} is asked for")
    return ratio


def record(spark: SparkSession, numbers: range) -> None:
    """The states that daily runs would have left, one commit a day."""
    if not numbers:
        return
    template = pass_of(spark, numbers[0])
    template.inspect(EVENTS, rows_of(spark, numbers[0]), written_days(numbers[0]))
    states = template.state_rows({EVENTS.name: 1}, is_published=True)
    for number in numbers:
        shift = timedelta(days=number - numbers[0])
        moved: list[dict[str, Any]] = [
            state | {name: state[name] + shift for name in ("partition_date", "through_date", "recorded_at")} for state in states
        ]
        lake(spark, number).append_rows(METRIC_STATES, moved)


def one_pass(spark: SparkSession, number: int) -> float:
    """Seconds of one day's pass."""
    rows = rows_of(spark, number).cache()
    rows.count()
    begun = time.monotonic()
    inspection = pass_of(spark, number)
    inspection.inspect(EVENTS, rows, written_days(number))
    inspection.lake.append_rows(METRIC_STATES, inspection.state_rows({EVENTS.name: 1}, is_published=True))
    inspection.lake.append_rows(ANOMALIES, inspection.anomaly_rows())
    seconds = time.monotonic() - begun
    rows.unpersist()
    return seconds


def day_of(number: int) -> date:
    """The day with that number."""
    return FIRST + timedelta(days=number)


def written_days(number: int) -> list[date]:
    """The event days that the run of a day replaces."""
    return [day_of(number + offset) for offset in range(-3, 2)]


def lake(spark: SparkSession, number: int) -> Lake:
    """The lake, as the run of that day sees it."""
    return Lake(spark, Attempt(f"day {number}", 1, Interval(day_of(number), day_of(number + 1)), "benchmark"))


def pass_of(spark: SparkSession, number: int) -> Inspection:
    """The quality pass of that day."""
    return Inspection(lake(spark, number), Interval(day_of(number), day_of(number + 1)))


def rows_of(spark: SparkSession, number: int) -> DataFrame:
    """Two thousand events on each of the days that a run replaces."""
    values = {
        "event_id": F.col("id").cast("string"),
        "user_id": F.concat(F.lit("u"), (F.col("id") * 7_919 % 600).cast("string")),
        "event_type": F.when(F.col("id") % 4 == 0, "add_to_cart").otherwise("view_item"),
        "item_id": F.concat(F.lit("i"), (F.col("id") % 300).cast("string")),
        "unit_price_minor": F.col("id") * 104_729 % 5_000,
        "event_date": F.date_add(F.lit(day_of(number - 3)), (F.col("id") % 5).cast("int")),
        "landed_date": F.lit(day_of(number)),
        "delivery_count": F.lit(1),
    }
    return spark.range(10_000).select(*[values.get(c.name, F.lit(None)).cast(c.type).alias(c.name) for c in EVENTS.columns])


if __name__ == "__main__":
    sys.exit(main())
