"""Faults planted into a day of the synthetic shop, each caught on the day by the rule of its name; an undisturbed shop is silent.

``python -m benchmarks.planted_anomalies [--seeds 5] [--users 2000]``: for each seed, 36 days are generated and built into silver frames by
the steps' own functions, without a lake. All days are judged undisturbed; then each fault is planted into the last day and that day is
judged again. Exit 1 when a fault is missed or an undisturbed day raises an alarm. A shop of 600 users is too small for it: its usual bots
make up to 40 % of a day.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table as Shown

from benchmarks.frames_of_days import alarms, generated, recorded, session
from jobs.contract import Table
from jobs.gold import daily_item_stats
from jobs.gold.daily_item_stats import DAILY_ITEM_STATS
from jobs.quality.day_state import DayState
from jobs.quality.rules import Anomaly, judged
from jobs.quality.states import day_states
from jobs.quality.watches import watch_of
from jobs.silver.events import EVENTS, EVENTS_REJECTED
from jobs.silver.order_lines import ORDER_LINES, ORDER_LINES_REJECTED
from jobs.sources.source import Source, load
from jobs.sources.synthetic.catalogue import catalogue_of, item_id
from jobs.sources.synthetic.shop import Shop
from jobs.sources.synthetic.vocabulary import CATEGORIES

LAST = date(2026, 6, 30)
DAYS = 36


@dataclass(frozen=True)
class Fault:
    """What is done to the last day of a table, and the rule and subject that must name it."""

    name: str
    table: Table
    plant: Callable[[DataFrame], DataFrame]
    rule: str
    subject: str


def halved(events: DataFrame) -> DataFrame:
    """Every other event never came."""
    return events.where(F.crc32("event_id") % 2 == 0)


def storm(events: DataFrame) -> DataFrame:
    """Somebody new clicks as often as a third of all others."""
    bot = events.where(F.crc32("event_id") % 3 == 0).withColumn("event_id", F.concat("event_id", F.lit("b")))
    return events.unionByName(bot.withColumns({"anonymous_id": F.lit("b" * 32), "user_id": F.lit(None).cast("string")}))


def without_category(category: str) -> Callable[[DataFrame], DataFrame]:
    """Nothing happened to the items of a category."""
    return lambda stats: stats.where(~F.col("category_id").eqNullSafe(category))


def faults(category: str) -> tuple[Fault, ...]:
    """The five of the book, the price and the category each in one way."""
    return (
        Fault("half the events", EVENTS, halved, "volume", ""),
        Fault("user_id turns NULL", EVENTS, lambda e: e.withColumn("user_id", F.lit(None).cast("string")), "null_share", "user_id"),
        Fault(
            "prices in euros, not cents",
            EVENTS,
            lambda e: e.withColumn("unit_price_minor", (F.col("unit_price_minor") / 100).cast("bigint")),
            "mean_of",
            "unit_price_minor",
        ),
        Fault(
            "no add_to_cart", EVENTS, lambda e: e.where(F.col("event_type") != "add_to_cart"), "value_vanished", "event_type=add_to_cart"
        ),
        Fault(f"no {category}", DAILY_ITEM_STATS, without_category(category), "value_vanished", f"category_id={category}"),
        Fault("a storm of one bot", EVENTS, storm, "concentration", "visitor_id"),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant each fault for each seed and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_anomalies", description="Planted faults, and who catches them.")
    parser.add_argument("--seeds", type=int, default=5, help="shops (default: 5)")
    parser.add_argument("--users", type=int, default=2_000, help="users of each (default: 2000)")
    options = parser.parse_args(arguments)
    spark = session()
    shown = Shown("seed", "fault", "caught", "severity", "other findings")
    failed = 0
    for seed in range(1, options.seeds + 1):
        print(f"seed {seed} of {options.seeds}, {failed} failed so far", file=sys.stderr)
        for name, caught, severity, others in of_seed(spark, seed, options.users):
            failed += not caught
            shown.add_row(str(seed), name, "yes" if caught else "NO", severity, others)
        spark.catalog.clearCache()
    Console(width=160).print(shown)
    print(f"{failed} of {options.seeds * 7} failed")
    return 1 if failed else 0


def of_seed(spark: SparkSession, seed: int, users: int) -> Iterator[tuple[str, bool, str, str]]:
    """Fault, whether it went as it should, the severity, and what else was found."""
    source = load("synthetic")
    shop = Shop(users=users, items=500, days=DAYS, seed=seed, last_day=LAST)
    frames = frames_of(spark, shop, source)
    days = [shop.day(offset) for offset in range(DAYS)]
    tables = (EVENTS, EVENTS_REJECTED, ORDER_LINES, ORDER_LINES_REJECTED, DAILY_ITEM_STATS)
    history = day_states([row for table in tables for row in recorded(frames[table.name], table, days)])
    quiet = alarms(history, days)
    yield "none", not quiet, "", "; ".join(map(str, quiet))
    counts = history[DAILY_ITEM_STATS.name][LAST].columns["category_id"].values
    for fault in faults(max(counts, key=lambda value: (counts[value], value))):
        found = with_fault(fault, frames, history)
        mine = [one for one in found if (one.rule, one.subject) == (fault.rule, fault.subject)]
        others = ", ".join(f"{one.rule}({one.subject})" for one in found if one not in mine)
        yield fault.name, bool(mine), ", ".join(one.severity for one in mine), others


def with_fault(fault: Fault, frames: Mapping[str, DataFrame], history: Mapping[str, Mapping[date, DayState]]) -> list[Anomaly]:
    """What the rules of the fault's table find on the last day once the fault is in it."""
    last_day = frames[fault.table.name].where(F.col(str(fault.table.partitioned_by)) == F.lit(LAST))
    disturbed = day_states(recorded(fault.plant(last_day), fault.table, [LAST]))[fault.table.name]
    days = {**history, fault.table.name: {**history[fault.table.name], **disturbed}}
    return judged(watch_of(fault.table.name).rules, fault.table.name, LAST, days)


def frames_of(spark: SparkSession, shop: Shop, source: Source) -> dict[str, DataFrame]:
    """The shop's silver frames and its daily item statistics with categories, of the shop's own days."""
    with tempfile.TemporaryDirectory() as folder:
        frames = generated(spark, shop, source, Path(folder))
    first = F.lit(shop.first_day)
    frames[EVENTS.name] = frames[EVENTS.name].where(F.col("event_date").between(first, F.lit(LAST)))
    frames[ORDER_LINES.name] = frames[ORDER_LINES.name].where(F.col("ordered_date").between(first, F.lit(LAST)))
    categories = [(item_id(number), CATEGORIES[category].category_id) for number, category in enumerate(catalogue_of(shop).category)]
    catalogue = spark.createDataFrame(categories, "item_id string, category_id string")
    stats = daily_item_stats.build(frames[EVENTS.name], frames[ORDER_LINES.name])
    frames[DAILY_ITEM_STATS.name] = stats.join(F.broadcast(catalogue), "item_id", "left").cache()
    return frames


if __name__ == "__main__":
    sys.exit(main())
