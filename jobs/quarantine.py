"""Rows that break a rule go aside with all their reasons; none is dropped."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def with_reasons(df: DataFrame, faults: Mapping[str, Column]) -> DataFrame:
    """Add ``reasons array<string>``: the names of all faults that apply, in the order of ``faults``.

    A fault that evaluates to NULL counts as present: unknown is not the same as fine.
    """
    reasons = [F.when(F.coalesce(fault, F.lit(True)), F.lit(name)) for name, fault in faults.items()]
    return df.withColumn("reasons", F.array_compact(F.array(*reasons)) if reasons else F.array().cast("array<string>"))
