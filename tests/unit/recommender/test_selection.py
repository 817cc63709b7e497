"""Claims about the way from a set's rows to a verdict: who is chosen, on which days, and who judges whom; tracked in a file's MLflow."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import mlflow
import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import tracking
from jobs.recommender import als
from jobs.recommender.als import AlsParameters, Factors
from jobs.recommender.artifacts import Artifacts, ChampionModel
from jobs.recommender.cut import Cut, cut
from jobs.recommender.popularity import PopularityTrainer
from jobs.recommender.selection import LEAST_USERS, Inputs, Verdict, judge
from jobs.settings import Settings

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 25)
TIMES = cut(FIRST, LAST)
ROW = "user_id string, item_id string, event_type string, event_date date, event_count bigint, quantity bigint"
SOLD = "user_id string, item_id string, ordered_date date, kind string"
ITEM = "item_id string, valid_from date, valid_to date, is_on_sale boolean"
CIRCLES, SHELF = 6, 20
CANDIDATES = (AlsParameters(rank=2, iterations=1, alpha=1.0), AlsParameters(rank=8, iterations=3))


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
            rows.append((f"u{user:03}", wanted, "add_to_cart", FIRST + timedelta(days=day), 1, 0))
    items = [(f"{circle}-{item:02}", FIRST, None, True) for circle in range(CIRCLES) for item in range(SHELF)]
    return Inputs(spark.createDataFrame(rows, ROW).cache(), spark.createDataFrame([], SOLD), spark.createDataFrame(items, ITEM).cache())


@pytest.fixture(scope="module")
def searched(shop: Inputs, tracking_settings: Settings) -> tuple[Verdict, Any]:
    """The verdict over the shop without a champion, and the run as MLflow holds it."""
    return judged(tracking_settings, shop, TIMES)


def judged(
    settings: Settings,
    inputs: Inputs,
    times: Cut | None,
    serving: ChampionModel | None = None,
    candidates: Sequence[AlsParameters] = CANDIDATES,
) -> tuple[Verdict, Any]:
    tracker = tracking.connect(settings)
    with tracker.training("recommender", run_id="r-1", attempt=1, code_version="test", as_of=LAST) as run:
        verdict = judge(run, inputs, times, serving, candidates)
    return verdict, mlflow.MlflowClient().get_run(run.run_id)


def children(run: Any) -> dict[str, Any]:
    found = mlflow.MlflowClient().search_runs([run.info.experiment_id], f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    return {child.info.run_name: child.data for child in found}


def champion(inputs: Inputs, factors: Factors, as_of: date) -> ChampionModel:
    popular = PopularityTrainer().fit(inputs.interactions, as_of)
    return ChampionModel("7", Artifacts(factors, popular.scores, CANDIDATES[1], as_of.isoformat()))


def reversed_factors(fitted: Factors) -> Factors:
    """A model that wants the opposite for everybody."""
    return Factors(fitted.user_factors.withColumn("factors", F.expr("transform(factors, x -> float(-x))")), fitted.item_factors)


def test_circles_are_found_and_the_candidate_is_promoted(searched: tuple[Verdict, Any]) -> None:
    verdict, _ = searched
    assert verdict.decision.is_promoted, verdict.decision.reason
    assert verdict.parameters == CANDIDATES[1], "the better one on the validation days"
    assert verdict.metrics["lead_over_popularity_low"] > 0
    assert verdict.metrics["ndcg_at_10"] > 2 * verdict.metrics["popularity_ndcg_at_10"]
    assert verdict.metrics["test_users_count"] > LEAST_USERS


def test_each_candidate_is_a_child_that_shows_only_what_the_search_varies(searched: tuple[Verdict, Any]) -> None:
    _, run = searched
    found = children(run)
    assert set(found) == {"als rank=2 reg=0.1 alpha=1", "als rank=8 reg=0.1 alpha=10", "popularity"}
    assert set(found["als rank=2 reg=0.1 alpha=1"].params) == {"rank", "alpha", "iterations"}
    assert found["als rank=8 reg=0.1 alpha=10"].metrics["ndcg_at_10"] > found["popularity"].metrics["ndcg_at_10"]
    assert run.data.params["rank"] == "8"
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
    wrong = reversed_factors(als.fit(als.ratings(shop.interactions, CANDIDATES[1].weighting, before), CANDIDATES[1]))
    verdict, _ = judged(tracking_settings, shop, TIMES, champion(shop, wrong, before), CANDIDATES[1:])
    assert verdict.decision.is_promoted, verdict.decision.reason
    assert verdict.metrics["champion_ndcg_at_10"] < verdict.metrics["popularity_ndcg_at_10"]


def test_a_champion_that_has_seen_the_test_days_is_fitted_anew_without_them(shop: Inputs, tracking_settings: Settings) -> None:
    wrong = reversed_factors(als.fit(als.ratings(shop.interactions, CANDIDATES[1].weighting, LAST), CANDIDATES[1]))
    verdict, _ = judged(tracking_settings, shop, TIMES, champion(shop, wrong, LAST), CANDIDATES[1:])
    assert verdict.metrics["lead_over_champion"] == 0, "the same parameters on the same days are the same model"
    assert not verdict.decision.is_promoted
    assert "champion version 7 goes on serving" in verdict.decision.reason


@pytest.mark.parametrize(("users", "times", "why"), [(200, None, "shorter than 3 days"), (40, TIMES, "fewer than 50")])
def test_too_little_trains_nothing_and_says_so(shop: Inputs, tracking_settings: Settings, users: int, times: Cut | None, why: str) -> None:
    few = Inputs(shop.interactions.where(F.col("user_id") < f"u{users:03}"), shop.order_lines, shop.items)
    verdict, run = judged(tracking_settings, few, times)
    assert (verdict.decision.is_promoted, verdict.parameters) == (False, None)
    assert why in verdict.decision.reason
    assert "popularity serves" in verdict.decision.reason
    assert children(run) == {}
