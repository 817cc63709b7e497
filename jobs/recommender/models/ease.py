"""EASE: a linear map from items to items in closed form (Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data")."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from jobs.recommender.gram import dense, gram
from jobs.recommender.histories import Histories, catalogue
from jobs.recommender.ranker import NOTHING, Scores
from jobs.recommender.size import require

MOST_ITEMS = 12_000
"""Items that it is meant for: the matrix and its inverse take 16 bytes a pair of items on the driver, 2.3 GB, and minutes."""


@dataclass(frozen=True)
class Ease:
    """``weights`` (items x items, float32, diagonal zero): what one unit of the row's item says for the column's."""

    item_ids: pa.Array
    weights: npt.NDArray[np.float32]
    name: str = "ease"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: history times weights; nothing for somebody without a history."""
        known = histories.matrix()
        found = np.asarray(known @ self.weights, dtype=np.float64)
        found[np.diff(known.indptr) == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: weight of the entry times that of the pair of items."""
        own = histories.of(row)
        found: Scores = self.weights[np.ix_(histories.positions[own], positions)].astype(np.float64).T * histories.weights[own]
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` items for which the item says most; ties in the order of the ids, nothing for an unknown item."""
        place = self.item_ids.index(item_id).as_py()
        if place < 0:
            return []
        row = np.delete(self.weights[place], place)
        others = np.delete(np.arange(len(self.item_ids)), place)
        return [(self.item_ids[int(others[at])].as_py(), float(row[at])) for at in np.lexsort((others, -row))[:k]]


@dataclass(frozen=True)
class EaseTrainer:
    """``regularisation``: added to the diagonal of the Gramian, in units of weight squared; binary weights want some hundreds."""

    regularisation: float = 300.0
    name: str = "ease"

    def fit(self, signals: DataFrame) -> Ease:
        """As ``Trainer.fit``: B = I - P diag(P)^-1 with P = (X'X + regularisation I)^-1 (Steck 2019, eq. 8)."""
        item_ids = catalogue(signals)
        require(self.name, "items", len(item_ids), MOST_ITEMS)
        if not len(item_ids):
            return Ease(item_ids, np.zeros((0, 0), dtype=np.float32))
        regularised = dense(gram(signals, item_ids), len(item_ids))
        regularised[np.diag_indices_from(regularised)] += self.regularisation
        with threadpool_limits(limits=1):  # the last digits follow from the number of threads, and that from the machine
            inverse = np.linalg.inv(regularised)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0.0)
        return Ease(item_ids, weights.astype(np.float32))
