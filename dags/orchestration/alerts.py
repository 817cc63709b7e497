"""When a person is told: a task has failed for good, a run or a wait is late, data is unusual, what had failed is well again.

One alert an incident: attempts that will be tried again are silent, a wait speaks once, and what was alerted is remembered in the task's
state, so that the success that follows can be told too. ``docs/alerts.md`` shows the messages.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseNotifier, Context
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from jinja2 import UndefinedError

from jobs.catalog import TASKS
from orchestration.failures import JobFailure, failure_of
from orchestration.messages import Alert, Kind
from orchestration.notifier import notify
from orchestration.settings import SETTINGS

ALERTED = "alerted"
"""Key of the task's state: which kind of alert is open."""
WAITING_SINCE = "waiting_since"
"""Key of the task's state: when its first attempt came too early."""

NO_MESSAGE, NO_DAY, LATE, ANOMALY, RECOVERED = "no-message", "no-day", "late", "anomaly", "recovered"
"""Entries of the runbook that are not about a class of ``jobs.errors``; those are named like the class, in small letters."""
ASKED = "a-recommender-that-waits-for-approval"
"""A part of the runbook of its own: nothing is wrong there."""


def explain_failure(context: Context) -> None:
    """Alert about a task that failed for good: with the job's own words where it left some."""
    error = context.get("exception")
    failure = failure_of(error)
    if failure is not None:
        entry, expected, found, advice = failure.type.lower(), failure.expected, f"{failure.subject}: {failure.found}", failure.advice
    elif isinstance(error, UndefinedError):
        entry, expected, found = NO_DAY, "a landing day, as the run's partition key or in its configuration", "none"
        advice = "Trigger the DAG again with the day as partition key."
    else:
        entry, expected, found = NO_MESSAGE, "a job that ends by itself", str(error or "a task whose process died")
        advice = "The end of the attempt's log says how far it came; the runbook says what usually kills a job."
    unchanged = "Until the task has been cleared and has succeeded, its tables and the current release stay as they were."
    notify(_alert(Kind.FAILED, context, entry=entry, expected=expected, found=found, advice=f"{advice} {unchanged}", failure=failure))
    context["task_state_store"].set(ALERTED, Kind.FAILED.value)


def explain_wait(context: Context, failure: JobFailure | None) -> None:
    """Alert, once, when a task has come too early for as long as a run may be late, unless the run has a deadline of its own.

    Airflow's deadline is measured from the average of the runs that succeeded, so that the first ones have none, and neither has a DAG
    that runs once a week.
    """
    state, now = context["task_state_store"], datetime.now(UTC)
    since = state.get(WAITING_SINCE)
    if not isinstance(since, str):
        state.set(WAITING_SINCE, now.isoformat())
        since = now.isoformat()
    waited = now - datetime.fromisoformat(since)
    if waited < timedelta(seconds=SETTINGS.deadline_seconds) or state.get(ALERTED) or _has_deadline(context):
        return
    expected = failure.expected if failure else "what the task needs, in time"
    found = f"{failure.subject}: {failure.found}" if failure else "nothing yet"
    advice = (
        f"The task has waited since {since[:16]} and goes on trying. Ask whoever delivers the feed, or land an empty day where the feed "
        "allows one; then it goes on by itself."
    )
    notify(_alert(Kind.LATE, context, entry=LATE, expected=expected, found=found, advice=advice, failure=failure))
    state.set(ALERTED, Kind.LATE.value)


def explain_success(context: Context, result: object) -> None:
    """Alert about the warnings in a job's result, and tell that a task about which there was an alert is well again."""
    state = context["task_state_store"]
    if warnings := _warnings(result):
        found = "; ".join(f"{table}: {warning}" for table, warning in warnings)
        advice = (
            "The tables are published. Look at the day before it is used: when the shop was like that, nothing is to be done; when a feed "
            "was not whole, land the day again and clear the task."
        )
        tables = tuple(dict.fromkeys(table for table, _ in warnings))
        expected = "a day like those before it, and every rule met"
        notify(_alert(Kind.ANOMALY, context, entry=ANOMALY, expected=expected, found=found, advice=advice, tables=tables))
    if opened := state.get(ALERTED):
        advice = "Nothing is to be done; what follows the task in its run goes on by itself."
        found, expected = "success", f"the end of what was alerted as {opened}"
        notify(_alert(Kind.RECOVERED, context, entry=RECOVERED, expected=expected, found=found, advice=advice))
        state.delete(ALERTED)


def explain_lateness(dag_id: str, seconds: int, tasks: Sequence[str], context: Mapping[str, Mapping[str, Any]]) -> None:
    """Alert about a run that has not ended in time: Airflow calls this, outside of any task, when a deadline is missed.

    A run that has failed by then is left alone: the alert of its task has told of it.
    """
    run = context.get("dag_run", {})
    if run.get("state") == "failed":
        return
    run_id, day = str(run.get("dag_run_id")), str(run.get("partition_key") or (run.get("conf") or {}).get("day") or "unknown")
    notify(
        Alert(
            kind=Kind.LATE,
            dag=dag_id,
            task=None,
            tables=tuple(table for task in tasks for table in TASKS[task].tables),
            day=day,
            run=run_id,
            attempt=None,
            expected=f"the end of the run at most {_span(seconds)} later than the last ones ended",
            found=f"state {run.get('state')}",
            advice="Look at the run. A task that waits for retry: a feed's marker is missing, its log names it; ask whoever delivers the "
            "feed, or land an empty day where the feed allows one. A task that runs: its log says what it does.",
            runbook=_entry(LATE),
            airflow=_page(dag_id, run_id),
            quality=_quality(day),
        )
    )


class TellWhoIsAsked(BaseNotifier):
    """Alerts when a task begins to wait for a person's answer."""

    def notify(self, context: Context) -> None:
        """Called by the task, once, before it lets go of its worker."""
        explain_question(context)


def explain_question(context: Context) -> None:
    """Alert about a task that waits for a person: what is asked, until when, and where the answer is given."""
    wait = SETTINGS.approval_wait
    advice = f"Read the report on Airflow's page of the task and answer there. Without an answer within {wait.days} days it is a no."
    asked = str(getattr(context["task"], "subject", None) or "a question on the task's page")
    notify(_alert(Kind.ASKED, context, entry=ASKED, expected="a person's answer", found=asked, advice=advice))


def deadline(dag_id: str, tasks: Sequence[str]) -> DeadlineAlert:
    """Call ``explain_lateness`` when a run of the DAG takes that much longer than the last ones did.

    The time since queueing would be simpler, but in Airflow 3.3.2 a run with a pending deadline of that kind cannot be cleared
    (apache/airflow#70368). The other references do not fit: keyed runs have no logical date, a fixed moment is the same for every run, and
    one of our own would have to be installed as a plugin wherever Airflow runs. So the first run has none; ``explain_wait`` speaks there.
    """
    seconds = SETTINGS.deadline_seconds
    return DeadlineAlert(
        reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=10, min_runs=1),
        interval=timedelta(seconds=seconds),
        callback=SyncCallback(explain_lateness, kwargs={"dag_id": dag_id, "seconds": seconds, "tasks": list(tasks)}),
    )


def day_of(arguments: Sequence[str]) -> str:
    """The landing days of a job's command line: one day, or the first and the last.

    >>> day_of(["silver.events", "--start", "2026-01-31", "--end", "2026-02-01"])
    '2026-01-31'
    >>> day_of(["silver.events", "--start", "2026-01-01", "--end", "2026-02-01"])
    '2026-01-01 to 2026-01-31'
    >>> day_of(["silver.events", "--start", "{{ partition_key }}", "--end", "{{ partition_key }}"])
    'unknown'
    """
    given = dict(itertools.pairwise(arguments))
    try:
        start, last = date.fromisoformat(given["--start"]), date.fromisoformat(given["--end"]) - timedelta(days=1)
    except (KeyError, ValueError):
        return "unknown"
    return str(start) if start == last else f"{start} to {last}"


def _alert(
    kind: Kind,
    context: Context,
    *,
    entry: str,
    expected: str,
    found: str,
    advice: str,
    failure: JobFailure | None = None,
    tables: tuple[str, ...] = (),
) -> Alert:
    """An alert about the task of a context; it names the failure's table where that is one of the task's, else all that it builds."""
    instance, run = context["ti"], context["dag_run"]
    built = TASKS[instance.task_id].tables if instance.task_id in TASKS else ()  # a task that asks a person builds nothing
    day = day_of(getattr(context["task"], "application_args", None) or ())
    if day == "unknown":  # rendered in another process, or not at all
        day = str(run.partition_key or (run.conf or {}).get("day") or day)
    concerned = tables or ((failure.subject,) if failure and failure.subject in built else built)
    return Alert(
        kind=kind,
        dag=instance.dag_id,
        task=instance.task_id,
        tables=concerned,
        day=day,
        run=instance.run_id,
        attempt=instance.try_number,
        expected=expected,
        found=found,
        advice=advice,
        runbook=_entry(entry),
        airflow=_page(instance.dag_id, instance.run_id, instance.task_id, instance.try_number),
        quality=_quality(day),
        error=failure.type if failure else None,
    )


def _warnings(result: object) -> list[tuple[str, str]]:
    """Table and words of every warning in a job's result."""
    tables = result.get("tables") if isinstance(result, Mapping) else None
    if not isinstance(tables, Mapping):
        return []
    return [
        (str(table), str(warning))
        for table, outcome in tables.items()
        if isinstance(outcome, Mapping)
        for warning in outcome.get("warnings") or ()
    ]


def _has_deadline(context: Context) -> bool:
    """Whether Airflow itself watches the run: its DAG has a deadline, and a success from which that can be reckoned."""
    dag = context["dag"]
    return bool(dag.deadline) and context["ti"].get_dr_count(dag_id=dag.dag_id, states=["success"]) > 0


def _entry(anchor: str) -> str:
    return f"{SETTINGS.runbook_url}#{anchor}"


def _page(dag_id: str, run_id: str, task_id: str | None = None, attempt: int | None = None) -> str:
    """Airflow's page of a task's attempt, or of a run."""
    base = str(conf.get("api", "base_url", fallback="http://localhost:8080/")).rstrip("/")
    page = f"{base}/dags/{quote(dag_id)}/runs/{quote(run_id)}"
    return f"{page}/tasks/{quote(task_id)}?try_number={attempt}" if task_id else page


def _quality(day: str) -> str | None:
    return SETTINGS.quality_url.replace("{day}", day) if SETTINGS.quality_url else None


def _span(seconds: int) -> str:
    """A length of time in the largest unit that it fills.

    >>> _span(21600), _span(90)
    ('6 h', '90 s')
    """
    return f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds} s"
