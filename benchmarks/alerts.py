"""``python -m benchmarks.alerts``: the live scheduler tells a webhook on this machine of each kind of incident, once.

Airflow's services run on a stack of their own; ``spark-submit`` is the one of the DAG tests, which ends as it is told. What is looked at is
what no test in one process shows: that tasks and deadlines, each in a process of the executor's, reach the connection and the task's state,
and that a run with a pending deadline can be cleared (apache/airflow#70368). Takes two to three minutes; prints the titles as they came.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from stack.airflow_services import AirflowServices
from stack.credentials import Credentials
from stack.demo.airflow_api import AirflowApi, Run
from stack.services import temporary
from stack.settings import CHECKOUT, StackSettings
from tests.dags.sinks import Received, webhook

PATIENCE_SECONDS = 240
WEEKLY, DAILY = "train_segments_weekly", "refine_daily"
FAILURE = {"type": "AuditError", "subject": "silver.events", "expected": "no NULL", "found": "3", "advice": "Mend the input."}
EXPECTED = (
    "refine_daily.bronze has failed: day unknown, 3 tables",
    "refine_daily.silver has failed: day 2026-01-06, silver.events, AuditError",
    "refine_daily.silver has recovered: day 2026-01-06, 5 tables",
    "refine_daily is late: day 2026-01-07, 14 tables",
    "train_segments_weekly.train_segments is late: day 2026-01-08, model.segments, AuditError",
    "train_segments_weekly.train_segments has recovered: day 2026-01-08, model.segments",
    "train_segments_weekly.train_segments is done, but its data is unusual: day 2026-01-09, silver.events",
)
"""Titles, in any order."""


def environment(folder: Path) -> Callable[[AirflowServices, Credentials], dict[str, str]]:
    """Airflow's environment with the fake ``spark-submit`` and short waits."""
    told = AirflowServices.environment

    def changed(services: AirflowServices, credentials: Credentials) -> dict[str, str]:
        return told(services, credentials) | {
            "TWSTACK_SPARK_SUBMIT": str(CHECKOUT / "tests" / "dags" / "fake_spark_submit.py"),
            "FAKE_SPARK_SUBMIT_FOLDER": str(folder),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",  # else releases follow and take the planned exit codes
            "TRADEWIND_DAGS_RETRY_SECONDS": "1",
            "TRADEWIND_DAGS_NOT_YET_SECONDS": "5",
            "TRADEWIND_DAGS_DEADLINE_SECONDS": "20",
        }

    return changed


def until(holds: Callable[[], Any], what: str) -> None:
    """Wait; raises TimeoutError that says for what."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(1)


def plan(folder: Path, codes: str, *, result: Mapping[str, Any] | None = None) -> None:
    """What the next calls of ``spark-submit`` exit with, and the result of success."""
    (folder / "codes").write_text(codes, encoding="utf-8")
    (folder / "error.json").write_text(json.dumps({"error": FAILURE}), encoding="utf-8")
    (folder / "result.json").write_text(json.dumps(result or {"tables": {}}), encoding="utf-8")


def rehearse(api: AirflowApi, folder: Path, received: Received) -> None:
    """Bring about one incident after the other."""

    def ended(run: Run, state: str) -> Callable[[], bool]:
        return lambda: (api.find_run(run.dag_id, run.run_id) or run).state == state

    plan(folder, "")
    until(ended(api.start(DAILY, "first", key="2026-01-05"), "success"), "a first success")
    until(ended(api.start(DAILY, "no-day"), "failed"), "a run without a day")
    plan(folder, "0 65")
    bad = api.start(DAILY, "bad-data", key="2026-01-06")
    until(ended(bad, "failed"), "bad data")
    plan(folder, "")
    api.start_over(bad)
    until(ended(bad, "success"), "the recovery")
    plan(folder, "75 " * 99)
    waiting = api.start(DAILY, "late", key="2026-01-07")
    until(lambda: any("is late: day 2026-01-07" in message["text"] for message in received.messages), "the missed deadline")
    api.start_over(waiting)
    plan(folder, "")
    until(ended(waiting, "success"), "the end of the late run")
    plan(folder, "75 75 75 75 75 75 0")
    until(ended(api.start(WEEKLY, "wait", conf={"day": "2026-01-08"}), "success"), "the end of the wait")
    plan(folder, "", result={"tables": {"silver.events": {"warnings": ["rows: 12, expected 800 to 1200"]}}})
    until(ended(api.start(WEEKLY, "unusual", conf={"day": "2026-01-09"}), "success"), "the unusual day")


def main() -> int:
    """Returns 0 when every kind of incident was told, and each once."""
    settings = StackSettings.from_environment()
    stack = temporary(settings.local_dir / "test-stacks" / f"{os.getpid()}-{secrets.token_hex(3)}", settings)
    folder = stack.state / "fake"
    folder.mkdir(parents=True)
    with webhook() as received, patch.object(AirflowServices, "environment", environment(folder)):
        os.environ["AIRFLOW_CONN_SINK"] = json.dumps({"conn_type": "http", "password": f"http://127.0.0.1:{received.port}/a-secret"})
        os.environ["TRADEWIND_DAGS_ALERT_WEBHOOK_CONNECTION"] = "sink"
        try:
            stack.start(report=print)
            api = AirflowApi(stack.airflow_url, stack.airflow_user, stack.airflow_password)
            api.wait_for_dags((DAILY, WEEKLY))
            rehearse(api, folder, received)
        finally:
            titles = [message["text"].splitlines()[0] for message in received.messages]
            print("\n".join(titles))
            leaks = [path for path in stack.state.rglob("*.log") if "a-secret" in path.read_text(encoding="utf-8", errors="replace")]
            stack.remove()
    wrong = sorted(set(titles) ^ set(EXPECTED)) + [title for title in EXPECTED if titles.count(title) > 1]
    print(f"not as expected: {wrong or 'nothing'}; logs that hold the webhook's address: {leaks or 'none'}")
    return 1 if wrong or leaks else 0


if __name__ == "__main__":
    sys.exit(main())
