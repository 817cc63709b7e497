"""Rows that break a rule go aside with all their reasons; none is dropped."""

from collections.abc import Mapping
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


class Sorted(NamedTuple):
    """The two sides of a sorting: rows that may go on, and rows with their ``reasons``."""

    clean: DataFrame
    rejected: DataFrame


def with_reasons(df: DataFrame, faults: Mapping[str, Column]) -> DataFrame:
    """Add ``reasons array<string>``: the names of all faults that apply, in the order of ``faults``.

    A fault that evaluates to NULL counts as present: unknown is not the same as fine.
    """
    reasons = [F.when(F.coalesce(fault, F.lit(True)), F.lit(name)) for name, fault in faults.items()]
    return df.withColumn("reasons", F.array_compact(F.array(*reasons)) if reasons else F.array().cast("array<string>"))


def sort_rows(df: DataFrame, faults: Mapping[str, Column]) -> Sorted:
    """Send each row to exactly one side; a rejected row carries every reason that applies."""
    marked = with_reasons(df, faults)
    clean = F.size("reasons") == 0
    return Sorted(marked.where(clean).drop("reasons"), marked.where(~clean))
