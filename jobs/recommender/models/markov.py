"""A Markov chain of items: what comes next after what was touched last (Rendle, Freudenthaler & Schmidt-Thieme 2010, without factors)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, catalogue, histories
from jobs.recommender.pairs import strongest
from jobs.recommender.ranker import NOTHING, Scores, SimilarItems

STEP_FRAME = "row int, column int, steps bigint"


@dataclass(frozen=True)
class Markov(SimilarItems):
    """``similarities`` (items x items): the chance that the column's item follows the row's.

    A user's last ``memory`` items speak, the one before the last ``decay`` times as loud as the last, and so on.
    """

    memory: int = 5
    decay: float = 0.6
    name: str = "markov"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``; nothing for items that have never followed any of these."""
        found = np.asarray((self._recent(histories) @ self.similarities).todense(), dtype=np.float64)
        found[found == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: loudness of the entry times the chance of the step."""
        own = histories.of(row)
        loudness = self._recent(histories).data[own]
        found: Scores = self.similarities[histories.positions[own]][:, positions].toarray().T * loudness
        return found

    def _recent(self, histories: Histories) -> sp.csr_matrix:
        later = histories.later()
        loudness: npt.NDArray[np.float64] = np.where(later < self.memory, self.decay**later, 0.0)
        return sp.csr_matrix((loudness, histories.positions, histories.indptr), shape=(histories.users, histories.items))


@dataclass(frozen=True)
class MarkovTrainer:
    """Counts steps within each history, in the order of time.

    ``shrinkage``: added to the number of times that an item was left, so that a step seen once is no certainty; of each item the likeliest
    ``successors`` are kept.
    """

    memory: int = 5
    decay: float = 0.6
    shrinkage: float = 5.0
    successors: int = 100
    name: str = "markov"

    def fit(self, signals: DataFrame) -> Markov:
        """As ``Trainer.fit``. Runs in Spark; the driver gets ``successors`` figures an item."""
        item_ids = catalogue(signals)
        steps = self._steps(signals, item_ids)
        left = F.sum("steps").over(Window.partitionBy("row"))
        chances = steps.select("row", "column", F.round(F.col("steps") / (left + F.lit(self.shrinkage)), 9).alias("value"))
        similarities = strongest(chances, of_each="row", most=self.successors, items=len(item_ids))
        return Markov(item_ids, similarities, self.memory, self.decay, self.name)

    @staticmethod
    def _steps(signals: DataFrame, item_ids: pa.Array) -> DataFrame:
        shared = signals.sparkSession.sparkContext.broadcast(item_ids)

        def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                known = Histories.of_batch(batch, shared.value)
                users = np.repeat(np.arange(known.users), np.diff(known.indptr))
                follows = users[1:] == users[:-1]
                ends = (known.positions[:-1][follows], known.positions[1:][follows])
                steps = sp.coo_matrix((np.ones(len(ends[0]), dtype=np.int64), ends), shape=(known.items, known.items)).tocsr().tocoo()
                columns = [pa.array(steps.row.astype(np.int32)), pa.array(steps.col.astype(np.int32)), pa.array(steps.data)]
                yield pa.RecordBatch.from_arrays(columns, ["row", "column", "steps"])

        counted = histories(signals).mapInArrow(count, STEP_FRAME)  # type: ignore[arg-type]
        return counted.groupBy("row", "column").agg(F.sum("steps").alias("steps"))
