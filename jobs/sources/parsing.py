"""From landed lines to canonical records: the declaration of a source, carried out by Spark."""

import re
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.quarantine import with_reasons
from jobs.sources.source import UNREADABLE, Canonical, Csv, Feed, Source

PROVENANCE = ("source", "landed_date", "landed_at", "source_file", "file_sha256", "line_number", "raw_line")
"""Columns of a bronze line; all of them go through."""

_CORRUPT = "_corrupt"
_END = "_end"
"""Key of the record that follows a line's own: where it is not second, the line is not one whole object."""

MOST_FIELDS = 20_000
"""Most delimiters in a line that Spark is asked to split: over 20,480 fields it raises instead of calling the line corrupt."""

_DECIMAL = r"^[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?$"
"""A decimal number as a file writes it. Spark would take ``12,50`` for 1250, and compute on an exponent of millions until it is killed."""

_LONE_SURROGATE = (
    r"(?<!\\)(?:\\\\)*+(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
"""Half of a character, escaped in JSON. Java writes ``?`` for it, so that two ids that differ in it would become one."""

MOST_TEXT_BYTES = 16_384
"""Longest that the texts of a line, its ids and names, are together, in bytes of UTF-8; more is a file in the place of a value."""

_UNPRINTABLE = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F]"
"""Control characters, which readers of the exports stumble over, without tab and line ends, which a name may hold."""

_LOOKS_LIKE_NO_TEXT = r'\n(?:[\[{"]|-?[0-9]+[.eE]|(?:true|false)(?:$|\n))'
"""How Spark writes what stood in the place of a text, each on a line of its own: an object, an array, a fraction, infinity, a boolean.

It begins with one character because every line of every file is searched: from an alternative the search takes five times as long.
"""


def parse(bronze: DataFrame, source: Source, canonical: Canonical) -> DataFrame:
    """One row a bronze line that ``canonical`` is about: all canonical columns, the bronze columns, ``reasons array<string>`` and ``raw``.

    ``bronze`` holds the lines of ``canonical.feed``. A canonical column that the source does not map is a NULL of its type. ``reasons``
    holds what the source itself finds wrong, in declared order; an unreadable line has the one reason ``unreadable``, because what else
    might be said of it rests on fields that were not read. ``raw`` is the struct of the raw columns. Nothing in here raises over a value.
    """
    feed = source.feed(canonical.feed)
    target = source.target_columns(canonical)
    lines = bronze.select(F.struct(*PROVENANCE).alias("_line"), _parsed(feed).alias("_parsed"))
    found = {"_is_corrupt": _is_corrupt(feed), "_is_unprintable": _is_unprintable(feed), "_is_overlong": _is_overlong(feed)}
    read = lines.select("_line", *[value.alias(name) for name, value in found.items()], _record(feed).alias("raw"))
    rows = read.select("_line", *found, "raw", "raw.*")
    if canonical.where:
        rows = rows.where(F.expr(canonical.where))
    mapped = rows.select("_line", *found, "raw", _is_out_of_range(canonical, target), *_canonical_columns(canonical, target))
    hidden = {name.lower() for name in target}
    visible = mapped.select("*", *[F.col("raw")[name].alias(name) for name in feed.columns if name.lower() not in hidden])
    marked = with_reasons(visible, _faults(canonical))
    unreadable = F.when(_is_unreadable(canonical), F.array(F.lit(UNREADABLE))).otherwise(F.col("reasons"))
    marked = marked.withColumn("reasons", unreadable)
    return marked.select(*target, "_line.*", "reasons", "raw")


def _parsed(feed: Feed) -> Column:
    """The raw line as a struct with a column that holds the line again when it does not have the feed's shape.

    Spark reads the first JSON value of a text and ignores what follows; in an array, with another record behind it, the record must be all
    there is. Decimals of a delimited line stay text until ``_record``.
    """
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _CORRUPT}
    if isinstance(feed.format, Csv):
        quote, delimiter = feed.format.quote, feed.format.delimiter
        fields = ", ".join(f"`{name}` {'string' if _is_decimal(kind) else kind}" for name, kind in feed.schema)
        long = F.length("raw_line") > MOST_FIELDS  # counting delimiters is for the few lines that could hold so many
        fits = ~long | (F.length("raw_line") - F.length(F.replace("raw_line", F.lit(delimiter), F.lit(""))) <= MOST_FIELDS * len(delimiter))
        return F.from_csv(
            F.when(fits, F.col("raw_line")), f"{fields}, {_CORRUPT} string", options | {"sep": delimiter, "quote": quote, "escape": quote}
        )
    options |= {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}
    fields = ", ".join(f"`{name}`: {kind}" for name, kind in feed.schema)
    array = F.concat(F.lit('{"record":['), "raw_line", F.lit(f',{{"{_END}":true}}]}}'))
    return F.from_json(array, f"record array<struct<{fields}, {_END}: boolean>>, {_CORRUPT} string", options)


def _is_corrupt(feed: Feed) -> Column:
    """What Spark calls corrupt, and what it does not: an empty line, a JSON null, more or less than one record, a value that is no text."""
    corrupt = F.col(f"_parsed.{_CORRUPT}").isNotNull()
    if isinstance(feed.format, Csv):
        line = F.col("_line.raw_line")
        return (line == "") | F.col("_parsed").isNull() | corrupt | _is_misquoted(feed.format, line) | _is_no_decimal(feed)
    line, second = F.col("_line.raw_line"), F.get("_parsed.record", F.lit(1))
    is_one = (F.size("_parsed.record") == 2) & F.get("_parsed.record", F.lit(0)).isNotNull() & second[_END]
    has_half_a_character = line.contains("\\u") & line.rlike(_LONE_SURROGATE)
    return corrupt | ~F.coalesce(is_one, F.lit(False)) | has_half_a_character | _is_no_text(feed, line)


def _is_misquoted(form: Csv, line: Column) -> Column:
    """Whether a field begins with a quote and does not end with its fellow: readers differ in what they make of it, so none is right."""
    quote, delimiter = re.escape(form.quote), re.escape(form.delimiter)
    marked = F.regexp_replace(line, f"{quote}[^{quote}]*{quote}", "\x01")
    return line.contains(form.quote) & marked.rlike(f"(?:^|{delimiter})(?:{quote}|\x01+[^{delimiter}\x01])")


def _is_no_decimal(feed: Feed) -> Column:
    wrong = F.lit(False)
    for name, kind in feed.schema:
        if _is_decimal(kind):
            wrong |= F.col("_parsed")[name].isNotNull() & _decimal(name, kind).isNull()
    return wrong


def _decimal(name: str, kind: str) -> Column:
    text = F.col("_parsed")[name]
    return F.when(text.rlike(_DECIMAL), text).try_cast(kind)


def _is_no_text(feed: Feed, line: Column) -> Column:
    """Whether an object, an array, a fraction or a boolean stands where a text belongs; a whole number is an id that lost its quotes."""
    begun = F.concat(F.lit("\n"), _texts(feed))
    return begun.rlike(_LOOKS_LIKE_NO_TEXT) & line.rlike(f'"(?:{"|".join(_text_columns(feed))})"' + r'\s*:\s*(?![\s"n]|-?[0-9]+\s*[,}])')


def _is_unprintable(feed: Feed) -> Column:
    """Whether a text holds a control character. Spark takes none in JSON but an escaped one: other lines are not searched."""
    line = F.col("_line.raw_line")
    may_hide = F.lit(True) if isinstance(feed.format, Csv) else line.contains("\\") | line.contains("\x7f")
    return may_hide & _texts(feed).rlike(_UNPRINTABLE)


def _is_overlong(feed: Feed) -> Column:
    """Whether the texts are too long together; no line is shorter than its texts."""
    return (F.octet_length("_line.raw_line") > MOST_TEXT_BYTES) & (F.octet_length(_texts(feed)) > MOST_TEXT_BYTES)


def _texts(feed: Feed) -> Column:
    """The texts of a record, one a line, made anew wherever they are asked for: few lines are asked."""
    record = F.col("_parsed") if isinstance(feed.format, Csv) else F.get("_parsed.record", F.lit(0))
    return F.concat_ws("\n", *[record[name] for name in _text_columns(feed)])


def _text_columns(feed: Feed) -> list[str]:
    return [name for name, kind in feed.schema if kind == "string"]


def _is_decimal(kind: str) -> bool:
    return kind.startswith("decimal")


def _record(feed: Feed) -> Column:
    if isinstance(feed.format, Csv):
        fields = [(name, _decimal(name, kind) if _is_decimal(kind) else F.col("_parsed")[name]) for name, kind in feed.schema]
        return F.struct(*[value.alias(name) for name, value in fields])
    record = F.get("_parsed.record", F.lit(0))
    return F.struct(*[record[name].alias(name) for name in feed.columns])


def _canonical_columns(canonical: Canonical, target: Mapping[str, str]) -> list[Column]:
    return [F.expr(f"try_cast(({canonical.columns.get(name, 'NULL')}) AS {kind})").alias(name) for name, kind in target.items()]


def _is_out_of_range(canonical: Canonical, target: Mapping[str, str]) -> Column:
    """Whether a number was given that its column cannot hold: it must not become the NULL that says nothing was given."""
    numbers = [(canonical.columns[name], kind) for name, kind in target.items() if kind in {"int", "bigint"} and name in canonical.columns]
    lost = [f"(({mapped}) IS NOT NULL AND try_cast(({mapped}) AS {kind}) IS NULL)" for mapped, kind in numbers]
    return F.expr(" OR ".join(lost) or "false").alias("_is_out_of_range")


def _is_unreadable(canonical: Canonical) -> Column:
    declared = F.expr(canonical.faults.get(UNREADABLE, "false"))
    return F.col("_is_corrupt") | F.coalesce(declared, F.lit(True))


def _faults(canonical: Canonical) -> Mapping[str, Column]:
    declared = {reason: F.expr(fault) for reason, fault in canonical.faults.items() if reason != UNREADABLE}
    return declared | {
        "out_of_range": F.col("_is_out_of_range"),
        "unprintable_text": F.col("_is_unprintable"),
        "overlong_text": F.col("_is_overlong"),
    }
