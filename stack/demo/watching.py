"""Start a run or find it, and follow it to its end with a line for whatever changes."""

import re
import time
from collections.abc import Callable, Sequence

from stack.demo.airflow_api import AirflowApi, Attempt, Run
from stack.errors import StackError

POLL_SECONDS = 2.0
SOON_SECONDS = 0.5
NOT_BEGUN = {"none", "scheduled", "queued"}
MOST_LINES = 15
_TELLING = re.compile(r"\b\w*(Error|Exception)\b\s*:|\berror:|exit code|Bad data", re.IGNORECASE)

Report = Callable[[str], None]


def telling_lines(log: Sequence[str], most: int = MOST_LINES) -> list[str]:
    """The last lines of a log that name an error, without repetition; its last lines when none does.

    >>> telling_lines(["starting", "jobs.errors.AuditError: silver.events: expected no NULL; found 3", "stopping"])
    ['jobs.errors.AuditError: silver.events: expected no NULL; found 3']
    """
    lines = [line.strip() for entry in log for line in entry.splitlines() if line.strip()]
    telling = list(dict.fromkeys(line for line in lines if _TELLING.search(line)))
    return (telling or lines)[-most:]


def start_or_find(
    api: AirflowApi, dag_id: str, run_id: str, *, conf: dict[str, str] | None = None, key: str | None = None
) -> tuple[Run, bool]:
    """The run of that name and whether it had succeeded before: started when there is none, started over when it had failed."""
    run = api.find_run(dag_id, run_id)
    if run is None:
        return api.start(dag_id, run_id, conf=conf, key=key), False
    if run.state == "failed":
        api.start_over(run)
    return run, run.state == "success"


def follow(api: AirflowApi, run: Run, report: Report) -> Run:
    """Wait for the end of a run; raises StackError with the lines that tell why when it fails."""
    seen: dict[str, tuple[str, int]] = {}
    while True:
        current = api.find_run(run.dag_id, run.run_id)
        if current is None:
            raise StackError(f"Run {run.run_id} of {run.dag_id} is gone.", advice="Run the demonstration again.")
        for attempt in api.attempts(run):
            _tell(api, run, attempt, seen, report)
        if current.state == "success":
            return current
        if current.state == "failed":
            raise failure(api, current)
        time.sleep(POLL_SECONDS)


def await_begun(api: AirflowApi, run: Run, seconds: float = 30) -> None:
    """Wait until a task of the run has begun; no longer than ``seconds``, since another one may do well without."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and all(attempt.state in NOT_BEGUN for attempt in api.attempts(run)):
        time.sleep(SOON_SECONDS)


def _tell(api: AirflowApi, run: Run, attempt: Attempt, seen: dict[str, tuple[str, int]], report: Report) -> None:
    now = (attempt.state, attempt.try_number)
    if seen.get(attempt.task_id) == now or attempt.state in {*NOT_BEGUN, "removed"}:
        return
    seen[attempt.task_id] = now
    name = f"{run.dag_id}.{attempt.task_id}"
    if attempt.state == "running":
        report(f"{name} runs" + (f", attempt {attempt.try_number}" if attempt.try_number > 1 else ""))
    elif attempt.state == "success":
        report(f"{name} done in {attempt.seconds:.0f} s")
    elif attempt.state == "up_for_retry":
        lines = telling_lines(api.log(run, attempt.task_id, attempt.try_number), most=3)
        report("\n    ".join([f"{name} will be tried again after attempt {attempt.try_number}:", *lines]))
    else:
        report(f"{name} {attempt.state}")


def failure(api: AirflowApi, run: Run) -> StackError:
    """What to raise for a run that failed: the lines that tell why, task by task."""
    parts = [f"Run {run.run_id} of {run.dag_id} failed."]
    for attempt in api.attempts(run):
        if attempt.state == "failed":
            lines = telling_lines(api.log(run, attempt.task_id, attempt.try_number))
            parts.append("\n    ".join([f"{run.dag_id}.{attempt.task_id}, attempt {attempt.try_number}:", *lines]))
    return StackError(
        "\n  ".join(parts) + "\n",
        advice=f"The whole log is on the page {api.url}/dags/{run.dag_id}; after mending, run this again: it goes on here.",
    )


def await_run_of_key(api: AirflowApi, dag_id: str, key: str, *, after: Run, seconds: float = 180, before_end: float = 30) -> Run:
    """The run that an asset update of ``after`` has started for the key; raises StackError when none comes.

    The asset is updated when the last task ends: before the run's own end, by ``before_end`` seconds at most.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended = after.ended_at or after.run_after
        runs = [run for run in api.runs_of_key(dag_id, key) if (ended - run.run_after).total_seconds() < before_end]
        if runs:
            return runs[0]
        time.sleep(POLL_SECONDS)
    raise StackError(f"No run of {dag_id} has started for {key}.", advice=f"Look at {api.url}/dags/{dag_id}: is the DAG paused?")
