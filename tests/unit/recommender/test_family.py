"""Claims that hold for every model of the family, and then some for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from threadpoolctl import threadpool_info, threadpool_limits  # type: ignore[import-untyped]

from jobs.errors import SignalsError, TooLargeError
from jobs.recommender.artifacts import fingerprint
from jobs.recommender.chain import Chain, slate_batch
from jobs.recommender.family import NAMES
from jobs.recommender.histories import SIGNALS_FRAME, Histories, catalogue, histories
from jobs.recommender.model import PAIR_FRAME, SLATE_FRAME, USER_FRAME
from jobs.recommender.models.als import Als, AlsTrainer
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.item2vec import Item2VecTrainer
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.models.markov import MarkovTrainer
from jobs.recommender.models.popularity import PopularityTrainer
from jobs.recommender.models.rules import RulesTrainer
from jobs.recommender.models.user_neighbours import UserNeighboursTrainer
from jobs.recommender.models.vmis_knn import VmisKnnTrainer
from jobs.recommender.ranker import Delegating, Explaining, Ranker, Trainer, load, save

BEGINNING = datetime(2026, 6, 1, tzinfo=UTC)
ITEMS = [f"{circle}{n}" for circle in "ab" for n in range(6)]
Ranked = dict[str, list[tuple[int, str, float, str]]]
Slates = dict[str, list[dict[str, Any]]]


def signals(spark: SparkSession, pairs: list[tuple[str, str]], partitions: int = 2) -> DataFrame:
    """Every pair with weight 1, a minute apart."""
    rows = [(user, item, 1.0, BEGINNING + timedelta(minutes=minute)) for minute, (user, item) in enumerate(pairs)]
    return spark.createDataFrame(rows, SIGNALS_FRAME).repartition(partitions)


def circles(size: int = 12) -> list[tuple[str, str]]:
    """Two circles of users, each with items of its own; the last user knows one item."""
    pairs = [(f"u{u:02}", f"{'ab'[u % 2]}{i}") for u in range(size) for i in range(6) if (u * 7 + i) % 3]
    return [*pairs, ("single", "a0")]


LATE = [("late", "b1"), ("late", "b2")]
OWN = [pair for pair in [*circles(), *LATE] if pair[0] in {"u00", "u01", "single", "late"}]


def ranked(chain: Chain, users: list[str], *, k: int, exclude: list[tuple[str, str]] | None = None, items: list[str] = ITEMS) -> Ranked:
    """Rank, item, score and model of each place, by user."""
    slate = chain.recommend(*asked(chain, users, k, exclude or [], items))
    assert [f"{f.name} {f.dataType.simpleString()}" for f in slate.schema.fields] == SLATE_FRAME.split(", ")
    found: Ranked = {}
    for row in sorted(slate.collect(), key=lambda r: (r["user_id"], r["rank"])):
        found.setdefault(row["user_id"], []).append((row["rank"], row["item_id"], row["score"], row["model"]))
    return found


def listed(chain: Chain, users: list[str], *, exclude: list[tuple[str, str]]) -> Slates:
    """Two places a user with their reasons; a stranger is among the items, and a pair of a user who was not asked for is excluded."""
    slate = chain.explain(*asked(chain, users, 2, [*exclude, ("elsewhere", "a0")], [*ITEMS, "unheard"]))
    found: Slates = {}
    for row in sorted(slate.collect(), key=lambda r: (r["user_id"], r["rank"])):
        found.setdefault(row["user_id"], []).append(row.asDict(recursive=True))
    return found


def asked(
    chain: Chain, users: list[str], k: int, exclude: list[tuple[str, str]], items: list[str]
) -> tuple[DataFrame, int, DataFrame, DataFrame]:
    """The arguments of a recommender, as frames."""
    frame = chain.signals.sparkSession.createDataFrame
    return frame([(u,) for u in users], USER_FRAME), k, frame(exclude, PAIR_FRAME), frame([(i,) for i in items], "item_id string")


def lists(ranker: Ranker, block: pa.RecordBatch) -> list[dict[str, Any]]:
    """Five places for each user of a block, made in this process."""
    found: list[dict[str, Any]] = slate_batch(block, (ranker,), pa.array(ITEMS), 5, has_reasons=True).to_pylist()
    assert len(found) > block.num_rows
    return found


@contextmanager
def shuffled(spark: SparkSession, partitions: int) -> Iterator[None]:
    """So many partitions after every shuffle of the block."""
    name = "spark.sql.shuffle.partitions"
    before = spark.conf.get(name)
    spark.conf.set(name, str(partitions))
    try:
        yield
    finally:
        spark.conf.set(name, str(before))


class ModelContract:
    """What every model must do. A class fits its model once, and once more where the claim is about other rows."""

    trainer: Trainer
    knows_strangers = False
    is_personal = True
    may_be_short = False
    is_order_free = True
    falls_without_the_strongest = True

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _checkpoints(cls, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> None:
        spark.sparkContext.setCheckpointDir(str(tmp_path_factory.mktemp("checkpoints")))

    @pytest.fixture(scope="class")
    @classmethod
    def rows(cls, spark: SparkSession) -> Iterator[DataFrame]:
        """The signals of both circles."""
        rows = signals(spark, circles()).persist()
        yield rows
        rows.unpersist()

    @pytest.fixture(scope="class")
    @classmethod
    def ranker(cls, rows: DataFrame) -> Ranker:
        """The model, fitted on both circles."""
        return cls.trainer.fit(rows)

    @pytest.fixture(scope="class")
    @classmethod
    def block(cls, rows: DataFrame) -> pa.RecordBatch:
        """The histories of all users of both circles, in the order of their ids, nothing excluded."""
        users = histories(rows).toArrow().sort_by("user_id").combine_chunks().to_batches()[0]
        return users.append_column("excluded", pa.nulls(users.num_rows, pa.list_(pa.string())))

    @pytest.fixture(scope="class")
    @classmethod
    def slates(cls, ranker: Ranker, rows: DataFrame) -> Slates:
        """Two new items with their reasons for some of those who were there, a late comer, and somebody whom nobody has heard of."""
        now = rows.unionByName(signals(rows.sparkSession, LATE))
        return listed(Chain((ranker,), now), ["u00", "u01", "single", "late", "nobody"], exclude=[*OWN, ("nobody", "unheard")])

    def chain(self, rows: DataFrame) -> Chain:
        return Chain((self.trainer.fit(rows),), rows)

    def test_ranks_have_no_gaps_scores_fall_and_excluded_pairs_stay_away(self, slates: Slates) -> None:
        for user in ("u00", "u01", "single"):
            rows = slates[user]
            assert [row["rank"] for row in rows] in ([1, 2], [1] if self.may_be_short else [1, 2])
            assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)
            assert {(user, row["item_id"]) for row in rows}.isdisjoint(OWN)
            assert len({row["item_id"] for row in rows}) == len(rows)
            assert {row["model"] for row in rows} == {self.trainer.name}

    def test_a_circle_is_recommended_its_own_items(self, slates: Slates) -> None:
        if not self.is_personal:
            return
        assert [{row["item_id"][0] for row in slates[user]} for user in ("u00", "u01")] == [{"a"}, {"b"}]

    def test_ties_fall_to_the_lower_item_id(self, spark: SparkSession) -> None:
        if not self.is_order_free:
            return
        pairs = [(user, item) for user in ("u1", "u2", "u3") for item in ("x", "m", "c")]
        rows = spark.createDataFrame([(user, item, 1.0, None) for user, item in pairs], SIGNALS_FRAME)
        found = ranked(self.chain(rows), ["u1"], k=3, items=["x", "m", "c"])
        assert [item for _, item, *_ in found["u1"]] == ["c", "m", "x"]

    def test_strangers_among_users_and_items_are_no_error(self, slates: Slates) -> None:
        assert len(slates.get("nobody", [])) == (2 if self.knows_strangers else 0)
        assert {row["item_id"] for rows in slates.values() for row in rows} <= set(ITEMS)

    def test_nothing_to_learn_from_is_no_error(self, spark: SparkSession) -> None:
        assert ranked(self.chain(signals(spark, [])), ["u"], k=2, items=["b", "a"]) == {}

    def test_somebody_who_came_after_the_training_is_served_by_what_there_is(self, slates: Slates) -> None:
        assert len(slates["late"]) == 2
        assert {("late", row["item_id"]) for row in slates["late"]}.isdisjoint(LATE)
        if self.is_personal:
            assert {row["item_id"][0] for row in slates["late"]} == {"b"}

    def test_the_partitions_and_the_order_of_the_input_change_nothing(self, rows: DataFrame) -> None:
        """With weights whose products have no end: what is rounded, summed or multiplied in another order ends with other digits."""
        uneven = rows.withColumn("weight", F.log1p(F.pmod(F.xxhash64("user_id", "item_id"), F.lit(97)) / 7 + 0.5))
        found = set()
        for partitions in (1, 2, 5):
            with shuffled(rows.sparkSession, partitions):
                dealt = uneven.repartitionByRange(partitions, "item_id").sortWithinPartitions(F.desc("user_id"))
                found.add(fingerprint(self.trainer.fit(dealt)))
        assert len(found) == 1

    def test_a_ranker_comes_back_from_its_files_as_it_was(self, ranker: Ranker, block: pa.RecordBatch, tmp_path: Path) -> None:
        save(ranker, tmp_path)
        assert lists(load(type(ranker), tmp_path), block) == lists(ranker, block)

    def test_the_nearest_items_are_of_the_same_circle_and_strangers_have_none(self, ranker: Ranker) -> None:
        if not hasattr(ranker, "similar_items"):
            return
        near = ranker.similar_items("a0", 3)
        assert {item[0] for item, _ in near} == {"a"}
        assert "a0" not in dict(near)
        assert [value for _, value in near] == sorted((value for _, value in near), reverse=True)
        assert ranker.similar_items("unheard", 3) == []

    def test_what_the_history_contributes_sums_to_the_score_and_without_the_most_of_it_the_score_falls(
        self, ranker: Ranker, block: pa.RecordBatch
    ) -> None:
        if not isinstance(ranker, Explaining):
            assert not self.is_personal or isinstance(ranker, Delegating)
            return
        known = Histories.of_batch(block, ranker.item_ids)
        scores = ranker.scores(known)
        for row in (0, 3):
            own = known.of(row)
            new = np.setdiff1d(np.flatnonzero(np.isfinite(scores[row])), known.positions[own])
            parts = ranker.contributions(known, row, new)
            assert parts.sum(axis=1) == pytest.approx(scores[row, new], abs=1e-7)
            best = int(np.argmax(scores[row, new]))
            without = np.delete(np.arange(own.start, own.stop), int(np.argmax(parts[best])))
            less = Histories(
                known.items, np.array([0, len(without)]), known.positions[without], known.weights[without], known.times[without]
            )
            if self.falls_without_the_strongest:
                assert ranker.scores(less)[0, new[best]] < scores[row, new[best]]

    def test_asking_for_reasons_changes_no_list(self, ranker: Ranker, block: pa.RecordBatch) -> None:
        assert slate_batch(block, (ranker,), pa.array(ITEMS), 5).to_pylist() == [
            {name: value for name, value in row.items() if name != "because"} for row in lists(ranker, block)
        ]

    def test_reasons_are_past_items_the_strongest_first(self, slates: Slates) -> None:
        for user, past in (("u00", {item for user, item in circles() if user == "u00"}), ("late", {"b1", "b2"}), ("nobody", set())):
            for row in slates.get(user, []):
                shares = [reason["share"] for reason in row["because"]]
                assert bool(shares) == (self.is_personal and user != "nobody")
                assert shares == sorted(shares, reverse=True)
                assert sum(shares) <= 1 + 1e-5
                assert {reason["item_id"] for reason in row["because"]} <= past


class TestPopularity(ModelContract):
    trainer = PopularityTrainer()
    knows_strangers = True
    is_personal = False

    def test_the_weights_are_summed(self, spark: SparkSession) -> None:
        ranker = self.trainer.fit(
            spark.createDataFrame([("u", "a", 0.1, None), ("v", "a", 0.2, None), ("u", "b", 1.0, None)], SIGNALS_FRAME)
        )
        assert dict(zip(ranker.item_ids.to_pylist(), ranker.sums.tolist(), strict=True)) == {"a": 0.3, "b": 1.0}


class TestItemNeighbours(ModelContract):
    trainer = ItemNeighboursTrainer(neighbours=5, shrinkage=1.0)

    def test_the_similarity_is_the_shrunk_cosine(self, spark: SparkSession) -> None:
        ranker = ItemNeighboursTrainer(neighbours=5, shrinkage=2.0).fit(signals(spark, [("u", "a"), ("u", "b"), ("v", "a"), ("w", "b")]))
        assert ranker.similarities.toarray().tolist() == [[0.0, 0.25], [0.25, 0.0]]  # 1 user in common / (sqrt(2) * sqrt(2) + 2)


class TestEase(ModelContract):
    trainer = EaseTrainer(regularisation=1.0)

    def test_the_weights_are_the_closed_form(self, spark: SparkSession) -> None:
        ranker = EaseTrainer(regularisation=1.0).fit(signals(spark, [("u", "a"), ("u", "b"), ("v", "a")]))
        # X'X + I = [[3, 1], [1, 2]], its inverse [[2, -1], [-1, 3]] / 5; B_ij = -P_ij / P_jj
        assert ranker.weights == pytest.approx(np.array([[0, 1 / 3], [1 / 2, 0]]), abs=1e-6)

    def test_the_inverse_is_found_by_one_thread_on_a_machine_of_any_number_of_cores(
        self, rows: DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen, inverse = list[int](), np.linalg.inv

        def watched(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.floating[Any]]:
            seen.extend(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
            return inverse(matrix)

        monkeypatch.setattr(np.linalg, "inv", watched)
        with threadpool_limits(limits=2):
            self.trainer.fit(rows)
        assert set(seen) == {1}

    def test_a_catalogue_that_it_is_not_meant_for_is_refused_before_anything_is_computed(
        self, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("jobs.recommender.models.ease.MOST_ITEMS", 3)
        with pytest.raises(TooLargeError, match="at most 3 items, the size it is meant for; found 12"):
            self.trainer.fit(signals(spark, circles()))


class TestAls(ModelContract):
    trainer = AlsTrainer(rank=4, regularisation=0.5, iterations=3)  # less of it and two circles are learnt by heart, whatever the seed

    def test_a_users_factors_are_the_step_of_a_training_of_mllib_for_that_user(self, spark: SparkSession) -> None:
        rows = signals(spark, circles())
        item_ids = catalogue(rows)
        users = sorted({user for user, _ in circles()})
        numbered = spark.createDataFrame(
            [(users.index(user), item_ids.index(item).as_py(), 1.0) for user, item in circles()], "user int, item int, rating float"
        )
        fitted = ALS(rank=4, maxIter=3, seed=17, implicitPrefs=True, userCol="user", itemCol="item", ratingCol="rating").fit(numbered)
        factors, trained = (
            np.asarray([row["features"] for row in side.orderBy("id").collect()], np.float32)
            for side in (fitted.itemFactors, fitted.userFactors)
        )
        block = histories(rows).toArrow().sort_by("user_id").combine_chunks().to_batches()[0]
        found = Als(item_ids, factors, alpha=1.0, regularisation=0.1).user_factors(Histories.of_batch(block, item_ids))
        assert found == pytest.approx(trained, abs=1e-4)

    def test_a_weight_that_says_nothing_is_refused(self, spark: SparkSession) -> None:
        given = spark.createDataFrame([("u", "a", 1.0, None), ("u", "b", float("nan"), None)], SIGNALS_FRAME)
        with pytest.raises(SignalsError, match="found 1 others, nan among them"):
            self.trainer.fit(given)

    def test_a_fit_leaves_nothing_behind(self, spark: SparkSession, ranker: Ranker) -> None:  # noqa: ARG002  (it has been fitted)
        assert not list(Path(urlparse(str(spark.sparkContext.getCheckpointDir())).path).parent.glob("als/*"))


class TestUserNeighbours(ModelContract):
    trainer = UserNeighboursTrainer(neighbours=4, shrinkage=1.0)
    falls_without_the_strongest = False  # a shorter history is nearer to those who have the rest of it

    def test_the_nearest_users_speak_by_their_nearness(self, spark: SparkSession) -> None:
        rows = signals(spark, [("u", "a"), ("v", "a"), ("v", "b"), ("w", "c")])
        chain = Chain((UserNeighboursTrainer(neighbours=2, shrinkage=0.0).fit(rows),), rows)
        found = ranked(chain, ["u"], k=2, exclude=[("u", "a")], items=["a", "b", "c"])
        assert [item for _, item, *_ in found["u"]] == ["b"]
        assert found["u"][0][2] == pytest.approx(1 / 2**0.5)


class TestMarkov(ModelContract):
    trainer = MarkovTrainer(shrinkage=0.0)
    may_be_short = True
    is_order_free = False

    def test_what_follows_the_last_item_comes_first(self, spark: SparkSession) -> None:
        rows = signals(spark, [("u", "a"), ("u", "b"), ("v", "a"), ("v", "b"), ("w", "a"), ("w", "c"), ("x", "z"), ("x", "a")])
        found = ranked(self.chain(rows), ["x"], k=3, items=["a", "b", "c", "z"])
        assert [item for _, item, *_ in found["x"]] == ["b", "a", "c"]  # after a, which came last; after z, one step before, comes a
        assert [score for *_, score, _ in found["x"]] == pytest.approx([2 / 3, 0.6, 1 / 3])

    def test_a_rare_step_is_shrunk_below_a_common_one(self, spark: SparkSession) -> None:
        ranker = MarkovTrainer(shrinkage=2.0).fit(signals(spark, [("u", "a"), ("u", "b")]))
        assert ranker.similarities.toarray().tolist() == [[0.0, pytest.approx(1 / 3)], [0.0, 0.0]]


class TestItem2Vec(ModelContract):
    trainer = Item2VecTrainer(size=8, iterations=30, step_size=0.1)
    is_order_free = False


class TestRules(ModelContract):
    trainer = RulesTrainer(least_support=0.1, least_confidence=0.1)
    is_order_free = False  # where everybody has everything, no rule says more than nothing
    may_be_short = True

    def test_support_confidence_and_lift_are_those_of_the_book(self, spark: SparkSession) -> None:
        rows = signals(spark, [("u", "a"), ("u", "b"), ("v", "a"), ("v", "b"), ("w", "a"), ("w", "c"), ("x", "c"), ("x", "d")])
        ranker = self.trainer.fit(rows)
        rules = {
            (tuple(ranker.item_ids[int(at)].as_py() for at in ranker.antecedents[rule].indices), ranker.item_ids[int(right)].as_py()): rule
            for rule, right in enumerate(ranker.consequents)
        }
        rule = rules[("a",), "b"]
        assert ranker.supports[rule] == pytest.approx(2 / 4)
        assert ranker.confidences[rule] == pytest.approx(2 / 3)
        assert ranker.lifts[rule] == pytest.approx(2 / 3 / (2 / 4))
        assert (("a",), "c") not in rules, "it goes less well with a than without"


class TestVmisKnn(ModelContract):
    trainer = VmisKnnTrainer(neighbours=4, recent=10, longest=3)
    falls_without_the_strongest = False  # the places of the others in the session change

    def test_the_score_is_that_of_the_paper(self, spark: SparkSession) -> None:
        rows = signals(spark, [("v", "a"), ("v", "c"), ("w", "b"), ("w", "d"), ("u", "a"), ("u", "b")])
        found = ranked(self.chain(rows), ["u"], k=4, exclude=[("u", "a"), ("u", "b")], items=["a", "b", "c", "d"])
        # b is the last of two items: likeness of w 2/2, of v 1/2 and a tenth forgotten; c and d are in one of three sessions
        assert [item for _, item, *_ in found["u"]] == ["d", "c"]
        rarity = np.log(3) + 1
        assert [score for *_, score, _ in found["u"]] == pytest.approx([rarity, 0.5 * 0.9 * rarity], rel=1e-5)

    def test_only_the_most_recent_sessions_are_looked_at(self, spark: SparkSession) -> None:
        rows = signals(spark, [("old", "a"), ("old", "x"), ("new", "a"), ("new", "y")])
        ranker = VmisKnnTrainer(neighbours=4, recent=1, longest=3).fit(rows)
        found = ranked(Chain((ranker,), signals(spark, [("late", "a")])), ["late"], k=3, exclude=[("late", "a")], items=["a", "x", "y"])
        assert [item for _, item, *_ in found["late"]] == ["y"]


def test_every_model_that_can_be_asked_for_is_tested() -> None:
    for file in Path(__file__).parent.glob("test_*.py"):
        import_module(f"tests.unit.recommender.{file.stem}")
    tested = {kind.trainer.name for kind in ModelContract.__subclasses__()}
    assert tested == set(NAMES)
