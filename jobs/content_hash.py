"""Equality of tables: an order-free hash over the contract's columns, the same for any number of partitions."""

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.contract import Column, Table

_SALTS = ("left", "right")

_PARTS = ((0, 22), (22, 21), (43, 21))
"""Where bits of a hash begin that are summed together, and how many: 64-bit sums of so few overflow with no table that there will be."""

_NESTED = ("array<", "struct<", "map<")


def content_hash(df: DataFrame, table: Table) -> str:
    """Hash the rows of ``df`` as a multiset: ``<row count>-<hex>``; columns that describe the run are left out.

    Of each row the names and values of its columns make two salted xxHash64 values, which are summed modulo 2^64. A NULL counts as no
    column, so that a column which a table has gained changes nothing as long as it is NULL. A floating-point column enters rounded to its
    tolerance, a nested one as JSON: xxHash64 looks over the NULLs within it, and over where an array ends.
    """
    columns = [part for column in table.columns if not column.is_metadata for part in _named(column)]
    hashes = {salt: F.xxhash64(F.lit(salt), *columns) for salt in _SALTS}
    sums = [
        F.sum(F.shiftrightunsigned(value, begin).bitwiseAND(F.lit((1 << bits) - 1))).alias(f"{salt}_{begin}")
        for salt, value in hashes.items()
        for begin, bits in _PARTS
    ]
    result = df.agg(F.count("*").alias("rows"), *sums).first()
    if result is None:
        message = "an aggregate without groups has exactly one row"
        raise AssertionError(message)
    totals = [sum(int(result[f"{salt}_{begin}"] or 0) << begin for begin, _ in _PARTS) for salt in _SALTS]
    return f"{result['rows']}-{''.join(f'{total % 2**64:016x}' for total in totals)}"


def _named(column: Column) -> tuple[SparkColumn, SparkColumn]:
    """Name and value of a column, both NULL where it is: xxHash64 leaves NULLs out."""
    value = F.col(column.name)
    if column.tolerance is not None:
        value = F.round(value / F.lit(column.tolerance)).cast("decimal(38,0)")
    elif column.type.startswith(_NESTED):
        value = F.when(value.isNotNull(), F.to_json(F.struct(value)))
    return F.when(F.col(column.name).isNotNull(), F.lit(column.name)), value
