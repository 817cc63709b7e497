"""Two tables have one hash where their rows are the same, and only there."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.content_hash import content_hash
from jobs.contract import Column, Table

COLUMNS = (
    Column("id", "bigint", "Id."),
    Column("a", "string", "A.", nullable=True),
    Column("b", "string", "B.", nullable=True),
    Column("words", "array<string>", "Words.", nullable=True),
    Column("pairs", "array<array<int>>", "Pairs.", nullable=True),
    Column("share", "double", "Share.", nullable=True, tolerance=1e-6),
    Column("run_id", "string", "Run.", nullable=True, is_metadata=True),
)
TABLE = Table("gold.hashed", "Rows.", COLUMNS, ("id",))
ROW: dict[str, Any] = {"id": 1, "a": "x", "b": None, "words": ["u", None], "pairs": [[1], [2]], "share": 0.25, "run_id": "r"}


def hashed(spark: SparkSession, *rows: dict[str, Any], table: Table = TABLE) -> str:
    frame = spark.createDataFrame([tuple(row[name] for name in table.column_names) for row in rows], table.struct())
    return content_hash(frame, table)


@pytest.mark.parametrize(
    "change",
    [
        {"id": 2},
        {"a": None, "b": "x"},
        {"a": "", "b": None},
        {"a": None},
        {"words": [None, "u"]},
        {"words": ["u"]},
        {"words": None},
        {"words": []},
        {"pairs": [[1, 2]]},
        {"pairs": [[], [1], [2]]},
        {"share": 0.250002},
        {"share": None},
    ],
    ids=str,
)
def test_every_difference_is_seen(change: dict[str, Any], spark: SparkSession) -> None:
    assert hashed(spark, ROW | change) != hashed(spark, ROW)


@pytest.mark.parametrize("change", [{"run_id": "another"}, {"share": 0.25 + 1e-9}], ids=str)
def test_what_describes_the_run_and_what_lies_within_the_tolerance_do_not_count(change: dict[str, Any], spark: SparkSession) -> None:
    assert hashed(spark, ROW | change) == hashed(spark, ROW)


def test_rows_are_a_multiset_in_any_order_and_number_of_partitions(spark: SparkSession) -> None:
    rows = [ROW | {"id": number} for number in range(50)]
    frame = spark.createDataFrame([tuple(row.values()) for row in reversed(rows)], TABLE.struct())
    found = hashed(spark, *rows)
    assert {content_hash(frame.repartition(count), TABLE) for count in (1, 3, 8)} == {found}
    assert hashed(spark, *rows, rows[0]) != found
    assert found.startswith("50-")


def test_a_column_that_was_gained_changes_nothing_while_it_is_null(spark: SparkSession) -> None:
    wider = Table("gold.hashed", "Rows.", (*COLUMNS, Column("new", "string", "New.", nullable=True)), ("id",))
    assert hashed(spark, ROW | {"new": None}, table=wider) == hashed(spark, ROW)
    assert hashed(spark, ROW | {"new": "x"}, table=wider) != hashed(spark, ROW)


def test_a_value_counts_for_the_column_that_has_it(spark: SparkSession) -> None:
    renamed = Table("gold.hashed", "Rows.", (COLUMNS[0], Column("c", "string", "C.", nullable=True)), ("id",))
    short = Table("gold.hashed", "Rows.", COLUMNS[:2], ("id",))
    assert hashed(spark, {"id": 1, "c": "x"}, table=renamed) != hashed(spark, {"id": 1, "a": "x"}, table=short)


def test_no_rows_have_a_hash(spark: SparkSession) -> None:
    assert hashed(spark) == f"0-{'0' * 32}"
