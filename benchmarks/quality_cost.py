"""What the quality pass adds to a silver task, as a ratio: ``python -m benchmarks.quality_cost [--users 2000] [--days 8] [--passes 3]``.

Starts a Postgres and an object store of its own, lands days of the synthetic shop, and builds the silver task over the last day in turn
without and with the pass, so that both meet the same machine. Every build replaces the same partitions.
"""

import argparse
import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from unittest import mock

from pyspark.sql import SparkSession

from jobs.catalog import TASKS
from jobs.context import Context
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.quality.inspection import Inspection
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.sources.source import load
from jobs.sources.synthetic.generation import generate
from jobs.sources.synthetic.places import Bucket
from jobs.sources.synthetic.shop import Shop
from jobs.store import Store
from stack.services import BASE, temporary
from stack.settings import StackSettings

LAST = date(2026, 6, 30)


def main(arguments: Sequence[str] | None = None) -> int:
    """Land, build in turn, print the ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality_cost", description="The quality pass's share of a silver task.")
    parser.add_argument("--users", type=int, default=2_000, help="users of the shop (default: 2000)")
    parser.add_argument("--days", type=int, default=8, help="landed days (default: 8)")
    parser.add_argument("--passes", type=int, default=3, help="builds of each kind that are timed (default: 3)")
    options = parser.parse_args(arguments)
    folder: Path = StackSettings.from_environment().local_dir / "benchmark-stacks" / secrets.token_hex(3)
    stack = temporary(folder)
    try:
        stack.start(names=BASE)
        settings = Settings.from_environment({"TRADEWIND_ENV_FILE": str(stack.env_file)})
        spark = spark_session(settings, "quality cost")
        spark.sparkContext.setLogLevel("ERROR")
        store = Store.from_settings(settings)
        shop = Shop(users=options.users, items=500, days=options.days, seed=7, last_day=LAST)
        generate(shop, spark=spark, landing=Bucket(store), answers_place=Bucket(store), tell=lambda _: None)
        build(spark, settings, Interval(shop.first_day, LAST + timedelta(days=1)), "bronze", "load")
        measure(spark, settings, options.passes)
        spark.stop()
    finally:
        stack.remove()
    return 0


def measure(spark: SparkSession, settings: Settings, passes: int) -> None:
    """Time the builds in turn; the first of each kind is not counted."""
    day = Interval(LAST, LAST + timedelta(days=1))
    without, with_pass = [], []
    for number in range(passes + 1):
        with mock.patch.object(Inspection, "inspect", return_value=[]):
            without.append(build(spark, settings, day, "silver", f"without {number}"))
        with_pass.append(build(spark, settings, day, "silver", f"with {number}"))
    for name, seconds in (("without", without[1:]), ("with", with_pass[1:])):
        print(f"{name}: median {statistics.median(seconds):.1f} s of {', '.join(f'{one:.1f}' for one in seconds)}")
    print(f"ratio {statistics.median(with_pass[1:]) / statistics.median(without[1:]):.2f}")


def build(spark: SparkSession, settings: Settings, interval: Interval, task: str, run_id: str) -> float:
    """Seconds that a task takes in a session that is already there."""
    lake = Lake(spark, Attempt(run_id=run_id, attempt=1, interval=interval, code_version="benchmark"))
    begun = time.monotonic()
    store = Store.from_settings(settings)
    build_tables(Context(settings, spark, store, lake, load(settings.source), interval, run_id, 1), TASKS[task].tables)
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
