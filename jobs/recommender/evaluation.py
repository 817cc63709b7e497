"""How good slates are, judged by what the same users did afterwards.

An item is relevant to a user who bought it, put it into the cart or on a wish list in the test window and had not bought it before: a view
shows curiosity, these show intent. Items that the user only looked at before the cut may be recommended, as in production. Every user
with a relevant item counts, also one who was never seen before the cut (cold), and so does every relevant item, also one that nobody had
touched (cold) or that is not on sale: nobody is dropped to flatter a figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.interval import Interval
from jobs.recommender import histories, metrics, shelf
from jobs.recommender.bootstrap import MOST_USERS, estimates
from jobs.recommender.house_rules import NO_RULES, HouseRules
from jobs.recommender.metrics import K
from jobs.recommender.model import Recommender

RELEVANT_TYPES = ("purchase", "add_to_cart", "add_to_wishlist")


OF_LISTS = ("coverage", "novelty", "gini", "popularity_share", "diversity")
"""Figures of all lists, beside those of ``metrics.names``; the last only where items have categories."""

TENTHS = 10


@dataclass(frozen=True)
class Counts:
    """Who and what is in a test window; ``cold_*`` were not seen before the cut."""

    users: int
    cold_users: int
    relevant_pairs: int
    relevant_items: int
    cold_items: int
    sampled_users: int

    def as_metrics(self) -> dict[str, float]:
        """The counts under their names in MLflow."""
        return {f"test_{name}_count": float(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Exam:
    """One test window: the users with their right answers, what they must not be shown, what may be shown, and who knew what before.

    ``unpersonal`` (user_id) are those who had not agreed to personal lists by the cut, as ``shelf.unpersonal`` says.
    """

    users: DataFrame
    truth: DataFrame
    exclude: DataFrame
    candidates: DataFrame
    knowledge: pd.Series
    candidate_ids: frozenset[str]
    known_users: int
    counts: Counts
    rules: HouseRules = NO_RULES
    unpersonal: DataFrame | None = None


@dataclass(frozen=True)
class Result:
    """A recommender's figures at ``k``.

    ``per_user`` has one row a user, in the order of their ids: ``metrics.names(k)``, relevant_count, history_count.
    """

    per_user: pd.DataFrame
    shown: pd.Series
    coverage: float
    novelty: float
    gini: float
    popularity_share: float
    diversity: float | None = None
    k: int = K

    def matrix(self) -> npt.NDArray[np.float64]:
        """Users x metrics."""
        return self.per_user[list(metrics.names(self.k))].to_numpy(dtype=np.float64)

    def summary(self, seed: int) -> dict[str, Any]:
        """Every metric as an estimate; what is true of all lists together as numbers."""
        found = dict(zip(metrics.names(self.k), estimates(self.matrix(), seed=seed), strict=True))
        return {**found, **{f"{name}_at_{self.k}": value for name in OF_LISTS if (value := getattr(self, name)) is not None}}


def prepare(
    interactions: DataFrame,
    order_lines: DataFrame,
    items: DataFrame,
    window: Interval,
    rules: HouseRules = NO_RULES,
    *,
    stock: DataFrame | None = None,
    consents: DataFrame | None = None,
) -> Exam:
    """Set the exam for ``window``, under the rules that will serve; the day before it is the cut.

    What was out of stock at the cut may not be shown, and whoever had not agreed to personal lists by then gets what is popular, as in a
    release; a right answer that cannot be given counts all the same.

    With more than ``MOST_USERS`` users a sample is taken by the hash of their ids. The driver holds one number an item and, later, a row
    a sampled user.
    """
    cut_day = window.start - timedelta(days=1)
    exclude = shelf.not_again(rules, order_lines, items, cut_day)
    inside = (F.col("event_date") >= F.lit(window.start)) & (F.col("event_date") < F.lit(window.end))
    wanted = interactions.where(inside & F.col("event_type").isin(*RELEVANT_TYPES)).select("user_id", "item_id").distinct()
    truth = wanted.join(exclude, ["user_id", "item_id"], "left_anti").persist(StorageLevel.MEMORY_AND_DISK)
    before = interactions.where(F.col("event_date") <= F.lit(cut_day))
    history = before.groupBy("user_id").agg(F.sum("event_count").alias("history_count"))
    users = truth.groupBy("user_id").agg(F.count("*").alias("relevant_count")).join(history, "user_id", "left").fillna(0, ["history_count"])
    users = users.persist(StorageLevel.MEMORY_AND_DISK)

    candidates = shelf.offered(rules, items, before, cut_day, stock).persist(StorageLevel.MEMORY_AND_DISK)
    unpersonal = shelf.unpersonal(rules, users, consents, cut_day)
    unpersonal = None if unpersonal is None else unpersonal.persist(StorageLevel.MEMORY_AND_DISK)
    known = before.groupBy("item_id").agg(F.countDistinct("user_id").alias("user_count"))
    catalogue = (
        known.join(candidates.select("item_id", F.lit(True).alias("is_candidate")), "item_id", "full")
        .join(truth.select("item_id").distinct().withColumn("is_relevant", F.lit(True)), "item_id", "full")
        .fillna(0, ["user_count"])
        .fillna(False, ["is_candidate", "is_relevant"])
        .toPandas()
        .set_index("item_id")
    )
    totals = users.agg(
        F.count("*").alias("users"), F.sum((F.col("history_count") == 0).cast("int")).alias("cold"), F.sum("relevant_count").alias("pairs")
    ).first()
    all_users, cold, pairs = (int(totals[name] or 0) for name in ("users", "cold", "pairs")) if totals else (0, 0, 0)
    sampled = all_users
    if all_users > MOST_USERS:
        users = histories.sampled(users, all_users, MOST_USERS).persist(StorageLevel.MEMORY_AND_DISK)
        truth = truth.join(users.select("user_id"), "user_id", "left_semi")
        sampled = users.count()
    relevant = catalogue["is_relevant"].astype(bool)
    cold_items = relevant & (catalogue["user_count"] == 0)
    counts = Counts(all_users, cold, pairs, int(relevant.sum()), int(cold_items.sum()), sampled)
    candidate_ids = frozenset(catalogue.index[catalogue["is_candidate"].astype(bool)])
    knowledge = catalogue["user_count"].astype(np.int64)
    known_users = history.count()
    return Exam(users, truth, exclude, candidates, knowledge, candidate_ids, known_users, counts, rules, unpersonal)


def part_of(rows: DataFrame, share: float) -> DataFrame:
    """The rows of ``share`` of the users, by the hash of their ids: of every frame the same users."""
    return rows.where(F.pmod(F.xxhash64("user_id", F.lit("part")), F.lit(1_000_000)) < int(share * 1_000_000))


def part(exam: Exam, share: float) -> Exam:
    """The same exam for ``share`` of its users; what may be shown and who knew what stay as they are."""
    return replace(exam, users=part_of(exam.users, share), truth=part_of(exam.truth, share))


def sit(exam: Exam, recommender: Recommender, k: int = K) -> Result:
    """Let a recommender answer: its ``k`` best for every user of the exam, marked."""
    slate = recommender.recommend(exam.users.select("user_id"), k, exam.exclude, exam.candidates).persist(StorageLevel.MEMORY_AND_DISK)
    result = mark(exam, slate, k)
    slate.unpersist()
    return result


def mark(exam: Exam, slate: DataFrame, k: int = K) -> Result:
    """Mark the answers of a recommender: a slate with at most ``k`` places for every user of the exam."""
    counts = {str(item): int(users) for item, users in exam.knowledge.items()}
    expected = metrics.best_known(k, {item: users for item, users in counts.items() if item in exam.candidate_ids})
    categories = exam.candidates.select("item_id", "category_id") if "category_id" in exam.candidates.columns else None
    found = marked(exam.users, slate, exam.truth, k, expected=expected, categories=categories).toPandas()
    per_user = found.sort_values("user_id", ignore_index=True)
    diverse = per_user.pop("diversity").astype(np.float64).mean()
    shown_items = slate.groupBy("item_id").agg(F.count("*").alias("shown_count")).toPandas()
    shown = shown_items.set_index("item_id")["shown_count"].astype(np.int64)
    user_counts = exam.knowledge.reindex(shown.index).fillna(0).to_numpy()
    bits = -np.log2(np.maximum(user_counts, 1) / max(exam.known_users, 1))
    novelty = float(np.average(bits, weights=shown.to_numpy())) if len(shown) else 0.0
    covered = metrics.coverage(frozenset(shown.index), exam.candidate_ids) if exam.candidate_ids else 0.0
    unequal = metrics.gini(shown.tolist(), len(exam.candidate_ids)) if len(shown) else 0.0
    head = metrics.head(counts)
    to_head = float(shown[shown.index.isin(head)].sum() / shown.sum()) if len(shown) else 0.0
    return Result(per_user, shown, covered, novelty, unequal, to_head, None if np.isnan(diverse) else float(diverse), k)


def tenths(result: Result, exam: Exam) -> list[float]:
    """Share of the places that goes to each tenth of the items, from the least to the best known; ties by id."""
    ranked = sorted(exam.knowledge.items(), key=lambda pair: (pair[1], str(pair[0])))
    tenth = {str(item): place * TENTHS // max(1, len(ranked)) for place, (item, _) in enumerate(ranked)}
    places = [0.0] * TENTHS
    for item, count in result.shown.items():
        places[tenth.get(str(item), 0)] += float(count)
    return [count / max(1.0, sum(places)) for count in places]


def marked(
    users: DataFrame, slate: DataFrame, truth: DataFrame, k: int = K, *, expected: Sequence[str] = (), categories: DataFrame | None = None
) -> DataFrame:
    """One row a user of ``users`` (user_id, relevant_count > 0, ...): the figures of ``metrics`` as Spark expressions.

    A user without a slate has missed everything. ``expected``: items that are no surprise. ``diversity`` is NULL without ``categories``
    (item_id, category_id), and for lists of which no item has a category or that have but one.
    """
    places = slate.where(F.col("rank") <= k).join(truth.withColumn("_is_hit", F.lit(True)), ["user_id", "item_id"], "left")
    unknown = F.lit(None).cast("string")
    places = places.withColumn("category_id", unknown) if categories is None else places.join(F.broadcast(categories), "item_id", "left")
    is_surprise = F.col("_is_hit") & ~F.col("item_id").isin(*expected) if expected else F.col("_is_hit")
    lists = places.groupBy("user_id").agg(
        F.array_sort(F.collect_list(F.when(F.col("_is_hit"), F.col("rank")))).alias("_ranks"),
        F.count_if(is_surprise).alias("_surprises"),
        F.collect_list("category_id").alias("_categories"),
        F.count("*").alias("_places"),
    )
    rows = users.join(lists, "user_id", "left").withColumn("_ranks", F.coalesce("_ranks", F.array().cast("array<int>")))
    hit_count = F.size("_ranks").cast("double")
    best = F.least(F.col("relevant_count"), F.lit(k)).cast("int")
    ideal = F.element_at(F.array(*[F.lit(metrics.ideal_gain(k, count)) for count in range(1, k + 1)]), best)
    gain = F.aggregate("_ranks", F.lit(0.0), lambda total, rank: total + 1 / F.log2(rank + 1))
    precisions = F.aggregate(
        F.transform("_ranks", lambda rank, place: (place + 1).cast("double") / rank), F.lit(0.0), lambda total, value: total + value
    )
    alike = F.aggregate(
        F.array_distinct("_categories"),
        F.lit(0),
        lambda total, category: total + _pairs(F.size(F.filter("_categories", lambda one: one == category))),
    )
    figures = {
        f"ndcg_at_{k}": gain / ideal,
        f"recall_at_{k}": hit_count / F.col("relevant_count"),
        f"precision_at_{k}": hit_count / k,
        f"map_at_{k}": precisions / best,
        f"mrr_at_{k}": F.coalesce(1.0 / F.get("_ranks", F.lit(0)), F.lit(0.0)),
        f"hit_rate_at_{k}": (hit_count > 0).cast("double"),
        f"serendipity_at_{k}": F.coalesce("_surprises", F.lit(0)) / k,
        "diversity": F.when((F.size("_categories") > 0) & (F.col("_places") > 1), 1 - alike / _pairs(F.col("_places"))),
    }
    return rows.select(*users.columns, *[value.alias(name) for name, value in figures.items()])


def _pairs(count: Column) -> Column:
    return (count * (count - 1) / 2).cast("int")
