"""What silver makes of the mutants that could be read: many files in one frame, an account for each of them."""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from expectations.gate import audit
from jobs.bronze.lines import landed_lines
from jobs.gold import daily_item_stats
from jobs.interval import Interval
from jobs.landing import LandedFile, Marker, write_marker
from jobs.settings import Settings
from jobs.silver import consent_decisions, contact_observations, events, item_observations, order_lines, stock
from jobs.sources.source import Canonical, Csv, Feed
from tests.bronze_rows import SETTINGS
from tests.mutations.bases import Base
from tests.mutations.deliveries import Delivery, FolderStore
from tests.mutations.kinds import MUTATIONS

SHOWN = 2_000
"""Characters of a line that are looked at; what is longer is counted only."""

_BUILDS = {
    "events": events,
    "order_lines": order_lines,
    "items": item_observations,
    "stock": stock,
    "consents": consent_decisions,
    "contacts": contact_observations,
}
_READS = {"items": ("events", "orders", "items"), "stock": ("stock",), "consents": ("consents",), "contacts": ("contacts",)}
"""The feeds that a build takes the lines of; of the others events and orders."""


@dataclass(frozen=True)
class Verdict:
    """The end of one delivery: ``kept``, ``quarantined`` or ``refused``; ``broken`` says which promise broke, else None."""

    delivery: Delivery
    outcome: str
    reasons: Mapping[str, int] = field(default_factory=dict)
    broken: str | None = None

    def __str__(self) -> str:
        return f"{self.delivery.mutant} ({self.delivery.route}): {self.outcome}, {dict(self.reasons)}, {self.broken or self.delivery.error}"


def verdicts(spark: SparkSession, deliveries: Sequence[Delivery], collected: Path, *, is_thorough: bool) -> tuple[list[Verdict], list[str]]:
    """A verdict for each delivery, and what broke for all together: critical rules of suites, sums that do not add up.

    A thorough run also builds what sources derive beside their primary records, and sums in gold: both cost Spark minutes.
    """
    done = [_without_lines(delivery) for delivery in deliveries if not delivery.files]
    problems: list[str] = []
    kept: dict[str, list[DataFrame]] = defaultdict(list)
    by_base: dict[Base, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.files:
            by_base[delivery.mutant.base].append(delivery)
    for base, group in by_base.items():
        lines = _lines(spark, base, group, collected).persist(StorageLevel.MEMORY_AND_DISK)
        for noun, canonical in _canonicals(base):
            if canonical.derived and not is_thorough:
                continue
            marked = _marked(spark, noun, base, lines).persist(StorageLevel.MEMORY_AND_DISK)
            clean, rejected = _BUILDS[noun].build(marked, source=base.source, settings=SETTINGS)
            clean = clean.persist(StorageLevel.MEMORY_AND_DISK)
            rows = _looked_at(marked)
            if not canonical.derived:
                done += _accounts(group, rows, base.feed)
            problems += _sums(f"{noun} of {base.source_name}", rows, clean, rejected)
            kept[noun].append(clean)
    for noun, frames in kept.items():
        together = reduce(DataFrame.unionByName, frames)
        suite = _BUILDS[noun].STEP.writes[0].suite
        problems += [
            f"{suite.table}: {finding}" for finding in audit(together, suite) if not finding.is_met and finding.severity == "critical"
        ]
        kept[noun] = [together]
    if is_thorough:
        problems += _gold(kept["events"][0], kept["order_lines"][0])
    return [_expected(verdict) for verdict in done], problems


def _without_lines(delivery: Delivery) -> Verdict:
    if delivery.broken or delivery.error:
        return Verdict(delivery, "refused", broken=delivery.broken)
    return Verdict(delivery, "kept")  # a feed that may be empty was


def _lines(spark: SparkSession, base: Base, group: Sequence[Delivery], collected: Path) -> DataFrame:
    """The landed lines of all files, through the reader of bronze, a landing day at a time."""
    store = FolderStore.at(collected)
    days: dict[date, list[LandedFile]] = defaultdict(list)
    for file in (file for delivery in group for file in delivery.files):
        days[file.landed_date].append(LandedFile(Path(file.key).name, file.rows, file.bytes, file.sha256))
    frames = []
    for day, files in days.items():
        write_marker(store, Marker(base.source_name, base.feed_name, day, sum(file.rows for file in files), tuple(files)))
        interval = Interval(day, day + timedelta(days=1))
        if any(file.rows for file in files):
            frames.append(landed_lines(base.feed_name, spark=spark, source=base.source, store=store, interval=interval))
    return reduce(DataFrame.unionByName, frames)


def _canonicals(base: Base) -> list[tuple[str, Canonical]]:
    nouns = [(noun, getattr(base.source, noun)) for noun in _BUILDS]
    return [(noun, canonical) for noun, canonical in nouns if canonical and canonical.feed == base.feed_name]


def _marked(spark: SparkSession, noun: str, base: Base, lines: DataFrame) -> DataFrame:
    nothing = spark.createDataFrame([], lines.schema)
    frames = [lines if name == base.feed_name else nothing for name in _READS.get(noun, ("events", "orders"))]
    settings: Settings = SETTINGS
    marked: DataFrame = _BUILDS[noun].parses(*frames, source=base.source, settings=settings)
    return marked


def _looked_at(marked: DataFrame) -> list[Row]:
    line = F.substring("raw_line", 1, SHOWN + 1).alias("raw_line")
    raw = F.when(F.length("raw_line") <= SHOWN, F.col("raw")).alias("raw")
    return marked.select("source_file", "line_number", line, "reasons", raw).collect()


def _accounts(group: Sequence[Delivery], rows: Iterable[Row], feed: Feed) -> list[Verdict]:
    by_file: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_file[row["source_file"]].append(row)
    return [_account(delivery, [row for file in delivery.files for row in by_file[file.key]], feed) for delivery in group]


def _account(delivery: Delivery, rows: Sequence[Row], feed: Feed) -> Verdict:
    """Every line once, clean or with reasons; a clean one says what the line says."""
    reasons = Counter(reason for row in rows for reason in row["reasons"])
    outcome = "quarantined" if reasons else "kept"
    places = {(row["source_file"], row["line_number"]) for row in rows}
    if len(rows) != delivery.lines or len(places) != len(rows):
        return Verdict(delivery, outcome, reasons, f"{delivery.lines} lines landed, {len(rows)} are accounted for")
    misread = (read_otherwise(feed, row["raw_line"], row["raw"]) for row in rows if not row["reasons"] and row["raw"] is not None)
    return Verdict(delivery, outcome, reasons, next((text for text in misread if text), None))


def _sums(subject: str, rows: Sequence[Row], clean: DataFrame, rejected: DataFrame) -> list[str]:
    """Kept and rejected rows of the build add up to its lines."""
    faulty = sum(bool(row["reasons"]) for row in rows)
    deliveries = clean.agg(F.coalesce(F.sum("delivery_count"), F.lit(0)).alias("deliveries")).collect()[0]["deliveries"]
    found = (deliveries, rejected.count() if faulty else 0)
    return [] if found == (len(rows) - faulty, faulty) else [f"{subject}: {len(rows) - faulty} and {faulty} lines, {found} in its tables"]


def _gold(kept_events: DataFrame, kept_lines: DataFrame) -> list[str]:
    """Sums over what was kept stay within their types."""
    try:
        daily_item_stats.build(kept_events, kept_lines).agg(F.sum("revenue_minor"), F.sum("units_sold")).collect()
    except PySparkException as error:
        return [f"gold.daily_item_stats: {str(error)[:300]}"]
    return []


def _expected(verdict: Verdict) -> Verdict:
    """The verdict, broken where a single mutation did not end as its kind says."""
    if verdict.broken or len(verdict.delivery.mutant.kinds) > 1:
        return verdict
    (kind,) = verdict.delivery.mutant.kinds
    ends = MUTATIONS[kind].ends
    if verdict.outcome in ends:
        return verdict
    return replace(verdict, broken=f"{kind} ended as {verdict.outcome}, not as {' or '.join(sorted(ends))}")


# what a line says, read once more without Spark


class _Number(str):
    __slots__ = ()


def read_otherwise(feed: Feed, line: str, raw: Row) -> str | None:
    """Which value of a clean line Spark read in another way than Python does; None when they agree."""
    try:
        said = _csv_values(feed, line) if isinstance(feed.format, Csv) else _json_values(feed, line)
    except (ValueError, csv.Error, InvalidOperation, RecursionError) as error:
        return f"kept, but Python cannot read it ({error}): {line[:200]!r}"
    wrong = [f"{name} is {raw[name]!r}, not {value!r}" for name, value in said.items() if raw[name] != value]
    return f"{'; '.join(wrong)} in {line[:200]!r}" if wrong else None


def _json_values(feed: Feed, line: str) -> dict[str, Any]:
    record = json.loads(line, parse_int=_Number, parse_float=_Number, parse_constant=_refuse)
    if not isinstance(record, dict):
        raise ValueError("no object")  # noqa: TRY004 - the value of a line, not an argument, is wrong
    return {name: _json_value(record.get(name), kind) for name, kind in feed.schema}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _json_value(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "string" and isinstance(value, str):
        value.encode()  # half a character cannot be written
        return str(int(value)) if isinstance(value, _Number) else value
    if kind in {"int", "bigint"} and isinstance(value, _Number):
        return int(value)
    if kind == "double" and isinstance(value, _Number):
        return float(value)
    if kind == "boolean" and isinstance(value, bool):
        return value
    raise ValueError(f"{value!r} is no {kind}")


def _csv_values(feed: Feed, line: str) -> dict[str, Any]:
    fields = next(csv.reader([line]), [])
    if len(fields) != len(feed.columns):
        raise ValueError(f"{len(fields)} fields")
    return {name: _csv_value(text, kind) for (name, kind), text in zip(feed.schema, fields, strict=True)}


def _csv_value(text: str, kind: str) -> Any:
    if not text:
        return None
    if kind == "string":
        return text
    if kind in {"int", "bigint"}:
        return int(text)
    scale = int(kind.removesuffix(")").partition(",")[2])
    return Decimal(text).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
