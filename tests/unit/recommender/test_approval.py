"""Claims about a candidate that waits for a person: what a held training leaves, and who serves after the answer; in a file's MLflow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

import mlflow
import pytest
from pyspark.sql import SparkSession

from jobs import tracking
from jobs.context import Context
from jobs.errors import BadDataError
from jobs.estimate import Estimate
from jobs.gold.interactions import INTERACTIONS
from jobs.interval import Interval
from jobs.lake import Attempt
from jobs.ops.decisions import DECISIONS
from jobs.recommender import training
from jobs.recommender.approval import promote
from jobs.recommender.candidate import Candidate
from jobs.recommender.gate import Evidence, Lists, Rival, decide
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.report import FIGURES
from jobs.recommender.selection import Verdict
from jobs.settings import Settings
from jobs.tracking import Tracker
from tests.rows import interactions

FAMILY, DAY = "recommender", date(2026, 6, 30)
WAITS = "Awaits approval: ease has ndcg_at_10 0.2. Every guard-rail holds."
METRICS = {f"{whose}{figure}": 0.2 for whose in ("", "popularity_") for figure in FIGURES} | {
    f"{name}{end}": value for name in ("ndcg_at_10", "lead_over_popularity") for end, value in (("", 0.2), ("_low", 0.1), ("_high", 0.3))
}

Train = Callable[..., str]
Trained = Callable[..., tuple[dict[str, Any], dict[str, Any]]]


@dataclass
class Notebook:
    """A lake that only remembers what was appended: key and row."""

    spark: Any
    attempt: Attempt
    written: dict[tuple[str, int, str], dict[str, Any]]

    def append_rows(self, table: object, rows: list[dict[str, Any]]) -> None:
        assert table is DECISIONS
        for row in rows:
            self.written[self.attempt.run_id, self.attempt.attempt, row["family"]] = row


@pytest.fixture
def tracker(tracking_settings: Settings) -> Iterator[Tracker]:
    """An empty registry."""
    found = tracking.connect(tracking_settings)
    client = mlflow.MlflowClient()
    client.create_registered_model(found.name(FAMILY))
    yield found
    client.delete_registered_model(found.name(FAMILY))


@pytest.fixture
def train(tracker: Tracker) -> Train:
    """Registers a version as a training does, and returns its number."""

    def trained(run_id: str, waits: str | None = WAITS, rival: str = "none") -> str:
        tags = {"run_id": run_id, "as_of_date": DAY.isoformat()} | ({"awaits_approval": waits} if waits else {})
        with tracker.training(FAMILY, run_id=run_id, attempt=1, code_version="test", as_of=DAY) as run:
            run.tag({"rival_version": rival, "is_promoted": "false"})
            prefixed = {f"{tracking.TAG}{name}": value for name, value in tags.items()}
            made = mlflow.MlflowClient().create_model_version(tracker.name(FAMILY), f"runs:/{run.run_id}/m", run.run_id, tags=prefixed)
        return str(made.version)

    return trained


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, int, str], dict[str, Any]]:
    """The rows of ``ops.decisions`` by their key."""
    rows: dict[tuple[str, int, str], dict[str, Any]] = {}
    monkeypatch.setattr("jobs.approval.Lake", lambda spark, attempt: Notebook(spark, attempt, rows))
    return rows


def context(settings: Settings, run_id: str, attempt: int = 1, **more: Any) -> Context:
    interval = Interval(DAY, DAY + timedelta(days=1))
    lake = SimpleNamespace(attempt=Attempt(run_id, attempt, interval, "test"))
    given = {"settings": settings, "spark": None, "lake": lake, "interval": interval, "run_id": run_id, "attempt": attempt}
    return cast("Context", SimpleNamespace(**given | {"code_version": "test", "hold": True} | more))


def serving(tracker: Tracker) -> str | None:
    found = tracker.champion(FAMILY)
    return found.version if found else None


def test_what_a_person_has_approved_serves_with_a_reason_that_says_so(
    tracker: Tracker, train: Train, tracking_settings: Settings, written: dict[Any, Any]
) -> None:
    other, mine = train("another"), train("week-1")
    assert promote(context(tracking_settings, "week-1")) == {
        "decision": "Approved by a person: ease has ndcg_at_10 0.2. Every guard-rail holds.",
        "champion_version": mine,
    }
    found = tracker.champion(FAMILY)
    assert found is not None
    assert (found.version, found.reason) == (mine, "Approved by a person: ease has ndcg_at_10 0.2. Every guard-rail holds.")
    assert "awaits_approval" not in found.tags
    assert "awaits_approval" in tracker.version(FAMILY, other).tags
    assert tracker.recorded(found.run_id).tags["is_promoted"] == "true"
    ((key, row),) = written.items()
    assert key == ("week-1.approved", 1, FAMILY), "the training's own row has the key week-1, 1, recommender"
    assert (row["is_promoted"], row["candidate_version"], row["champion_version"], row["as_of_date"]) == (True, mine, mine, DAY)
    assert set(row) == set(DECISIONS.column_names) - {"run_id", "attempt"}


def test_a_second_promotion_has_nothing_to_do_and_says_so(
    tracker: Tracker, train: Train, tracking_settings: Settings, written: dict[Any, Any]
) -> None:
    version = train("week-1")
    promote(context(tracking_settings, "week-1"))
    again = promote(context(tracking_settings, "week-1", attempt=2))
    assert again == {"decision": f"Nothing to do: version {version} was approved before and serves.", "champion_version": version}
    assert len(written) == 1
    assert serving(tracker) == version


def test_an_attempt_that_died_after_the_champion_was_set_is_finished_by_the_next(
    tracker: Tracker, train: Train, tracking_settings: Settings, written: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker.set_champion(FAMILY, train("before", waits=None), "better")
    version = train("week-1", rival="1")
    with monkeypatch.context() as dying:
        dying.setattr(Notebook, "append_rows", lambda *_: (_ for _ in ()).throw(ConnectionError("the lake is away")))
        with pytest.raises(ConnectionError):
            promote(context(tracking_settings, "week-1"))
    assert (serving(tracker), written) == (version, {})
    promote(context(tracking_settings, "week-1", attempt=2))
    assert list(written) == [("week-1.approved", 2, FAMILY)]
    found = tracker.champion(FAMILY)
    assert found is not None
    assert (found.version, found.tags["previous_champion"], "awaits_approval" in found.tags) == (version, "1", False)


def test_a_run_that_trained_twice_promotes_what_it_trained_last(
    tracker: Tracker, train: Train, tracking_settings: Settings, written: dict[Any, Any]
) -> None:
    first, second = train("week-1"), train("week-1")
    promote(context(tracking_settings, "week-1"))
    promote(context(tracking_settings, "week-1"))
    assert serving(tracker) == second
    assert "awaits_approval" in tracker.version(FAMILY, first).tags
    assert len(written) == 1


def test_a_run_that_left_nothing_to_approve_is_bad_data(
    tracker: Tracker, train: Train, tracking_settings: Settings, written: dict[Any, Any]
) -> None:
    train("another")
    with pytest.raises(BadDataError, match="expected a version of run week-1 that awaits approval; found none"):
        promote(context(tracking_settings, "week-1"))
    version = train("week-2", waits=None)
    with pytest.raises(BadDataError, match=f"found version {version}, which does not"):
        promote(context(tracking_settings, "week-2"))
    assert (serving(tracker), written) == (None, {})


def test_a_candidate_is_not_promoted_over_a_champion_that_it_was_not_compared_with(
    tracker: Tracker, train: Train, tracking_settings: Settings, written: dict[Any, Any]
) -> None:
    train("week-1")
    newer = train("by hand", waits=None)
    tracker.set_champion(FAMILY, newer, "set while the other one waited")
    with pytest.raises(BadDataError, match=f"was compared with, none; found champion {newer}"):
        promote(context(tracking_settings, "week-1"))
    assert (serving(tracker), written) == (newer, {})


@pytest.fixture
def trained(spark: SparkSession, tracking_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Runs a training whose verdict rests on a given lead: its result, and its row of ``ops.decisions``."""
    rows = [(f"u{user}", f"i{item}", "add_to_cart", DAY, 1) for user in range(6) for item in range(user % 2, 6, 2)]
    known = interactions(spark, rows)

    def run(run_id: str, *, hold: bool, lead: Estimate) -> tuple[dict[str, Any], dict[str, Any]]:
        def judge(*_: object, hold: bool) -> Verdict:
            lists = Lists(0.5, 5.0, 0.2)
            evidence = Evidence("item_neighbours", 120, Estimate(0.2, 0.1, 0.3), lists, (Rival("popularity", lists, lead),))
            return Verdict(decide(evidence, hold=hold), Candidate(ItemNeighboursTrainer(neighbours=2)), METRICS, "f1")

        recorded: list[dict[str, Any]] = []
        monkeypatch.setattr(training, "judge", judge)
        lake = SimpleNamespace(
            read_set=lambda _: SimpleNamespace(snapshots={INTERACTIONS.name: 11}),
            read=lambda *_, **__: known,
            append_rows=lambda _, new: recorded.extend(new),
        )
        result = training.train(context(tracking_settings, run_id, hold=hold, spark=spark, lake=lake))
        (row,) = recorded
        return result, row

    return run


SURE, UNSURE = Estimate(0.05, 0.02, 0.08), Estimate(0.05, -0.02, 0.08)


def test_a_held_candidate_is_registered_asks_and_does_not_serve(
    trained: Trained, tracker: Tracker, tracking_settings: Settings, written: dict[Any, Any]
) -> None:
    result, row = trained("week-1", hold=True, lead=SURE)
    assert serving(tracker) is None
    assert (result["awaits_approval"], result["champion_version"]) == ("1", None)
    assert result["decision"].startswith("Awaits approval: item_neighbours has ndcg_at_10 0.2000 [0.1000, 0.3000]")
    assert result["question"] == f"Shall version 1 of {tracker.name(FAMILY)} serve? It was trained on the set of {DAY}."
    assert result["report"].startswith(result["decision"])
    assert (row["is_promoted"], row["candidate_version"], row["champion_version"]) == (False, "1", None)
    assert row["reason"] == result["decision"]
    version = tracker.version(FAMILY, "1")
    assert version.tags["awaits_approval"] == result["decision"]
    told = tracker.recorded(version.run_id).tags
    assert (told["is_promoted"], told["champion_version"], told["rival_version"]) == ("false", "none", "none")
    promote(context(tracking_settings, "week-1"))
    assert serving(tracker) == "1"
    assert list(written) == [("week-1.approved", 1, FAMILY)]


@pytest.mark.parametrize(
    ("how", "serves"),
    [({"hold": True, "lead": UNSURE}, None), ({"hold": False, "lead": UNSURE}, None), ({"hold": False, "lead": SURE}, "1")],
)
def test_a_refused_candidate_and_one_that_is_not_held_ask_nobody(
    trained: Trained, tracker: Tracker, how: dict[str, Any], serves: str | None
) -> None:
    result, row = trained("week-1", **how)
    assert set(result) == {"decision", "champion_version", "metrics"}
    assert serving(tracker) == serves == result["champion_version"] == row["champion_version"]
    assert tracker.of_run(FAMILY, "week-1") is None or "awaits_approval" not in tracker.version(FAMILY, "1").tags
