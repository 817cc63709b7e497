"""How often items were touched by the same users: the sums that item neighbours and EASE are made of."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, histories
from jobs.recommender.weights import MICRO

PAIR_FRAME = "row int, column int, micro bigint"


def gram(signals: DataFrame, item_ids: pa.Array) -> DataFrame:
    """One row a pair of items ``row <= column`` (positions in ``item_ids``) that a user has in common: ``micro``.

    The sum over users of the product of both weights, in millionths. A task multiplies the sparse matrix of its users by itself, so the
    work is that of the pairs within each history, and a shuffle adds up what the tasks found.
    """
    shared = signals.sparkSession.sparkContext.broadcast(item_ids)

    def multiply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            known = Histories.of_batch(batch, shared.value).matrix()
            together = sp.triu(known.T @ known, format="coo")
            micro = np.rint(together.data * MICRO).astype(np.int64)
            yield pa.RecordBatch.from_arrays(
                [pa.array(together.row.astype(np.int32)), pa.array(together.col.astype(np.int32)), pa.array(micro)],
                ["row", "column", "micro"],
            )

    by_user = histories(signals)
    return by_user.mapInArrow(multiply, PAIR_FRAME).groupBy("row", "column").agg(F.sum("micro").alias("micro"))  # type: ignore[arg-type]


def dense(pairs: DataFrame, items: int) -> npt.NDArray[np.float64]:
    """The whole symmetric matrix on the driver: ``8 * items ** 2`` bytes."""
    found = pairs.toArrow()
    rows, columns, micro = (found[name].to_numpy() for name in ("row", "column", "micro"))
    matrix = np.zeros((items, items))
    matrix[rows, columns] = matrix[columns, rows] = micro / MICRO
    return matrix
