"""The mart shows one release, whole, with a meaning at every column, to who may read it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from pyspark.sql import SparkSession

from jobs.contract import Column, Table
from jobs.errors import BadDataError
from jobs.export.exports import Export
from jobs.export.mart import SCHEMA, connected, in_mart, load_release
from jobs.release.record import Release
from jobs.settings import Settings
from jobs.store import Store
from stack.credentials import MART_READER
from stack.services import Stack
from tests.clearing import delete_releases
from tests.small_release import released

DAY = date(2029, 4, 1)
CUPS = Table(
    name="gold.cups",
    doc="One row a cup.",
    columns=(
        Column("as_of_date", "date", "Day."),
        Column("cup_id", "string", 'Cup, it\'s "one".'),
        Column("fill_share", "double", "How full, in [0, 1].", nullable=True, tolerance=1e-9),
        Column("price_minor", "bigint", "Price.", nullable=True),
        Column("is_new", "boolean", "Whether it is new.", nullable=True),
        Column("washed_days", "array<int>", "Days on which it was washed.", nullable=True),
    ),
    key=("as_of_date", "cup_id"),
    partitioned_by="as_of_date",
)
EXPORT = Export("cups", CUPS, rows_per_file=3)
ROWS: list[tuple[Any, ...]] = [
    (DAY, 'a "b", c', 0.1, 2**60, True, [1, 2]),
    (DAY, "", 1.0, None, False, []),
    (DAY, "täsch\r\nchen", None, -5, None, None),
    (DAY, "\\N", 123456.789012345, 0, True, [3]),
]
GUIDE = Path(__file__).resolve().parents[2] / "docs/bi.md"


@pytest.fixture
def store(services: Settings) -> Iterator[Store]:
    found = Store.from_settings(services)
    delete_releases(found)
    yield found
    delete_releases(found)


@pytest.fixture
def owner(services: Settings) -> Iterator[psycopg.Connection[Any]]:
    with connected(services) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        connection.commit()
        yield connection


@pytest.fixture
def reader(services: Settings, test_stack: Stack) -> Iterator[psycopg.Connection[Any]]:
    password = test_stack.credentials.postgres_roles[MART_READER]
    with psycopg.connect(services.mart_uri or "", user=MART_READER, password=password, autocommit=True) as connection:
        yield connection


def load(connection: psycopg.Connection[Any], store: Store, release: Release, declared: Sequence[Export] = (EXPORT,)) -> dict[str, int]:
    return load_release(connection, store, release, declared, reader=MART_READER)


def shown(connection: psycopg.Connection[Any], query: str = "SELECT release_id FROM mart.release") -> list[Any]:
    return [row[0] for row in connection.execute(query).fetchall()]


def test_every_value_arrives_as_it_was_and_the_reader_may_only_read(
    owner: psycopg.Connection[Any], reader: psycopg.Connection[Any], store: Store, spark: SparkSession
) -> None:
    release = released(store, spark, DAY, lambda _: {EXPORT: ROWS})
    assert load(owner, store, release) == {"cups": 4}
    assert sorted(reader.execute("SELECT * FROM mart.cups").fetchall(), key=str) == sorted(ROWS, key=str)
    assert shown(reader) == [release.id]
    forbidden = ("DELETE FROM mart.cups", "CREATE TABLE mart.mine (x int)", "UPDATE mart.release SET day = day")
    for statement in forbidden:
        with pytest.raises((errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege)):
            reader.execute(statement)
    reader.execute("SET default_transaction_read_only = off")
    for statement in forbidden:
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(statement)


def test_every_table_and_column_says_what_it_means(owner: psycopg.Connection[Any], store: Store, spark: SparkSession) -> None:
    load(owner, store, released(store, spark, DAY, lambda _: {EXPORT: ROWS}))
    silent = shown(
        owner,
        "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
        "JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'mart' "
        "WHERE c.relkind = 'r' AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)",
    )
    assert silent == []
    assert shown(owner, "SELECT obj_description('mart.cups'::regclass)") == ["Fact. One row a cup."]
    assert shown(owner, "SELECT col_description('mart.cups'::regclass, 2)") == ['Cup, it\'s "one".']


def test_readers_see_the_release_before_until_the_new_one_is_whole(
    owner: psycopg.Connection[Any], reader: psycopg.Connection[Any], store: Store, spark: SparkSession
) -> None:
    first = released(store, spark, DAY, lambda _: {EXPORT: ROWS})
    load(owner, store, first)
    second = released(store, spark, DAY, lambda _: {EXPORT: ROWS[:1]})
    with owner.transaction():
        assert load(owner, store, second) == {"cups": 1}
        assert (shown(reader), shown(reader, "SELECT count(*) FROM mart.cups")) == ([first.id], [4])
    assert (shown(reader), shown(reader, "SELECT count(*) FROM mart.cups")) == ([second.id], [1])
    assert load(owner, store, second) == load(owner, store, first) == {}
    assert shown(owner) == [second.id]


def test_what_is_not_what_was_exported_is_refused_and_changes_nothing(
    owner: psycopg.Connection[Any], store: Store, spark: SparkSession
) -> None:
    load(owner, store, released(store, spark, DAY, lambda _: {EXPORT: ROWS}))
    torn = released(store, spark, DAY, lambda _: {EXPORT: ROWS})
    key = next(file["key"] for file in torn.content.exports["cups"]["files"] if file["format"] == "csv")
    for wrong in ((b"0.1", b"0.2"), (b",true", b",false")):
        content = store.read(key)
        assert content is not None
        store.write(key, content.replace(*wrong))
        with pytest.raises(BadDataError, match=r"mart.cups: expected the 4 rows of the exported files, checksum \d+; found 4, checksum"):
            load(owner, store, torn)
        store.write(key, content)
    assert shown(owner) != [torn.id]
    assert shown(owner, "SELECT count(*) FROM mart.cups WHERE fill_share = 0.1") == [1]


def test_a_column_that_an_export_has_gained_is_added_and_views_on_the_table_stay(
    owner: psycopg.Connection[Any], store: Store, spark: SparkSession
) -> None:
    load(owner, store, released(store, spark, DAY, lambda _: {EXPORT: ROWS}))
    owner.execute("CREATE VIEW mart.full_cups AS SELECT cup_id FROM mart.cups WHERE fill_share = 1")
    more = replace(EXPORT, table=replace(CUPS, columns=(*CUPS.columns, Column("colour", "string", "Colour.", nullable=True))))
    load(owner, store, released(store, spark, DAY, lambda _: {more: [(*row, "blue") for row in ROWS]}), (more,))
    assert shown(owner, "SELECT DISTINCT colour FROM mart.cups") == ["blue"]
    assert shown(owner, "SELECT cup_id FROM mart.full_cups") == [""]


def test_the_saved_queries_of_the_guide_run_on_the_mart(
    owner: psycopg.Connection[Any], reader: psycopg.Connection[Any], store: Store, spark: SparkSession
) -> None:
    load(owner, store, released(store, spark, DAY, lambda _: {export: [] for export in in_mart()}), in_mart())
    queries = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(queries) >= 4
    for query in queries:
        reader.execute(query)
