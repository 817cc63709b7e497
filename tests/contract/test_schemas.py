"""Every table's schema is what was promised, and its names carry grain, unit and zone (STYLE rule 12)."""

import re

import pytest

from jobs.contract import Column, Table
from jobs.tables import LAYERS, contracts
from tests.contract.frozen import FOLDER, changes, document, frozen

TABLES = contracts()
COLUMNS = [(table, column) for table in TABLES.values() for column in table.columns]

KINDS: tuple[tuple[str, str, set[str]], ...] = (
    (r"_id", r".*_id", {"string"}),
    (r"_at", r".*_at", {"timestamp"}),
    (r"_date", r".*_date", {"date"}),
    (r"mean_..._minor", r"mean_.*_minor", {"bigint", "double"}),
    (r"_minor", r"(?!mean_).*_minor", {"bigint"}),
    (r"is_, has_", r"(is|has)_.*", {"boolean"}),
    (r"_share", r".*_share", {"double"}),
    (r"_count", r"(?!mean_).*_count", {"int", "bigint"}),
)
"""Form of a name, the pattern of it, the types that it may have."""

OWN_FORMS = {
    "snapshot_id": "Iceberg's own number, a bigint",
    "behaviour_cluster_id": "a number that a cluster keeps over retrains, no key of a thing",
    "taste_cluster_id": "a number that a cluster keeps over retrains, no key of a thing",
    "density_cluster_id": "a number that a cluster keeps over retrains, no key of a thing",
    "valid_from": "the validity of a version, half-open",
    "valid_to": "the validity of a version, half-open",
    "day": "the day of a set or release",
    "interval_start": "the half-open landing interval",
    "interval_end": "the half-open landing interval",
}
"""Names outside of the forms, each with its reason."""

WITHOUT_PLURAL = "stock"
"""A mass noun: stocks are something else."""

FOREIGN_WORDS = re.compile(r"(^|_)(uid|sku|product|products|good|goods|customer|customers|ts|dt|amt|qty|num|cnt|pct)(_|$)")


def names(case: tuple[Table, Column]) -> str:
    return f"{case[0].name}.{case[1].name}"


def test_every_layer_has_tables() -> None:
    assert {table.layer for table in TABLES.values()} == set(LAYERS)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_schema_is_the_promised_one(table: Table) -> None:
    promised = frozen(table.name)
    ways_out = (
        "Restore the contract; or, for a nullable addition that is meant, run `python -m tests.contract.frozen`; or make it a new table."
    )
    assert promised is not None, f"{table.name} has no frozen schema. Run `python -m tests.contract.frozen`."
    found = changes(promised, document(table))
    assert not found, f"{table.name}: {'; '.join(found)}. {ways_out}"


def test_no_promise_is_left_of_a_table_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} <= set(TABLES)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_table_is_a_plural_noun_of_its_layer(table: Table) -> None:
    assert re.fullmatch(rf"({'|'.join(LAYERS)})\.([a-z][a-z0-9_]*s|{WITHOUT_PLURAL})(_rejected)?", table.name)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_table_promises_its_grain_first(table: Table) -> None:
    assert table.doc.startswith("One row "), f"{table.name}: the first words are the grain, One row a ..."


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_a_key_is_made_of_columns_that_are_never_null(table: Table) -> None:
    filled = {column.name for column in table.columns if not column.nullable}
    assert table.key
    assert set(table.key) <= filled


@pytest.mark.parametrize("table", [table for table in TABLES.values() if table.partitioned_by], ids=lambda table: table.name)
def test_a_partition_is_a_day(table: Table) -> None:
    assert {column.name: column.type for column in table.columns}[str(table.partitioned_by)] == "date"


@pytest.mark.parametrize("case", COLUMNS, ids=names)
def test_a_column_has_the_type_that_its_name_says(case: tuple[Table, Column]) -> None:
    column = case[1]
    if column.name in OWN_FORMS:
        return
    for form, pattern, types in KINDS:
        if re.fullmatch(pattern, column.name):
            assert column.type in types, f"{names(case)} is {column.type}; a name of the form {form} is {' or '.join(sorted(types))}"


@pytest.mark.parametrize("case", COLUMNS, ids=names)
def test_a_type_shows_in_the_name(case: tuple[Table, Column]) -> None:
    column = case[1]
    forms = {"timestamp": r".*_at", "date": r".*_date", "boolean": r"(is|has)_.*"}
    if column.type in forms and column.name not in OWN_FORMS:
        assert re.fullmatch(forms[column.type], column.name), f"{names(case)} is {column.type}; name it like {forms[column.type]}"


@pytest.mark.parametrize("case", COLUMNS, ids=names)
def test_a_name_is_a_whole_word_of_the_field(case: tuple[Table, Column]) -> None:
    assert re.fullmatch(r"_?[a-z][a-z0-9]*(_[a-z0-9]+)*", case[1].name)
    assert not FOREIGN_WORDS.search(case[1].name)


@pytest.mark.parametrize("case", COLUMNS, ids=names)
def test_a_column_says_what_it_means(case: tuple[Table, Column]) -> None:
    assert re.fullmatch(r"\S.{3,}[.]", case[1].doc), f"{names(case)}: {case[1].doc!r} is no sentence"


_NO_MONEY = ("mean_", "relative_")
"""A mean may lie between two amounts, and what is relative is a ratio."""


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_no_money_is_floating(table: Table) -> None:
    money = re.compile(r"(price|revenue|spend|cost|amount|discount)(_minor)?$")
    floating = [
        c.name for c in table.columns if money.search(c.name) and c.type in {"double", "float"} and not c.name.startswith(_NO_MONEY)
    ]
    assert floating == []
