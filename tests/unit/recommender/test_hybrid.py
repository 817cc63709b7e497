"""Claims about the hybrid: what it proposes, what its trees may know, who speaks for an item, and what it does with too little."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.recommender.boosting import Boosting, ordered
from jobs.recommender.candidates import Moment, Panel
from jobs.recommender.histories import SIGNALS_FRAME, Histories
from jobs.recommender.models import hybrid
from jobs.recommender.models.ease import Ease, EaseTrainer
from jobs.recommender.models.hybrid import Hybrid, HybridTrainer, Lesson, part
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.models.popularity import Popularity, PopularityTrainer
from jobs.recommender.ranker import NOTHING, Trainer, load, save
from tests.fixed_ranker import FixedRanker
from tests.unit.recommender.test_family import ModelContract, circles, signals

CHEAP: tuple[Trainer, ...] = (EaseTrainer(regularisation=1.0), ItemNeighboursTrainer(neighbours=5, shrinkage=1.0), PopularityTrainer())
ALWAYS_TREES = HybridTrainer(CHEAP, most=4, least_learners=2, least_lead=-1.0, boosting=Boosting(rounds=3))
BEGINNING = datetime(2026, 6, 1, tzinfo=UTC)
IDS = pa.array(["a", "b", "c", "d"], pa.string())


@dataclass(frozen=True)
class Untimed:
    """Fits on the signals without their times, so that each user of a handful has something later to learn from."""

    trainer: HybridTrainer
    name: str = "hybrid"

    def fit(self, rows: DataFrame) -> Hybrid:
        """As ``Trainer.fit``."""
        found = self.trainer.fit(rows.withColumn("last_at", F.lit(None).cast("timestamp")))
        assert found.trees or len(found.item_ids) < 12, "the contract is about trees, not about a member that leads alone"
        return found


class TestHybrid(ModelContract):
    trainer = Untimed(ALWAYS_TREES)


def history(*users: Sequence[int], items: int = 4, hours: Sequence[int] = ()) -> Histories:
    """Users with the items at these positions, weight 1, at ``hours`` since the beginning of 2026-06-01 or one hour apart."""
    flat = [at for user in users for at in user]
    micros = [
        int((BEGINNING + timedelta(hours=hour)).timestamp() * 1e6) for hour in (hours or [n for user in users for n in range(len(user))])
    ]
    ends = np.cumsum([0, *(len(user) for user in users)]).astype(np.int64)
    return Histories(items, ends, np.asarray(flat, dtype=np.int64), np.ones(len(flat)), np.asarray(micros, dtype=np.int64))


def panel(*values: Sequence[float], most: int = 1) -> Panel:
    members = tuple(FixedRanker(IDS, tuple(value), f"fixed_{place}") for place, value in enumerate(values))
    return Panel(members, IDS, np.arange(16, dtype=np.float32).reshape(4, 4), Moment(0, 0), most)


def proposed(asked: Panel, known: Histories) -> dict[tuple[int, str], dict[str, float]]:
    """(row, item) -> features by name."""
    return {
        (start + int(row), IDS[int(at)].as_py()): dict(zip(asked.names(), figures.tolist(), strict=True))
        for start, found in asked.propose(known)
        for row, at, figures in zip(found.rows, found.positions, found.features, strict=True)
    }


def ease(**says: dict[str, float]) -> Ease:
    weights = np.zeros((4, 4), dtype=np.float32)
    for item, others in says.items():
        for other, value in others.items():
            weights["abcd".index(item), "abcd".index(other)] = value
    return Ease(IDS, weights)


def test_each_member_proposes_its_best_of_what_is_new_and_of_what_is_not() -> None:
    found = proposed(panel([4, 3, 2, 1], [1, 2, 3, 4]), history([0], [3, 2]))
    assert set(found) == {(0, "a"), (0, "b"), (0, "d"), (1, "a"), (1, "b"), (1, "c"), (1, "d")}


def test_nothing_is_proposed_to_somebody_without_a_history() -> None:
    assert {row for row, _ in proposed(panel([4, 3, 2, 1]), history([], [0]))} == {1}


def test_a_score_is_its_place_in_what_the_member_proposes_and_a_rank_counts_what_is_new() -> None:
    found = proposed(panel([9, 8, 6, 4], [1, 2, NOTHING, NOTHING], most=3), history([0]))
    assert [found[0, item]["fixed_0_score"] for item in "abcd"] == [1.25, 1.0, 0.5, 0.0]
    assert [found[0, item]["fixed_0_rank"] for item in "abcd"] == [1, 1, 2, 3]
    assert np.isnan([found[0, "c"]["fixed_1_score"], found[0, "c"]["fixed_1_rank"]]).all()
    assert [found[0, item]["proposals"] for item in "bc"] == [2, 1]


def test_the_members_need_not_know_the_same_items() -> None:
    own = Ease(pa.array(["b", "d", "z"], pa.string()), np.asarray([[0, 2, 1], [0, 0, 0], [0, 0, 0]], dtype=np.float32))
    found = replace(panel([0, 0, 0, 0], most=4), members=(own,)).opinion(own, history([0, 1]))
    assert found.tolist() == [[NOTHING, 0.0, NOTHING, 2.0]]


def test_what_is_known_of_a_user_is_age_and_activity_at_the_moment() -> None:
    day = int((BEGINNING + timedelta(days=2)).timestamp() * 1e6)
    asked = replace(panel([4, 3, 2, 1]), moment=Moment(day, day - 30 * 3600 * 1_000_000))
    found = proposed(asked, history([0, 1], hours=[12, 36]))[0, "c"]
    names = ("user_entries", "user_lately_share", "user_last_age_days", "user_first_age_days")
    assert [found[name] for name in names] == pytest.approx([np.log(3), 0.5, 0.5, 1.5])


@pytest.fixture(scope="module")
def shop(spark: SparkSession) -> DataFrame:
    """Forty users of two circles, each with four earlier and one later item, in hours; the last fifth of the rows is the last day."""
    rows = []
    for user in range(40):
        own = [f"{'ab'[user % 2]}{(user // 2 + step) % 6}" for step in range(5)]
        at = [BEGINNING + timedelta(minutes=user + 60 * step) for step in range(4)] + [BEGINNING + timedelta(days=1, minutes=user)]
        rows += [(f"u{user:02}", item, 1.0, when) for item, when in zip(own, at, strict=True)]
    return spark.createDataFrame(rows, SIGNALS_FRAME).coalesce(2).persist()


def taught(trainer: HybridTrainer, rows: DataFrame) -> Lesson:
    lesson = trainer.lesson(part(rows, trainer.later, trainer.seed))
    assert lesson is not None
    return lesson


def test_what_happens_later_changes_labels_and_no_feature(shop: DataFrame) -> None:
    is_later = F.col("last_at") >= F.lit(BEGINNING + timedelta(days=1))
    planted = shop.select(
        "user_id",
        F.when(is_later, F.translate("item_id", "ab", "ba")).otherwise(F.col("item_id")).alias("item_id"),
        F.when(is_later, 1000.0).otherwise(F.col("weight")).alias("weight"),
        F.when(is_later, F.col("last_at") + F.expr("INTERVAL 9 DAYS")).otherwise(F.col("last_at")).alias("last_at"),
    )
    trainer = replace(ALWAYS_TREES, later=0.2)
    before, after = taught(trainer, shop), taught(trainer, planted)
    assert before.features.shape[0] > 40
    assert before.features.tobytes() == after.features.tobytes()
    assert before.labels.tolist() != after.labels.tolist()


def test_the_lesson_holds_only_what_was_new_to_its_user_and_counts_all_right_answers(shop: DataFrame) -> None:
    lesson = taught(replace(ALWAYS_TREES, most=12), shop)
    assert np.bincount(lesson.groups).tolist() == [8] * 40  # twelve items, four of them known
    assert (lesson.hits().tolist(), lesson.right.tolist()) == ([1] * 40, [1] * 40)


def test_more_users_than_may_be_learnt_from_are_sampled(shop: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hybrid, "MOST_LEARNERS", 10)
    assert 2 <= len(taught(ALWAYS_TREES, shop).right) <= 25


def test_too_few_users_to_learn_from_leave_the_first_member_alone(shop: DataFrame) -> None:
    ranker = replace(ALWAYS_TREES, least_learners=41).fit(shop)
    assert (ranker.trees, ranker.leader) == ("", 0)
    known = history([0, 2], [7], items=12)
    assert ranker.scores(known) == pytest.approx(ranker.members[0].scores(known), rel=1e-5)


def test_trees_that_are_not_surely_ahead_leave_the_best_member_alone(shop: DataFrame) -> None:
    lesson = taught(ALWAYS_TREES, shop)
    best = int(np.argmax([lesson.alone(place).mean() for place in range(3)]))
    ranker = replace(ALWAYS_TREES, least_lead=0.99).fit(shop)
    assert (ranker.trees, ranker.leader) == ("", best)


@pytest.mark.parametrize("pairs", [[], [("u", "a")], [("u", "a"), ("v", "a")], circles(4)])
def test_degenerate_shops_are_no_error(spark: SparkSession, pairs: list[tuple[str, str]]) -> None:
    ranker = HybridTrainer(CHEAP[:1], least_learners=2, least_lead=-1.0).fit(signals(spark, pairs))
    assert ranker.scores(history([], items=len(ranker.item_ids))).shape == (1, len(ranker.item_ids))


def test_nothing_but_proposals_has_a_score(shop: DataFrame) -> None:
    ranker = replace(ALWAYS_TREES, most=1).fit(shop)
    scores = ranker.scores(history([0, 1], [], [7], items=12))
    assert [int(np.isfinite(row).sum()) for row in scores[[0, 2]]] == [len(set(found)) for found in _bests(ranker, [[0, 1], [7]])]
    assert not np.isfinite(scores[1]).any()


def _bests(ranker: Hybrid, users: list[list[int]]) -> list[list[int]]:
    found = []
    for user in users:
        best = []
        for member in ranker.members:
            scores = member.scores(history(user, items=12))[0]
            for side in (np.setdiff1d(np.arange(12), user), np.asarray(user)):
                spoken = side[np.isfinite(scores[side])]
                best += [int(spoken[np.argmax(scores[spoken])])] if len(spoken) else []
        found.append(best)
    return found


def test_a_ranker_travels_to_the_workers_after_it_has_been_used(shop: DataFrame) -> None:
    ranker = ALWAYS_TREES.fit(shop)
    known = history([0, 1], [7], items=12)
    before = ranker.scores(known)
    assert pickle.loads(pickle.dumps(ranker)).scores(known).tolist() == before.tolist()  # noqa: S301  (its own bytes)


def test_trees_learn_what_no_member_knows_and_the_same_rows_give_the_same_trees() -> None:
    chance = np.random.default_rng(17)
    features = chance.normal(size=(600, 3)).astype(np.float32)
    labels = (features[:, 1] > 1).astype(np.int8)
    groups, leading = np.repeat(np.arange(30), 20), np.zeros(600, dtype=np.float32)
    trees = Boosting().learn(features, labels, groups, leading)
    scores = ordered(trees, features, leading)
    assert scores[labels == 1].min() > scores[labels == 0].max()
    assert trees == Boosting().learn(features, labels, groups, leading)


def test_the_order_begins_at_the_leading_member() -> None:
    features, leading = np.zeros((4, 1), dtype=np.float32), np.asarray([0.1, 1.0, np.nan, -7.0], dtype=np.float32)
    trees = Boosting(rounds=1).learn(features, np.asarray([0, 1, 0, 0], dtype=np.int8), np.zeros(4, dtype=np.int64), leading)
    scores = ordered(trees, features, leading)
    assert scores.argsort().tolist()[2:] == [0, 1]
    assert scores[2] == scores[3]


def test_the_gain_is_ndcg_over_all_right_answers() -> None:
    lesson = Lesson(np.zeros((3, 1), dtype=np.float32), np.asarray([0, 1, 1], dtype=np.int8), np.asarray([0, 0, 2]), np.asarray([2, 1, 1]))
    ideal = 1 + 1 / np.log2(3)
    assert lesson.gain(np.asarray([1.0, 0.0, 0.0])).tolist() == pytest.approx([1 / np.log2(3) / ideal, 0.0, 1.0])
    assert lesson.gain(np.asarray([1.0, NOTHING, 0.0])).tolist() == pytest.approx([0.0, 0.0, 1.0])


def test_the_member_that_ranks_an_item_best_speaks_for_it() -> None:
    one, other = ease(a={"c": 0.2, "d": 0.9}), ease(b={"c": 0.7, "d": 0.1})
    silent = Popularity(IDS, np.asarray([1.0, 1.0, 1.0, 1.0]))
    ranker = Hybrid(IDS, (silent, one, other), np.zeros((4, 4), dtype=np.float32), 0, 0, most=4, leader=0, trees="some")
    who, parts = ranker.advocates(history([0, 1]), 0, np.asarray([2, 3]))
    assert who.tolist() == [2, 1]
    assert parts.tolist() == pytest.approx(np.asarray([[0.0, 0.7], [0.9, 0.0]]))
    alone = replace(ranker, trees="")
    assert alone.advocates(history([0, 1]), 0, np.asarray([2, 3]))[0].tolist() == [-1, -1]
    assert replace(alone, leader=1).advocates(history([0, 1]), 0, np.asarray([2, 3]))[0].tolist() == [1, 1]


def test_members_that_are_none_of_the_family_are_not_loaded(tmp_path: Path) -> None:
    stranger = Hybrid(
        IDS, (FixedRanker(IDS, (1.0, 1.0, 1.0, 1.0), "fixed"),), np.zeros((4, 4), dtype=np.float32), 0, 0, most=1, leader=0, trees=""
    )
    save(stranger, tmp_path)
    with pytest.raises(ValueError, match=r"expected a class below jobs.recommender.models., found tests.fixed_ranker:FixedRanker"):
        load(Hybrid, tmp_path)
