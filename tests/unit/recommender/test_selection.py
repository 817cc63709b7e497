"""Claims about the way from a set's rows to a verdict: who is chosen, on which days, and who judges whom; tracked in a file's MLflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import tracking
from jobs.recommender.artifacts import Artifacts, ChampionModel
from jobs.recommender.candidate import Candidate
from jobs.recommender.cut import Cut, cut
from jobs.recommender.histories import Histories
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.popular import popular
from jobs.recommender.ranker import Ranker, Scores
from jobs.recommender.selection import LEAST_USERS, SIDE_BY_SIDE, Inputs, Search, Verdict, judge
from jobs.recommender.verification import Unlogged, differences
from jobs.settings import Settings
from jobs.tracking import Recorded
from tests.rows import interactions

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 25)
TIMES = cut(FIRST, LAST)
SOLD = "user_id string, item_id string, ordered_date date, kind string"
ITEM = "item_id string, valid_from date, valid_to date, is_on_sale boolean, category_id string"
CIRCLES, SHELF = 6, 20
CANDIDATES = (Candidate(EaseTrainer(regularisation=20.0)), Candidate(ItemNeighboursTrainer(neighbours=1, shrinkage=100.0)))
"""In this shop the second is surely better."""
NEIGHBOURS, EASE = "item_neighbours half_life_days=14 neighbours=1 shrinkage=100", "ease half_life_days=14 regularisation=20"


@pytest.fixture(scope="module")
def shop(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Six circles of users, each with a shelf of its own: who knows the circle knows what a user will want next."""
    spark.sparkContext.setCheckpointDir(str(tmp_path_factory.mktemp("checkpoints")))
    chance = np.random.default_rng(5)
    rows = []
    for user in range(30 * CIRCLES):
        own = chance.permutation(SHELF)[:14]
        days = sorted(int(day) for day in chance.integers(0, (LAST - FIRST).days + 1, size=14))
        for item, day in zip(own, days, strict=True):
            wanted = f"{user % CIRCLES}-{int(item):02}"
            rows.append((f"u{user:03}", wanted, "add_to_cart", FIRST + timedelta(days=day), 1))
    items = [(f"{circle}-{item:02}", FIRST, None, True, None) for circle in range(CIRCLES) for item in range(SHELF)]
    return Inputs(interactions(spark, rows).cache(), spark.createDataFrame([], SOLD), spark.createDataFrame(items, ITEM).cache())


@pytest.fixture(scope="module")
def searched(shop: Inputs, tracking_settings: Settings) -> tuple[Verdict, Any]:
    """The verdict over the shop without a champion, and the run as MLflow holds it."""
    return judged(tracking_settings, shop, TIMES)


def judged(
    settings: Settings,
    inputs: Inputs,
    times: Cut | None,
    serving: ChampionModel | None = None,
    candidates: Sequence[Candidate] = CANDIDATES,
) -> tuple[Verdict, Any]:
    tracker = tracking.connect(settings)
    with tracker.training("recommender", run_id="r-1", attempt=1, code_version="test", as_of=LAST) as run:
        verdict = judge(run, inputs, times, serving, Search(candidates, 0))
    return verdict, mlflow.MlflowClient().get_run(run.run_id)


def children(run: Any) -> dict[str, Any]:
    found = mlflow.MlflowClient().search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    return {child.info.run_name: child.data for child in found}


@dataclass(frozen=True)
class Reversed:
    """A model that wants the opposite for everybody."""

    inner: Ranker
    name: str = "reversed"

    @property
    def item_ids(self) -> pa.Array:
        return self.inner.item_ids

    def scores(self, histories: Histories) -> Scores:
        return -self.inner.scores(histories)


def champion(inputs: Inputs, as_of: date, candidate: Candidate = CANDIDATES[1]) -> ChampionModel:
    """What turns everything round, and says that it was made by ``candidate``."""
    wrong = Reversed(candidate.fit(inputs.interactions, as_of))
    return ChampionModel("7", Artifacts(wrong, popular(inputs.interactions, as_of), candidate, as_of.isoformat()))


def test_circles_are_found_and_the_candidate_is_promoted(searched: tuple[Verdict, Any]) -> None:
    verdict, _ = searched
    assert verdict.decision.is_promoted, verdict.decision.reason
    assert verdict.candidate == CANDIDATES[1], "the better one on the validation days"
    assert verdict.metrics["lead_over_popularity_low"] > 0
    assert verdict.metrics["ndcg_at_10"] > 2 * verdict.metrics["popularity_ndcg_at_10"]
    assert verdict.metrics["test_users_count"] > LEAST_USERS


def test_each_candidate_is_a_child_that_shows_only_what_the_search_varies(searched: tuple[Verdict, Any]) -> None:
    _, run = searched
    found = children(run)
    assert set(found) == {NEIGHBOURS, EASE, "popularity"}
    assert set(found[NEIGHBOURS].params) == {"model", "half_life_days", "neighbours", "shrinkage"}
    assert found[EASE].metrics["ndcg_at_10"] > found["popularity"].metrics["ndcg_at_10"]
    assert (run.data.params["model"], run.data.params["shrinkage"]) == ("item_neighbours", "100.0")
    page = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{SIDE_BY_SIDE}")
    assert "promoted" in page
    assert page.count('class="card sample"') == 12, "four who gain most, four who lose most, four by chance"
    assert (run.data.params["train"], run.data.params["test"]) == (str(TIMES and TIMES.train), str(TIMES and TIMES.test))


def test_what_happens_in_the_test_days_does_not_move_the_search(
    searched: tuple[Verdict, Any], shop: Inputs, tracking_settings: Settings
) -> None:
    assert TIMES is not None
    _, run = searched
    turned = F.when(F.col("event_date") >= F.lit(TIMES.test.start), F.lit("0-00")).otherwise(F.col("item_id"))
    other = Inputs(shop.interactions.withColumn("item_id", turned), shop.order_lines, shop.items)
    _, beside = judged(tracking_settings, other, TIMES)
    for name, child in children(run).items():
        same = children(beside)[name].metrics
        assert {k: v for k, v in child.metrics.items() if k != "seconds"} == {k: v for k, v in same.items() if k != "seconds"}


def test_a_champion_from_before_the_test_days_is_judged_as_it_is(shop: Inputs, tracking_settings: Settings) -> None:
    assert TIMES is not None
    before = TIMES.test.start - timedelta(days=1)
    verdict, _ = judged(tracking_settings, shop, TIMES, champion(shop, before, CANDIDATES[0]), CANDIDATES[1:])
    assert verdict.decision.is_promoted, verdict.decision.reason
    assert verdict.metrics["champion_ndcg_at_10"] < verdict.metrics["popularity_ndcg_at_10"]


def test_a_champion_that_has_seen_the_test_days_is_fitted_anew_without_them(shop: Inputs, tracking_settings: Settings) -> None:
    verdict, _ = judged(tracking_settings, shop, TIMES, champion(shop, LAST), CANDIDATES[1:])
    assert verdict.metrics["lead_over_champion"] == 0, "the same parameters on the same days are the same model"
    assert not verdict.decision.is_promoted
    assert "champion version 7 goes on serving" in verdict.decision.reason


def test_a_planted_worse_candidate_is_refused_and_a_planted_better_one_admitted(shop: Inputs, tracking_settings: Settings) -> None:
    better, _ = judged(tracking_settings, shop, TIMES, champion(shop, LAST, CANDIDATES[0]), CANDIDATES[1:])
    assert better.decision.is_promoted, better.decision.reason
    worse, _ = judged(tracking_settings, shop, TIMES, champion(shop, LAST, CANDIDATES[1]), CANDIDATES[:1])
    assert not worse.decision.is_promoted
    assert "it is not surely better than champion version 7" in worse.decision.reason


@pytest.mark.parametrize(("users", "times", "why"), [(200, None, "shorter than 3 days"), (40, TIMES, "fewer than 50")])
def test_too_little_trains_nothing_and_says_so(shop: Inputs, tracking_settings: Settings, users: int, times: Cut | None, why: str) -> None:
    few = Inputs(shop.interactions.where(F.col("user_id") < f"u{users:03}"), shop.order_lines, shop.items)
    verdict, run = judged(tracking_settings, few, times)
    assert (verdict.decision.is_promoted, verdict.candidate) == (False, None)
    assert why in verdict.decision.reason
    assert "popularity serves" in verdict.decision.reason
    assert children(run) == {}


def test_the_same_snapshots_give_the_same_training_again_and_others_do_not(searched: tuple[Verdict, Any], shop: Inputs) -> None:
    verdict, _ = searched
    left = Recorded({"fingerprint": str(verdict.fingerprint)}, verdict.metrics, {}, {})
    tried = Search(CANDIDATES, 0)
    again = judge(Unlogged("", ""), Inputs(shop.interactions.repartition(7), shop.order_lines, shop.items), TIMES, None, tried)
    assert differences(left, again) == []
    fewer = Inputs(shop.interactions.where("user_id < 'u150'"), shop.order_lines, shop.items)
    found = differences(left, judge(Unlogged("", ""), fewer, TIMES, None, Search(CANDIDATES[1:], 0)))
    assert found[0].startswith("the model that sat the test: fingerprint")
    assert any(line.startswith("ndcg_at_10: ") for line in found)
