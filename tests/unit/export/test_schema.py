"""Within one version an export's schema only grows."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.contract import Column, Table
from jobs.export.__main__ import freeze
from jobs.export.exports import Export
from jobs.export.schema import arrow_schema, breaking_changes, schema_document

CUPS = Table(
    name="gold.cups",
    doc="One row a cup and day.",
    columns=(
        Column("as_of_date", "date", "Day."),
        Column("cup_id", "string", "Cup."),
        Column("fill_share", "double", "How full, in [0, 1].", nullable=True, tolerance=1e-9),
        Column("_ordinal", "int", "Technical."),
    ),
    key=("as_of_date", "cup_id"),
    partitioned_by="as_of_date",
)
EXPORT = Export("cups", CUPS)


def changed(*columns: Column) -> Export:
    return Export("cups", replace(CUPS, columns=columns))


def test_a_new_column_breaks_nothing() -> None:
    more = changed(*CUPS.columns, Column("color", "string", "Color.", nullable=True))
    assert breaking_changes(schema_document(EXPORT), schema_document(more)) == []


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("fill_share", "float", "How full.", nullable=True, tolerance=1e-6), "column fill_share was double and is float"),
        (Column("fill_level", "double", "How full.", nullable=True, tolerance=1e-9), "column fill_share is gone"),
    ],
)
def test_a_changed_or_renamed_column_breaks_readers(column: Column, words: str) -> None:
    assert breaking_changes(schema_document(EXPORT), schema_document(changed(CUPS.columns[0], CUPS.columns[1], column))) == [words]


def test_a_column_that_may_now_be_null_breaks_readers() -> None:
    loose = changed(CUPS.columns[0], replace(CUPS.columns[1], nullable=True), CUPS.columns[2])
    assert breaking_changes(schema_document(EXPORT), schema_document(loose)) == ["column cup_id was never NULL and now may be"]


def test_technical_columns_stay_inside() -> None:
    assert [column["name"] for column in schema_document(EXPORT)["columns"]] == ["as_of_date", "cup_id", "fill_share"]


def test_the_files_carry_meaning_and_nullability_of_each_column(spark: SparkSession) -> None:
    assert spark.version
    field = arrow_schema(EXPORT).field("fill_share")
    assert (field.nullable, field.metadata) == (True, {b"doc": b"How full, in [0, 1]."})
    assert not arrow_schema(EXPORT).field("cup_id").nullable


def test_freezing_refuses_to_break_a_version_and_names_both_ways_out(tmp_path: Path) -> None:
    freeze(EXPORT, tmp_path)
    with pytest.raises(ValueError, match=r"fill_share is gone.*Raise the version of cups .* or restore"):
        freeze(changed(*CUPS.columns[:2]), tmp_path)


def test_rows_of_one_thing_lie_in_one_file() -> None:
    assert EXPORT.spread_by == "cup_id"
