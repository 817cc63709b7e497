"""Figures between items, row speaking for column, from Spark to a sparse matrix on the driver."""

import scipy.sparse as sp
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def strongest(values: DataFrame, *, of_each: str, most: int, items: int) -> sp.csr_matrix:
    """The ``most`` greatest ``value`` of each ``of_each`` ("row" or "column"), ties to the lower position of the other: items x items.

    ``values`` has row, column, value; the driver gets ``most`` figures an item.
    """
    other = "row" if of_each == "column" else "column"
    place = F.row_number().over(Window.partitionBy(of_each).orderBy(F.desc("value"), other))
    kept = values.withColumn("_place", place).where(F.col("_place") <= most).select("row", "column", "value").toArrow()
    entries = (kept["value"].to_numpy(), (kept["row"].to_numpy(), kept["column"].to_numpy()))
    return sp.csr_matrix(entries, shape=(items, items)).sorted_indices()
