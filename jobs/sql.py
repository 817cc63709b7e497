"""Ask the lake, or a release, a question: ``python -m jobs.sql "select ..." [--release [ID]] [--csv] [--rows N]``.

Tables go by ``layer.noun``. With ``--release`` each name means the table's snapshot in that release (the current one when no id follows),
so that the answer is the same tomorrow; a table that the release does not hold is an error, never its newest state. Queries only: nothing
but ``jobs/lake.py`` writes tables.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.catalog import LAKE
from jobs.errors import TradewindError
from jobs.export.csv_text import csv_text
from jobs.lake import REJECTED
from jobs.release.releases import named
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.store import Store

DEFAULT_ROWS = 100
_CATALYST = "org.apache.spark.sql.catalyst.plans.logical"
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_HARMLESS_COMMAND = re.compile(r"\s*(show|describe|desc|explain)\b", re.IGNORECASE)
_QUERY = re.compile(r"[\s(]*(select|with|from|values|table)\b", re.IGNORECASE)


_REFUSAL = "Only queries are answered here: SELECT, SHOW, DESCRIBE, EXPLAIN. Tables are written by jobs alone."


class QueryError(ValueError):
    """The text is no query that is answered here; the message says why."""


def answer(
    spark: SparkSession, query: str, *, snapshots: Mapping[str, int] | None = None, rows: int = DEFAULT_ROWS
) -> tuple[pa.Table, bool]:
    """The first ``rows`` rows of a query (all for 0), and whether there are more.

    ``snapshots`` (table name -> snapshot id) pins the names that a query may use. Raises QueryError for a statement that writes, or that
    goes around the pinned names; Spark's own errors go through.
    """
    _require_query(spark, query, is_pinned=snapshots is not None)
    if snapshots is None:
        spark.catalog.setCurrentCatalog(LAKE)
    else:
        _pin(spark, snapshots)
    frame = spark.sql(query)
    table = frame.limit(rows + 1).toArrow() if rows else frame.toArrow()
    return (table.slice(0, rows), table.num_rows > rows) if rows else (table, False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line; a wrong query is a short message on standard error and exit code 2."""
    parser = argparse.ArgumentParser(prog="python -m jobs.sql", description="Ask the lake, or a release, a question.")
    parser.add_argument("query", help="a SELECT, or SHOW, DESCRIBE, EXPLAIN; tables go by layer.noun, as in silver.events")
    parser.add_argument(
        "--release",
        nargs="?",
        const="",
        metavar="ID",
        help="read the tables as this release holds them; the current one when no ID is given",
    )
    parser.add_argument("--csv", action="store_true", help="CSV (RFC 4180) instead of a table")
    parser.add_argument("--rows", type=int, default=DEFAULT_ROWS, help=f"most rows to print, 0 for all (default: {DEFAULT_ROWS})")
    options = parser.parse_args(arguments)
    settings = Settings.from_environment()
    try:
        release = named(Store.from_settings(settings), options.release or None) if options.release is not None else None
        spark = spark_session(settings, "sql")
        table, is_cut = answer(spark, options.query, snapshots=release.content.snapshots() if release else None, rows=options.rows)
    except (TradewindError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code if isinstance(error, TradewindError) else 2
    except PySparkException as error:
        sys.stderr.write(f"{_short(error)}\n")
        return 2
    if options.csv:
        sys.stdout.buffer.write(csv_text(table))
    else:
        Console(highlight=False).print(as_table(table, title=f"release {release.id}" if release else None))
    if is_cut:
        sys.stderr.write(f"Only the first {options.rows} rows are shown; --rows asks for more.\n")
    return 0


def as_table(rows: pa.Table, title: str | None = None) -> Table:
    """Rows for a terminal; numbers stand right, NULL is dim."""
    shown = Table(title=title)
    for field in rows.schema:
        is_number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        shown.add_column(field.name, justify="right" if is_number else "left", overflow="fold")
    for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        shown.add_row(*(Text("NULL", style="dim") if value is None else Text(str(value)) for value in row))
    return shown


def _pin(spark: SparkSession, snapshots: Mapping[str, int]) -> None:
    """Make the session's own catalog hold one view a table, at its snapshot; the lake's moving tables have another catalog's name."""
    spark.catalog.setCurrentCatalog("spark_catalog")
    for layer in sorted({name.partition(".")[0] for name in snapshots}):
        location = tempfile.mkdtemp(prefix="tradewind-views-")  # a database wants a folder, even when it holds views only
        spark.sql(f"CREATE DATABASE IF NOT EXISTS spark_catalog.`{layer}` LOCATION '{location}'")
    for name, snapshot_id in sorted(snapshots.items()):
        if name.endswith(REJECTED) and _has_expired(spark, name, snapshot_id):
            continue  # rejected lines hold raw text, whose retention ends before the release's
        pinned = f"{LAKE}.{name} VERSION AS OF {snapshot_id}"
        spark.sql(f"CREATE OR REPLACE VIEW spark_catalog.{name} AS SELECT * FROM {pinned}")  # noqa: S608  names and numbers of a release  # nosec B608


def _has_expired(spark: SparkSession, name: str, snapshot_id: int) -> bool:
    return spark.table(f"{LAKE}.{name}.snapshots").where(F.col("snapshot_id") == snapshot_id).isEmpty()


def _require_query(spark: SparkSession, query: str, *, is_pinned: bool) -> None:
    text = _COMMENTS.sub(" ", query)
    if _HARMLESS_COMMAND.match(text):
        return
    if not _QUERY.match(text):
        raise QueryError(_REFUSAL)
    state = spark._jsparkSession.sessionState()  # Spark's parser has no public door
    plan = state.sqlParser().parsePlan(query)
    classes = spark._jvm.java.lang.Class  # type: ignore[union-attr]  # set while a session lives
    writing = [classes.forName(f"{_CATALYST}.{name}") for name in ("Command", "ParsedStatement")]
    pending = [plan]
    while pending:
        node = pending.pop()
        if any(kind.isInstance(node) for kind in writing):
            raise QueryError(_REFUSAL)
        children = node.children()
        pending.extend(children.apply(index) for index in range(children.size()))
    if is_pinned and re.search(rf"(?<![\w.`])`?{LAKE}`?\s*\.", query):
        raise QueryError(
            f"Leave {LAKE}. away: with --release a table goes by layer.noun, as in silver.events, and means the release's snapshot."
        )


def _short(error: PySparkException) -> str:
    """Spark's message without the query plan and the stack behind it."""
    return re.split(r"\n\n|;\n|\n\tat ", str(error), maxsplit=1)[0]


if __name__ == "__main__":
    sys.exit(main())
