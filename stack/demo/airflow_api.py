"""The few calls of Airflow's REST API that the demonstration makes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import quote

import requests

from stack.errors import StackError

TIMEOUT_SECONDS = 30
PATIENCE_SECONDS = 120
"""For how long an answer that does not come, or a server error, is asked for again."""


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag_id: str
    run_id: str
    state: str
    partition_key: str | None
    conf: dict[str, Any]
    run_after: datetime
    ended_at: datetime | None

    @classmethod
    def of_answer(cls, answer: dict[str, Any]) -> Self:
        """Read the server's JSON."""
        ended = answer["end_date"]
        return cls(
            dag_id=answer["dag_id"],
            run_id=answer["dag_run_id"],
            state=answer["state"],
            partition_key=answer["partition_key"],
            conf=answer["conf"] or {},
            run_after=datetime.fromisoformat(answer["run_after"]),
            ended_at=datetime.fromisoformat(ended) if ended else None,
        )


@dataclass(frozen=True)
class Attempt:
    """One task of a run as it is now; ``seconds`` is that of the last attempt."""

    task_id: str
    state: str
    try_number: int
    seconds: float


class AirflowApi:
    """A client that logs in again when its token has expired and is patient with a server that restarts."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url, self._login = url.rstrip("/"), {"username": user, "password": password}
        self._session = requests.Session()

    def wait_for_dags(self, dag_ids: tuple[str, ...], seconds: float = 180) -> None:
        """Wait until the scheduler knows the DAGs, and let them run; raises StackError when it does not come to know one."""
        deadline = time.monotonic() + seconds
        for dag_id in dag_ids:
            while self._ask("PATCH", f"/dags/{dag_id}", {"is_paused": False}, none_for=requests.codes.not_found) is None:
                if time.monotonic() > deadline:
                    errors = (self._ask("GET", "/importErrors") or {}).get("import_errors", [])
                    found = "; ".join(f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors)
                    raise StackError(f"Airflow does not know the DAG {dag_id}. {found}", advice="Look at: python -m stack logs")
                time.sleep(2)

    def find_run(self, dag_id: str, run_id: str) -> Run | None:
        """The run of that name, or None."""
        answer = self._ask("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}", none_for=requests.codes.not_found)
        return Run.of_answer(answer) if answer else None

    def runs_of_key(self, dag_id: str, key: str) -> list[Run]:
        """The runs of a partition key, the newest first."""
        answer = self._must("GET", f"/dags/{dag_id}/dagRuns?partition_key_pattern={quote(key)}&order_by=-run_after&limit=100")
        return [run for run in map(Run.of_answer, answer["dag_runs"]) if run.partition_key == key]

    def start(self, dag_id: str, run_id: str, *, conf: dict[str, str] | None = None, key: str | None = None) -> Run:
        """Start a run; raises StackError with the server's words when it refuses."""
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf or {}, "partition_key": key}
        answer = self._ask("POST", f"/dags/{dag_id}/dagRuns", body, none_for=requests.codes.conflict)
        if answer is None:  # it was started by a request whose answer was lost
            answer = self._must("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")
        return Run.of_answer(answer)

    def start_over(self, run: Run) -> None:
        """Let the tasks of a run that have not succeeded start over."""
        unfinished = [attempt.task_id for attempt in self.attempts(run) if attempt.state != "success"]
        body = {"dag_run_id": run.run_id, "task_ids": unfinished, "only_failed": False, "reset_dag_runs": True, "dry_run": False}
        self._must("POST", f"/dags/{run.dag_id}/clearTaskInstances", body)

    def attempts(self, run: Run) -> list[Attempt]:
        """The tasks of a run."""
        answer = self._must("GET", f"/dags/{run.dag_id}/dagRuns/{quote(run.run_id, safe='')}/taskInstances")
        return [
            Attempt(task["task_id"], task["state"] or "none", task["try_number"], task["duration"] or 0.0)
            for task in answer["task_instances"]
        ]

    def log(self, run: Run, task_id: str, try_number: int) -> list[str]:
        """The lines that an attempt logged."""
        path = f"/dags/{run.dag_id}/dagRuns/{quote(run.run_id, safe='')}/taskInstances/{task_id}/logs/{try_number}"
        content = (self._ask("GET", path, none_for=requests.codes.not_found) or {}).get("content", [])
        return [entry["event"] if isinstance(entry, dict) else str(entry) for entry in content]

    def result(self, run: Run, task_id: str) -> Any:
        """What a task handed on (its XCom), or None."""
        path = f"/dags/{run.dag_id}/dagRuns/{quote(run.run_id, safe='')}/taskInstances/{task_id}/xcomEntries/return_value"
        return (self._ask("GET", path, none_for=requests.codes.not_found) or {}).get("value")

    def _must(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._ask(method, path, body)
        if answer is None:
            raise StackError(f"Airflow does not know {path}.", advice="Look at: python -m stack status")
        return answer

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None, *, none_for: int | None = None) -> Any:
        answer = self._patiently(lambda: self._session.request(method, f"{self.url}/api/v2{path}", json=body, timeout=TIMEOUT_SECONDS))
        if answer.status_code == requests.codes.unauthorized:
            self._authenticate()
            answer = self._patiently(lambda: self._session.request(method, f"{self.url}/api/v2{path}", json=body, timeout=TIMEOUT_SECONDS))
        if answer.status_code == none_for:
            return None
        if not answer.ok:
            raise StackError(
                f"Airflow answers {answer.status_code} to {method} {path}: {answer.text[:500]}", advice="Look at: python -m stack logs"
            )
        return answer.json()

    def _authenticate(self) -> None:
        answer = self._patiently(lambda: self._session.post(f"{self.url}/auth/token", json=self._login, timeout=TIMEOUT_SECONDS))
        if not answer.ok:
            raise StackError(f"Airflow refuses the login of {self._login['username']}.", advice="Look at: python -m stack status")
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @staticmethod
    def _patiently(ask: Callable[[], requests.Response]) -> requests.Response:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = ask()
            except (requests.ConnectionError, requests.Timeout) as error:
                if time.monotonic() > deadline:
                    raise StackError(f"Airflow does not answer: {error}", advice="Look at: python -m stack status") from error
            else:
                if answer.status_code < requests.codes.server_error or time.monotonic() > deadline:
                    return answer
            time.sleep(2)
