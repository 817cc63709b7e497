"""What the anomaly rules say about 92 real days: ``python -m benchmarks.alarms_of_real_days FILE`` (alibaba2014's ``events.csv.gz``).

Each line lands on its own day, as ``load_history`` lands a foreign log. Silver is built by the steps' own functions, without a lake; the
days are judged one by one against those before. Features are built at the end of each of the last weeks and held against a week and four
weeks before. Exit 1 when there are more than two alarms.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from benchmarks.frames_of_days import Line, alarms, bronze, no_lines, recorded, session, silver
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_features import build as features_of
from jobs.interval import Interval
from jobs.landing import read_lines
from jobs.ops.metric_states import METRIC_STATES
from jobs.quality.inspection import Inspection
from jobs.quality.rules import Anomaly
from jobs.quality.states import day_states
from jobs.silver.events import EVENTS, EVENTS_REJECTED
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.order_lines import ORDER_LINES, ORDER_LINES_REJECTED
from jobs.sources.source import load

MOST_ALARMS = 2
WEEKS = 6


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge every day of the file and print each alarm."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alarms_of_real_days", description="The alarms of 92 real days.")
    parser.add_argument("file", type=Path, help="alibaba2014's events.csv.gz")
    options = parser.parse_args(arguments)
    spark, source = session(), load("alibaba2014")
    lines = list(landed(options.file))
    days = sorted({line[0] for line in lines})
    frames = silver(source, bronze(spark, source, lines), no_lines(spark))
    rows = []
    for table in (EVENTS, EVENTS_REJECTED, ORDER_LINES, ORDER_LINES_REJECTED):
        rows += recorded(frames[table.name], table, days)
    found = alarms(day_states(rows), days)
    drift = drifted_weeks(spark, frames, days[-1])
    for anomaly in (*found, *drift):
        print(anomaly)
    print(f"{len(days)} days, {len(lines)} lines: {len(found)} alarms of rules, {len(drift)} of drift over {WEEKS} weekly features")
    return 0 if len(found) + len(drift) <= MOST_ALARMS else 1


def landed(file: Path) -> Iterator[Line]:
    """Every data line, landed on its own day."""
    feed = load("alibaba2014").feed("events")
    with file.open("rb") as stream:
        for number, line in read_lines(stream, feed, file.name):
            month, day = line.rsplit(",", 1)[1].split("-")
            own_day = date(2013, int(month), int(day))
            yield own_day, f"landing/alibaba2014/events/{own_day}/{file.name}", number, line


class Recorded:
    """A lake that knows the states of earlier runs and nothing else."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.rows: list[tuple[object, ...]] = []

    def snapshot_id(self, _: object) -> None:
        """None: there is one version."""

    def read(self, *_: object) -> DataFrame:
        """The states."""
        return self.spark.createDataFrame(self.rows, METRIC_STATES.struct())

    def record(self, inspection: Inspection, run_id: str) -> None:
        """Add what a run measured."""
        for state in inspection.state_rows({USER_FEATURES.name: 1}, is_published=True):
            row = state | {"run_id": run_id, "attempt": 1}
            self.rows.append(tuple(row.get(name) for name in METRIC_STATES.column_names))


def drifted_weeks(spark: SparkSession, frames: dict[str, DataFrame], last: date) -> list[Anomaly]:
    """The drift that weekly features show, each against the weeks before."""
    lake, found = Recorded(spark), []
    for weeks in reversed(range(WEEKS)):
        day = last - timedelta(weeks=weeks)
        inspection = Inspection(lake, Interval(day, day + timedelta(days=1)))  # type: ignore[arg-type]  # it only reads
        no_items = spark.createDataFrame([], ITEM_OBSERVATIONS.struct())
        features = features_of(frames[EVENTS.name], frames[ORDER_LINES.name], no_items, as_of=day)
        found += inspection.inspect(USER_FEATURES, features, [day])
        lake.record(inspection, str(day))
    return found


if __name__ == "__main__":
    sys.exit(main())
