"""The exact command of every task is reviewed: ``--update-commands`` rewrites the file, a person reads the difference."""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.execution_time.context import MacrosAccessor

from jobs.catalog import PROMOTE_RECOMMENDER, TRAIN_RECOMMENDER

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import BundleDagBag

REVIEWED = Path(__file__).with_name("submit_commands.json")
CONF = {"load_history": {"start": "2026-01-01", "end": "2026-02-01"}, "train_recommender_weekly": {"day": "2026-01-31"}}
DATES = {"train_segments_weekly": "2026-02-01"}
RUN_AFTER = datetime(2026, 2, 1, 3, tzinfo=UTC)
KEYED = {"refine_daily", "release_daily"}


def rendered(task: Any, *, key: str | None, conf: dict[str, Any], ds: str | None = None) -> list[str]:
    """The command line of a task in a run with this key, configuration and logical date."""
    run = task.prepare_for_execution()
    params = {"day": None, "dry_run": True} | conf
    context = {
        "partition_key": key,
        "dag_run": SimpleNamespace(conf=conf, run_after=RUN_AFTER),
        "params": SimpleNamespace(**params),
        "macros": MacrosAccessor(),
        "run_id": "RUN_ID",
        "ti": SimpleNamespace(try_number=1, dag_id=task.dag_id),
    } | ({"ds": ds} if ds else {})
    run.render_template_fields(context)
    command: list[str] = run._get_hook()._build_spark_submit_command(f"$TWSTACK_HOME/{run.application}")
    return [*command, "--result", "RESULT_FILE"]


def test_every_task_submits_the_reviewed_command(bag: "BundleDagBag", asking_bag: "BundleDagBag", request: pytest.FixtureRequest) -> None:
    commands = {
        name: {
            task.task_id: " ".join(rendered(task, key="2026-01-31" if name in KEYED else None, conf=CONF.get(name, {}), ds=DATES.get(name)))
            for task in dag.topological_sort()
        }
        for name, dag in sorted(bag.dags.items())
    }
    name = "train_recommender_weekly"
    asking = [asking_bag.dags[name].get_task(task.name) for task in (TRAIN_RECOMMENDER, PROMOTE_RECOMMENDER)]
    commands[f"{name} with approval"] = {task.task_id: " ".join(rendered(task, key=None, conf=CONF[name])) for task in asking}
    if request.config.getoption("--update-commands"):
        REVIEWED.write_text(json.dumps(commands, indent=2) + "\n", encoding="utf-8")
    assert commands == json.loads(REVIEWED.read_text(encoding="utf-8"))


def test_a_configured_day_does_for_a_key(bag: "BundleDagBag") -> None:
    bronze = bag.dags["refine_daily"].get_task("bronze")
    assert rendered(bronze, key=None, conf={"day": "2025-12-31"}) == rendered(bronze, key="2025-12-31", conf={})


def test_a_scheduled_training_reads_the_set_of_the_day_before(bag: "BundleDagBag") -> None:
    training = bag.dags["train_recommender_weekly"].get_task("train_recommender")
    assert rendered(training, key=None, conf={}, ds="2026-02-01") == rendered(training, key=None, conf={"day": "2026-01-31"})


def test_maintenance_acts_when_the_run_says_so(bag: "BundleDagBag") -> None:
    acting = rendered(bag.dags["maintain_weekly"].get_task("maintain"), key=None, conf={"dry_run": False})
    assert "--no-dry-run" in acting
    assert "--dry-run" not in acting


def test_no_command_holds_a_secret(bag: "BundleDagBag", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_S3_SECRET_KEY", "hunter2")
    for name, dag in bag.dags.items():
        for task in dag.tasks:
            assert "hunter2" not in " ".join(rendered(task, key="2026-01-31", conf=CONF.get(name, {}), ds="2026-02-01"))
