"""No row vanishes: what was read is kept, rejected or merged, and the three are counted from what was written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import BadDataError, RejectShareError
from jobs.interval import Interval
from jobs.step import Step

if TYPE_CHECKING:
    from jobs.context import Context


@dataclass(frozen=True)
class Counts:
    """Rows of a landing interval: read = kept + rejected + merged; ``reasons`` counts each reason (a row may have several)."""

    read: int
    kept: int
    rejected: int
    merged: int
    reasons: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """For a log, an XCom, ``ops.runs``."""
        return {
            "read": self.read,
            "kept": self.kept,
            "rejected": self.rejected,
            "merged": self.merged,
            "reasons": dict(sorted(self.reasons.items())),
        }


@dataclass(frozen=True)
class Tally:
    """The parsed lines of an attempt, counted in one pass: read and clean ones of its interval, and clean ones by the day that they are of.

    ``days`` are those of the interval's clean lines; ``deliveries`` counts those of other landing days too.
    """

    read: int
    clean: int
    days: frozenset[date]
    deliveries: Mapping[date, int]


def tallied(marked: DataFrame, day: str, interval: Interval) -> Tally:
    """Count the marked lines. Days of rejected lines are left out: they may be anything."""
    is_landed = (F.col("landed_date") >= F.lit(interval.start)) & (F.col("landed_date") < F.lit(interval.end))
    is_clean = F.size("reasons") == 0
    by = (is_landed.alias("is_landed"), is_clean.alias("is_clean"), F.when(is_clean, F.col(day)).alias("day"))
    groups = marked.groupBy(*by).agg(F.count("*").alias("rows")).collect()
    clean = [row for row in groups if row["is_clean"]]
    deliveries: Counter[date] = Counter()
    for row in clean:
        deliveries[row["day"]] += row["rows"]
    return Tally(
        read=sum(row["rows"] for row in groups if row["is_landed"]),
        clean=sum(row["rows"] for row in clean if row["is_landed"]),
        days=frozenset(row["day"] for row in clean if row["is_landed"]),
        deliveries=deliveries,
    )


def accounted(context: "Context", step: Step, tally: Tally, days: tuple[date, ...]) -> Counts:
    """Count the attempt's rows and check that they add up.

    Two checks. Of the landing interval: rows read = kept + rejected + merged. Of the replaced days: the deliveries that the written rows
    stand for = the clean rows that were there to be kept or merged. Raises BadDataError when one fails, RejectShareError when more rows
    were rejected than the step allows.
    """
    main, rejected_table = step.writes[0].table, step.writes[1].table
    landed = f"landed_date >= DATE'{context.interval.start}' AND landed_date < DATE'{context.interval.end}'"
    day = F.col(str(main.partitioned_by))
    deliveries = sum(tally.deliveries.get(one, 0) for one in days)
    written = context.lake.read(main).where(day.isin(*days)) if days else context.lake.read(main).where("false")
    sums = written.agg(F.coalesce(F.sum("delivery_count"), F.lit(0)).alias("deliveries"), F.count_if(F.expr(landed)).alias("kept")).first()
    together = context.lake.read(rejected_table).where(landed).groupBy("reasons").agg(F.count("*").alias("rows")).collect()
    rejected = sum(row["rows"] for row in together)
    reasons: Counter[str] = Counter()
    for row in together:
        reasons.update(dict.fromkeys(row["reasons"], row["rows"]))
    if sums is None:
        message = "an aggregate without groups has exactly one row"
        raise AssertionError(message)
    counts = Counts(tally.read, int(sums["kept"]), rejected, tally.clean - int(sums["kept"]), dict(reasons))
    if counts.read != counts.kept + counts.rejected + counts.merged or counts.merged < 0 or int(sums["deliveries"]) != deliveries:
        raise BadDataError(
            main.name,
            expected=f"kept + rejected + merged = {counts.read} rows read, and {deliveries} deliveries in the replaced days",
            found=f"{counts.kept} + {counts.rejected} + {counts.merged}, and {sums['deliveries']} deliveries",
            advice="A row was lost or doubled on its way: this is a fault of the build, not of the input.",
        )
    check_share(main.name, counts, step.max_reject_share)
    return counts


def check_share(name: str, counts: Counts, limit: float) -> None:
    """Raise RejectShareError when more than ``limit`` of the rows, a share, were rejected, or all of them.

    A single row stops nothing as long as others were kept: one of sixteen is more than 5 %, and says nothing about the other fifteen.
    """
    is_all = counts.rejected > 0 and counts.rejected == counts.read
    if counts.rejected > max(1.0, limit * counts.read) or is_all:
        common = ", ".join(f"{reason} {count}" for reason, count in sorted(counts.reasons.items(), key=lambda pair: (-pair[1], pair[0])))
        raise RejectShareError(
            name,
            expected=f"at most {limit:.1%} of the rows read to be rejected",
            found=f"{counts.rejected} of {counts.read} ({counts.rejected / counts.read:.1%}): {common}",
            advice="Nothing was published. Look at the raw lines that break the rules, mend the input and land the day again.",
        )
