"""Items as words, histories as sentences (Barkan & Koenigstein 2016, "Item2Vec"), fitted by Spark MLlib's Word2Vec."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.ml.feature import Word2Vec
from pyspark.sql import DataFrame

from jobs.recommender.histories import Histories, catalogue, histories, valid
from jobs.recommender.ranker import NOTHING, Scores, nearest
from jobs.recommender.size import require

MOST_WORDS = 20_000_000
"""Pairs of user and item that it is meant for: one task reads them all in their order, so that the same rows give the same vectors."""


@dataclass(frozen=True)
class Item2Vec:
    """``vectors`` (items x size, length 1): near where items stand near each other in histories."""

    item_ids: pa.Array
    vectors: npt.NDArray[np.float32]
    name: str = "item2vec"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: cosine of the item with the weighted sum of the history; nothing for somebody without one."""
        centres = np.asarray(histories.matrix() @ self.vectors.astype(np.float64))
        lengths = np.linalg.norm(centres, axis=1, keepdims=True)
        found: Scores = (centres / np.maximum(lengths, 1e-12)) @ self.vectors.astype(np.float64).T
        found[np.diff(histories.indptr) == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: the entry's part of the history's direction, along the item's."""
        own = histories.of(row)
        entries = self.vectors[histories.positions[own]].astype(np.float64) * histories.weights[own][:, None]
        length = max(float(np.linalg.norm(entries.sum(axis=0))), 1e-12)
        found: Scores = self.vectors[positions].astype(np.float64) @ entries.T / length
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` items by cosine, ties in the order of the ids; nothing for an unknown item."""
        return nearest(self.item_ids, self.vectors, item_id, k)


@dataclass(frozen=True)
class Item2VecTrainer:
    """Skip-gram over histories in the order of time; ``window`` items on both sides are context."""

    size: int = 48
    window: int = 10
    iterations: int = 10
    step_size: float = 0.05
    seed: int = 17
    name: str = "item2vec"

    def fit(self, signals: DataFrame) -> Item2Vec:
        """As ``Trainer.fit``; the driver gets the vectors."""
        require(self.name, "pairs of user and item", valid(signals).count(), MOST_WORDS)
        if not len(catalogue(signals)):
            return Item2Vec(pa.array([], pa.string()), np.zeros((0, self.size), dtype=np.float32), self.name)
        sentences = histories(signals).orderBy("user_id").coalesce(1).select("items")
        model = Word2Vec(
            vectorSize=self.size,
            windowSize=self.window,
            maxIter=self.iterations,
            stepSize=self.step_size,
            seed=self.seed,
            minCount=1,
            numPartitions=1,
            inputCol="items",
            outputCol="vector",
        ).fit(sentences)
        rows = sorted(((row["word"], row["vector"].toArray()) for row in model.getVectors().collect()), key=lambda row: str(row[0]))
        vectors = np.asarray([vector for _, vector in rows], dtype=np.float32)
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        return Item2Vec(pa.array([word for word, _ in rows], pa.string()), (vectors / lengths).astype(np.float32), self.name)
