"""What fills the places that a model leaves: what is popular in a user's categories, then in the segment, then among all."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.recommender.chain import Chain
from jobs.recommender.histories import Histories
from jobs.recommender.models.popularity import PRIOR, CategoryPopularity, Popularity, SegmentPopularity
from jobs.recommender.popular import POPULARITY_WEIGHTING, local, popular, segments_on
from jobs.recommender.ranker import NOTHING
from jobs.recommender.shelf import SHELF_FRAME
from jobs.recommender.weights import signals
from tests.rows import a_user, interactions, user_features

DAY = date(2026, 6, 30)
ITEMS = pa.array(["cup", "mug", "pen", "rug"])
POPULAR = Popularity(ITEMS, np.array([6.0, 2.0, 12.0, 5.0]))
CATEGORIES = pa.array(["kitchen", "kitchen", "desk", None])


def histories(*users: dict[str, float], segments: list[str | None] | None = None) -> Histories:
    named = {
        "items": pa.array([list(user) or None for user in users], pa.list_(pa.string())),
        "weights": pa.array([list(user.values()) or None for user in users], pa.list_(pa.float64())),
        "times": pa.array([[0] * len(user) or None for user in users], pa.list_(pa.int64())),
    }
    if segments is not None:
        named["segment"] = pa.array(segments, pa.string())
    return Histories.of_batch(pa.RecordBatch.from_pydict(named), ITEMS)


def test_an_item_scores_its_share_of_the_category_by_the_weight_that_the_user_has_there() -> None:
    found = CategoryPopularity.of(POPULAR, CATEGORIES).scores(histories({"mug": 2.0}, {"mug": 1.0, "pen": 3.0}, {"rug": 9.0}, {}))
    assert found.tolist() == [
        [1.5, 0.5, NOTHING, NOTHING],
        [0.75, 0.25, 3.0, NOTHING],
        [NOTHING] * 4,
        [NOTHING] * 4,
    ], "an item without a category speaks for nothing, not for others without one"


def test_contributions_to_a_category_sum_to_the_score() -> None:
    model, known = CategoryPopularity.of(POPULAR, CATEGORIES), histories({"mug": 1.0, "cup": 0.5, "pen": 3.0, "rug": 1.0})
    every = np.arange(len(ITEMS))
    told, scores = model.contributions(known, 0, every).sum(axis=1), model.scores(known)[0]
    assert told == pytest.approx(np.where(np.isfinite(scores), scores, 0.0))


def test_a_segment_is_mixed_with_everybody_and_who_has_none_gets_nothing() -> None:
    model = SegmentPopularity.of(POPULAR, pa.array(["buyers", "few"]), np.array([[0.0, 600.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]))
    found = model.scores(histories({}, {}, {}, {}, segments=["few", "buyers", None, "unheard of"]))
    assert found[1] == pytest.approx([PRIOR * 6 / 25 / 800, (600 + PRIOR * 2 / 25) / 800, PRIOR * 12 / 25 / 800, PRIOR * 5 / 25 / 800])
    assert found[1].argmax() == 1
    assert found[0].argmax() == 2, "one look of a small segment does not outweigh everybody"
    assert not np.isfinite(found[2:]).any()
    assert not np.isfinite(model.scores(histories({}))).any(), "nobody has said who belongs to what"


def test_a_segment_goes_along_with_its_users() -> None:
    whole = histories({"cup": 1.0}, {}, {"mug": 1.0, "pen": 1.0}, segments=["a", None, "b"])
    assert whole.rows(1, 3).segments == pa.array([None, "b"])
    assert whole.last(1).segments == pa.array(["a", None, "b"])


@pytest.fixture
def shop(spark: SparkSession) -> tuple[DataFrame, DataFrame, DataFrame]:
    """Everybody looks at pens, who buys looks at mugs; interactions, shelf and features."""
    looks = [(f"looker{n}", "pen", "view_item", DAY, 3) for n in range(400)]
    looks += [(f"buyer{n}", "mug", "view_item", DAY, 2) for n in range(400)] + [("buyer0", "cup", "view_item", DAY, 1)]
    sold = zip(ITEMS.to_pylist(), CATEGORIES.to_pylist(), strict=True)
    shelf = spark.createDataFrame([(item, category, 1.0, False) for item, category in sold], SHELF_FRAME)
    users = [a_user(f"looker{n}", DAY) for n in range(400)] + [a_user("searcher", DAY)]
    bought = {"order_count": 1, "purchase_recency_days": 3, "spend_minor": 100, "units_bought": 1}
    users += [a_user(f"buyer{n}", DAY, **bought) for n in range(400)] + [a_user("by telephone", DAY, **bought)]
    return interactions(spark, looks), shelf, user_features(spark, users)


def test_who_has_no_history_gets_what_the_segment_likes_and_who_has_one_the_categories_first(
    spark: SparkSession, shop: tuple[DataFrame, DataFrame, DataFrame]
) -> None:
    known, shelf, features = shop
    segments = segments_on(features, DAY)
    of_all = popular(known, DAY, shelf)
    chain = Chain((*local(of_all, known, DAY, shelf, segments), of_all), signals(known, POPULARITY_WEIGHTING, DAY), segments=segments)
    asked = spark.createDataFrame([("searcher",), ("by telephone",), ("buyer0",), ("stranger",)], "user_id string")
    nothing = spark.createDataFrame([], "user_id string, item_id string")
    rows = chain.recommend(asked, 3, nothing, shelf).orderBy("user_id", "rank").collect()
    found = {user: [(row["item_id"], row["model"]) for row in rows if row["user_id"] == user] for user in {row["user_id"] for row in rows}}
    segment, category = "segment_popularity", "category_popularity"
    assert [item for item, _ in found["by telephone"]] == ["mug", "pen", "cup"]
    assert [item for item, _ in found["searcher"]] == ["pen", "mug", "cup"]
    assert {model for user in ("by telephone", "searcher") for _, model in found[user]} == {segment}
    assert found["buyer0"] == [("mug", category), ("cup", category), ("pen", segment)]
    assert found["stranger"] == [("pen", "popularity"), ("mug", "popularity"), ("cup", "popularity")]


def test_without_features_of_a_day_up_to_the_cut_there_are_no_segments(shop: tuple[DataFrame, DataFrame, DataFrame]) -> None:
    assert segments_on(None, DAY) is None
    assert segments_on(shop[2], date(2026, 6, 29)) is None
    assert [ranker.name for ranker in local(popular(shop[0], DAY, shop[1]), shop[0], DAY, shop[1], None)] == ["category_popularity"]
