"""``python -m benchmarks.als [--rounds 3]``: ALS in blocks beside Spark MLlib's and ``implicit``'s, on the same made shop.

A shop of 200 thousand users, 20 thousand items and 4.9 million pairs is drawn from planted tastes (40 of them, popularity and activity
by power laws), a part of it held out. In each round every contestant runs in a process of its own, one after the other, with two cores,
after a warm-up on a small part of the shop: rank 64, 10 iterations, alpha 10, then the 20 best items for everybody. Measured: seconds
from the file of pairs to fitted factors (``implicit``: from its matrix in memory), the objective of MLlib computed from the factors in
double precision, ndcg_at_10 of the held-out part without what was seen (20 thousand users, with an interval over them of the
difference), and the lists against all products for 300 users.

The blocks begin with ids that are text, MLlib with numbers. ``implicit`` has another regularisation (not scaled by the entries of a row),
so that its objective is not comparable. Writes ``benchmarks/als.md``; exit 1 where a claim of docs/performance.md does not hold.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import scipy.sparse as sp
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.measuring import CORES, session, timed
from benchmarks.process_tree import watched
from jobs.recommender.als.blocks import USERS, Extent, extent, name
from jobs.recommender.als.fit import Fitted, Settings, fit
from jobs.recommender.als.lists import lists, with_user_ids
from jobs.recommender.als.store import FolderStore
from jobs.recommender.ranker import NOTHING
from jobs.recommender.slates import best
from stack.settings import CHECKOUT, StackSettings

RANK, ITERATIONS, ALPHA, REGULARISATION, SEED, LENGTH = 64, 10, 10.0, 1.0, 17, 20
BLOCKS, MLLIB, IMPLICIT = "blocks", "mllib", "implicit"
CONTESTANTS = (BLOCKS, MLLIB, IMPLICIT)
TASTES, HELD_OUT_USERS, HELD_OUT_SHARE = 40, 0.4, 0.2
JUDGED, COMPARED = 20_000, 300
MEMORY = ("memory", "driver_memory", "task_memory")
LEAST = {"fit": 12.0, "lists": 15.0}
"""How many times faster than MLlib the blocks must be, in the median round."""

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """What a contestant's run has measured: figures by name, and ndcg_at_10 of each judged user, in the order of the users."""

    figures: Mapping[str, float]
    ndcgs: Sequence[float]


@dataclass(frozen=True)
class Shop:
    """Users x items, the counts of what they did: what is learnt from, and what is held out."""

    train: sp.csr_matrix
    test: sp.csr_matrix

    @classmethod
    def read(cls, folder: Path) -> "Shop":
        """What ``written`` has left."""
        return cls(sp.load_npz(folder / "train.npz"), sp.load_npz(folder / "test.npz"))


def drawn(users: int, items: int, pairs: int, seed: int = 7) -> Shop:
    """A shop whose tastes are planted: each event of a user is of one of the user's tastes, and of an item that this taste likes."""
    chance = np.random.default_rng(seed)
    liked = (np.arange(items) + 20.0) ** -0.8 * chance.lognormal(0, 3.0, size=(TASTES, items))
    liked = np.cumsum(liked / liked.sum(axis=1, keepdims=True), axis=1)
    tastes = chance.gamma(0.08, size=(users, TASTES)) + 1e-9
    tastes = np.cumsum(tastes / tastes.sum(axis=1, keepdims=True), axis=1)
    activity = chance.lognormal(0, 0.9, users)
    events = np.maximum(chance.poisson(activity / activity.mean() * pairs / users * 1.3), 2)
    user = np.repeat(np.arange(users), events)
    draw = chance.random(len(user))
    taste = np.concatenate(
        [(tastes[user[at : at + 250_000]] < draw[at : at + 250_000, None]).sum(axis=1) for at in range(0, len(user), 250_000)]
    )
    item = np.empty(len(user), np.int64)
    for one in range(TASTES):
        mine = np.flatnonzero(np.minimum(taste, TASTES - 1) == one)
        item[mine] = np.minimum(np.searchsorted(liked[one], chance.random(len(mine))), items - 1)
    counts = sp.csr_matrix((np.ones(len(user), np.float32), (user, chance.permutation(items)[item])), shape=(users, items))
    counts.sum_duplicates()
    rows = np.repeat(np.arange(users), np.diff(counts.indptr))
    is_held_out = (chance.random(users) < HELD_OUT_USERS)[rows] & (chance.random(counts.nnz) < HELD_OUT_SHARE)
    parts = [
        sp.csr_matrix((counts.data[kept], (rows[kept], counts.indices[kept])), shape=counts.shape) for kept in (~is_held_out, is_held_out)
    ]
    return Shop(*parts)


def written(shop: Shop, folder: Path) -> None:
    """The shop as files: matrices, and the pairs to learn from in an order of chance, in four files."""
    sp.save_npz(folder / "train.npz", shop.train, compressed=False)
    sp.save_npz(folder / "test.npz", shop.test, compressed=False)
    pairs = shop.train.tocoo()
    order = np.random.default_rng(1).permutation(pairs.nnz)
    table = pa.table({"user": pairs.row[order].astype(np.int32), "item": pairs.col[order].astype(np.int32), "rating": pairs.data[order]})
    for kind, columns in (("numbers", table), ("texts", as_texts(table))):
        (folder / kind).mkdir()
        for part, at in enumerate(range(0, len(table), -(-len(table) // 4))):
            pq.write_table(columns.slice(at, -(-len(table) // 4)), folder / kind / f"part-{part}.parquet")


def as_texts(table: pa.Table) -> pa.Table:
    """The same pairs as signals: ids that are text."""
    ids = []
    for column, letter in (("user", "u"), ("item", "i")):
        texts = pa.array([f"{letter}{number:07}" for number in range(pc.max(table[column]).as_py() + 1)])
        ids.append(texts.take(table[column]))
    return pa.table({"user_id": ids[0], "item_id": ids[1], "weight": table["rating"].cast(pa.float64())})


def objective(train: sp.csr_matrix, users: Matrix, items: Matrix) -> float:
    """What MLlib's implicit ALS minimises (the regularisation times the entries of each row), in double precision."""
    rows = np.repeat(np.arange(train.shape[0]), np.diff(train.indptr))
    total = float(((users.T @ users) * (items.T @ items)).sum())
    for at in range(0, train.nnz, 500_000):
        part = slice(at, at + 500_000)
        product = np.einsum("ij,ij->i", users[rows[part]], items[train.indices[part]])
        total += float(((1 + ALPHA * train.data[part]) * (1 - product) ** 2 - product**2).sum())
    counts = np.diff(train.indptr), np.bincount(train.indices, minlength=train.shape[1])
    return total + REGULARISATION * sum(float(count @ (side**2).sum(axis=1)) for count, side in zip(counts, (users, items), strict=True))


def ndcgs(shop: Shop, users: Matrix, items: Matrix, k: int = 10) -> list[float]:
    """Of the first ``JUDGED`` users with something held out, of lists without what they have."""
    judged = np.flatnonzero(np.diff(shop.test.indptr) > 0)[:JUDGED]
    gains = 1 / np.log2(np.arange(2, k + 2))
    found = []
    for at in range(0, len(judged), 500):
        mine = judged[at : at + 500]
        scores = users[mine] @ items.T
        scores[shop.train[mine].nonzero()] = NOTHING
        for row, listed in zip(mine, best(scores, k).positions, strict=True):
            wanted = shop.test.indices[shop.test.indptr[row] : shop.test.indptr[row + 1]]
            found.append(float((np.isin(listed, wanted) * gains).sum() / gains[: min(k, len(wanted))].sum()))
    return found


def blocks_run(data: Path, scratch: Path, seed: int) -> Found:
    """This project's: from text ids to factors and lists."""
    spark, found = session(scratch), dict[str, float]()
    signals = spark.read.parquet(str(data / "texts"))
    settings = Settings(RANK, REGULARISATION, ALPHA, ITERATIONS, seed)
    small = signals.limit(20_000)
    fit_and_list(spark, small, settings, FolderStore(scratch / "small"), {})
    store = FolderStore(scratch / "whole")
    known, fitted = fit_and_list(spark, signals, settings, store, found)
    with timed(found, "lists_with_ids"):
        with_user_ids(lists(spark, fitted, store, known, LENGTH), signals, known).write.parquet(str(scratch / "lists"))
    shop = Shop.read(data)
    users, items = in_order(signals, fitted, store, known, shop.train.shape)
    listed = spark.read.parquet(str(scratch / "lists")).where(f"user_id < 'u{COMPARED:07}'").collect()
    scores = users[:COMPARED] @ items.T
    scores[shop.train[:COMPARED].nonzero()] = NOTHING
    wanted = best(scores, LENGTH)
    same = {f"u{row:07}": [f"i{at:07}" for at in wanted.positions[row, : wanted.filled[row]]] for row in range(COMPARED)}
    found["exact_lists"] = sum(row["items"] == same[row["user_id"]] for row in listed) / len(listed)
    return Found(found | {"objective": objective(shop.train, users, items)}, ndcgs(shop, users, items))


def fit_and_list(
    spark: SparkSession, signals: DataFrame, settings: Settings, store: FolderStore, into: dict[str, float]
) -> tuple[Extent, Fitted]:
    """Fit, and make lists, noting the seconds."""
    pieces = FolderStore(store.folder / "pieces")
    with timed(into, "fit"):
        with timed(into, "look"):
            known = extent(signals, settings.alpha, pieces)
        fitted = fit(spark.sparkContext, known, pieces, settings, store, for_lists=True)
    with timed(into, "lists"):
        to_nowhere(lists(spark, fitted, store, known, LENGTH))
    return known, fitted


def in_order(signals: DataFrame, fitted: Fitted, store: FolderStore, known: Extent, shape: tuple[int, int]) -> tuple[Matrix, Matrix]:
    """Factors of users and items by their numbers; zeros for those without pairs."""
    rows, hashes = (
        np.concatenate([store.read(name(USERS, block, what)) for block in range(known.blocks)]) for what in (fitted.user_factors, "hashes")
    )
    ids = signals.select("user_id").distinct().select("user_id", F.xxhash64(F.lit(known.salt), "user_id").alias("hash")).toArrow()
    place = np.searchsorted(hashes, ids["hash"].to_numpy().view(np.uint64))
    users, items = (np.zeros((count, RANK)) for count in shape)
    users[numbers(ids["user_id"])] = rows[place, :RANK].astype(np.float64) @ fitted.user_turn
    items[numbers(fitted.item_ids)] = fitted.factors
    return users, items


def numbers(ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Of ids as ``as_texts`` writes them."""
    return np.array([int(one[1:]) for one in ids.to_pylist()])


def to_nowhere(frame: DataFrame) -> None:
    """Compute all of a frame and keep nothing."""
    frame.write.format("noop").mode("overwrite").save()


def mllib_run(data: Path, scratch: Path, seed: int) -> Found:
    """Spark MLlib's, as pip ships it: from numbers for ids to factors and lists."""
    from pyspark.ml.recommendation import ALS  # noqa: PLC0415  (the other contestants do without)

    spark, found = session(scratch), dict[str, float]()
    rows = spark.read.parquet(str(data / "numbers"))
    als = ALS(rank=RANK, maxIter=ITERATIONS, regParam=REGULARISATION, alpha=ALPHA, implicitPrefs=True, seed=seed, checkpointInterval=5)
    als = als.setNumBlocks(2 * CORES).setUserCol("user").setItemCol("item").setRatingCol("rating")
    als.copy({als.maxIter: 1}).fit(rows.limit(20_000)).recommendForAllUsers(LENGTH).count()
    with timed(found, "fit"):
        model = als.fit(rows)
        model.itemFactors.count()
        model.userFactors.count()
    with timed(found, "lists"):
        to_nowhere(model.recommendForAllUsers(LENGTH))
    shop = Shop.read(data)
    sides = []
    for frame, count in zip((model.userFactors, model.itemFactors), shop.train.shape, strict=True):
        table = frame.toArrow()
        side = np.zeros((count, RANK))
        side[table["id"].to_numpy()] = np.stack(table["features"].to_numpy())
        sides.append(side)
    return Found(found | {"objective": objective(shop.train, sides[0], sides[1])}, ndcgs(shop, sides[0], sides[1]))


def implicit_run(data: Path, scratch: Path, seed: int) -> Found:  # noqa: ARG001  (every contestant is called alike)
    """``implicit``'s conjugate gradients: from a matrix in memory to factors and lists without what was seen."""
    from implicit.als import AlternatingLeastSquares  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415

    found = dict[str, float]()
    shop = Shop.read(data)
    options = {"factors": RANK, "alpha": ALPHA, "regularization": 10.0, "use_gpu": False, "num_threads": CORES, "random_state": seed}
    with threadpool_limits(1, "blas"):
        AlternatingLeastSquares(iterations=1, **options).fit(shop.train[:1000], show_progress=False)
        model = AlternatingLeastSquares(iterations=ITERATIONS, **options)
        with timed(found, "fit"):
            model.fit(shop.train, show_progress=False)
        with timed(found, "lists"):
            model.recommend(np.arange(shop.train.shape[0]), shop.train, N=LENGTH, filter_already_liked_items=True)
    sides = [np.asarray(side, np.float64) for side in (model.user_factors, model.item_factors)]
    return Found(found | {"objective": objective(shop.train, sides[0], sides[1])}, ndcgs(shop, sides[0], sides[1]))


RUNS: Mapping[str, Callable[[Path, Path, int], Found]] = {BLOCKS: blocks_run, MLLIB: mllib_run, IMPLICIT: implicit_run}


def contested(data: Path, contestant: str, seed: int) -> Found:
    """Run one contestant in a process of its own; raises CalledProcessError when it fails."""
    command = [sys.executable, "-m", "benchmarks.als", "--data", str(data), "--contestant", contestant, "--seed", str(seed)]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"} if contestant == IMPLICIT else None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, env=env) as process, watched(process.pid) as peak:
        told = process.communicate()[0]
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    found = Found(**json.loads(told.splitlines()[-1]))
    measured = {"ndcg_at_10": float(np.mean(found.ndcgs)), "memory": peak.whole, "driver_memory": peak.jvm, "task_memory": peak.worker}
    found = Found({**found.figures, **measured}, found.ndcgs)
    print(contestant, {what: round(figure, 4) for what, figure in found.figures.items()}, flush=True)
    return found


def ratios(rounds: Sequence[Mapping[str, Found]], rival: str, what: str) -> list[float]:
    """How many times longer than the blocks the rival took, round by round."""
    return [one[rival].figures[what] / one[BLOCKS].figures[what] for one in rounds if rival in one]


def ahead(rounds: Sequence[Mapping[str, Found]], rival: str) -> tuple[float, float]:
    """How far the blocks' ndcg_at_10 is ahead, the mean of all rounds, and half of its 95 % interval over users."""
    gaps = np.mean([np.subtract(one[BLOCKS].ndcgs, one[rival].ndcgs) for one in rounds], axis=0)
    return float(gaps.mean()), float(1.96 * gaps.std(ddof=1) / np.sqrt(len(gaps)))


def claims(rounds: Sequence[Mapping[str, Found]], margin: float = 1.0) -> Mapping[str, bool]:
    """What docs/performance.md says, held against the figures; a ratio may be lost by the factor ``margin``."""
    held: dict[str, bool] = {"every list compared is that of all products": all(one[BLOCKS].figures["exact_lists"] == 1 for one in rounds)}
    for what, least in LEAST.items():
        if found := ratios(rounds, MLLIB, what):
            held[f"{what}: at least {least / margin:.0f} times faster than MLlib"] = median(found) >= least / margin
        if found := ratios(rounds, IMPLICIT, what):
            held[f"{what}: no slower than implicit"] = median(found) >= 1 / margin
    if MLLIB in rounds[0]:
        above = [one[BLOCKS].figures["objective"] / one[MLLIB].figures["objective"] - 1 for one in rounds]
        held[f"the objective is at most 0.1 % above MLlib's: {max(above):+.4%}"] = max(above) <= 0.001
        gap, half = ahead(rounds, MLLIB)
        held[f"ndcg_at_10 is not surely below MLlib's: {gap:+.4f} [{gap - half:+.4f}, {gap + half:+.4f}]"] = gap + half >= 0
    return held


def page(shop: Shop, rounds: Sequence[Mapping[str, Found]], held: Mapping[str, bool], asked: str = "") -> str:
    """The table, the ratios, and which claims hold; ``asked`` are the options beside the rounds."""
    users, items = shop.train.shape
    lines = [
        "# ALS in blocks beside its rivals",
        "",
        f"`python -m benchmarks.als --rounds {len(rounds)}{asked}`: {users:,} users, {items:,} items, {shop.train.nnz:,} pairs, "
        f"rank {RANK}, {ITERATIONS} iterations, {CORES} cores; seconds are the least and the median of the rounds, each "
        "with another seed; memory is what was resident at most.",
        "",
        "| | fit | lists of 20 | objective | ndcg_at_10 | GB, all | GB, driver | GB, a task |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for contestant in rounds[0]:
        seconds = [[one[contestant].figures[what] for one in rounds] for what in LEAST]
        told = " | ".join(f"{min(one):.1f}, {median(one):.1f}" for one in seconds)
        first = rounds[0][contestant].figures
        sizes = " | ".join(f"{max(one[contestant].figures[what] for one in rounds) / 1024:.1f}" for what in MEMORY)
        ndcg = np.mean([one[contestant].figures["ndcg_at_10"] for one in rounds])
        lines.append(f"| {contestant} | {told} | {first['objective']:,.0f} | {ndcg:.4f} | {sizes} |")
    rivals = [one for one in rounds[0] if one != BLOCKS]
    if rivals:
        lines += ["", "| times longer than the blocks | fit: least, median | lists: least, median |", "|---|---|---|"]
    for rival in rivals:
        told = " | ".join(f"{min(found):.1f}, {median(found):.1f}" for found in (ratios(rounds, rival, what) for what in LEAST))
        lines.append(f"| {rival} | {told} |")
    ids = [one[BLOCKS].figures["lists_with_ids"] for one in rounds]
    lines += ["", f"The lists of the blocks with the users' own ids, written to files, took {min(ids):.1f}, {median(ids):.1f} seconds.", ""]
    lines += [f"- {'holds' if holds else 'DOES NOT HOLD'}: {claim}" for claim, holds in held.items()]
    return "\n".join([*lines, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the shop where it is not there yet, run the rounds, write the page, hold the claims to the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.als", description=__doc__)
    parser.add_argument("--users", type=int, default=200_000)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=4_900_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=CONTESTANTS)
    parser.add_argument("--data", type=Path, help="folder of the drawn shop (default: below .local)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the first factors; the next rounds take the next ones")
    parser.add_argument("--contestant", choices=CONTESTANTS, help="only this one, in this process; its figures as JSON")
    parser.add_argument("--margin", type=float, default=1.0, help="factor by which a ratio may be lost, for small rounds")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "als.md", help="where the page goes")
    options = parser.parse_args(arguments)
    base = StackSettings.from_environment().local_dir / "benchmarks"
    data = options.data or base / f"als-{options.users}-{options.items}-{options.pairs}"
    if options.contestant:
        with tempfile.TemporaryDirectory(prefix="tradewind-als-") as scratch:
            print(json.dumps(asdict(RUNS[options.contestant](data, Path(scratch), options.seed))))
        return 0
    if not (data / "texts").exists():
        data.mkdir(parents=True, exist_ok=True)
        written(drawn(options.users, options.items, options.pairs), data)
    seeds = range(options.seed, options.seed + options.rounds)
    rounds = [{one: contested(data, one, seed) for one in CONTESTANTS if one in options.contestants} for seed in seeds]
    held = claims(rounds, options.margin)
    named = ("users", "items", "pairs", "contestants")
    asked = {name: value for name, value in vars(options).items() if name in named and value != parser.get_default(name)}
    told = "".join(f" --{name} {' '.join(value) if isinstance(value, list) else value}" for name, value in asked.items())
    found = page(Shop.read(data), rounds, held, told)
    options.to.write_text(found, encoding="utf-8")
    print(found)
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
