"""Within one version an export's schema only grows."""

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.contract import Column, Table
from jobs.errors import ContractError
from jobs.export.__main__ import check, freeze
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


DAY, CUP, FILL, ORDINAL = CUPS.columns


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ((DAY, CUP), "column fill_share is gone"),
        ((DAY, CUP, replace(FILL, type="float")), "column fill_share was double and is float"),
        ((DAY, CUP, replace(FILL, name="fill_level")), "column fill_share is now called fill_level"),
        ((DAY, CUP, replace(FILL, doc="How empty.")), "column fill_share meant 'How full, in [0, 1].' and means 'How empty.'"),
        ((DAY, replace(CUP, nullable=True), FILL), "column cup_id was never NULL and now may be"),
    ],
)
def test_a_column_that_is_gone_or_renamed_or_retyped_or_means_something_else_fails_the_check_with_both_ways_out(
    tmp_path: Path, columns: tuple[Column, ...], words: str
) -> None:
    freeze(EXPORT, tmp_path)
    for refused in (check, freeze):
        with pytest.raises(ContractError) as caught:
            refused(changed(*columns, ORDINAL), tmp_path)
        assert caught.value.found == words
        assert "Either restore gold.cups; or give readers a new version beside the old one" in caught.value.advice
    newer = replace(changed(*columns, ORDINAL), version=2)
    freeze(newer, tmp_path)
    check(newer, tmp_path)
    check(EXPORT, tmp_path)


def test_another_grain_breaks_readers_too() -> None:
    other = Export("cups", replace(CUPS, doc="One row a shelf.", key=("cup_id",)))
    assert breaking_changes(schema_document(EXPORT), schema_document(other)) == [
        "the key was (as_of_date, cup_id) and is (cup_id)",
        "the table was 'One row a cup and day.' and is 'One row a shelf.'",
    ]


def test_new_words_for_an_old_meaning_are_a_persons_decision(tmp_path: Path) -> None:
    freeze(EXPORT, tmp_path)
    reworded = changed(DAY, CUP, replace(FILL, doc="Share that is full."), ORDINAL)
    freeze(reworded, tmp_path, may_reword=True)
    check(reworded, tmp_path)


def test_what_was_added_or_never_promised_is_to_be_frozen(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="expected a promise of version 1"):
        check(EXPORT, tmp_path)
    freeze(EXPORT, tmp_path)
    with pytest.raises(ContractError, match="what is only added needs no new version"):
        check(changed(*CUPS.columns, Column("colour", "string", "Colour.", nullable=True)), tmp_path)


def test_technical_columns_stay_inside() -> None:
    assert [column["name"] for column in schema_document(EXPORT)["columns"]] == ["as_of_date", "cup_id", "fill_share"]


def test_the_files_carry_meaning_and_nullability_of_each_column(spark: SparkSession) -> None:
    assert spark.version
    field = arrow_schema(EXPORT).field("fill_share")
    assert (field.nullable, field.metadata) == (True, {b"doc": b"How full, in [0, 1]."})
    assert not arrow_schema(EXPORT).field("cup_id").nullable


def test_rows_of_one_thing_lie_in_one_file() -> None:
    assert EXPORT.spread_by == "cup_id"
