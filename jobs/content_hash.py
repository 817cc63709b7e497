"""Equality of tables: an order-free hash over the contract's columns, the same for any number of partitions."""

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.contract import Column, Table

_SALTS = ("left", "right")


def content_hash(df: DataFrame, table: Table) -> str:
    """Hash the rows of ``df`` as a multiset: ``<row count>-<hex>``; columns that describe the run are left out.

    Each row becomes JSON (names included, NULLs absent), two salted xxHash64 values of it are summed exactly as decimals. A floating-point
    column enters rounded to its tolerance.
    """
    row = F.to_json(F.struct(*[_canonical(column) for column in table.columns if not column.is_metadata]))
    sums = [F.sum(F.xxhash64(F.concat(F.lit(salt), row)).cast("decimal(20,0)")).alias(salt) for salt in _SALTS]
    result = df.agg(F.count("*").alias("rows"), *sums).first()
    if result is None:
        message = "an aggregate without groups has exactly one row"
        raise AssertionError(message)
    digest = "".join(f"{int(result[salt] or 0) % 2**64:016x}" for salt in _SALTS)
    return f"{result['rows']}-{digest}"


def _canonical(column: Column) -> SparkColumn:
    value = F.col(column.name)
    if column.tolerance is not None:
        value = F.round(value / F.lit(column.tolerance)).cast("decimal(38,0)")
    return value.alias(column.name)
