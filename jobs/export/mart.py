"""The BI mart: the current release as tables of a Postgres database, loaded in one transaction and held against the exported files.

Readers see the release before until the moment of the commit, then all of the new one; they wait for nobody and hold nobody up, because the
rows are replaced and not the tables. Their views and grants stay.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import sql

from jobs.context import Context
from jobs.errors import BadDataError
from jobs.export.exports import Export, exports
from jobs.release.record import Release, ReleaseKey
from jobs.release.releases import named
from jobs.settings import Settings
from jobs.store import Store

LOG = logging.getLogger("tradewind")

SCHEMA = "mart"
RELEASE = "release"
"""The table with one row: which release the mart shows."""

KINDS = {
    "user_segments": "fact",
    "membership_changes": "fact",
    "user_tags": "fact",
    "recommendations": "fact",
    "segment_profiles": "dimension",
    "tag_sizes": "dimension",
}
"""What an export is in the mart's star: rows about users and days, or rows that say what those mean."""

LEFT_OUT = frozenset({"activations"})
"""Exports that are for channels: whoever reads the mart needs no hash of an address."""

TYPES = {
    "string": "text",
    "int": "integer",
    "bigint": "bigint",
    "double": "double precision",
    "float": "real",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamptz",
}
"""Spark type -> Postgres type; what is nested comes as ``json``, text for text as in the CSV files."""

_CHUNK = 1 << 20
_LOCK = 7_470_001
"""Number of the advisory lock: two loads come one after the other."""


def load(context: Context) -> dict[str, Any]:
    """Load the current release where the shop has a mart; returns its id and rows by table, or that there is nothing to do."""
    if context.settings.mart_uri is None:
        return {"mart": "none", "advice": "TRADEWIND_MART_URI names one"}
    release = named(context.store, None)
    with connected(context.settings) as connection:
        done = load_release(connection, context.store, release, in_mart(), reader=context.settings.mart_reader)
    LOG.info("mart: release %s, %s", release.id, ", ".join(f"{name} {rows:,}" for name, rows in done.items()) or "which it showed already")
    return {"release": release.id, "rows": done}


def in_mart() -> tuple[Export, ...]:
    """The exports that the mart shows."""
    return tuple(export for export in exports() if export.name not in LEFT_OUT)


@contextmanager
def connected(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the mart's owner."""
    password = settings.mart_password.get_secret_value() if settings.mart_password else None
    with psycopg.connect(settings.mart_uri or "", user=settings.mart_user, password=password, connect_timeout=20) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        yield connection


def load_release(
    connection: psycopg.Connection[Any], store: Store, release: Release, declared: Sequence[Export], *, reader: str | None
) -> dict[str, int]:
    """Replace what the mart shows by ``release``, in one transaction; returns rows by table, nothing where it shows it already.

    An older release than the one that is shown is left alone: two loads may come in any order. Raises BadDataError, and changes nothing,
    when a table of the mart would not hold exactly the rows of the exported files.
    """
    wanted = [export for export in declared if export.name in release.content.exports]
    with connection.transaction():  # before the rows: a lock on a table that gains a column is not kept while they are loaded
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _create(connection, reader)
        for export in wanted:
            _declare(connection, export, reader)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        shown = connection.execute("SELECT release_id FROM mart.release").fetchone()
        if shown is not None and ReleaseKey.parse(shown[0]) >= release.key:
            return {}
        done = {export.name: _replace(connection, store, export, release.content.exports[export.name]) for export in wanted}
        connection.execute("DELETE FROM mart.release")
        about = (release.id, release.content.day, release.origin, release.created_at, release.run_id)
        connection.execute("INSERT INTO mart.release VALUES (%s, %s, %s, %s, %s)", about)
        return done


@dataclass(frozen=True)
class Fingerprint:
    """Rows, and an order-free sum over hashes of all their values: equal for equal rows, whoever holds them."""

    rows: int
    checksum: int


def _create(connection: psycopg.Connection[Any], reader: str | None) -> None:
    run = connection.execute
    run(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    run(
        f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{RELEASE} (release_id text NOT NULL, day date NOT NULL, content_of text NOT NULL, "
        "created_at timestamptz NOT NULL, run_id text NOT NULL)"
    )
    _comment(connection, "TABLE", (RELEASE,), "One row: the release that all tables of the mart show together.")
    for column, meaning in {
        "release_id": "Id of the release; write it beside every figure that you pass on.",
        "day": "Day at whose end the content was true.",
        "content_of": "Release that first had this content; another id than release_id after a withdrawal.",
        "created_at": "When the release was made, UTC.",
        "run_id": "Run that made it: python -m jobs.trace leads on.",
    }.items():
        _comment(connection, "COLUMN", (RELEASE, column), meaning)
    if reader:
        run(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(SCHEMA), sql.Identifier(reader)))
        run(sql.SQL("GRANT SELECT ON {}.{} TO {}").format(sql.Identifier(SCHEMA), sql.Identifier(RELEASE), sql.Identifier(reader)))


def _replace(connection: psycopg.Connection[Any], store: Store, export: Export, record: dict[str, Any]) -> int:
    """Replace the rows of one table by those of the export's CSV files, and hold them against its Parquet files."""
    table = sql.Identifier(SCHEMA, export.name)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in export.columns)
    connection.execute(sql.SQL("DELETE FROM {}").format(table))
    copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER match, NULL '', ENCODING 'UTF8')").format(table, names)
    for file in (one for one in record["files"] if one["format"] == "csv"):
        with connection.cursor().copy(copy) as target, store.open(file["key"]) as source:
            while chunk := source.read(_CHUNK):
                target.write(chunk)
    mine, exported = _of_mart(connection, export), _of_files(store, export, record)
    if mine != exported or mine.rows != record["rows"]:
        raise BadDataError(
            f"{SCHEMA}.{export.name}",
            expected=f"the {exported.rows} rows of the exported files, checksum {exported.checksum}",
            found=f"{mine.rows}, checksum {mine.checksum}",
            advice="Nothing was loaded. Compare the table's columns with docs/contracts.",
        )
    return mine.rows


def _declare(connection: psycopg.Connection[Any], export: Export, reader: str | None) -> None:
    """Make the table or add the columns that it lacks; say what each means."""
    table = sql.Identifier(SCHEMA, export.name)
    columns = [
        sql.SQL("{} {}{}").format(sql.Identifier(one.name), sql.SQL(_type(one.type)), sql.SQL("" if one.nullable else " NOT NULL"))
        for one in export.columns
    ]
    key = sql.SQL(", ").join(map(sql.Identifier, export.table.key))
    body = sql.SQL(", ").join([*columns, sql.SQL("PRIMARY KEY ({})").format(key)])
    connection.execute(sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(table, body))
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = %s AND table_name = %s"
    there = {row[0] for row in connection.execute(query, (SCHEMA, export.name)).fetchall()}
    for one in export.columns:
        if one.name not in there:  # asked first: the statement locks readers out even where the column is there
            added = sql.SQL("ALTER TABLE {} ADD COLUMN {} {}")
            connection.execute(added.format(table, sql.Identifier(one.name), sql.SQL(_type(one.type))))
        _comment(connection, "COLUMN", (export.name, one.name), one.doc)
    kind = KINDS.get(export.name, "fact").capitalize()
    _comment(connection, "TABLE", (export.name,), f"{kind}. {export.table.doc}")
    if reader:
        connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(table, sql.Identifier(reader)))


def _comment(connection: psycopg.Connection[Any], kind: str, names: tuple[str, ...], words: str) -> None:
    what = sql.Identifier(SCHEMA, *names)
    connection.execute(sql.SQL("COMMENT ON {} {} IS {}").format(sql.SQL(kind), what, sql.Literal(words)))


def _type(kind: str) -> str:
    return TYPES.get(kind, "json")


def _of_mart(connection: psycopg.Connection[Any], export: Export) -> Fingerprint:
    special = {"double": "floor({} * 1e6)::bigint::text", "timestamp": "(extract(epoch from {}) * 1000000)::bigint::text"}
    text = _row_text(export, special, "{}::text")
    total = f"coalesce(sum(('x' || substr(md5({text}), 1, 12))::bit(48)::bigint), 0)"
    row = connection.execute(f'SELECT count(*), {total} FROM {SCHEMA}."{export.name}"').fetchone()  # noqa: S608 (names of our contracts)  # nosec B608
    return Fingerprint(int(row[0]), int(row[1])) if row else Fingerprint(0, 0)


def _of_files(store: Store, export: Export, record: dict[str, Any]) -> Fingerprint:
    text = _row_text(export, {"double": "floor({} * 1e6)::bigint::varchar", "timestamp": "epoch_us({})::varchar"}, "{}::varchar")
    rows, checksum = 0, 0
    with tempfile.TemporaryDirectory(prefix="tradewind-mart-") as folder, duckdb.connect() as engine:
        for file in (one for one in record["files"] if one["format"] == "parquet"):
            path = Path(folder) / "part.parquet"
            with store.open(file["key"]) as source, path.open("wb") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
            total = f"coalesce(sum(('0x' || substr(md5({text}), 1, 12))::bigint), 0)"
            found = engine.execute(f"SELECT count(*), {total} FROM read_parquet(?)", [str(path)]).fetchone()  # noqa: S608 (the same)  # nosec B608
            if found:
                rows, checksum = rows + int(found[0]), checksum + int(found[1])
    return Fingerprint(rows, checksum)


def _row_text(export: Export, special: dict[str, str], usual: str) -> str:
    """A row as one text, the same in both engines; nested columns stay out, as engines write JSON differently."""
    parts = []
    for one in export.columns:
        if one.type in TYPES:
            value = special.get(one.type, usual).format(f'"{one.name}"')
            parts.append(f"coalesce({value}, chr(1))")
    return f"concat_ws(chr(31), {', '.join(parts)})"
