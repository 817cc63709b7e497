"""What every DAG file has in common."""

import ast
import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from jobs.catalog import MAINTAIN, POOLS, REFINE, RELEASE, TASKS, TRAIN_RECOMMENDER, TRAIN_SEGMENTS
from orchestration.operator import QualityPage

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

DAGS_FOLDER = Path(__file__).parents[2] / "dags"
FILES = sorted(DAGS_FOLDER.glob("*.py"))
NAMES = [path.stem for path in FILES]
TASKS_OF = {
    "refine_daily": REFINE,
    "release_daily": RELEASE,
    "load_history": REFINE,
    "train_recommender_weekly": (TRAIN_RECOMMENDER,),
    "train_segments_weekly": (TRAIN_SEGMENTS,),
    "maintain_weekly": (MAINTAIN,),
}
each_dag = pytest.mark.parametrize("name", NAMES)


def test_there_are_dag_files_to_look_at() -> None:
    assert len(FILES) == len(TASKS_OF)


@each_dag
def test_a_file_holds_one_dag_of_its_own_name(bag: "BundleDagBag", name: str) -> None:
    assert [dag_id for dag_id, dag in bag.dags.items() if dag.fileloc == str(DAGS_FOLDER / f"{name}.py")] == [name]


@each_dag
def test_a_name_is_a_verb_an_object_or_none_and_a_cadence(name: str) -> None:
    assert re.fullmatch(r"(refine|release|maintain|train_[a-z]+)_(daily|weekly)|load_history", name)


@each_dag
def test_a_file_is_a_table_of_contents(name: str) -> None:
    text = (DAGS_FOLDER / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    body = ast.parse(text).body[1:]
    assert {type(node) for node in body} <= {ast.ImportFrom, ast.Assign, ast.With}
    assert {node.module for node in body if isinstance(node, ast.ImportFrom) and node.module} <= {
        "airflow.sdk",
        "jobs.catalog",
        *(f"orchestration.{module}" for module in ("alerts", "approval", "assets", "defaults", "operator")),
    }


@each_dag
def test_the_docstring_is_an_operators_manual_and_the_page_shows_it(bag: "BundleDagBag", name: str) -> None:
    manual = ast.get_docstring(ast.parse((DAGS_FOLDER / f"{name}.py").read_text(encoding="utf-8")), clean=False) or ""
    for heading in ("**What it does.**", "**Is a re-run safe?**", "**When it fails.**"):
        assert heading in manual
    assert (bag.dags[name].doc_md or "").strip() == manual.strip()


@each_dag
def test_tasks_are_those_of_the_catalog_one_after_the_other(bag: "BundleDagBag", name: str) -> None:
    tasks = bag.dags[name].topological_sort()
    assert [task.task_id for task in tasks] == [task.name for task in TASKS_OF[name]]
    assert [set(task.upstream_task_ids) for task in tasks] == [set(), *({task.task_id} for task in tasks[:-1])]
    for task in tasks:
        assert task.doc_md is not None
        assert TASKS[task.task_id].doc in task.doc_md


def test_trainings_alone_are_no_writers_of_the_lake() -> None:
    assert {task.name: task.pool for task in TASKS.values() if task.pool != "lake_writer"} == {
        "train_recommender": "trainer",
        "promote_recommender": "trainer",
        "train_segments": "trainer",
        "promote_segments": "trainer",
    }
    assert {pool.name: pool.slots for pool in POOLS} == {"lake_writer": 1, "trainer": 2}


@each_dag
def test_one_writer_at_a_time_and_a_retry_that_asks_for_the_kind_of_error(bag: "BundleDagBag", name: str) -> None:
    dag = bag.dags[name]
    assert (dag.max_active_runs, dag.catchup) == (1, False)
    for task in dag.tasks:
        assert (task.pool, task.pool_slots, task.owner) == (TASKS[task.task_id].pool, 1, "tradewind")
        assert type(task.retry_policy).__name__ == "KindOfErrorPolicy"
        assert task.retries == 75
        assert task.retry_exponential_backoff == 2.0
        assert task.max_retry_delay == timedelta(minutes=15)
        assert task.on_failure_callback


def test_maintenance_deletes_nothing_unless_it_is_told_to(bag: "BundleDagBag") -> None:
    assert bag.dags["maintain_weekly"].params["dry_run"] is True


def test_only_a_refined_day_starts_a_release(bag: "BundleDagBag") -> None:
    outlets = [(task.dag_id, task.task_id, asset.name) for dag in bag.dags.values() for task in dag.tasks for asset in task.outlets]
    assert outlets == [("refine_daily", "gold", "gold")]
    condition = bag.dags["release_daily"].timetable.asset_condition
    assert getattr(condition, "name", None) == "gold"


def test_a_task_that_draws_a_page_has_a_button_for_it_and_no_other_has(bag: "BundleDagBag") -> None:
    buttons = {
        (task.dag_id, task.task_id): [link.name for link in task.operator_extra_links]
        for dag in bag.dags.values()
        for task in dag.tasks
        if task.operator_extra_links
    }
    assert buttons == {
        ("refine_daily", "gold"): ["Quality page"],
        ("load_history", "gold"): ["Quality page"],
        ("release_daily", "publish"): ["Report of the release"],
    }


@pytest.mark.parametrize(
    ("result", "address"),
    [
        ({"ops.pages": {"page": "http://pages/quality/index.html"}}, "http://pages/quality/index.html"),
        ({"ops.pages": {"page": "pages/quality/index.html"}}, ""),
        ({"tables": {}}, ""),
        (None, ""),
    ],
)
def test_the_button_needs_an_address_that_a_browser_can_open(result: Any, address: str) -> None:
    assert QualityPage().get_link(cast("BaseOperator", SimpleNamespace(result=result)), ti_key=cast("TaskInstanceKey", None)) == address


def test_a_refined_day_that_is_late_raises_an_alert(bag: "BundleDagBag") -> None:
    assert [dag.dag_id for dag in bag.dags.values() if dag.deadline] == ["refine_daily"]
    deadline = bag.dags["refine_daily"].deadline
    assert isinstance(deadline, list)
    alert = deadline[0]
    assert alert.interval == timedelta(hours=6)
    # A run with a pending deadline since queueing could not be cleared: apache/airflow#70368.
    assert type(alert.reference).__name__ == "AverageRuntimeDeadline"
