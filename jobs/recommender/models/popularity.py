"""Popularity: what most people were interested in, among all, within a category, within a segment.

That among all is the rival in every table, and the last link of every chain; the others come before it where more is known of a user.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, numbered, places, valid
from jobs.recommender.ranker import NOTHING, Scores
from jobs.recommender.slates import LeftOut, Slates, best_of_shared
from jobs.recommender.weights import MICRO

PRIOR = 200.0
"""Weight of everybody's interest that is mixed into a segment's: as much as 40 purchases, or 200 looks."""

UNPERSONAL = "unpersonal_popularity"
"""Name of what is popular among all where the user has not agreed to more: one list for everybody, what they bought not taken out."""


@dataclass(frozen=True)
class Popularity:
    """The summed weight of each item, the same for everybody, somebody without a history included."""

    item_ids: pa.Array
    sums: npt.NDArray[np.float64]
    name: str = "popularity"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``."""
        return np.tile(self.sums, (histories.users, 1))

    def best(self, histories: Histories, among: npt.NDArray[np.int64], left_out: LeftOut, k: int) -> Slates:  # noqa: ARG002
        """As ``Finding.best``, for somebody without a history too."""
        return best_of_shared(self.sums[among], left_out, k)


@dataclass(frozen=True)
class CategoryPopularity:
    """What is popular in the categories of what a user has touched; no opinion on others, nor for who has touched nothing.

    ``category`` is the number of each item's category, -1 for none; ``shares`` the item's share of all interest in its category. A score
    is the mixture of both: the sum over categories of the user's weight in it times the item's share of it.
    """

    item_ids: pa.Array
    category: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float64]
    name: str = "category_popularity"

    @classmethod
    def of(cls, popular: Popularity, categories: pa.Array) -> "CategoryPopularity":
        """From the sums of ``popular`` and the category of each of its items, NULL for none."""
        category = numbered(categories)
        inside = category >= 0
        totals = np.bincount(category[inside], weights=popular.sums[inside])
        shares = np.zeros(len(category))
        shares[inside] = popular.sums[inside] / np.where(totals > 0, totals, 1.0)[category[inside]]
        return cls(popular.item_ids, category, shares)

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``."""
        inside, categories = np.flatnonzero(self.category >= 0), int(self.category.max(initial=-1)) + 1
        members = sp.csr_matrix((np.ones(len(inside)), (inside, self.category[inside])), shape=(len(self.category), categories))
        interest = (histories.matrix() @ members).toarray()
        found = np.zeros((histories.users, len(self.category)))
        found[:, inside] = interest[:, self.category[inside]] * self.shares[inside]
        found[found == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: weight of the entry times the item's share, where both are of one category."""
        own = histories.of(row)
        touched = self.category[histories.positions[own]]
        is_same = (self.category[positions][:, None] == touched[None, :]) & (touched[None, :] >= 0)
        found: Scores = is_same * self.shares[positions][:, None] * histories.weights[own][None, :]
        return found


@dataclass(frozen=True)
class SegmentPopularity:
    """What is popular among the users of the same segment; no opinion for users of none, or of one that it does not know.

    ``shares`` (segments x items): the segment's sums, mixed with those of everybody as if ``PRIOR`` more weight had been seen, so that a
    segment of three people does not speak for itself alone. Somebody without a history is served like who is alike in other respects.
    """

    item_ids: pa.Array
    segments: pa.Array
    shares: npt.NDArray[np.float64]
    name: str = "segment_popularity"

    @classmethod
    def of(cls, popular: Popularity, segments: pa.Array, sums: npt.NDArray[np.float64]) -> "SegmentPopularity":
        """From the sums of everybody and those of each segment (segments x items of ``popular``)."""
        prior = popular.sums * (PRIOR / max(popular.sums.sum(), 1e-12))
        return cls(popular.item_ids, segments, (sums + prior) / (sums.sum(axis=1, keepdims=True) + PRIOR))

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``; an item that nobody has touched has 0."""
        found = np.full((histories.users, len(self.item_ids)), NOTHING)
        if histories.segments is not None and len(self.segments):
            place = places(histories.segments, self.segments)
            found[place >= 0] = self.shares[place[place >= 0]]
        return found


@dataclass(frozen=True)
class PopularityTrainer:
    """Sums weights; a decay with time is in the weights already."""

    name: str = "popularity"

    def fit(self, signals: DataFrame) -> Popularity:
        """As ``Trainer.fit``; any size."""
        weight = F.sum(F.round(F.col("weight") * MICRO).cast("bigint")).alias("micro")
        sums = valid(signals).groupBy("item_id").agg(weight).toArrow().sort_by("item_id").combine_chunks()
        ids = pa.array(sums["item_id"].to_pylist(), pa.string())
        return Popularity(ids, sums["micro"].to_numpy().astype(np.float64) / MICRO)
