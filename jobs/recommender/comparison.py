"""Models side by side on one split: every figure with its interval, every pair with the interval of its difference."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.estimate import Estimate
from jobs.recommender import evaluation
from jobs.recommender.bootstrap import paired_difference
from jobs.recommender.chain import Chain
from jobs.recommender.evaluation import Counts, Exam, Result
from jobs.recommender.histories import in_order, valid
from jobs.recommender.models.popularity import PopularityTrainer
from jobs.recommender.ranker import Ranker, Trainer


@dataclass(frozen=True)
class ListFaults:
    """What is wrong with the lists of a model themselves, and how many of their places the model left to popularity."""

    duplicates: int
    unknown_items: int
    excluded_items: int
    short_lists: int
    filled_places: int
    places: int


@dataclass(frozen=True)
class Contestant:
    """A model after the exam."""

    name: str
    result: Result
    faults: ListFaults
    fit_seconds: float
    recommend_seconds: float


@dataclass(frozen=True)
class Comparison:
    """All models after the exam. ``unscorable`` counts what cannot be right in the test part: pairs that the train part has already."""

    counts: Counts
    unscorable: Mapping[str, int]
    contestants: Sequence[Contestant]
    k: int
    seed: int

    @property
    def decisive(self) -> str:
        """The metric by which models are told apart."""
        return f"ndcg_at_{self.k}"

    def ranked(self) -> list[Contestant]:
        """The best first; ties by name."""
        means = {one.name: float(one.result.per_user[self.decisive].mean()) for one in self.contestants}
        return sorted(self.contestants, key=lambda one: (-means[one.name], one.name))

    def differences(self) -> dict[tuple[str, str], Estimate]:
        """(better, worse) -> mean difference of ``decisive`` over the same users, with its paired interval; all pairs, by rank."""
        return {
            (first.name, second.name): paired_difference(
                *(one.result.per_user[self.decisive].to_numpy(dtype=np.float64) for one in (first, second)), seed=self.seed
            )
            for first, second in itertools.combinations(self.ranked(), 2)
        }

    def leads_over(self, rival: str) -> dict[str, Estimate]:
        """What each other model is ahead of ``rival`` by, from ``differences``; below zero where it is behind."""
        found = {}
        for (better, worse), difference in self.differences().items():
            if worse == rival:
                found[better] = difference
            elif better == rival:
                found[worse] = difference.turned()
        return found

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, for a file."""
        return {
            "k": self.k,
            "seed": self.seed,
            "test": dict(vars(self.counts)),
            "unscorable": dict(self.unscorable),
            "models": {
                one.name: {
                    **{name: _plain(value) for name, value in one.result.summary(self.seed).items()},
                    "lists": dict(vars(one.faults)),
                    "fit_seconds": round(one.fit_seconds, 2),
                    "recommend_seconds": round(one.recommend_seconds, 2),
                }
                for one in self.ranked()
            },
            "differences": [
                {"better": better, "worse": worse, "metric": self.decisive, **_plain(value)}
                for (better, worse), value in self.differences().items()
            ],
        }


def compare(
    train: DataFrame, test: DataFrame, trainers: Sequence[Trainer], *, k: int, seed: int, tell: Callable[[str], None] = lambda _: None
) -> Comparison:
    """Fit every trainer on ``train`` (``SIGNALS_FRAME``) and let it answer for the users of ``test`` (user_id, item_id).

    A model's lists are filled up by popularity, as in production, so that all have ``k`` places; how many is in ``ListFaults``. Popularity
    itself takes part whether it was asked for or not.
    """
    train = train.persist(StorageLevel.MEMORY_AND_DISK)
    exam, unscorable = examine(train, test)
    popular = PopularityTrainer().fit(train)
    others = [trainer for trainer in trainers if trainer.name != popular.name]
    contestants = [_sat(exam, popular, Chain((popular,), train), k, 0.0)]
    for trainer in others:
        began = time.monotonic()
        ranker = trainer.fit(train)
        seconds = time.monotonic() - began
        contestants.append(_sat(exam, ranker, Chain((ranker, popular), train), k, seconds))
        tell(f"{trainer.name}: fitted in {seconds:.1f} s, answered in {contestants[-1].recommend_seconds:.1f} s")
    train.unpersist()
    return Comparison(exam.counts, unscorable, contestants, k, seed)


def examine(train: DataFrame, test: DataFrame) -> tuple[Exam, dict[str, int]]:
    """Everybody in ``test`` sits the exam; right is what the train part does not have yet; candidates are the items of the train part."""
    pairs = test.where("user_id IS NOT NULL AND item_id IS NOT NULL").select("user_id", "item_id").distinct()
    known = valid(train).select("user_id", "item_id").distinct().persist(StorageLevel.MEMORY_AND_DISK)
    truth = pairs.join(known, ["user_id", "item_id"], "left_anti").persist(StorageLevel.MEMORY_AND_DISK)
    history = known.groupBy("user_id").agg(F.count("*").alias("history_count"))
    users = truth.groupBy("user_id").agg(F.count("*").alias("relevant_count")).join(history, "user_id", "left").fillna(0, ["history_count"])
    users = users.persist(StorageLevel.MEMORY_AND_DISK)
    item_users = known.groupBy("item_id").agg(F.count("*").alias("user_count")).toPandas().set_index("item_id")["user_count"]
    candidates = known.select("item_id").distinct()
    ids = in_order(candidates).to_pylist()
    relevant = in_order(truth.select("item_id").distinct()).to_pylist()
    totals = users.agg(F.count("*"), F.count_if(F.col("history_count") == 0), F.sum("relevant_count")).first()
    all_users, cold, relevant_pairs = (int(value or 0) for value in totals) if totals else (0, 0, 0)
    counts = Counts(all_users, cold, relevant_pairs, len(relevant), len(set(relevant) - set(ids)), all_users)
    knowledge = pd.Series(item_users, dtype=np.int64)
    exam = Exam(users, truth, known, candidates, knowledge, frozenset(ids), history.count(), counts)
    return exam, {
        "repeated_pairs": pairs.count() - relevant_pairs,
        "users_without_a_new_item": pairs.select("user_id").distinct().count() - all_users,
    }


def _sat(exam: Exam, ranker: Ranker, chain: Chain, k: int, fit_seconds: float) -> Contestant:
    began = time.monotonic()
    slate = chain.recommend(exam.users.select("user_id"), k, exam.exclude, exam.candidates).persist(StorageLevel.MEMORY_AND_DISK)
    slate.count()
    seconds = time.monotonic() - began
    result, faults = evaluation.mark(exam, slate, k), list_faults(slate, exam, ranker.name, k)
    slate.unpersist()
    return Contestant(ranker.name, result, faults, fit_seconds, seconds)


def list_faults(slate: DataFrame, exam: Exam, name: str, k: int) -> ListFaults:
    """Look at the lists themselves; ``short_lists`` are those of users who could have had more."""
    pairs, places = slate.select("user_id", "item_id"), slate.count()
    lengths = exam.users.select("user_id").join(slate.groupBy("user_id").count(), "user_id", "left").fillna(0, ["count"])
    lengths = lengths.join(exam.exclude.groupBy("user_id").agg(F.count("*").alias("excluded")), "user_id", "left").fillna(0, ["excluded"])
    free = F.lit(len(exam.candidate_ids)) - F.col("excluded")
    return ListFaults(
        duplicates=places - pairs.distinct().count(),
        unknown_items=pairs.join(exam.candidates, "item_id", "left_anti").count(),
        excluded_items=pairs.join(exam.exclude, ["user_id", "item_id"], "left_semi").count(),
        short_lists=lengths.where(F.col("count") < F.least(F.lit(k), free)).count(),
        filled_places=slate.where(F.col("model") != name).count(),
        places=places,
    )


def _plain(value: Estimate | float) -> Any:
    if isinstance(value, Estimate):
        return {"mean": round(value.mean, 6), "low": round(value.low, 6), "high": round(value.high, 6)}
    return round(float(value), 6)
