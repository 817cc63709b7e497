"""``python -m benchmarks.shops_by_time --data FOLDER``: every model on the logs of two real shops, split by time, with intervals.

``FOLDER`` holds ``alibaba2014/events.csv.gz`` and ``retailrocket/events.csv.gz`` in their original columns. The first three quarters of the
lines, by time, are learnt from, with the event weights of ``jobs/recommender/weights.py`` and log(1 + weight). Right is an item that a user
bought, put into the cart or marked as a favourite afterwards and had not touched before. Writes ``benchmarks/shops_by_time.md``, which says
of each model whether it is surely better than popularity; exit 1 when popularity is not among them.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from benchmarks.movielens import as_rows, table_of
from jobs.recommender import plain_files
from jobs.recommender.__main__ import local_session
from jobs.recommender.comparison import Comparison, compare
from jobs.recommender.family import TRAINERS
from jobs.recommender.weights import EVENT_WEIGHTS
from stack.settings import CHECKOUT

SHARE, SEED, K = 0.75, 17, 10
WANTED = ("add_to_wishlist", "add_to_cart", "purchase")


@dataclass(frozen=True)
class Shop:
    """One log: its file below the folder, and how its lines become ``user_id, item_id, event_type, timestamp`` (seconds)."""

    name: str
    file: str
    as_events: Callable[[pd.DataFrame], pd.DataFrame]


def _alibaba2014(lines: pd.DataFrame) -> pd.DataFrame:
    day = pd.to_datetime("2013-" + lines["visit_datetime"], format="%Y-%m-%d")
    kinds = lines["type"].map({"0": "view_item", "1": "purchase", "2": "add_to_wishlist", "3": "add_to_cart"})
    return pd.DataFrame(
        {"user_id": lines["user_id"], "item_id": lines["brand_id"], "event_type": kinds, "timestamp": day.astype("int64") // 10**9}
    )


def _retailrocket(lines: pd.DataFrame) -> pd.DataFrame:
    kinds = lines["event"].map({"view": "view_item", "addtocart": "add_to_cart", "transaction": "purchase"})
    seconds = lines["timestamp"].astype("int64") // 1000
    return pd.DataFrame({"user_id": lines["visitorid"], "item_id": lines["itemid"], "event_type": kinds, "timestamp": seconds})


SHOPS = (
    Shop("alibaba2014", "alibaba2014/events.csv.gz", _alibaba2014),
    Shop("retailrocket", "retailrocket/events.csv.gz", _retailrocket),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare on each shop and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shops_by_time", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--models", nargs="+", choices=sorted(TRAINERS), default=sorted(TRAINERS), metavar="MODEL")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "shops_by_time.md", help="where the page goes")
    options = parser.parse_args(arguments)
    found: dict[str, Comparison] = {}
    with tempfile.TemporaryDirectory(prefix="tradewind-shops-") as scratch:
        spark = local_session(scratch)
        for shop in SHOPS:
            events = shop.as_events(pd.read_csv(options.data / shop.file, dtype=str))
            found[shop.name] = judged(spark, events, options.models)
        spark.stop()
    page = as_page(found)
    options.to.write_text(page, encoding="utf-8")
    print(page)
    return 0 if all(any(row.name == "popularity" for row in as_rows(one)) for one in found.values()) else 1


def judged(spark: SparkSession, events: pd.DataFrame, models: Sequence[str]) -> Comparison:
    """Every model on one shop: learnt from what lies before the cut, judged by what was wanted after it."""
    boundary = events["timestamp"].sort_values(ignore_index=True)[int(SHARE * len(events))]
    weighed = events.assign(weight=events["event_type"].map(EVENT_WEIGHTS).astype(np.float64))
    train, after = weighed[weighed["timestamp"] < boundary], weighed[weighed["timestamp"] >= boundary]
    lines = spark.createDataFrame(train[["user_id", "item_id", "weight", "timestamp"]])
    lines = lines.selectExpr("user_id", "item_id", "weight", "timestamp_seconds(timestamp) AS last_at")
    signals = plain_files.signals(lines).withColumn("weight", F.log1p("weight"))
    test = spark.createDataFrame(after.loc[after["event_type"].isin(WANTED), ["user_id", "item_id"]])
    return compare(signals, test, [TRAINERS[name] for name in models], k=K, seed=SEED, tell=lambda line: print(line, file=sys.stderr))


def as_page(found: Mapping[str, Comparison]) -> str:
    """The page, as Markdown."""
    lines = [
        "# Two real shops, by time",
        "",
        "`python -m benchmarks.shops_by_time --data FOLDER`: every model with the parameters of `jobs/recommender/family.py`;",
        "right is what a user wanted (bought, into the cart, favourite) in the last quarter of the log and had not touched before.",
        "",
    ]
    for name, one in found.items():
        rows = [row for row in as_rows(one) if row.name != "popularity"]
        better = [row.name for row in rows if row.ahead.low > 0]
        worse = [row.name for row in rows if row.ahead.high < 0]
        lines += [
            f"## {name}",
            "",
            f"{one.counts.users} users, {one.counts.cold_users} of them without an earlier event; {one.counts.relevant_pairs} right pairs;"
            f" {one.counts.cold_items} of the {one.counts.relevant_items} right items had nobody before.",
            "",
            *table_of(one),
            "",
            f"Surely better than popularity (lower bound above zero): {', '.join(better) or 'none'}."
            f" Surely worse: {', '.join(worse) or 'none'}. Of the others this log cannot tell.",
            "",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
