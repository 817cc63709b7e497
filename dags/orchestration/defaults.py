"""Arguments that every task and every DAG shares."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronPartitionTimetable, CronTriggerTimetable, Param

from orchestration.alerts import explain_failure
from orchestration.retries import BAD_LUCK_RETRIES, NOT_YET_RETRIES, KindOfErrorPolicy
from orchestration.settings import SETTINGS

TASK_DEFAULTS: dict[str, Any] = {
    "owner": "tradewind",
    "retries": NOT_YET_RETRIES + BAD_LUCK_RETRIES,
    "retry_policy": KindOfErrorPolicy(bad_luck_delay=SETTINGS.retry_delay, not_yet_delay=SETTINGS.not_yet_delay),
    # For an attempt that dies with its worker, which no policy sees.
    "retry_delay": SETTINGS.retry_delay,
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "on_failure_callback": explain_failure,
}

DAG_DEFAULTS: dict[str, Any] = {"default_args": TASK_DEFAULTS, "max_active_runs": 1, "catchup": False, "tags": ["tradewind"]}

TRAINING_PARAMS = {
    "day": Param(None, type=["null", "string"], format="date", description="Landing day whose set is read; empty: yesterday's."),
}

MAINTENANCE_PARAMS = {
    "dry_run": Param(not SETTINGS.maintenance_acts, type="boolean", description="Only say what would go; nothing is deleted."),
}

DAILY = CronPartitionTimetable("0 0 * * *", timezone="UTC", run_offset=-1, key_format="%Y-%m-%d")
"""One run a UTC day, at the midnight that ends it; the partition key is that day."""
DAILY_UNTIL = None if SETTINGS.cron else datetime(2000, 1, 1, tzinfo=UTC)
"""Without cron the timetable stays, because keyed runs and backfills need it; an end in the past keeps it from starting anything."""


def weekly(cron: str) -> CronTriggerTimetable | None:
    """Schedule of a DAG that runs once a week, or by hand only where cron is off."""
    return CronTriggerTimetable(cron, timezone="UTC") if SETTINGS.cron else None
