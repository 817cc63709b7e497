"""From landed lines to canonical records: the declaration of a source, carried out by Spark."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.quarantine import with_reasons
from jobs.sources.source import UNREADABLE, Canonical, Csv, Feed, Source

PROVENANCE = ("source", "landed_date", "landed_at", "source_file", "file_sha256", "line_number", "raw_line")
"""Columns of a bronze line; all of them go through."""

_CORRUPT = "_corrupt"


def parse(bronze: DataFrame, source: Source, canonical: Canonical) -> DataFrame:
    """One row a bronze line that ``canonical`` is about: all canonical columns, the bronze columns, ``reasons array<string>`` and ``raw``.

    ``bronze`` holds the lines of ``canonical.feed``. A canonical column that the source does not map is a NULL of its type. ``reasons``
    holds what the source itself finds wrong, in declared order; an unreadable line has the one reason ``unreadable``, because what else
    might be said of it rests on fields that were not read. ``raw`` is the struct of the raw columns. Nothing in here raises over a value.
    """
    feed = source.feed(canonical.feed)
    target = source.target_columns(canonical)
    lines = bronze.select(F.struct(*PROVENANCE).alias("_line"), _parsed(feed).alias("_parsed"))
    read = lines.select("_line", _is_corrupt(feed).alias("_is_corrupt"), _record(feed).alias("raw"))
    rows = read.select("_line", "_is_corrupt", "raw", "raw.*")
    if canonical.where:
        rows = rows.where(F.expr(canonical.where))
    mapped = rows.select("_line", "_is_corrupt", "raw", *_canonical_columns(canonical, target))
    hidden = {name.lower() for name in target}
    visible = mapped.select("*", *[F.col("raw")[name].alias(name) for name in feed.columns if name.lower() not in hidden])
    marked = with_reasons(visible, _faults(canonical))
    return marked.select(*target, "_line.*", "reasons", "raw")


def _parsed(feed: Feed) -> Column:
    """The raw line as a struct with a column that holds the line again when it does not have the feed's shape.

    Spark reads the first JSON value of a text and ignores what follows; as a member of an object the record must be all there is.
    """
    fields = ", ".join(f"`{name}` {kind}" for name, kind in feed.schema)
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _CORRUPT}
    if isinstance(feed.format, Csv):
        quote = feed.format.quote
        return F.from_csv(
            F.col("raw_line"), f"{fields}, {_CORRUPT} string", options | {"sep": feed.format.delimiter, "quote": quote, "escape": quote}
        )
    options |= {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
    fields = fields.replace("` ", "`: ")
    return F.from_json(F.concat(F.lit('{"record":'), "raw_line", F.lit("}")), f"record struct<{fields}>, {_CORRUPT} string", options)


def _is_corrupt(feed: Feed) -> Column:
    """Neither an empty line nor a JSON null counts as corrupt for Spark; neither is a record."""
    is_nothing = F.col("_line.raw_line") == "" if isinstance(feed.format, Csv) else F.col("_parsed.record").isNull()
    return is_nothing | F.col(f"_parsed.{_CORRUPT}").isNotNull()


def _record(feed: Feed) -> Column:
    place = F.col("_parsed") if isinstance(feed.format, Csv) else F.col("_parsed.record")
    return F.struct(*[place[name].alias(name) for name in feed.columns])


def _canonical_columns(canonical: Canonical, target: Mapping[str, str]) -> list[Column]:
    return [F.expr(f"try_cast(({canonical.columns.get(name, 'NULL')}) AS {kind})").alias(name) for name, kind in target.items()]


def _faults(canonical: Canonical) -> Mapping[str, Column]:
    declared = {reason: F.coalesce(F.expr(fault), F.lit(True)) for reason, fault in canonical.faults.items()}
    unreadable = F.col("_is_corrupt") | declared.pop(UNREADABLE, F.lit(False))
    return {UNREADABLE: unreadable} | {reason: ~unreadable & fault for reason, fault in declared.items()}
