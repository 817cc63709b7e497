"""What parsed tables have in common on the way from a landed line to a row."""

from collections.abc import Mapping

from pydantic import SecretStr
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.contract import Table
from jobs.privacy import Kind, pseudonymise
from jobs.quarantine import with_reasons
from jobs.sources.parsing import parse
from jobs.sources.source import UNREADABLE, Canonical, Source

MOST_MINOR = 100_000_000
"""Largest believable price a piece, in minor units: a million of the currency. More is a slipped decimal point."""

MOST_PIECES = 1_000_000
"""Largest believable quantity of a line. With ``MOST_MINOR`` it keeps sums of amounts within a bigint: 92,000 lines of both limits."""


def mark(bronze: DataFrame, source: Source, canonical: Canonical, faults: Mapping[str, Column], *, happened_at: str, day: str) -> DataFrame:
    """Every line with its canonical columns, the UTC day column ``day`` and ``reasons``: the source's faults, then those of the table.

    Lines of a derived record that break a rule are left out: the primary record of the same feed accounts for them.
    """
    parsed = parse(bronze, source, canonical).withColumnRenamed("reasons", "_source_reasons").withColumn(day, F.to_date(happened_at))
    marked = with_reasons(parsed, faults)
    reasons = F.array_distinct(F.concat("_source_reasons", "reasons"))
    is_unreadable = F.array_contains("_source_reasons", UNREADABLE)  # nothing else is known of such a line
    marked = marked.withColumn("reasons", F.when(is_unreadable, F.col("_source_reasons")).otherwise(reasons)).drop("_source_reasons")
    return marked.where(F.size("reasons") == 0) if canonical.derived else marked


def time_faults(day: str, max_lateness_days: int) -> dict[str, Column]:
    """A day's rows may land from the day before (a clock ahead) to ``max_lateness_days`` after; anything else is rejected as such."""
    known = F.col(day).isNotNull()
    return {
        "missing_time": ~known,
        "too_late": known & (F.datediff("landed_date", day) > max_lateness_days),
        "too_early": known & (F.datediff("landed_date", day) < -1),
    }


def price_faults(source: Source) -> dict[str, Column]:
    """A known price lies between nothing and ``MOST_MINOR``; a shop has one currency, and a row in another one is rejected by name."""
    price, currency = F.col("unit_price_minor"), F.col("currency")
    faults = {"impossible_price": price.isNotNull() & ~price.between(0, MOST_MINOR)}
    if source.currency is not None:
        faults["other_currency"] = currency.isNotNull() & (currency != F.lit(source.currency))
    return faults


def quantity_fault() -> Column:
    """A quantity is a number of pieces from 1 to ``MOST_PIECES``; NULL where it is not known."""
    return ~F.col("quantity").between(1, MOST_PIECES)


def discount_fault() -> Column:
    """A known discount takes nothing away from nothing: it lies between 0 and the line's amount, or ``MOST_MINOR`` without a price."""
    amount = F.col("quantity").cast("bigint") * F.col("unit_price_minor")
    most = F.when(F.col("unit_price_minor").between(0, MOST_MINOR) & F.col("quantity").between(1, MOST_PIECES), amount)
    discount = F.col("discount_minor")
    return discount.isNotNull() & ~discount.between(0, F.coalesce(most, F.lit(MOST_MINOR)))


def without_raw_ids(rows: DataFrame, canonical: Canonical, people: Mapping[str, Kind], key: SecretStr) -> DataFrame:
    """The rows with pseudonyms in place of raw ids, also in columns whose text a source has made from a user id."""
    carried: dict[str, Kind] = dict.fromkeys(canonical.carries_user_id, "user")
    return pseudonymise(rows, {**people, **carried}, key)


def identified(clean: DataFrame, canonical: Canonical, id_column: str) -> DataFrame:
    """Fill ``id_column`` where the source has no id of its own: a hash of what makes the record what it is.

    Where a source means its repeats, the file and the ordinal among identical records in it count too, so that each repeat stays. The
    file is known by its content: one that is delivered twice, under whatever name, gives the same ids twice.
    """
    parts = [F.col(name) for name in canonical.identity]
    if canonical.repeats == "meant":
        same = Window.partitionBy("source_file", *parts).orderBy("line_number")
        clean = clean.withColumn("_ordinal", F.row_number().over(same))
        parts = [*parts, F.col("file_sha256"), F.col("_ordinal")]
    digest = F.substring(F.sha2(F.to_json(F.struct(*parts)), 256), 1, 32)
    return clean.withColumn(id_column, F.coalesce(F.col(id_column), digest))


def first_delivery(rows: DataFrame, key: tuple[str, ...]) -> DataFrame:
    """Keep the copy of each key that landed first, with ``delivery_count``, the number of copies, and ``last_landed_date``.

    A tracker resends on timeout, so a copy differs only in where and when it landed. ``line_number`` breaks ties inside a file; without it
    two runs could keep different copies.
    """
    return first_of_each(rows, key, "landed_date", "source_file", "line_number", last_landed_date=F.max("landed_date"))


def last_word(rows: DataFrame, key: tuple[str, ...]) -> DataFrame:
    """Keep what was said last for each key, by ``observed_at``, then by its place, with ``delivery_count``, how often something was."""
    return first_of_each(rows, key, F.desc("observed_at"), F.desc("source_file"), F.desc("line_number"))


def first_of_each(rows: DataFrame, key: tuple[str, ...], *order: Column | str, **of_all: Column) -> DataFrame:
    """Keep the row of each key that comes first in ``order``, which is total, with ``delivery_count``, the number of rows.

    ``of_all`` adds aggregates over all rows of the key. The rows are sorted once: what needs no order comes after what needs one.
    """
    copies = Window.partitionBy(*key)
    numbered = rows.withColumn("_copy", F.row_number().over(copies.orderBy(*order)))
    asked = {"delivery_count": F.count("*"), **of_all}
    counted = numbered.withColumns({name: aggregate.over(copies) for name, aggregate in asked.items()})
    return counted.withColumn("delivery_count", F.col("delivery_count").cast("int")).where(F.col("_copy") == 1).drop("_copy")


def rejected(marked: DataFrame, table: Table) -> DataFrame:
    """The lines with reasons, as the rejected twin's contract wants them."""
    return marked.where(F.size("reasons") > 0).select(*table.column_names)
