"""Claims about what goes to MLflow and comes back; against a real store in a file, without a server."""

import json
from datetime import date
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from jobs import tracking
from jobs.errors import TryAgainError
from jobs.settings import Settings
from tests.tracking_fixtures import FAMILY, train


def test_there_is_no_champion_before_one_was_set(tracking_settings: Settings, tmp_path: Path) -> None:
    assert tracking.champion(tracking_settings, "nobody") is None
    _, version = train(tracking_settings, tmp_path, "hello")
    assert tracking.connect(tracking_settings).champion(FAMILY) is None, "registering alone lets nothing serve"
    assert tracking.connect(tracking_settings).version(FAMILY, version).version == version


def test_a_run_says_what_it_read_who_ran_it_and_how_sure_its_figures_are(tracking_settings: Settings, tmp_path: Path) -> None:
    run_id, _ = train(tracking_settings, tmp_path, "hello")
    run = mlflow.MlflowClient().get_run(run_id)
    assert run.data.metrics == {"ndcg_at_10": 0.2, "ndcg_at_10_low": 0.1, "ndcg_at_10_high": 0.3, "coverage_at_10": 0.5}
    ours = {name.removeprefix(tracking.TAG): value for name, value in run.data.tags.items() if name.startswith(tracking.TAG)}
    assert ours == {
        "run_id": "r-1",
        "attempt": "2",
        "code_version": "0.1.0+abc",
        "as_of_date": "2026-06-30",
        "window_start": "2026-06-01",
        "window_last_day": "2026-06-30",
    }
    assert run.inputs is not None
    read = {i.dataset.name: (i.dataset.digest, json.loads(i.dataset.source)["uri"]) for i in run.inputs.dataset_inputs}
    assert read == {
        "gold.interactions": ("4711", "iceberg://lake/gold.interactions@4711"),
        "silver.items": ("42", "iceberg://lake/silver.items@42"),
    }
    children = mlflow.search_runs(
        experiment_names=["synthetic.greeters"], filter_string=f"tags.mlflow.parentRunId = '{run_id}'", output_format="list"
    )
    assert [(child.info.run_name, child.data.params["rank"]) for child in children] == [("warm", "8")]


def test_all_trainings_have_a_view_that_leaves_their_candidates_out(tracking_settings: Settings) -> None:
    tracker = tracking.connect(tracking_settings)
    columns = ("metrics.ndcg_at_10", "params.model", f"tags.{tracking.TAG}as_of_date")
    with (
        tracker.training(FAMILY, run_id="viewed", attempt=1, code_version="x", as_of=date(2026, 6, 30), columns=columns) as run,
        run.child("cold"),
    ):
        pass
    experiment = mlflow.get_experiment_by_name(tracker.name(FAMILY))
    assert experiment is not None
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{tracking.VIEW}"])
    assert view["selectedColumns"] == ["metrics.`ndcg_at_10`", "params.`model`", "tags.`tradewind.as_of_date`"]
    found = mlflow.search_runs([experiment.experiment_id], filter_string=view["searchFilter"], output_format="list")
    assert run.run_id in {one.info.run_id for one in found}
    assert "cold" not in {one.info.run_name for one in found}


def test_the_champion_is_the_version_that_was_chosen_with_its_reason_not_the_newest(tracking_settings: Settings, tmp_path: Path) -> None:
    tracker = tracking.connect(tracking_settings)
    run_id, chosen = train(tracking_settings, tmp_path / "a", "chosen")
    tracker.set_champion(FAMILY, chosen, "It is polite.")
    train(tracking_settings, tmp_path / "b", "newer")
    found = tracking.champion(tracking_settings, FAMILY)
    assert found is not None
    assert (found.version, found.run_id, found.reason, found.tags["as_of_date"]) == (chosen, run_id, "It is polite.", "2026-06-30")
    assert found.metrics["ndcg_at_10"] == 0.2
    data = found.download(tmp_path / "down")
    assert (data / "word.txt").read_text(encoding="utf-8") == "chosen"
    answer = mlflow.pyfunc.load_model(found.uri).predict(pd.DataFrame({"user_id": ["u9"]}))
    assert answer["greeting"].tolist() == ["chosen u9"]


def test_a_training_that_raises_is_marked_failed(tracking_settings: Settings) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        tracking.connect(tracking_settings).training(FAMILY, run_id="r", attempt=1, code_version="v", as_of=date(2026, 6, 30)) as run,
    ):
        _ = 1 // 0
    assert mlflow.MlflowClient().get_run(run.run_id).info.status == "FAILED"


def test_a_training_under_mlflow_run_keeps_to_its_own_experiment(tracking_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    with tracking.connect(tracking_settings).training(FAMILY, run_id="r", attempt=1, code_version="v", as_of=date(2026, 6, 30)) as run:
        assert mlflow.MlflowClient().get_run(run.run_id).data.tags["tradewind.project_run_id"] == "0" * 32


def test_a_version_leads_to_its_run_and_an_unknown_one_nowhere(tracking_settings: Settings, tmp_path: Path) -> None:
    run_id, version = train(tracking_settings, tmp_path, "hello")
    tracker = tracking.connect(tracking_settings)
    found = tracker.trained(FAMILY, version)
    assert found is not None
    assert (found.version.run_id, found.scheduler_run_id, found.attempt) == (run_id, "r-1", "2")
    assert (found.window, found.as_of_date) == (("2026-06-01", "2026-06-30"), "2026-06-30")
    assert found.snapshots == {"gold.interactions": 4711, "silver.items": 42}
    assert not found.is_champion
    assert tracker.trained(FAMILY, "99") is None
    assert tracker.trained(FAMILY, "newest") is None
    assert tracker.trained("nobody", "1") is None


def test_a_server_that_does_not_answer_is_tried_again(tracking_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    silent = tracking.connect(tracking_settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:1"}))
    with pytest.raises(TryAgainError, match=r"MLflow at http://127\.0\.0\.1:1: expected an answer about .*\.greeters version 1"):
        silent.trained(FAMILY, "1")
    tracking.connect(tracking_settings)
