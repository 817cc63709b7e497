"""Claims about Bayesian personalised ranking: a user's vector follows from the history, by the model's own objective."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from scipy.optimize import minimize

from jobs.errors import TooLargeError
from jobs.recommender.histories import Histories
from jobs.recommender.models import bpr
from jobs.recommender.models.bpr import Bpr, BprTrainer
from tests.unit.recommender.test_family import ModelContract, circles, signals

Vector = npt.NDArray[np.float64]


class TestBpr(ModelContract):
    trainer = BprTrainer(rank=4, learning_rate=0.1, iterations=60)
    is_order_free = False  # what everybody has is told apart from nothing: the factors stay where chance has put them

    def test_more_pairs_than_it_is_meant_for_are_refused(self, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bpr, "MOST_PAIRS", 3)
        with pytest.raises(TooLargeError, match="at most 3 pairs of user and item"):
            self.trainer.fit(signals(spark, circles()))


def ranker(items: int = 30, rank: int = 3) -> Bpr:
    chance = np.random.default_rng(5)
    factors, biases = chance.normal(size=(items, rank)).astype(np.float32), chance.normal(size=items).astype(np.float32)
    ids = pa.array([f"i{at:03}" for at in range(items)])
    return Bpr(ids, factors, biases, chance.integers(1, 50, items), 0.05)


def block(*own: list[int], items: int = 30) -> Histories:
    flat = np.asarray([at for mine in own for at in mine], dtype=np.int64)
    ends = np.cumsum([0, *(len(mine) for mine in own)]).astype(np.int64)
    return Histories(items, ends, flat, np.ones(len(flat)), np.zeros(len(flat), dtype=np.int64))


def objective(model: Bpr, own: list[int], vector: Vector) -> float:
    """The user's part of the objective, pair by pair."""
    others = np.setdiff1d(np.arange(len(model.item_ids)), own)
    chance = model.touches[others] / model.touches[others].sum()
    found = model.factors @ vector + model.biases
    pairs = np.logaddexp(0.0, -(found[own][:, None] - found[others][None, :])) @ chance
    return float(pairs.sum() + model.regularisation / 2 * len(own) * (vector @ vector))


def test_a_users_vector_is_near_the_least_of_the_users_own_objective() -> None:
    model = ranker()
    for own in ([3, 4, 5, 6], [0], [29, 1, 17, 8, 9, 22, 5]):
        ours = objective(model, own, model.user_factors(block(own))[0])
        least = minimize(lambda vector, own=own: objective(model, own, vector), np.zeros(3)).fun
        assert ours - least < 0.1 * (objective(model, own, np.zeros(3)) - least)


def test_a_users_vector_is_the_same_whoever_is_in_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    model, own = ranker(), [[3, 4, 5], [], [7], list(range(12)), [29, 1]]
    together = model.user_factors(block(*own))
    monkeypatch.setattr(bpr, "CELLS_A_BATCH", 1)
    assert model.user_factors(block(*own)) == pytest.approx(together, abs=1e-9)
    assert model.user_factors(block(own[3])) == pytest.approx(together[3:4], abs=1e-9)
    assert together[1].tolist() == [0.0, 0.0, 0.0]


def test_somebody_who_has_everything_has_no_order_of_their_own() -> None:
    model = ranker()
    assert model.user_factors(block(list(range(30)))) == pytest.approx(np.zeros((1, 3)))


def test_what_is_touched_more_often_is_likelier_by_that_much() -> None:
    model = ranker()
    twice = Bpr(model.item_ids, model.factors, model.biases, np.where(np.arange(30) == 9, 2, 1) * 10, 0.05)
    once = Bpr(model.item_ids, model.factors, model.biases, np.full(30, 10), 0.05)
    both = [one.scores(block([]))[0] for one in (twice, once)]
    assert all(np.isneginf(found).all() for found in both), "somebody without a history"
    gained = [one._offsets - one._offsets[0] for one in (twice, once)]
    assert gained[0][9] - gained[1][9] == pytest.approx(np.log(2))
