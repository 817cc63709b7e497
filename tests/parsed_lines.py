"""Lines as bronze would hold them, and what a source makes of them."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from importlib import import_module

from pyspark.sql import Row, SparkSession

from jobs.bronze.lines import lines_table
from jobs.sources.parsing import parse
from jobs.sources.source import Source, load

Parsed = Callable[[str, str, Sequence[str]], list[Row]]
"""``parsed(source, canonical, lines)``: the rows that ``parse`` gives for lines 1, 2, ... of one file, in that order."""


def every_feed(source_name: str) -> Source:
    """A source whose shop sends every optional feed."""
    module = import_module(f"jobs.sources.{source_name}")
    return load(source_name, {feed.name: date(2026, 1, 1) for feed in module.SOURCE.feeds if feed.is_optional})


def parsed_lines(spark: SparkSession, source_name: str, canonical: str, lines: Sequence[str]) -> list[Row]:
    """What ``parsed`` gives, for one session."""
    source = every_feed(source_name)
    day, instant = date(2026, 5, 4), datetime(2026, 5, 4, tzinfo=UTC)
    received = [(source_name, day, "landing/a/file", number, instant, "0" * 64, line) for number, line in enumerate(lines, start=1)]
    bronze = spark.createDataFrame(received, lines_table("bronze.test", "").struct()).coalesce(1)
    return sorted(parse(bronze, source, getattr(source, canonical)).collect(), key=lambda row: int(row["line_number"]))
