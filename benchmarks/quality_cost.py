"""``python -m benchmarks.quality_cost [--rows 10000000] [--rounds 5]``: the verdict on a table beside one SELECT written by hand.

A table as ``silver.events`` (eight days, half a million users, one and a half million devices) is made once and lies on disk as Parquet.
In one process, after a warm-up of both, the rounds ask it in turns:

- *verdict*: what a task asks of a staged table: Great Expectations' results of the suite of ``silver.events``, twelve expectations, and of
  two comparisons of columns, the kind that other suites have; the metric states of every column and day; the number of rows;
- *by hand*: one SELECT with the same answers, ``BY_HAND`` below, as somebody would write it who wants nothing but them: a conditional
  count for each expectation, sums and extremes in the columns' own types, one sketch a distribution, and the key by a subquery that groups
  the table by it. ``count(DISTINCT event_date, event_id)`` in the SELECT itself is not what it does: Spark then groups everything by the
  key, a sketch of each column for every row, and ends without memory.

The other two are parts of it, for whoever wants to know what its key costs: *by hand, no key* and *the key by hand*. Both must find the
same numbers. Writes ``benchmarks/quality_cost.md``; exit 1 where the verdict takes more than ``MOST`` times as long as the SELECT by hand
in the median round, or asks Spark for more jobs than ``MOST_JOBS``.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import great_expectations.expectations as gxe
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from expectations.gate import judged
from expectations.silver.events import SUITE
from expectations.suite import Suite
from expectations.vocabulary import EVENT_TYPES
from jobs.quality import states
from jobs.quality.watches import watch_of
from jobs.silver.events import EVENTS
from stack import java
from stack.settings import CHECKOUT, StackSettings

MOST = 1.5
MOST_JOBS = 5
FIRST, DAYS = date(2026, 5, 4), 8
USERS, DEVICES, ITEMS, ORDERS = 500_000, 1_500_000, 50_000, 3_000_000
VERDICT, BY_HAND_NAME, NO_KEY_NAME, KEY_NAME = "verdict", "by hand", "by hand, no key", "the key by hand"

ASKED = Suite(
    SUITE.table,
    (
        *SUITE.expectations,
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="last_landed_date", column_B="landed_date", or_equal=True, severity="critical"
        ),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="landed_date", column_B="event_date", or_equal=True, severity="critical"),
    ),
)

KEY = "SELECT count(*) FROM (SELECT event_id FROM events GROUP BY event_date, event_id HAVING count(*) > 1)"

NO_KEY = """
SELECT
  event_date,
  count(*) AS row_count,
  count_if(landed_date <= event_date) AS on_time_count,
  count_if(event_id IS NULL) AS event_id_missing,
  count_if(occurred_at IS NULL) AS occurred_at_missing,
  count_if(event_type NOT IN ({event_types})) AS event_type_unknown,
  count_if(time_resolution NOT IN ('second', 'day')) AS time_resolution_unknown,
  count_if(unit_price_minor < 0) AS price_wrong,
  count_if(quantity < 1) AS quantity_wrong,
  count_if(delivery_count < 1) AS delivery_count_wrong,
  count_if(NOT (exposure_propensity > 0 AND exposure_propensity <= 1)) AS propensity_wrong,
  count_if(length(user_id) <> 32) AS user_id_wrong,
  count_if(last_landed_date < landed_date) AS last_landed_wrong,
  count_if(landed_date < event_date) AS landed_wrong,
  count_if(user_id IS NULL) AS user_id_missing, hll_sketch_agg(user_id) AS users,
  count_if(anonymous_id IS NULL) AS anonymous_id_missing, hll_sketch_agg(anonymous_id) AS devices,
  count_if(session_hint IS NULL) AS session_hint_missing,
  count_if(event_type IS NULL) AS event_type_missing, approx_top_k(event_type, 201, 10000) AS event_types,
  count_if(item_id IS NULL) AS item_id_missing, hll_sketch_agg(item_id) AS items,
  count_if(quantity IS NULL) AS quantity_missing, sum(quantity) AS quantity_sum, min(quantity) AS quantity_min,
  max(quantity) AS quantity_max, kll_sketch_agg_double(CAST(quantity AS double)) AS quantities,
  count_if(unit_price_minor IS NULL) AS price_missing, sum(unit_price_minor) AS price_sum, min(unit_price_minor) AS price_min,
  max(unit_price_minor) AS price_max, kll_sketch_agg_double(CAST(unit_price_minor AS double)) AS prices,
  count_if(currency IS NULL) AS currency_missing, approx_top_k(currency, 201, 10000) AS currencies,
  count_if(order_id IS NULL) AS order_id_missing, hll_sketch_agg(order_id) AS orders,
  count_if(channel IS NULL) AS channel_missing, approx_top_k(channel, 201, 10000) AS channels,
  count_if(campaign_id IS NULL) AS campaign_id_missing, hll_sketch_agg(campaign_id) AS campaigns,
  count_if(experiment IS NULL) AS experiment_missing,
  count_if(variant IS NULL) AS variant_missing, approx_top_k(variant, 201, 10000) AS variants,
  count_if(exposure_propensity IS NULL) AS propensity_missing, sum(exposure_propensity) AS propensity_sum,
  min(exposure_propensity) AS propensity_min, max(exposure_propensity) AS propensity_max,
  kll_sketch_agg_double(exposure_propensity) AS propensities,
  count_if(delivery_count IS NULL) AS delivery_count_missing, sum(delivery_count) AS delivery_count_sum,
  min(delivery_count) AS delivery_count_min, max(delivery_count) AS delivery_count_max,
  kll_sketch_agg_double(CAST(delivery_count AS double)) AS delivery_counts,
  count_if(coalesce(anonymous_id, user_id) IS NULL) AS visitor_id_missing, hll_sketch_agg(coalesce(anonymous_id, user_id)) AS visitors,
  approx_top_k(coalesce(anonymous_id, user_id), 2, 10000) AS busiest{more}
FROM events GROUP BY event_date
""".replace("{event_types}", ", ".join(f"'{one}'" for one in EVENT_TYPES))
BY_HAND = NO_KEY.replace("{more}", f",\n  ({KEY}) AS repeated_keys")


@dataclass(frozen=True)
class Asked:
    """What one way of asking took, and the numbers that it found: rows, sum of prices, pieces, repeated keys."""

    seconds: float
    jobs: int
    stages: int
    found: tuple[int | None, ...]


def made(spark: SparkSession, rows: int) -> DataFrame:
    """Rows of ``silver.events`` that meet the suite: no two events have one id, two fifths have a user, one fifth is in an experiment."""
    number = F.col("id")

    def drawn(seed: int, below: int) -> Column:
        return F.pmod(F.xxhash64(number, F.lit(seed)), F.lit(below))

    def some(among: Sequence[str], seed: int) -> Column:
        return F.element_at(F.array(*map(F.lit, among)), (drawn(seed, len(among)) + 1).cast("int"))

    day = F.date_add(F.lit(FIRST), (number * DAYS / rows).cast("int"))
    has_price, is_tried = drawn(1, 10) > 2, drawn(2, 5) == 0
    known = {
        "event_id": F.md5(number.cast("string")),
        "user_id": F.when(drawn(3, 10) < 4, F.md5(drawn(4, USERS).cast("string"))),
        "anonymous_id": F.md5((drawn(5, DEVICES) + USERS).cast("string")),
        "session_hint": F.when(drawn(6, 2) == 0, F.md5((drawn(5, DEVICES) + USERS + DEVICES).cast("string"))),
        "event_type": some(EVENT_TYPES, 7),
        "item_id": F.when(drawn(8, 10) < 9, F.concat(F.lit("i"), drawn(9, ITEMS).cast("string"))),
        "occurred_at": F.timestamp_add("SECOND", drawn(10, 86_400).cast("int"), day.cast("timestamp")),
        "event_date": day,
        "time_resolution": F.lit("second"),
        "quantity": F.when(has_price, drawn(11, 5) + 1),
        "unit_price_minor": F.when(has_price, drawn(12, 100_000)),
        "currency": F.when(has_price, F.lit("EUR")),
        "order_id": F.when(drawn(13, 10) > 7, F.concat(F.lit("o"), drawn(14, ORDERS).cast("string"))),
        "channel": some(("direct", "search", "mail", "social", "ads"), 15),
        "campaign_id": F.when(drawn(16, 10) == 0, F.concat(F.lit("c"), drawn(17, 200).cast("string"))),
        "experiment": F.when(is_tried, F.lit("ranking")),
        "variant": F.when(is_tried, some(("a", "b"), 18)),
        "exposure_propensity": F.when(is_tried, F.lit(0.5)),
        "source": F.lit("native"),
        "delivery_count": F.lit(1) + (drawn(19, 50) == 0).cast("int"),
        "landed_date": day,
        "last_landed_date": day,
        "source_file": F.concat(F.lit("landing/native/events/part-"), drawn(20, 40).cast("string"), F.lit(".jsonl.gz")),
        "line_number": number + 1,
    }
    columns = [known[column.name].cast(column.type).alias(column.name) for column in EVENTS.columns]
    return spark.range(0, rows, 1, 2 * DAYS).select(*columns)


def verdict(rows: DataFrame) -> tuple[int | None, ...]:
    """What a task asks of the rows that it has staged."""
    last_day = FIRST + timedelta(days=DAYS - 1)
    columns = states.kept(EVENTS, watch_of(EVENTS.name))
    said = judged(rows, ASKED, states.along(EVENTS, columns, last_day))
    found = states.rows_of(said.groups, columns, [FIRST + timedelta(days=n) for n in range(DAYS)])
    repeated = sum(not finding.is_met for finding in said.findings)
    return said.rows, *(sum(int(one["value_sum"]) for one in found if one["column_name"] == name) for name in NUMBERS), repeated


NUMBERS = ("unit_price_minor", "quantity")


def by_hand(rows: DataFrame, query: str) -> tuple[int | None, ...]:
    """What a query by hand finds."""
    rows.createOrReplaceTempView("events")
    found = rows.sparkSession.sql(query).collect()
    if query == KEY:
        return None, None, None, int(found[0][0])
    sums = (sum(row[name] for row in found) for name in ("row_count", "price_sum", "quantity_sum"))
    return *sums, found[0]["repeated_keys"] if query == BY_HAND else None


WAYS: Mapping[str, Callable[[DataFrame], tuple[int | None, ...]]] = {
    VERDICT: verdict,
    BY_HAND_NAME: lambda rows: by_hand(rows, BY_HAND),
    NO_KEY_NAME: lambda rows: by_hand(rows, NO_KEY.replace("{more}", "")),
    KEY_NAME: lambda rows: by_hand(rows, KEY),
}


def asked(rows: DataFrame, way: str, label: str) -> Asked:
    """Ask once; jobs and stages are those that Spark ran for it."""
    context = rows.sparkSession.sparkContext
    context.setJobGroup(label, label)
    began = time.monotonic()
    found = WAYS[way](rows)
    seconds = time.monotonic() - began
    tracker = context.statusTracker()
    jobs = [tracker.getJobInfo(number) for number in tracker.getJobIdsForGroup(label)]
    stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
    return Asked(seconds, len(jobs), sum(bool(stage and stage.numCompletedTasks) for stage in stages), found)


def session(memory: str) -> SparkSession:
    """A session as a task has one, as far as its queries go; no catalog."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("JAVA_HOME", str(java.home(java.require())))
    builder = SparkSession.builder.master("local[2]").appName("quality cost").config("spark.driver.memory", memory)
    conf = {"spark.sql.session.timeZone": "UTC", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    for name, value in (conf | {"spark.sql.shuffle.partitions": "4", "spark.sql.codegen.cache.maxEntries": "5000"}).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def same(rounds: Sequence[Mapping[str, Asked]]) -> bool:
    """Whether both have found the same numbers, and no key twice, in every round."""
    return all(one[VERDICT].found == one[BY_HAND_NAME].found and one[VERDICT].found[-1] == 0 for one in rounds)


def ratios(rounds: Sequence[Mapping[str, Asked]], rival: str) -> list[float]:
    """How many times as long as a rival the verdict took, round by round."""
    return [one[VERDICT].seconds / one[rival].seconds for one in rounds]


def claims(rounds: Sequence[Mapping[str, Asked]], margin: float = 1.0) -> dict[str, bool]:
    """What docs/performance.md says of the verdict, and whether it holds; the ratio may be lost by the factor ``margin``."""
    most = MOST * margin
    return {
        f"the verdict takes at most {most:.1f} times as long as the SELECT by hand": median(ratios(rounds, BY_HAND_NAME)) <= most,
        f"it asks Spark for at most {MOST_JOBS} jobs": all(one[VERDICT].jobs <= MOST_JOBS for one in rounds),
        "both find the same numbers": same(rounds),
    }


def page(count: int, rounds: Sequence[Mapping[str, Asked]], held: Mapping[str, bool]) -> str:
    """Markdown: seconds, jobs and stages of each way, the ratios, the claims."""
    lines = [
        "# The verdict on a table",
        "",
        f"`python -m benchmarks.quality_cost --rows {count} --rounds {len(rounds)}`: {count:,} rows of silver.events on {DAYS} days, "
        f"{len(ASKED.expectations)} expectations, states of {len(states.kept(EVENTS, watch_of(EVENTS.name)))} columns a day, two cores.",
        "",
        "| | seconds: least, median | jobs | stages | the verdict's ratio to it: least, median |",
        "|---|---|--:|--:|---|",
    ]
    for way, first in rounds[0].items():
        seconds, found = [one[way].seconds for one in rounds], ratios(rounds, way)
        ratio = "" if way == VERDICT else f"{min(found):.2f}, {median(found):.2f}"
        lines.append(f"| {way} | {min(seconds):.1f}, {median(seconds):.1f} | {first.jobs} | {first.stages} | {ratio} |")
    lines += ["", *(f"- {'holds' if holds else 'DOES NOT HOLD'}: {claim}" for claim, holds in held.items())]
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the table where it is not there yet, warm up, run the rounds, write the page, hold the claims to the figures."""
    parser: Any = argparse.ArgumentParser(prog="python -m benchmarks.quality_cost", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", default="4g", help="of the driver, which does the work")
    parser.add_argument("--margin", type=float, default=1.0, help="factor by which the ratio may be lost, for small rounds")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "quality_cost.md", help="where the page goes")
    options = parser.parse_args(arguments)
    place = StackSettings.from_environment().local_dir / "benchmarks" / f"events-{options.rows}"
    spark = session(options.memory)
    spark.sparkContext.setLogLevel("ERROR")
    if not (place / "_SUCCESS").exists():
        made(spark, options.rows).write.mode("overwrite").parquet(str(place))
    rows = spark.read.parquet(str(place))
    rounds: list[dict[str, Asked]] = []
    for number in range(options.rounds + 1):
        rounds.append({way: asked(rows, way, f"{way} {number}") for way in WAYS})
        print({way: round(one.seconds, 1) for way, one in rounds[-1].items()}, flush=True)
    measured = rounds[1:]
    held = claims(measured, options.margin)
    found = page(options.rows, measured, held)
    options.to.write_text(found, encoding="utf-8")
    print(found)
    spark.stop()
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
