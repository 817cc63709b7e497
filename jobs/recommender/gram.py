"""How often items were touched by the same users: the sums that item neighbours and EASE are made of."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, histories

UNIT = 10_000
"""A weight is rounded to so fine a fraction: its products and their sums are then whole numbers, the same in any order.

With weights below 10 a billion users' sums fit into 64 bits.
"""

_PAIR_FRAME = "row int, column int, units bigint"


def gram(signals: DataFrame, item_ids: pa.Array) -> DataFrame:
    """One row a pair of items ``row <= column`` (positions in ``item_ids``) that a user has in common: ``product double``.

    The sum over users of the product of both weights. A task multiplies the sparse matrix of its users by itself, so the work is that of
    the pairs within each history, and a shuffle adds up what the tasks found.
    """
    shared = signals.sparkSession.sparkContext.broadcast(item_ids)

    def multiply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            known = Histories.of_batch(batch, shared.value).matrix()
            known = sp.csr_matrix((np.rint(known.data * UNIT).astype(np.int64), known.indices, known.indptr), shape=known.shape)
            together = sp.triu(known.T @ known, format="coo")
            yield pa.RecordBatch.from_arrays(
                [pa.array(together.row.astype(np.int32)), pa.array(together.col.astype(np.int32)), pa.array(together.data)],
                ["row", "column", "units"],
            )

    found = histories(signals).mapInArrow(multiply, _PAIR_FRAME)  # type: ignore[arg-type]
    return found.groupBy("row", "column").agg((F.sum("units") / F.lit(UNIT**2)).alias("product"))


def dense(pairs: DataFrame, items: int) -> npt.NDArray[np.float64]:
    """The whole symmetric matrix on the driver: ``8 * items ** 2`` bytes."""
    found = pairs.toArrow()
    rows, columns, products = (found[name].to_numpy() for name in ("row", "column", "product"))
    matrix = np.zeros((items, items))
    matrix[rows, columns] = matrix[columns, rows] = products
    return matrix
