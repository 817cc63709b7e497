"""Claims about the best items by factors: exactly those of all products, whatever is left out and however scores tie."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from jobs.recommender import chain
from jobs.recommender.als import best as module
from jobs.recommender.als.best import Ordered
from jobs.recommender.chain import slate_batch
from jobs.recommender.histories import Histories
from jobs.recommender.models.als import Als
from jobs.recommender.ranker import NOTHING
from jobs.recommender.slates import LeftOut, Slates, best
from tests.fixed_ranker import FixedRanker

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def both(users: Matrix, items: Matrix, pairs: npt.NDArray[np.int64], k: int) -> tuple[Slates, Slates]:
    """The lists, and those of brute force."""
    scores = users @ items.T
    scores[pairs[:, 0], pairs[:, 1]] = NOTHING
    return Ordered(items).best(users, LeftOut.of_pairs(len(users), pairs[:, 0], pairs[:, 1]), k), best(scores, k)


def assert_same(found: Slates, wanted: Slates) -> None:
    assert found.filled.tolist() == wanted.filled.tolist()
    assert found.positions.tolist() == wanted.positions.tolist()
    assert found.scores.tolist() == wanted.scores.tolist()


@pytest.mark.parametrize("k", [1, 10, 1990])
def test_the_lists_are_those_of_all_products(k: int) -> None:
    chance = np.random.default_rng(1)
    users = chance.normal(size=(300, 8))
    items = chance.normal(size=(2000, 8)) * chance.lognormal(0, 1, size=(2000, 1))
    pairs = np.unique(np.column_stack([chance.integers(0, 300, 9000), chance.integers(0, 2000, 9000)]), axis=0)
    assert_same(*both(users, items, chance.permutation(pairs), k))


def test_equal_items_come_in_the_order_of_their_positions_though_they_fill_more_places_than_were_looked_at() -> None:
    chance = np.random.default_rng(2)
    items = np.repeat(chance.normal(size=(40, 4)), 50, axis=0)[chance.permutation(2000)]
    assert_same(*both(chance.normal(size=(20, 4)), items, np.zeros((0, 2), np.int64), 10))


def test_scores_that_differ_beyond_the_digits_that_count_are_ties() -> None:
    chance = np.random.default_rng(3)
    items = chance.normal(size=(50, 4)).repeat(20, axis=0) * (1 + 1e-8 * chance.normal(size=(1000, 1)))
    assert_same(*both(chance.normal(size=(30, 4)), items, np.zeros((0, 2), np.int64), 15))


def test_who_has_seen_nearly_everything_gets_the_rest_and_who_is_nobody_gets_the_first_positions() -> None:
    chance = np.random.default_rng(4)
    users, items = chance.normal(size=(2, 4)), chance.normal(size=(600, 4))
    users[1] = 0
    pairs = np.column_stack([np.zeros(597, np.int64), np.delete(np.arange(600), [3, 500, 577])])
    found, wanted = both(users, items, pairs, 5)
    assert_same(found, wanted)
    assert found.filled.tolist() == [3, 5]


def test_a_score_far_below_zero_sets_the_unit_of_the_rounding() -> None:
    items = np.array([[-5000.0], [1.00001], [1.00002], [1.0]])
    found, wanted = both(np.array([[1.0]]), np.tile(items, (300, 1)), np.zeros((0, 2), np.int64), 4)
    assert_same(found, wanted)


def test_all_products_are_computed_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(5)
    asked: list[int] = []

    def counted(scores: Matrix, k: int) -> Slates:
        asked.append(len(scores))
        return best(scores, k)

    monkeypatch.setattr(module, "best_of_scores", counted)
    users, items = chance.normal(size=(500, 16)), chance.normal(size=(5000, 16))
    assert_same(*both(users, items, np.zeros((0, 2), np.int64), 20))
    assert sum(asked) <= 5


@dataclass(frozen=True)
class Scoring:
    """The same ranker, asked for every score."""

    ranker: Als
    name: str = "als"

    @property
    def item_ids(self) -> pa.Array:
        return self.ranker.item_ids

    def scores(self, histories: Histories) -> Matrix:
        return self.ranker.scores(histories)


def test_a_chain_makes_the_same_lists_with_and_without_a_score_for_every_item(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "CELLS_A_BLOCK", 10_000)
    asked: list[int] = []
    find = Als.best

    def noted(als: Als, known: Histories, among: Places, left_out: LeftOut, k: int) -> Slates:
        asked.append(known.users)
        return find(als, known, among, left_out, k)

    monkeypatch.setattr(Als, "best", noted)
    chance = np.random.default_rng(6)
    ids = [f"i{at:04}" for at in range(1500)]
    als = Als(pa.array(ids[:1400]), chance.normal(size=(1400, 8)).astype(np.float32), alpha=10.0, regularisation=0.1)
    own = [chance.choice(ids, size, replace=False).tolist() for size in [0, *chance.integers(1, 60, 70)]]
    block = pa.RecordBatch.from_pydict(
        {
            "user_id": [f"u{at}" for at in range(len(own))],
            "items": own,
            "weights": [[1.0] * len(mine) for mine in own],
            "times": [[0] * len(mine) for mine in own],
            "excluded": own,
        },
        pa.schema(
            {
                "user_id": pa.string(),
                "items": pa.list_(pa.string()),
                "weights": pa.list_(pa.float64()),
                "times": pa.list_(pa.int64()),
                "excluded": pa.list_(pa.string()),
            }
        ),
    )
    candidates = pa.array(ids[700:])
    fallback = FixedRanker(pa.array(ids), tuple(chance.random(1500)), "fallback")
    found, wanted = (slate_batch(block, (ranker, fallback), candidates, 12) for ranker in (als, Scoring(als)))
    assert found.to_pylist() == wanted.to_pylist()
    assert asked == [len(own)]
    assert set(found["model"].to_pylist()) == {"als", "fallback"}
