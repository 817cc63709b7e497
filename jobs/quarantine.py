"""Rows that break a rule go aside with all their reasons; none is dropped."""

from collections.abc import Mapping
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def with_reasons(df: DataFrame, faults: Mapping[str, Column]) -> DataFrame:
    """Add ``reasons array<string>``: the names of all faults that apply, in the order of ``faults``.

    A fault that evaluates to NULL counts as present: unknown is not the same as fine.
    """
    nothing = F.array().cast("array<string>")
    present = {name: F.coalesce(fault, F.lit(True)) for name, fault in faults.items()}
    named = F.array_compact(F.array(*[F.when(fault, F.lit(name)) for name, fault in present.items()]))
    is_faulty = reduce(or_, present.values(), F.lit(False))  # the rule are rows without a fault, and lists are dear
    return df.withColumn("reasons", F.when(is_faulty, named).otherwise(nothing))
