"""``python -m benchmarks.profiles [--users 1000000] [--events 100]``: what a day's profiles cost by user, for a small shop and a large one.

A made shop in the columns of silver: each user has as many events on average, some users far more than others (a thousandth of the users
does a tenth of it all), over 365 days; one event in fifteen is an order line with a price. Measured are the profiles of a day, table by
table, each read from files and written to files as the tables are: features of users and of items, a model of segments from the sample that
a training draws, segments, profiles, changes since the day before, tags. The small shop has 2,000 users and comes twice: first to warm the
session up. The claim: a user of the large shop costs no more than one of the small shop.

Writes ``benchmarks/profiles.md``; exit 1 where the claim does not hold.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from benchmarks.frames_of_days import SETTINGS
from benchmarks.measuring import session, timed
from benchmarks.process_tree import watched
from jobs.gold import item_features, membership_changes, segment_profiles, tag_sizes, user_features, user_segments, user_tags
from jobs.segmentation import sample
from jobs.segmentation.sample import SEED
from jobs.segmentation.served_segments import SegmentModel
from jobs.segmentation.training import SEARCH, fit
from stack.settings import CHECKOUT

LAST, DAYS = date(2026, 6, 30), 365
SMALL = 2_000
CATEGORIES = 200
ORDERED = 15
"""One event in so many is an order line."""

TYPES = ("view_item_list", "select_item", "view_item", "view_item", "view_item", "view_item", "add_to_cart", "add_to_wishlist")


@dataclass
class Run:
    """Seconds a table of one shop."""

    users: int
    events: int
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def whole(self) -> float:
        """Seconds of all tables."""
        return sum(self.seconds.values())


def chance(number: int) -> Column:
    """A number in [0, 1) that follows from a row's id: the same for any partitioning."""
    return F.pmod(F.xxhash64("id", F.lit(number)), F.lit(1_000_003)) / F.lit(1_000_003.0)


def made(spark: SparkSession, users: int, events: int, folder: Path) -> Mapping[str, DataFrame]:
    """The shop as files: events, order lines, and what was said of the items."""
    items = max(200, users // 20)
    rows = spark.range(users * events, numPartitions=max(2, users * events // 2_000_000))
    who = F.floor(F.lit(users) * F.pow(chance(1), F.lit(1.5))).cast("bigint")
    what = F.floor(F.lit(items) * F.pow(chance(2), F.lit(2.0))).cast("bigint")
    at = F.timestamp_seconds(
        F.unix_seconds(F.to_timestamp(F.lit(str(LAST - timedelta(days=DAYS - 1))))) + F.floor(chance(3) * 86_400 * DAYS)
    )
    rows = rows.select(
        "id", F.concat(F.lit("u"), who).alias("user_id"), F.concat(F.lit("i"), what).alias("item_id"), at.alias("occurred_at")
    )
    rows = rows.withColumn("event_date", F.to_date("occurred_at")).withColumn(
        "channel", F.element_at(_words("search", "mail", "ads"), _pick(3, 4))
    )
    kinds = F.element_at(_words(*TYPES), _pick(len(TYPES), 5))
    common = ("user_id", "item_id", "channel", F.col("event_date").alias("landed_date"))
    seen = rows.where(F.col("id") % ORDERED > 0).select(
        *common, "occurred_at", "event_date", kinds.alias("event_type"), F.lit("second").alias("time_resolution"), _nothing("anonymous_id")
    )
    price = (F.floor(chance(6) * 9_000) + 500).cast("bigint")
    bought = rows.where(F.col("id") % ORDERED == 0).select(
        *common,
        F.concat(F.lit("o"), F.col("id")).alias("order_id"),
        F.when(chance(7) < 0.05, "refund").otherwise("sale").alias("kind"),
        (F.floor(chance(8) * 3) + 1).cast("int").alias("quantity"),
        price.alias("unit_price_minor"),
        F.when(chance(9) < 0.2, F.floor(price * 0.1)).cast("bigint").alias("discount_minor"),
        F.col("occurred_at").alias("ordered_at"),
        F.col("event_date").alias("ordered_date"),
    )
    first = F.lit(LAST - timedelta(days=DAYS))
    said = spark.range(items).select(
        F.concat(F.lit("i"), F.col("id")).alias("item_id"),
        F.concat(F.lit("c"), F.col("id") % CATEGORIES).alias("category_id"),
        F.concat(F.lit("b"), F.col("id") % 50).alias("brand"),
        (F.floor(chance(6) * 9_000) + 500).cast("bigint").alias("unit_price_minor"),
        F.expr("true").alias("is_on_sale"),
        first.alias("observed_date"),
        F.to_timestamp(first).alias("observed_at"),
        first.alias("landed_date"),
        F.lit("f").alias("source_file"),
        F.col("id").alias("line_number"),
    )
    return {name: _kept(frame, folder / name) for name, frame in (("events", seen), ("order_lines", bought), ("observations", said))}


def measured(spark: SparkSession, users: int, events: int, folder: Path) -> Run:
    """Make the shop, then make its tables and note the seconds of each."""
    shop, run = made(spark, users, events, folder), Run(users, users * events)
    silver = (shop["events"], shop["order_lines"], shop["observations"])

    def table(name: str, build: Callable[[], DataFrame]) -> DataFrame:
        with timed(run.seconds, name):
            found = _kept(build(), folder / name)
        Console(stderr=True).print(f"{users:,} users: {name} {run.seconds[name]:.1f} s")
        return found

    now = table("user_features", lambda: user_features.build(*silver, as_of=LAST))
    before = _kept(_day_before(now), folder / "before")
    table("item_features", lambda: item_features.build(*silver, as_of=LAST))
    weekly = dict[str, float]()
    with timed(weekly, "fit"):
        model: SegmentModel = fit(sample.draw(now, as_of=LAST, seed=SEED), as_of=LAST, seed=SEED, search=SEARCH).model
    earlier = _kept(user_segments.build(before, as_of=LAST - timedelta(days=1), model=model), folder / "segments_before")
    segments = table("user_segments", lambda: user_segments.build(now, as_of=LAST, model=model))
    table("segment_profiles", lambda: segment_profiles.build(now, segments, as_of=LAST, model=model))
    table("membership_changes", lambda: membership_changes.build(before.unionByName(now), earlier.unionByName(segments), as_of=LAST))
    acts = (shop["events"], shop["order_lines"])
    tagged = table("user_tags", lambda: user_tags.build(*acts, now, segments, as_of=LAST, settings=SETTINGS))
    table("tag_sizes", lambda: tag_sizes.build(now, tagged, as_of=LAST, settings=SETTINGS))
    Console(stderr=True).print(f"{users:,} users: the weekly fit of segments, not counted, {weekly['fit']:.1f} s")
    return run


def page(small: Run, large: Run, memory: Mapping[str, float]) -> str:
    """The seconds of both shops, by user, and the claim."""
    lines = [
        "# Profiles, segments and tags by user",
        "",
        f"`python -m benchmarks.profiles --users {large.users} --events {large.events // large.users}`, two cores: seconds of a day.",
        "",
        f"| table | {small.users:,} users, {small.events:,} events | {large.users:,} users, {large.events:,} events "
        "| ms a user, small | large |",
        "|---|--:|--:|--:|--:|",
    ]
    rows = [(name, small.seconds[name], seconds) for name, seconds in large.seconds.items()] + [("all", small.whole, large.whole)]
    lines += [
        f"| {name} | {few:.1f} | {many:.1f} | {1000 * few / small.users:.2f} | {1000 * many / large.users:.2f} |"
        for name, few, many in rows
    ]
    told = ", ".join(f"{what} {size / 1024:.1f}" for what, size in memory.items())
    holds = large.whole / large.users <= small.whole / small.users
    lines += [
        "",
        f"Most memory of the large shop, GB: {told}.",
        "",
        f"- {'holds' if holds else 'DOES NOT HOLD'}: a user of the large shop costs no more",
        "",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Both shops, the page, the claim."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiles", description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=100, help="a user, on average")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "profiles.md", help="where the page goes")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tradewind-profiles-") as scratch:
        spark = session(Path(scratch) / "spark", partitions=16)
        measured(spark, SMALL, options.events, Path(scratch) / "warm")
        small = measured(spark, SMALL, options.events, Path(scratch) / "small")
        with watched(os.getpid()) as peak:
            large = measured(spark, options.users, options.events, Path(scratch) / "large")
        memory = {"all": peak.whole, "driver": peak.jvm, "a task": peak.worker}
        spark.stop()
    found = page(small, large, memory)
    options.to.write_text(found, encoding="utf-8")
    print(found)
    return 0 if large.whole / large.users <= small.whole / small.users else 1


def _day_before(now: DataFrame) -> DataFrame:
    """Features as they might have been a day earlier, without what it costs to count them twice.

    One user in fifty is new today, and one in fifty came back today after two months.
    """
    lot = F.pmod(F.xxhash64("user_id"), F.lit(50))
    recency = F.when(lot == 1, F.col("recency_days") + 60).otherwise(F.col("recency_days")).alias("recency_days")
    columns = [
        {"as_of_date": F.lit(LAST - timedelta(days=1)).alias("as_of_date"), "recency_days": recency}.get(name, F.col(name))
        for name in now.columns
    ]
    return now.where(lot != 0).select(columns)


def _kept(frame: DataFrame, place: Path) -> DataFrame:
    frame.write.parquet(str(place))
    return frame.sparkSession.read.parquet(str(place))


def _words(*words: str) -> Column:
    return F.array(*[F.lit(word) for word in words])


def _pick(count: int, number: int) -> Column:
    return (F.floor(chance(number) * count) + 1).cast("int")


def _nothing(name: str) -> Column:
    return F.lit(None).cast("string").alias(name)


if __name__ == "__main__":
    sys.exit(main())
