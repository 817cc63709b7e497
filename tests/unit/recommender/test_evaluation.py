"""Claims about the exam: who sits it, what counts as right, and that Spark marks as the formulas say."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.interval import Interval
from jobs.recommender import evaluation, metrics, shelf
from jobs.recommender.candidate import Candidate
from jobs.recommender.chain import Chain
from jobs.recommender.house_rules import Boost, HouseRules
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.popular import POPULARITY_WEIGHTING, popular
from jobs.recommender.selection import Inputs, Sitting
from jobs.recommender.weights import signals
from jobs.silver.consents import CONSENTS
from jobs.silver.stock import STOCK
from tests.fixed_ranker import FixedRanker
from tests.rows import counted, frame
from tests.rows import interactions as of_interactions

WINDOW = Interval(date(2026, 6, 24), date(2026, 7, 1))
BEFORE, INSIDE, AFTER = date(2026, 6, 23), date(2026, 6, 24), date(2026, 7, 1)
SOLD = "user_id string, item_id string, ordered_date date, kind string"
ITEM = "item_id string, valid_from date, valid_to date, is_on_sale boolean, category_id string"


def interactions(spark: SparkSession, rows: list[tuple[str, str, str, date]]) -> DataFrame:
    return of_interactions(spark, [(*row, 1) for row in rows])


def test_spark_marks_as_the_formulas_say(spark: SparkSession) -> None:
    chance = np.random.default_rng(11)
    items = [f"i{n:02}" for n in range(30)]
    categories = {item: f"c{n % 4}" for n, item in enumerate(items) if n % 7}
    slates = {f"u{n}": list(chance.permutation(items)[:10]) for n in range(25)} | {"unserved": []}
    truths = {user: set(chance.choice(items, size=chance.integers(1, 15), replace=False)) for user in slates}
    rows = [(user, item, rank) for user, ranked in slates.items() for rank, item in enumerate(ranked, start=1)]
    found = evaluation.marked(
        spark.createDataFrame([(user, len(truth)) for user, truth in truths.items()], "user_id string, relevant_count bigint"),
        spark.createDataFrame([(u, str(i), r) for u, i, r in rows], "user_id string, item_id string, rank int"),
        spark.createDataFrame([(u, str(i)) for u, truth in truths.items() for i in truth], "user_id string, item_id string"),
        expected=items[:10],
        categories=spark.createDataFrame(list(categories.items()), "item_id string, category_id string"),
    ).collect()
    assert len(found) == 26
    measures = (metrics.ndcg_at, metrics.recall_at, metrics.precision_at, metrics.map_at, metrics.mrr_at, metrics.hit_rate_at)
    for row in found:
        ranked, relevant = slates[row["user_id"]], truths[row["user_id"]]
        wanted = [measure(10, ranked, relevant) for measure in measures] + [metrics.serendipity_at(10, ranked, relevant, items[:10])]
        assert row["diversity"] == (pytest.approx(metrics.diversity_at(10, ranked, categories)) if ranked else None)
        assert [row[name] for name in metrics.METRICS] == pytest.approx(wanted, abs=1e-12)


def test_everybody_with_intent_in_the_window_sits_the_exam_and_the_cold_are_counted(spark: SparkSession) -> None:
    rows = [
        ("old", "tea", "view_item", BEFORE),
        ("old", "tea", "purchase", INSIDE),
        ("old", "new_item", "add_to_cart", INSIDE),
        ("again", "mug", "purchase", BEFORE),
        ("again", "mug", "purchase", INSIDE),
        ("cold", "tea", "add_to_wishlist", INSIDE),
        ("curious", "tea", "view_item", INSIDE),
        ("late", "tea", "purchase", AFTER),
    ]
    sold = spark.createDataFrame([("again", "mug", BEFORE, "sale"), ("again", "mug", INSIDE, "sale"), (None, "tea", BEFORE, "sale")], SOLD)
    items = spark.createDataFrame(
        [
            ("tea", BEFORE, None, True, "t"),
            ("mug", BEFORE, INSIDE, True, "m"),
            ("gone", BEFORE, None, False, "t"),
            ("new_item", INSIDE, None, True, "t"),
        ],
        ITEM,
    )
    exam = evaluation.prepare(interactions(spark, rows), sold, items, WINDOW)
    right = {(row["user_id"], row["item_id"]) for row in exam.truth.collect()}
    assert right == {("old", "tea"), ("old", "new_item"), ("cold", "tea")}, "bought again, only viewed, or too late is no right answer"
    assert exam.counts == evaluation.Counts(users=2, cold_users=1, relevant_pairs=3, relevant_items=2, cold_items=1, sampled_users=2)
    assert exam.candidate_ids == {"tea", "mug"}, "on sale at the cut, by the version of that day"
    cut_day, known = WINDOW.start - timedelta(days=1), interactions(spark, rows)
    result = evaluation.sit(exam, Chain((popular(known, cut_day, exam.candidates),), signals(known, POPULARITY_WEIGHTING, cut_day)))
    assert result.per_user["user_id"].tolist() == ["cold", "old"]
    assert result.per_user["hit_rate_at_10"].tolist() == [1.0, 1.0]
    assert result.per_user["recall_at_10"].tolist() == [1.0, 0.5], "an item that nobody could recommend stays a miss"
    assert result.coverage == 1.0
    assert result.popularity_share == 0.5, "of two items the better known one is the head, and both are on both lists"


def test_a_shop_without_a_catalogue_sells_what_was_touched_before_the_cut(spark: SparkSession) -> None:
    rows = [("u", "tea", "view_item", BEFORE), ("u", "later", "purchase", INSIDE)]
    nothing = spark.createDataFrame([], SOLD)
    exam = evaluation.prepare(interactions(spark, rows), nothing, spark.createDataFrame([], ITEM), WINDOW)
    assert exam.candidate_ids == {"tea"}


def test_what_may_be_shown_and_what_counts_follow_the_shops_rules(spark: SparkSession) -> None:
    rows = [("u", "refill", "purchase", BEFORE), ("u", "refill", "purchase", INSIDE), ("u", "pot", "view_item", BEFORE)]
    sold = spark.createDataFrame([("u", "refill", BEFORE, "sale")], SOLD)
    shelf = [("refill", "again"), ("pot", "once"), ("knife", "blocked"), ("plain", None), ("mug", "once")]
    items = spark.createDataFrame([(item, BEFORE, None, True, category) for item, category in shelf], ITEM)
    assert evaluation.prepare(interactions(spark, rows), sold, items, WINDOW).counts.users == 0, "bought again is no right answer"
    rules = HouseRules(
        repeatable_categories=("again",),
        blocked_categories=("blocked",),
        boosts=(
            Boost(category_id="once", factor=2.0, start=BEFORE, end=INSIDE),
            Boost(item_id="pot", factor=1.5, start=BEFORE, end=INSIDE),
            Boost(item_id="plain", factor=9.0, start=INSIDE, end=AFTER),
        ),
    )
    exam = evaluation.prepare(interactions(spark, rows), sold, items, WINDOW, rules)
    assert {row["is_new"] for row in exam.candidates.collect()} == {False}, "nothing is explored, so nobody asks"
    assert {(row["user_id"], row["item_id"]) for row in exam.truth.collect()} == {("u", "refill")}
    assert exam.exclude.collect() == []
    shown = {row["item_id"]: (row["category_id"], row["factor"]) for row in exam.candidates.collect()}
    assert shown == {"refill": ("again", 1.0), "pot": ("once", 3.0), "plain": (None, 1.0), "mug": ("once", 2.0)}
    assert exam.candidate_ids == set(shown)


def test_the_exam_knows_what_was_in_stock_and_who_had_agreed_at_the_cut(spark: SparkSession) -> None:
    rows = [(user, item, "view_item", BEFORE) for user in ("agreed", "withdrew") for item in ("tea", "mug", "pot")]
    rows += [(user, "pot", "purchase", INSIDE) for user in ("agreed", "withdrew")] + [("crowd", "pot", "purchase", BEFORE)]
    sold = spark.createDataFrame([(user, "mug", BEFORE, "sale") for user in ("agreed", "withdrew")], SOLD)
    items = spark.createDataFrame([(item, BEFORE, None, True, "c") for item in ("tea", "mug", "pot", "gone", "back")], ITEM)
    at = datetime(2026, 6, 23, 9, tzinfo=UTC)
    stock = frame(
        spark,
        STOCK,
        [
            counted("gone", 0, observed_at=at, observed_date=BEFORE),
            counted("gone", 5, observed_at=at, observed_date=INSIDE),
            counted("back", 0),
            counted("back", 5, observed_at=at, observed_date=BEFORE),
        ],
    )
    answers = [("withdrew", BEFORE, False), ("agreed", INSIDE, False)]
    consents = spark.createDataFrame(
        [(user, "personalisation", granted, datetime(day.year, day.month, day.day, 9, tzinfo=UTC), None) for user, day, granted in answers],
        CONSENTS.struct(),
    )
    shop = Inputs(interactions(spark, rows), sold, items, stock=stock, consents=consents)
    exam = shop.exam(WINDOW)
    assert exam.candidate_ids == {"tea", "mug", "pot", "back"}, "what comes back in the window was gone when the lists were made"
    assert exam.unpersonal is not None
    assert [row["user_id"] for row in exam.unpersonal.collect()] == ["withdrew"], "what is decided in the window is not known yet"
    sitting = Sitting(shop.interactions, exam, BEFORE)
    personal = FixedRanker(pa.array(["back", "mug", "pot", "tea"]), (9.0, 9.0, 1.0, 1.0), "personal")
    chain = sitting.chain(Candidate(ItemNeighboursTrainer()), personal)
    asked = spark.createDataFrame([("agreed",), ("withdrew",)], "user_id string")
    found: dict[str, list[tuple[str, str]]] = {"agreed": [], "withdrew": []}
    for row in chain.explain(asked, 4, exam.exclude, exam.candidates).orderBy("user_id", "rank").collect():
        found[row["user_id"]].append((row["item_id"], row["model"]))
        assert row["user_id"] == "agreed" or not row["because"], "no personal reason"
    assert found["agreed"][0] == ("back", "personal")
    assert "mug" not in {item for item, _ in found["agreed"]}, "bought"
    assert found["withdrew"] == [(item, "unpersonal_popularity") for item in ("pot", "mug", "tea", "back")], "bought or not"
    rival = sitting.chain(Candidate(ItemNeighboursTrainer()))
    assert [row["item_id"] for row in rival.recommend(asked.where("user_id = 'withdrew'"), 4, exam.exclude, exam.candidates).collect()] == [
        item for item, _ in found["withdrew"]
    ], "the same list whoever is judged"


def test_an_item_is_new_for_some_days_but_not_because_the_catalogue_itself_is(spark: SparkSession) -> None:
    day, firsts = date(2026, 6, 20), {"always": 1, "long": 5, "lately": 6, "today": 20, "not_yet": 21}
    versions: list[tuple[str, date, date | None, bool, None]]
    versions = [(item, date(2026, 6, first), None, True, None) for item, first in firsts.items()]
    versions += [("lately", date(2026, 6, 19), None, True, None), ("again", date(2026, 6, 2), date(2026, 6, 3), False, None)]
    items = spark.createDataFrame([*versions, ("again", date(2026, 6, 18), None, True, None)], ITEM)
    rules = HouseRules(exploration_places=1, new_item_days=15)
    shown = {row["item_id"]: row["is_new"] for row in shelf.offered(rules, items, interactions(spark, []), day).collect()}
    assert shown == {"always": False, "long": False, "lately": True, "today": True, "again": False}
