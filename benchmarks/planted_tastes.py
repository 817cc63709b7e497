"""``python -m benchmarks.planted_tastes [--users 2000]``: what was planted in the synthetic shop, and which model finds it again.

*Tastes*: a user likes two categories of fourteen. Measured: of the first ten places, without what the user has touched, the share that
lies in these two, over users with five items or more. *Brands*: a user likes three of sixteen, whatever the taste; measured likewise.
*Bundles*: who puts the first item of a pair into the cart adds the second in 55 of 100 cases. Measured: for somebody who has touched only
the first, whether the second is among the first five of 500. *Steps*: who has looked at the first looks at the second next in half the
cases, never the other way round. Measured likewise, in both directions. *New items*: items that nobody has touched are the only
candidates; which of them does the content model show to whom?

Writes ``benchmarks/planted_tastes.md``; exit 1 when a personal model is not surely closer to the planted tastes than popularity, none of
the models of pairs finds most bundles, none of the models of order finds most steps and at most half as many backwards, or content
is not surely closer to the planted brands than popularity, or chance with new items.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from jobs.recommender.family import NAMES, TRAINERS, chosen
from jobs.recommender.histories import Histories, places
from jobs.recommender.models.content import ContentTrainer
from jobs.recommender.ranker import NOTHING, Ranker, Trainer
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
LEAST_ITEMS, K, NEAR, NEW_PLACES = 5, 10, 5, 5
OF_PAIRS = ("rules", "markov", "item_neighbours", "ease")
"""Models that are made of pairs of items: at least one must find most bundles."""
OF_ORDER = ("markov", "sasrec")
"""Models that know what came after what: at least one must find most steps, forwards."""
EVERY_NEW = 10
"""One item of so many is new to the model in the measurement of new items."""
WEIGHTING = Weighting(half_life_days=90.0)


@dataclass(frozen=True)
class Found:
    """A model's shares of places in the planted categories and brands, what it is ahead of popularity by, and the pairs that it finds."""

    name: str
    in_taste: Estimate
    ahead: Estimate
    in_brands: Estimate
    ahead_in_brands: Estimate
    bundles: float
    steps: float
    backwards: float


@dataclass(frozen=True)
class Planted:
    """What is true of a user's liking, by what is true of an item: pseudonym -> liked, item -> its own."""

    liked: Mapping[str, frozenset[str]]
    own: Mapping[str, str]

    def share(self, lists: pd.DataFrame, places: int = K) -> pd.Series:
        """Of each planted user the share of ``places`` with what is liked; an empty place is a miss."""
        mine = lists[lists["user_id"].isin(self.liked)]
        hit = [self.own.get(item, "") in self.liked[user] for user, item in zip(mine["user_id"], mine["item_id"], strict=True)]
        return pd.Series(hit, index=mine["user_id"], dtype="float64").groupby(level=0).sum() / places

    @property
    def by_chance(self) -> float:
        """The share that a draw from all items would have, over the users."""
        owns = pd.Series(self.own).value_counts(normalize=True)
        return float(np.mean([owns.reindex(sorted(liked)).fillna(0.0).sum() for liked in self.liked.values()]))


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate the shop, fit every model, write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted_tastes", description=__doc__)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--models", nargs="+", choices=NAMES, default=None, metavar="MODEL")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "planted_tastes.md", help="where the page goes")
    options = parser.parse_args(arguments)
    shop = Shop(users=options.users, items=ITEMS, days=DAYS, seed=options.seed, last_day=LAST)
    with tempfile.TemporaryDirectory(prefix="tradewind-tastes-") as folder:
        spark = session()
        spark.sparkContext.setCheckpointDir(f"{folder}/checkpoints")
        known, tastes, brands = planted(spark, shop, Path(folder))
        trainers = {trainer.name: trainer for trainer in chosen(options.models, items_of(shop))} | {"popularity": TRAINERS["popularity"]}
        rows = found(shop, known, (tastes, brands), trainers.values())
        new = of_new_items(shop, known, (tastes, brands))
        spark.stop()
    page = as_page(shop, rows, new, (tastes, brands))
    options.to.write_text(page, encoding="utf-8")
    print(page)
    failed = list(failures(rows, new, (tastes, brands)))
    for failure in failed:
        print(f"error: {failure}", file=sys.stderr)
    return 1 if failed else 0


def failures(rows: Sequence[Found], new: Sequence[Estimate], planted: tuple[Planted, Planted]) -> Iterator[str]:
    """What should have been found and was not, in words."""
    by_name = {row.name: row for row in rows}
    for row in rows:
        if row.name != "popularity" and row.ahead.low <= 0:
            yield f"{row.name} is not surely closer to the tastes than popularity: {row.ahead.signed()}"
    pairs = [by_name[name] for name in OF_PAIRS if name in by_name]
    if pairs and max(row.bundles for row in pairs) <= 0.5:
        yield "no model of pairs finds most bundles"
    ordered = [by_name[name] for name in OF_ORDER if name in by_name]
    if ordered and not any(row.steps > 0.5 and row.backwards <= row.steps / 2 for row in ordered):
        yield "no model of order finds most steps, forwards"
    if "content" in by_name and by_name["content"].ahead_in_brands.low <= 0:
        yield f"content is not surely closer to the brands than popularity: {by_name['content'].ahead_in_brands.signed()}"
    for share, what, name in zip(new, planted, ("tastes", "brands"), strict=True):
        if share.low <= what.by_chance:
            yield f"content with new items is not surely closer to the {name} than chance: {share}"


def planted(spark: SparkSession, shop: Shop, folder: Path) -> tuple[DataFrame, Planted, Planted]:
    """The shop's signals, and of each user the categories and the brands that were planted."""
    frames = generated(spark, shop, load("synthetic"), folder)
    known = signals(interactions.build(frames[EVENTS.name], frames[ORDER_LINES.name]), WEIGHTING, LAST).persist()
    users = pq.read_table(folder / PREFIX / "users", columns=["user_id", "taste_cluster", "liked_brands"]).to_pylist()
    people = [(pseudonym(user["user_id"], "user", SETTINGS.pseudonym_key), user) for user in users if user["taste_cluster"]]
    items = items_of(shop).to_pylist()
    known.count()
    liked = {name: frozenset(CLUSTERS[user["taste_cluster"]]) for name, user in people}
    brands = {name: frozenset(user["liked_brands"]) for name, user in people}
    return (
        known,
        Planted(liked, {item["item_id"]: item["category_id"] for item in items}),
        Planted(brands, {item["item_id"]: item["brand"] for item in items}),
    )


def items_of(shop: Shop) -> pa.Table:
    """What the catalogue says of every item."""
    catalogue = catalogue_of(shop)
    return pa.table(
        {
            "item_id": [item_id(number) for number in range(shop.items)],
            "name": catalogue.names,
            "category_id": [CATEGORIES[category].category_id for category in catalogue.category],
            "brand": catalogue.brands,
        }
    )


def found(shop: Shop, known: DataFrame, planted: tuple[Planted, Planted], trainers: Iterable[Trainer]) -> list[Found]:
    """Every model, the best first."""
    catalogue = catalogue_of(shop)
    bundles, steps = ([(item_id(a), item_id(b)) for a, b in sorted(pairs.items())] for pairs in (catalogue.bundles, catalogue.steps))
    sat = those_who_sat(known)
    shares: dict[str, tuple[pd.Series, ...]] = {}
    pairs_of: dict[str, tuple[float, float, float]] = {}
    for trainer in trainers:
        name, ranker = trainer.name, trainer.fit(known)
        lists = Chain((ranker,), known).recommend(sat, K, known, known.select("item_id").distinct()).toPandas()
        shares[name] = tuple(what.share(lists) for what in planted)
        turned = [(b, a) for a, b in steps]
        pairs_of[name] = (near_share(ranker, bundles), near_share(ranker, steps), near_share(ranker, turned))
        means = ", ".join(f"{share.mean():.3f}" for share in shares[name])
        print(f"{name}: {means} of the places, of pairs " + ", ".join(f"{share:.2f}" for share in pairs_of[name]), file=sys.stderr)
    rows = []
    for name, ours_of in shares.items():
        figures: list[Estimate] = []
        for ours, theirs in zip(ours_of, shares["popularity"], strict=True):
            both = pd.concat([ours, theirs], axis=1, keys=["ours", "theirs"]).fillna(0.0)
            figures += estimates(np.stack([both["ours"], both["ours"] - both["theirs"]], axis=1), seed=17)
        in_taste, ahead, in_brands, ahead_in_brands = figures
        rows.append(Found(name, in_taste, ahead, in_brands, ahead_in_brands, *pairs_of[name]))
    return sorted(rows, key=lambda row: -row.in_taste.mean)


def of_new_items(shop: Shop, known: DataFrame, planted: tuple[Planted, Planted]) -> list[Estimate]:
    """The shares of the content model's first places among items that it has never seen touched: in the planted categories, and brands."""
    new = [item_id(number) for number in range(shop.items) if number % EVERY_NEW == 3]
    old = known.where(~F.col("item_id").isin(new))
    ranker = ContentTrainer(items_of(shop)).fit(old)
    candidates = known.where(F.col("item_id").isin(new)).select("item_id").distinct()
    lists = Chain((ranker,), old).recommend(those_who_sat(old), NEW_PLACES, old, candidates).toPandas()
    return [estimates(what.share(lists, NEW_PLACES).to_numpy()[:, None], seed=17)[0] for what in planted]


def those_who_sat(known: DataFrame) -> DataFrame:
    """Users with enough items to be judged by."""
    return known.groupBy("user_id").count().where(F.col("count") >= LEAST_ITEMS).select("user_id").persist()


def near_share(ranker: Ranker, pairs: Sequence[tuple[str, str]]) -> float:
    """Share of pairs whose second item is near who has touched the first alone."""
    return float(np.mean([is_near(ranker, first, second) for first, second in pairs]))


def is_near(ranker: Ranker, first: str, second: str) -> bool:
    """Whether ``second`` is among the ``NEAR`` best for somebody who has touched ``first`` alone."""
    batch = pa.RecordBatch.from_pydict({"user_id": ["u"], "items": [[first]], "weights": [[1.0]], "times": [[0]]})
    scores = ranker.scores(Histories.of_batch(batch, ranker.item_ids))
    own = places(pa.array([first]), ranker.item_ids)
    scores[:, own[own >= 0]] = NOTHING
    found = best(scores, NEAR)
    return second in ranker.item_ids.take(pa.array(found.positions[found.given])).to_pylist()


def as_page(shop: Shop, rows: Sequence[Found], new: Sequence[Estimate], planted: tuple[Planted, Planted]) -> str:
    """The page, as Markdown."""
    tastes, brands = (what.by_chance for what in planted)
    return "\n".join(
        [
            "# What was planted, and who finds it",
            "",
            f"`python -m benchmarks.planted_tastes --users {shop.users} --seed {shop.seed}`: {shop.items} items, {shop.days} days.",
            f"Taste: of the first {K} places, the share in the two categories that were planted; {tastes:.3f} of all items are.",
            f"Brands: the share of the three brands that were planted, whatever the taste; {brands:.3f} of all items are. What a user has",
            "touched is left out, and that is mostly of these brands: only what knows brands shows more of them than popularity does.",
            f"Bundles, steps: share of the pairs whose second item is among the first {NEAR} for who has touched the first alone;",
            "backwards: the first for who has touched the second, to which nothing leads.",
            "",
            "| model | taste | ahead of popularity | brands | ahead of popularity | bundles | steps | backwards |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
            *[
                f"| {row.name} | {row.in_taste} | {row.ahead.signed()} | {row.in_brands} | {row.ahead_in_brands.signed()} "
                f"| {row.bundles:.0%} | {row.steps:.0%} | {row.backwards:.0%} |"
                for row in rows
            ],
            "",
            f"Where nobody has touched any of the candidates, {shop.items // EVERY_NEW} new items, of the first {NEW_PLACES} places of",
            f"`content` {new[0]} are of the planted taste, {new[1]} of the planted brands.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
