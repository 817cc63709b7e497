"""What happens when a run fails or is late: for now a line in the log that says what to do."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from airflow.sdk import Context
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from orchestration.settings import SETTINGS

log = logging.getLogger(__name__)


def explain_failure(context: Context) -> None:
    """Log what a person should do about a task that failed for good."""
    instance = context["ti"]
    log.error(
        "%s.%s of run %s failed after %s attempt(s) and will not be tried again. Nothing of this task was published: tables and the "
        "current release are as they were. The error above says what was expected and found; the DAG's page says what to do about it. "
        "When it is mended, clear the task: it starts over.",
        instance.dag_id,
        instance.task_id,
        instance.run_id,
        instance.try_number,
    )


def explain_lateness(dag_id: str, seconds: int, context: Mapping[str, Mapping[str, object]]) -> None:
    """Log that a run has not ended in time, and what that usually means."""
    run = context.get("dag_run", {})
    log.error(
        "Run %s of %s, day %s, takes at least %s s longer than the last ones did. A task that waits for retry means that a feed's marker "
        "is missing: ask whoever delivers it, or land an empty day where the feed allows one.",
        run.get("dag_run_id"),
        dag_id,
        run.get("partition_key"),
        seconds,
    )


def deadline(dag_id: str) -> DeadlineAlert:
    """Call ``explain_lateness`` when a run of the DAG takes that much longer than the last ones did.

    The time since queueing would be simpler, but in Airflow 3.3.2 a run with a pending deadline of that kind cannot be cleared
    (apache/airflow#70368).
    """
    seconds = SETTINGS.deadline_seconds
    return DeadlineAlert(
        reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=10, min_runs=1),
        interval=timedelta(seconds=seconds),
        callback=SyncCallback(explain_lateness, kwargs={"dag_id": dag_id, "seconds": seconds}),
    )
