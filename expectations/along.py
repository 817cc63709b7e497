"""What is asked of a table's rows in the pass of its suite, beside the suite."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, GroupedData


@dataclass(frozen=True)
class Along:
    """Aggregates, one row of them a value of ``by``; one row of all rows without it."""

    by: Column | None = None
    aggregates: Sequence[Column] = ()

    def grouped(self, rows: DataFrame) -> GroupedData:
        """The rows in the groups that are asked for."""
        return rows.groupBy() if self.by is None else rows.groupBy(self.by)
