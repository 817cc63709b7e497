"""With approval a person decides: who is asked what, when nobody is, and what each answer over REST leads to."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestration import alerts, approval
from orchestration.messages import Alert
from orchestration.settings import DagSettings
from tests.dags.test_outcomes import calls

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import BundleDagBag
    from fastapi.testclient import TestClient

DAG, DAY = "train_recommender_weekly", {"day": "2026-01-31"}
SEGMENTS = "train_segments_weekly"
IDS = ["train_recommender", "is_there_a_candidate", "approve", "promote_recommender"]
REPORT = "Awaits approval: ease has more.\n\n| figure | candidate |\n| --- | --- |\n| ndcg_at_10 | 0.2000 [0.1000, 0.3000] |\n\n{{ day }}"
HELD = {"awaits_approval": "4", "question": "Shall version 4 of corner.recommender serve?", "report": REPORT}
DETAILS = f"/api/v2/dags/{DAG}/dagRuns/~/hitlDetails"
UNANSWERED = {"response_received": False, "state": "awaiting_input"}
"""Asks for what waits: a question is recorded a moment before its task stops running."""


def test_with_approval_a_training_is_held_and_a_person_stands_before_the_promotion(asking_bag: "BundleDagBag") -> None:
    assert asking_bag.import_errors == {}
    tasks = asking_bag.dags[DAG].topological_sort()
    assert [task.task_id for task in tasks] == IDS
    assert [sorted(task.upstream_task_ids) for task in tasks] == [[], *([name] for name in IDS[:-1])]
    assert all(task.doc_md for task in tasks)
    assert {task.trigger_rule for task in tasks} == {"all_success"}
    for task in tasks:
        assert task.on_failure_callback
        assert type(task.retry_policy).__name__ == "KindOfErrorPolicy"


def test_without_an_answer_in_time_the_answer_is_no_and_that_is_before_the_next_training(asking_bag: "BundleDagBag") -> None:
    approve: Any = asking_bag.dags[DAG].get_task("approve")
    assert type(approve).__name__ == "ApprovalOperator"
    assert (approve.options, approve.defaults, approve.fail_on_reject) == (["Approve", "Reject"], ["Reject"], False)
    assert approve.response_timeout.days == DagSettings().approval_days < 7
    assert approve.execution_timeout is None


def test_approval_is_off_by_default_and_leaves_the_other_dags_alone(bag: "BundleDagBag", asking_bag: "BundleDagBag") -> None:
    assert not DagSettings().approval
    ids, asking = ({name: [task.task_id for task in dag.tasks] for name, dag in one.dags.items()} for one in (bag, asking_bag))
    assert ids == asking | {DAG: ["train_recommender"], SEGMENTS: ["train_segments"]}


@pytest.mark.usefixtures("database")
def test_a_training_that_decides_itself_what_needs_a_person_is_never_held(asking_bag: "BundleDagBag", submitted: Path) -> None:
    ids = ["train_segments", "is_there_a_candidate", "approve", "promote_segments"]
    assert [task.task_id for task in asking_bag.dags[SEGMENTS].topological_sort()] == ids
    (submitted / "result.json").write_text(json.dumps({"model.segments": {"decision": "promoted"}}), encoding="utf-8")
    ended = asking_bag.dags[SEGMENTS].test(logical_date=None, run_conf=DAY)
    assert states(ended) == dict(zip(ids, ("success", "success", "skipped", "skipped"), strict=True))
    [submit] = [call["argv"] for call in calls(submitted)]
    assert approval.HOLD not in submit


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("result", [{"model.recommender": {"decision": "Not promoted.", "champion_version": "3"}}, {}])
def test_nobody_is_asked_when_nothing_awaits_approval(asking_bag: "BundleDagBag", submitted: Path, result: dict[str, Any]) -> None:
    (submitted / "result.json").write_text(json.dumps(result), encoding="utf-8")
    ended = asking_bag.dags[DAG].test(logical_date=None, run_conf=DAY)
    assert states(ended) == dict(zip(IDS, ("success", "success", "skipped", "skipped"), strict=True))
    assert str(ended.state) == "success"


@pytest.fixture
def client(database: None) -> Iterator["TestClient"]:  # noqa: ARG001 - the API reads it
    """Airflow's REST API over the tests' database, logged in."""
    from airflow.api_fastapi.app import create_app  # noqa: PLC0415 - after the environment is set
    from fastapi.testclient import TestClient  # noqa: PLC0415 - comes with Airflow

    with TestClient(create_app(apps="core")) as found:
        token = found.get("/auth/token").json()["access_token"]
        found.headers["Authorization"] = f"Bearer {token}"
        yield found


def states(run: Any) -> dict[str, str]:
    """Task -> state."""
    return {instance.task_id: str(instance.state) for instance in run.get_task_instances()}


def answering(client: "TestClient", option: str, asked: list[dict[str, Any]]) -> Callable[[], None]:
    """Waits until the run waits for somebody, keeps the question in ``asked``, and answers it."""

    def answer() -> None:
        while not (waiting := client.get(DETAILS, params=UNANSWERED).json()["hitl_details"]):
            time.sleep(0.2)
        asked.extend(waiting)
        instance = waiting[0]["task_instance"]
        place = f"/api/v2/dags/{DAG}/dagRuns/{instance['dag_run_id']}/taskInstances/approve/-1/hitlDetails"
        client.patch(place, json={"chosen_options": [option]}).raise_for_status()

    return answer


@pytest.mark.parametrize("answer", [("Approve", "success"), ("Reject", "skipped")], ids=lambda answer: answer[0])
def test_a_person_reads_the_jobs_report_and_the_answer_decides_about_the_promotion(
    asking_bag: "BundleDagBag", submitted: Path, client: "TestClient", monkeypatch: pytest.MonkeyPatch, answer: tuple[str, str]
) -> None:
    (submitted / "result.json").write_text(json.dumps({"model.recommender": HELD}), encoding="utf-8")
    option, promoted = answer
    asked: list[dict[str, Any]] = []
    told: list[Alert] = []
    monkeypatch.setattr(alerts, "notify", told.append)
    person = threading.Thread(target=answering(client, option, asked), daemon=True)
    person.start()
    ended = asking_bag.dags[DAG].test(logical_date=None, run_conf=DAY)
    person.join()
    assert states(ended) == dict(zip(IDS, ("success", "success", "success", promoted), strict=True))
    assert str(ended.state) == "success"
    (question,) = asked
    assert question["task_instance"]["state"] == "awaiting_input"
    assert (question["subject"], question["body"]) == (HELD["question"], REPORT)
    (alert,) = told
    assert (alert.kind, alert.task, alert.day, alert.found) == ("asked", "approve", DAY["day"], HELD["question"])
    assert alert.runbook.endswith("#a-recommender-that-waits-for-approval")
    submits = [call["argv"] for call in calls(submitted)]
    assert len(submits) == (2 if option == "Approve" else 1)
    assert approval.HOLD in submits[0]
    assert all("model.recommender.approved" in argv and approval.HOLD not in argv for argv in submits[1:])
