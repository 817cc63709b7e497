"""Days of a shop as silver frames without a lake, and their states: what the benchmarks of quality start from."""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import SecretStr
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.bronze.lines import lines_table
from jobs.contract import Table
from jobs.landing import MARKER, read_lines
from jobs.quality import states
from jobs.quality.day_state import DayState
from jobs.quality.rules import Anomaly, judged
from jobs.quality.watches import WATCHES, watch_of
from jobs.settings import Settings
from jobs.silver import events, order_lines
from jobs.sources.source import Source
from jobs.sources.synthetic.generation import generate
from jobs.sources.synthetic.places import Folder
from jobs.sources.synthetic.shop import Shop

Line = tuple[date, str, int, str]
"""Landed day, file, line number, text."""

SETTINGS = Settings(
    catalog_uri="jdbc:postgresql://127.0.0.1:1/lake",
    catalog_user="nobody",
    catalog_password=SecretStr("none"),
    mlflow_tracking_uri="http://127.0.0.1:1",
    pseudonym_key=SecretStr("k" * 32),
)
"""Settings of a shop that nothing connects to."""


def session() -> SparkSession:
    """A local session in UTC, without a lake."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2]").appName("quality").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2")
    spark = builder.config("spark.driver.memory", "2g").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def bronze(spark: SparkSession, source: Source, lines: Iterable[Line]) -> DataFrame:
    """Bronze rows of landed lines."""
    landed, files, numbers, texts = map(list, zip(*lines, strict=True))
    columns = {
        "source": [source.name] * len(texts),
        "landed_date": landed,
        "source_file": files,
        "line_number": numbers,
        "landed_at": [datetime.combine(day, time(), tzinfo=UTC) for day in landed],
        "file_sha256": [hashlib.sha256(file.encode()).hexdigest() for file in files],  # the lines of a name are one file's
        "raw_line": texts,
    }
    schema = lines_table("bronze.lines", "").struct()
    return spark.createDataFrame(pa.table({name: columns[name] for name in schema.names}).to_pandas(date_as_object=True), schema)


def silver(source: Source, lines_of_events: DataFrame, lines_of_orders: DataFrame) -> dict[str, DataFrame]:
    """Events and order lines with their rejected twins, from bronze lines, as the silver task builds them."""
    frames: dict[str, DataFrame] = {}
    for module, table in ((events, events.EVENTS), (order_lines, order_lines.ORDER_LINES)):
        marked = module.parses(lines_of_events, lines_of_orders, source=source, settings=SETTINGS)
        kept, rejected = module.build(marked, source=source, settings=SETTINGS)
        frames |= {table.name: kept.cache(), f"{table.name}_rejected": rejected.cache()}
    return frames


def recorded(rows: DataFrame, table: Table, days: Sequence[date]) -> list[dict[str, Any]]:
    """The states of a table's days, by the aggregate that a task runs."""
    columns = states.kept(table, watch_of(table.name))
    measured = states.measured(rows, table, columns, max(days)).collect()
    return [{"table_name": table.name, **state} for state in states.rows_of(measured, columns, days)]


def alarms(days: Mapping[str, Mapping[date, DayState]], judged_days: Sequence[date]) -> list[Anomaly]:
    """What daily runs would have raised: each day against those before it."""
    found = []
    for day in judged_days:
        for name, watch in WATCHES.items():
            if day in days.get(name, {}):
                found += judged(watch.rules, name, day, days)
    return found


def no_lines(spark: SparkSession) -> DataFrame:
    """The lines of a feed that a source does not have."""
    return spark.createDataFrame([], lines_table("bronze.lines", "").struct()).where(F.lit(False))


def generated(spark: SparkSession, shop: Shop, source: Source, folder: Path) -> dict[str, DataFrame]:
    """The frames of ``silver`` of a synthetic shop, whose landing files and answers are left in ``folder``."""
    place = Folder(folder)
    generate(shop, spark=spark, landing=place, answers_place=place, tell=lambda _: None)
    return silver(source, *(bronze(spark, source, landed(folder, source, feed)) for feed in ("events", "orders")))


def landed(folder: Path, source: Source, feed: str) -> Iterator[Line]:
    """Every landed line of a feed."""
    for file in sorted((folder / "landing" / source.name / feed).glob("*/*")):
        if file.name != MARKER:
            with file.open("rb") as stream:
                for number, line in read_lines(stream, source.feed(feed), file.name):
                    yield date.fromisoformat(file.parent.name), str(file.relative_to(folder)), number, line
