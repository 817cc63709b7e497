"""Claims that hold for every recommender, and then some for each."""

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.recommender.als import AlsParameters, AlsTrainer, Filled
from jobs.recommender.model import PAIR_FRAME, SLATE_FRAME, USER_FRAME, Recommender, Trainer
from jobs.recommender.popularity import PopularityTrainer

DAY = date(2026, 6, 30)
ROW = "user_id string, item_id string, event_type string, event_date date, event_count bigint, quantity bigint"
SMALL = AlsParameters(rank=4, iterations=3)


class FilledTrainer:
    """ALS with popularity behind it, as it serves."""

    def fit(self, interactions: DataFrame, as_of: date) -> Filled:
        return Filled(AlsTrainer(SMALL).fit(interactions, as_of), PopularityTrainer().fit(interactions, as_of).scores)


@pytest.fixture(scope="module", autouse=True)
def _checkpoints(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> None:
    spark.sparkContext.setCheckpointDir(str(tmp_path_factory.mktemp("checkpoints")))


def viewed(spark: SparkSession, pairs: list[tuple[str, str]], event_type: str = "view_item", partitions: int = 2) -> DataFrame:
    return spark.createDataFrame([(u, i, event_type, DAY, 1, 0) for u, i in pairs], ROW).repartition(partitions)


def taste(size: int = 12) -> list[tuple[str, str]]:
    """Two circles of users, each with items of its own; the last user knows one item."""
    pairs = [(f"u{u:02}", f"{'ab'[u % 2]}{i}") for u in range(size) for i in range(6) if (u * 7 + i) % 3]
    return [*pairs, ("single", "a0")]


class RecommenderContract:
    """What every recommender must do."""

    trainer: Trainer
    serves_strangers: bool

    def ranked(
        self, spark: SparkSession, model: Recommender, users: list[str], *, k: int, exclude: list[tuple[str, str]], items: list[str]
    ) -> dict[str, list[tuple[int, str, float]]]:
        slate = model.recommend(
            spark.createDataFrame([(u,) for u in users], USER_FRAME),
            k,
            spark.createDataFrame(exclude, PAIR_FRAME),
            spark.createDataFrame([(i,) for i in items], "item_id string"),
        )
        assert [f"{f.name} {f.dataType.simpleString()}" for f in slate.schema.fields] == SLATE_FRAME.split(", ")
        found: dict[str, list[tuple[int, str, float]]] = {}
        for row in sorted(slate.collect(), key=lambda r: (r["user_id"], r["rank"])):
            found.setdefault(row["user_id"], []).append((row["rank"], row["item_id"], row["score"]))
        return found

    def test_ranks_have_no_gaps_scores_fall_and_excluded_pairs_stay_away(self, spark: SparkSession) -> None:
        model = self.trainer.fit(viewed(spark, taste()), DAY)
        items = [f"{circle}{i}" for circle in "ab" for i in range(6)]
        found = self.ranked(spark, model, ["u00", "u01", "single"], k=4, exclude=[("u00", "a1"), ("u01", "b2")], items=items)
        assert set(found) == {"u00", "u01", "single"}
        for rows in found.values():
            assert [rank for rank, _, _ in rows] == [1, 2, 3, 4]
            assert [score for *_, score in rows] == sorted((score for *_, score in rows), reverse=True)
            assert len({item for _, item, _ in rows}) == 4
        assert "a1" not in {item for _, item, _ in found["u00"]}
        assert "b2" not in {item for _, item, _ in found["u01"]}

    def test_ties_fall_to_the_lower_item_id(self, spark: SparkSession) -> None:
        pairs = [(user, item) for user in ("u1", "u2", "u3") for item in ("x", "m", "c")]
        model = self.trainer.fit(viewed(spark, pairs), DAY)
        assert [item for _, item, _ in self.ranked(spark, model, ["u1"], k=3, exclude=[], items=["x", "m", "c"])["u1"]] == ["c", "m", "x"]

    def test_strangers_among_users_and_items_are_no_error(self, spark: SparkSession) -> None:
        model = self.trainer.fit(viewed(spark, taste()), DAY)
        found = self.ranked(
            spark, model, ["nobody"], k=2, exclude=[("nobody", "unheard"), ("elsewhere", "a0")], items=["a0", "a1", "unheard"]
        )
        assert [item for _, item, _ in found.get("nobody", [])] == (["a0", "a1"] if self.serves_strangers else [])

    def test_nothing_to_learn_from_is_no_error(self, spark: SparkSession) -> None:
        model = self.trainer.fit(spark.createDataFrame([], ROW), DAY)
        found = self.ranked(spark, model, ["u"], k=2, exclude=[], items=["b", "a"])
        assert [item for _, item, _ in found.get("u", [])] == (["a", "b"] if self.serves_strangers else [])

    def test_the_partitions_of_the_input_change_nothing(self, spark: SparkSession) -> None:
        items = [f"{circle}{i}" for circle in "ab" for i in range(6)]
        one, five = (
            self.ranked(
                spark, self.trainer.fit(viewed(spark, pairs, partitions=n), DAY), ["u00", "u03", "single"], k=5, exclude=[], items=items
            )
            for n, pairs in ((1, taste()), (5, taste()[::-1]))
        )
        assert one == five


class TestPopularity(RecommenderContract):
    trainer = PopularityTrainer()
    serves_strangers = True

    def test_a_purchase_outweighs_views_and_a_refund_says_nothing(self, spark: SparkSession) -> None:
        rows = viewed(spark, [("u1", "seen"), ("u2", "seen")]).union(viewed(spark, [("u1", "bought")], "purchase"))
        rows = rows.union(viewed(spark, [(f"u{n}", "returned") for n in range(9)], "refund"))
        scores = {row["item_id"]: row["score"] for row in self.trainer.fit(rows, DAY).scores.collect()}
        assert scores == {"bought": 5.0, "seen": 2.0}

    def test_an_event_counts_half_after_its_half_life_and_a_later_one_not_at_all(self, spark: SparkSession) -> None:
        days = {"today": DAY, "old": date(2026, 6, 16), "tomorrow": date(2026, 7, 1)}
        rows = spark.createDataFrame([("u", item, "view_item", day, 1, 0) for item, day in days.items()], ROW)
        scores = {row["item_id"]: row["score"] for row in self.trainer.fit(rows, DAY).scores.collect()}
        assert scores == {"today": 1.0, "old": 0.5}


class TestAls(RecommenderContract):
    trainer = AlsTrainer(SMALL)
    serves_strangers = False

    def test_users_get_items_of_their_own_circle(self, spark: SparkSession) -> None:
        model = self.trainer.fit(viewed(spark, taste()), DAY)
        found = self.ranked(spark, model, ["u00", "u01"], k=3, exclude=[], items=[f"{circle}{i}" for circle in "ab" for i in range(6)])
        assert {item[0] for _, item, _ in found["u00"]} == {"a"}
        assert {item[0] for _, item, _ in found["u01"]} == {"b"}


class TestFilled(RecommenderContract):
    trainer = FilledTrainer()
    serves_strangers = True


def test_parameters_survive_the_way_to_the_registry_and_back() -> None:
    assert AlsParameters.from_dict(SMALL.as_dict()) == SMALL
