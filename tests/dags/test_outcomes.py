"""Whole DAGs in one process against a fake ``spark-submit``: what each exit code leads to."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import BundleDagBag

pytestmark = pytest.mark.usefixtures("database")


def run(bag: "BundleDagBag", name: str, conf: dict[str, str]) -> dict[str, tuple[str, int]]:
    """Run a DAG to its end: task -> state and number of attempts."""
    ended = bag.dags[name].test(logical_date=None, run_conf=conf)
    return {instance.task_id: (str(instance.state), instance.try_number) for instance in ended.get_task_instances()}


def calls(submitted: Path) -> list[dict[str, Any]]:
    """Every call of the fake, in order."""
    return [json.loads(line) for line in (submitted / "calls.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.usefixtures("submitted")
def test_exit_0_succeeds_and_hands_on_the_result(bag: "BundleDagBag") -> None:
    from airflow.models.xcom import XComModel  # noqa: PLC0415 - after the environment is set
    from airflow.utils.session import create_session  # noqa: PLC0415

    assert run(bag, "train_segments_weekly", {"day": "2026-01-05"}) == {"train_segments": ("success", 1)}
    with create_session() as session:
        (pushed,) = session.query(XComModel).filter_by(dag_id="train_segments_weekly", key="return_value").all()
        assert XComModel.deserialize_value(pushed) == {"tables": {"silver.events": {"read": 3, "kept": 3}}}


@pytest.mark.usefixtures("submitted")
def test_the_task_that_draws_the_quality_page_leads_to_it(bag: "BundleDagBag") -> None:
    from airflow.models.xcom import XComModel  # noqa: PLC0415 - after the environment is set
    from airflow.utils.session import create_session  # noqa: PLC0415

    assert run(bag, "load_history", {"start": "2026-01-01", "end": "2026-01-05"})["gold"] == ("success", 1)
    with create_session() as session:
        links = session.query(XComModel).filter_by(dag_id="load_history", key="quality_page").all()
        found = [(link.task_id, XComModel.deserialize_value(link)) for link in links]
    assert found == [("gold", "http://127.0.0.1:28081/quality/index.html")]


def test_exit_65_fails_at_once_and_stops_what_follows(bag: "BundleDagBag", submitted: Path) -> None:
    (submitted / "codes").write_text("0 65", encoding="utf-8")
    assert run(bag, "refine_daily", {"day": "2026-01-06"}) == {
        "bronze": ("success", 1),
        "silver": ("failed", 1),
        "gold": ("upstream_failed", 0),
    }
    assert len(calls(submitted)) == 2


def test_exit_75_waits_and_tries_again_and_bad_luck_still_has_its_retries(bag: "BundleDagBag", submitted: Path) -> None:
    (submitted / "codes").write_text("75 75 75 75 1 75 1 0", encoding="utf-8")
    assert run(bag, "train_segments_weekly", {"day": "2026-01-07"}) == {"train_segments": ("success", 8)}
    attempts = [call["argv"][call["argv"].index("--attempt") + 1] for call in calls(submitted)]
    assert attempts == [str(number) for number in range(1, 9)]


@pytest.mark.parametrize("code", [1, 137])
def test_any_other_exit_code_is_tried_again_three_times(bag: "BundleDagBag", submitted: Path, code: int) -> None:
    (submitted / "codes").write_text(f"{code} " * 9, encoding="utf-8")
    assert run(bag, "train_recommender_weekly", {"day": "2026-01-08"}) == {"train_recommender": ("failed", 4)}


def test_a_run_without_a_day_submits_nothing_and_is_not_tried_again(bag: "BundleDagBag", submitted: Path) -> None:
    assert run(bag, "refine_daily", {})["bronze"] == ("failed", 1)
    assert not (submitted / "calls.jsonl").exists()


def test_a_job_sees_its_own_settings_and_none_of_the_schedulers(
    bag: "BundleDagBag", submitted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEWIND_ENV_FILE", "/somewhere/job.env")
    run(bag, "train_segments_weekly", {"day": "2026-01-10"})
    environ = calls(submitted)[0]["environ"]
    assert environ["TRADEWIND_ENV_FILE"] == "/somewhere/job.env"
    assert environ["PYSPARK_PYTHON"] == "/opt/jobs/bin/python"
    assert [name for name in environ if name.startswith(("AIRFLOW", "TRADEWIND_DAGS_", "TWSTACK_"))] == []
