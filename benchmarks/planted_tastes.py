"""``python -m benchmarks.planted_tastes [--users 2000]``: what was planted in the synthetic shop, and which model finds it again.

*Tastes*: a user likes two categories of twelve. Measured: of the first ten places, without what the user has touched, the share that
lies in these two, over users with five items or more. *Bundles*: who puts the first item of a pair into the cart adds the second in 55
of 100 cases. Measured: for somebody who has touched only the first, whether the second is among the first five of 500. Writes
``benchmarks/planted_tastes.md``; exit 1 when a personal model is not surely closer to the planted tastes than popularity, or none of the
models of pairs finds most bundles.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.frames_of_days import SETTINGS, generated, session
from jobs.estimate import Estimate
from jobs.gold import interactions
from jobs.privacy import pseudonym
from jobs.recommender.bootstrap import estimates
from jobs.recommender.chain import Chain
from jobs.recommender.family import TRAINERS
from jobs.recommender.histories import Histories, places
from jobs.recommender.ranker import NOTHING, Ranker
from jobs.recommender.slates import best
from jobs.recommender.weights import Weighting, signals
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES
from jobs.sources.source import load
from jobs.sources.synthetic.answers import PREFIX
from jobs.sources.synthetic.catalogue import catalogue_of, item_id
from jobs.sources.synthetic.shop import Shop
from jobs.sources.synthetic.vocabulary import CATEGORIES, CLUSTERS
from stack.settings import CHECKOUT

LAST, DAYS, ITEMS = date(2026, 6, 30), 35, 500
LEAST_ITEMS, K, NEAR = 5, 10, 5
OF_PAIRS = ("rules", "markov", "item_neighbours", "ease")
"""Models that are made of pairs of items: at least one must find most bundles."""
WEIGHTING = Weighting(half_life_days=90.0)


@dataclass(frozen=True)
class Found:
    """A model's share of places in the planted categories, what it is ahead of popularity by, and the share of bundles that it finds."""

    name: str
    in_taste: Estimate
    ahead: Estimate
    bundles: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate the shop, fit every model, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_tastes", description=__doc__)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=sorted(TRAINERS), default=sorted(TRAINERS), metavar="MODEL")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "planted_tastes.md", help="where the page goes")
    options = parser.parse_args(arguments)
    shop = Shop(users=options.users, items=ITEMS, days=DAYS, seed=options.seed, last_day=LAST)
    with tempfile.TemporaryDirectory(prefix="tradewind-tastes-") as folder:
        spark = session()
        spark.sparkContext.setCheckpointDir(f"{folder}/checkpoints")
        known, liked = planted(spark, shop, Path(folder))
        rows = found(shop, known, liked, [*(name for name in options.models if name != "popularity"), "popularity"])
        spark.stop()
    page = as_page(shop, rows)
    options.to.write_text(page, encoding="utf-8")
    print(page)
    are_closer = all(row.ahead.low > 0 for row in rows if row.name != "popularity")
    return 0 if are_closer and max((row.bundles for row in rows if row.name in OF_PAIRS), default=1.0) > 0.5 else 1


def planted(spark: SparkSession, shop: Shop, folder: Path) -> tuple[DataFrame, dict[str, frozenset[str]]]:
    """The shop's signals, and of each user the two categories that were planted."""
    frames = generated(spark, shop, load("synthetic"), folder)
    known = signals(interactions.build(frames[EVENTS.name], frames[ORDER_LINES.name]), WEIGHTING, LAST).persist()
    users = pq.read_table(folder / PREFIX / "users", columns=["user_id", "taste_cluster"]).to_pylist()
    liked = {
        pseudonym(user["user_id"], "user", SETTINGS.pseudonym_key): frozenset(CLUSTERS[user["taste_cluster"]])
        for user in users
        if user["taste_cluster"]
    }
    known.count()
    return known, liked


def found(shop: Shop, known: DataFrame, liked: Mapping[str, frozenset[str]], models: Sequence[str]) -> list[Found]:
    """Every model, the best first."""
    catalogue = catalogue_of(shop)
    category_of = {item_id(number): CATEGORIES[category].category_id for number, category in enumerate(catalogue.category)}
    pairs = [(item_id(a), item_id(b)) for a, b in sorted(catalogue.bundles.items())]
    sat = known.groupBy("user_id").count().where(F.col("count") >= LEAST_ITEMS).select("user_id").persist()
    shares, of_bundles = {}, {}
    for name in models:
        ranker = TRAINERS[name].fit(known)
        lists = Chain((ranker,), known).recommend(sat, K, known, known.select("item_id").distinct()).toPandas()
        shares[name] = in_taste(lists, category_of, liked)
        of_bundles[name] = float(np.mean([is_near(ranker, first, second) for first, second in pairs]))
        print(f"{name}: {shares[name].mean():.3f} of the places, {of_bundles[name]:.2f} of {len(pairs)} bundles", file=sys.stderr)
    rows = []
    for name in models:
        both = pd.concat([shares[name], shares["popularity"]], axis=1, keys=["ours", "theirs"]).fillna(0.0)
        figures = np.stack([both["ours"], both["ours"] - both["theirs"]], axis=1)
        share, ahead = estimates(figures, seed=17)
        rows.append(Found(name, share, ahead, of_bundles[name]))
    return sorted(rows, key=lambda row: -row.in_taste.mean)


def in_taste(lists: pd.DataFrame, category_of: Mapping[str, str], liked: Mapping[str, frozenset[str]]) -> pd.Series:
    """Of each planted user the share of ``K`` places that lies in the planted categories; an empty place is a miss."""
    mine = lists[lists["user_id"].isin(liked)]
    hit = [category_of.get(item, "") in liked[user] for user, item in zip(mine["user_id"], mine["item_id"], strict=True)]
    return pd.Series(hit, index=mine["user_id"], dtype="float64").groupby(level=0).sum() / K


def is_near(ranker: Ranker, first: str, second: str) -> bool:
    """Whether ``second`` is among the ``NEAR`` best for somebody who has touched ``first`` alone."""
    batch = pa.RecordBatch.from_pydict({"user_id": ["u"], "items": [[first]], "weights": [[1.0]], "times": [[0]]})
    scores = ranker.scores(Histories.of_batch(batch, ranker.item_ids))
    own = places(pa.array([first]), ranker.item_ids)
    scores[:, own[own >= 0]] = NOTHING
    found = best(scores, NEAR)
    return second in ranker.item_ids.take(pa.array(found.positions[found.given])).to_pylist()


def as_page(shop: Shop, rows: Sequence[Found]) -> str:
    """The page, as Markdown."""
    return "\n".join(
        [
            "# What was planted, and who finds it",
            "",
            f"`python -m benchmarks.planted_tastes --users {shop.users} --seed {shop.seed}`: {shop.items} items, {shop.days} days.",
            f"Places: of the first {K}, the share in the two categories that were planted; by chance about a sixth lies there.",
            f"Bundles: share of the pairs whose second item is among the first {NEAR} for who has touched the first alone.",
            "",
            "| model | places in the planted taste | ahead of popularity | bundles found |",
            "| --- | ---: | ---: | ---: |",
            *[f"| {row.name} | {row.in_taste} | {row.ahead.signed()} | {row.bundles:.0%} |" for row in rows],
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
