"""A driver that is killed while it publishes leaves nothing that the next run does not mend.

The driver that dies is a process of its own, started as a task is; what runs before and after it runs in this process.
"""

import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.content_hash import content_hash
from jobs.context import Context
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.landing import landed_days
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.sources.source import load
from jobs.store import Store
from jobs.tables import contract_of
from stack.services import Stack
from tests.landed_day import events_of, land_events

pytestmark = pytest.mark.timeout(1_800)

DAY = date(2028, 1, 10)
INTERVAL = Interval(DAY, DAY + timedelta(days=1))
BRONZE = ("bronze.events", "bronze.orders", "bronze.items")
SILVER = ("silver.events", "silver.order_lines", "silver.item_observations", "silver.items", "silver.sessions")
ENTRY = Path(__file__).resolve().parents[2] / "bin" / "spark_entry.py"


def killed_while_publishing(stack: Stack, run_id: str) -> None:
    """Run silver and kill its driver with -9 when the first of its tables is being published."""
    interval = ["--start", str(INTERVAL.start), "--end", str(INTERVAL.end), "--run-id", run_id]
    command = [sys.executable, "-u", str(ENTRY), *SILVER, *interval]
    task = subprocess.Popen(command, env=stack.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert task.stdout is not None
    log = []
    for line in task.stdout:
        log.append(line)
        if "publishing" in line:
            task.send_signal(signal.SIGKILL)
            break
    task.communicate(timeout=60)
    assert task.returncode == -signal.SIGKILL, "".join(log)[-4_000:]


def run(spark: SparkSession, settings: Settings, names: tuple[str, ...], run_id: str) -> None:
    """Build tables of the day, as the entry script does, in this process."""
    lake = Lake(spark, Attempt(run_id=run_id, attempt=1, interval=INTERVAL, code_version="test"))
    build_tables(Context(settings, spark, Store.from_settings(settings), lake, load(settings.source), INTERVAL, run_id, 1), names)


def hashes(spark: SparkSession) -> dict[str, str]:
    lake = Lake(spark, Attempt(run_id="look", attempt=1, interval=INTERVAL, code_version="test"))
    return {name: content_hash(lake.read(contract_of(name)), contract_of(name)) for name in SILVER}


def test_a_killed_publish_is_mended_by_the_next_run(test_stack: Stack, services: Settings, lake_spark: SparkSession) -> None:
    land_events(services, DAY, *events_of(DAY, 40))
    assert DAY in landed_days(Store.from_settings(services), load(services.source))
    run(lake_spark, services, BRONZE, "crash-bronze")
    killed_while_publishing(test_stack, "crash-killed")
    run(lake_spark, services, SILVER, "crash-again")
    after_the_crash = hashes(lake_spark)
    run(lake_spark, services, SILVER, "crash-undisturbed")
    assert hashes(lake_spark) == after_the_crash
    assert after_the_crash["silver.events"].partition("-")[0] != "0"
