"""Item-based collaborative filtering: what goes with what a user has (Sarwar et al. 2001; Deshpande & Karypis 2004)."""

from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.gram import gram
from jobs.recommender.histories import Histories, catalogue
from jobs.recommender.pairs import strongest
from jobs.recommender.ranker import NOTHING, Scores, SimilarItems


@dataclass(frozen=True)
class ItemNeighbours(SimilarItems):
    """``similarities`` (items x items, sparse): of each row's item those that it speaks for, the column's."""

    name: str = "item_neighbours"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: the sum over the history of weight times similarity; nothing for items that no neighbour speaks for."""
        found = np.asarray((histories.matrix() @ self.similarities).todense(), dtype=np.float64)
        found[found == 0] = NOTHING
        return found


@dataclass(frozen=True)
class ItemNeighboursTrainer:
    """Cosine of the items' columns, shrunk, of each item the ``neighbours`` nearest.

    ``shrinkage``: added to the denominator, so that few common users count for little (Bell & Koren 2007).
    """

    neighbours: int = 100
    shrinkage: float = 10.0
    name: str = "item_neighbours"

    def fit(self, signals: DataFrame) -> ItemNeighbours:
        """As ``Trainer.fit``. Runs in Spark; the driver gets ``neighbours`` figures an item."""
        item_ids = catalogue(signals)
        pairs = gram(signals, item_ids).persist()
        norms = pairs.where("row = column").select(F.col("row").alias("item"), F.sqrt("product").alias("norm"))
        apart = pairs.where("row <> column")
        both = apart.union(apart.select("column", "row", "product").toDF("row", "column", "product"))
        similarity = F.col("product") / (F.col("_row.norm") * F.col("_column.norm") + F.lit(self.shrinkage))
        near = (
            both.join(F.broadcast(norms).alias("_row"), F.col("row") == F.col("_row.item"))
            .join(F.broadcast(norms).alias("_column"), F.col("column") == F.col("_column.item"))
            .select("row", "column", F.round(similarity, 9).alias("value"))
        )
        similarities = strongest(near, of_each="column", most=self.neighbours, items=len(item_ids))
        pairs.unpersist()
        return ItemNeighbours(item_ids, similarities)
