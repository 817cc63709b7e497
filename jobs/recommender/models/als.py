"""Implicit matrix factorisation by alternating least squares (Hu, Koren & Volinsky 2008), fitted by Spark MLlib."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import StorageLevel
from pyspark.ml import recommendation as mllib
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, valid
from jobs.recommender.positions import positions
from jobs.recommender.ranker import NOTHING, Scores, nearest

RATINGS_A_BLOCK = 2_000_000
"""Blocks grow with the data, never with the cluster: the sums of a fit depend on its blocks."""


@dataclass(frozen=True)
class Als:
    """``factors`` (items x rank). A user's factors are computed from the history: the step of a training for that user alone."""

    item_ids: pa.Array
    factors: npt.NDArray[np.float32]
    alpha: float
    regularisation: float
    name: str = "als"

    def user_factors(self, histories: Histories) -> npt.NDArray[np.float64]:
        """Users x rank: x = (Y'Y + Y'(C - I)Y + r n I)^-1 Y'C p over the user's n items (Hu et al. 2008, eq. 4; r n as MLlib scales it)."""
        found = np.zeros((histories.users, self._items.shape[1]))
        for row in range(histories.users):
            mine, confidence = self._own(histories, row)
            if len(mine):
                found[row] = np.linalg.solve(self._left(mine, confidence), mine.T @ (1 + confidence))
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: y_i' W y_j (1 + c_j), W the inverse of the user's system (Hu et al. 2008, eq. 7)."""
        mine, confidence = self._own(histories, row)
        found: Scores = self._items[positions] @ np.linalg.solve(self._left(mine, confidence), mine.T * (1 + confidence))
        return found

    @cached_property
    def _items(self) -> Scores:
        return self.factors.astype(np.float64)

    @cached_property
    def _all_items(self) -> Scores:
        gramian: Scores = self._items.T @ self._items
        return gramian

    def _own(self, histories: Histories, row: int) -> tuple[Scores, Scores]:
        own = histories.of(row)
        return self._items[histories.positions[own]], self.alpha * histories.weights[own]

    def _left(self, mine: Scores, confidence: Scores) -> Scores:
        left: Scores = self._all_items + (mine.T * confidence) @ mine + self.regularisation * len(mine) * np.eye(self.factors.shape[1])
        return left

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: the product of both factors; nothing for somebody without a history."""
        found: Scores = self.user_factors(histories) @ self._items.T
        found[np.diff(histories.indptr) == 0] = NOTHING
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` items by the cosine of the factors, ties in the order of the ids; nothing for an unknown item."""
        return nearest(self.item_ids, self.factors, item_id, k)


@dataclass(frozen=True)
class AlsTrainer:
    """``alpha``: confidence gained by one unit of weight; ``regularisation``: scaled by each row's number of items (ALS-WR, as MLlib)."""

    rank: int = 32
    regularisation: float = 0.1
    alpha: float = 1.0
    iterations: int = 10
    seed: int = 17
    name: str = "als"

    def fit(self, signals: DataFrame) -> Als:
        """As ``Trainer.fit``. Needs a checkpoint directory; the driver gets the factors of the items."""
        known = valid(signals).select("user_id", "item_id", "weight").persist(StorageLevel.MEMORY_AND_DISK)
        users, items = positions(known, "user_id", "user_position"), positions(known, "item_id", "item_position")
        blocks = max(2, math.ceil(known.count() / RATINGS_A_BLOCK))
        rows = (
            known.join(users, "user_id")
            .join(items, "item_id")
            .select("user_position", "item_position", F.col("weight").cast("float").alias("rating"))
            .repartition(blocks, "user_position")
            .sortWithinPartitions("user_position", "item_position")
            .persist(StorageLevel.MEMORY_AND_DISK)
        )
        if rows.isEmpty():
            return Als(pa.array([], pa.string()), np.zeros((0, self.rank), dtype=np.float32), self.alpha, self.regularisation, self.name)
        model = mllib.ALS(
            rank=self.rank,
            regParam=self.regularisation,
            alpha=self.alpha,
            maxIter=self.iterations,
            seed=self.seed,
            implicitPrefs=True,
            numUserBlocks=blocks,
            numItemBlocks=blocks,
            checkpointInterval=5,
            userCol="user_position",
            itemCol="item_position",
            ratingCol="rating",
        ).fit(rows)
        fitted = model.itemFactors.withColumnRenamed("id", "item_position").join(items, "item_position").select("item_id", "features")
        table = fitted.toArrow().sort_by("item_id").combine_chunks()
        factors = np.asarray(table["features"].to_pylist(), dtype=np.float32)
        rows.unpersist()
        known.unpersist()
        return Als(pa.array(table["item_id"].to_pylist(), pa.string()), factors, self.alpha, self.regularisation, self.name)
