"""``python -m benchmarks.density [--users 5000000]``: DBSCAN over micro-clusters beside scikit-learn's on every point.

First 20 thousand points in 2, 3 and 4 dimensions (two moons, four blobs of different density, an eighth of noise; three seeds each): the
adjusted Rand index of both, where users are assigned as a served model assigns them, by at most ``Rule.core_cells`` core cells, and the
seconds of both in this process. eps is once the knee of the k-distances and once their quantile 0.6, where the moons are about to break.

Then a made shop (five planted kinds of customers and a twentieth of scattered ones) as Parquet of the columns that behaviour looks at,
through Spark with two cores in a process of its own: the sample, the cells of everybody, the groups with their stability, and the group of
everybody. Memory is that of the whole tree of processes, sampled from outside. scikit-learn gets the same points, twice as many each time,
until it needs more than ``--rival-memory`` or ``--rival-seconds``. Writes ``benchmarks/density.md``; exit 1 where a claim does not hold.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame
from sklearn.cluster import DBSCAN
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score

from benchmarks.measuring import CORES, session, timed
from benchmarks.process_tree import watched
from jobs.segmentation import density, sample
from jobs.segmentation.density import DensityFit, Rule
from jobs.segmentation.fitting import standardise
from jobs.segmentation.micro_clusters import Cells, of_frame, of_points
from jobs.segmentation.served_segments import (
    BEHAVIOUR_FEATURES,
    COLUMNS,
    Behaviour,
    Density,
    Matrix,
    behaviour_matrix,
    nearest_within,
    typical_order,
)
from stack.settings import CHECKOUT, StackSettings

SEED, DAY = 17, date(2026, 6, 30)
POINTS, MIN_SAMPLES, SEEDS, DIMENSIONS = 20_000, 20, (1, 2, 3), (2, 3, 4)
RULE = Rule()
LEAST_AGREEMENT, LEAST_PLANTED, MOST_MEMORY = 0.95, 0.9, 24.0
KINDS = {
    # share, tenure, recency, active days, items in carts, orders, spend by order
    "regulars": (0.20, 300, 3, 60, 50, 12, 4000),
    "newcomers": (0.25, 12, 2, 3, 3, 1, 3000),
    "gone": (0.25, 320, 150, 8, 8, 3, 3500),
    "lookers": (0.20, 200, 5, 12, 0, 0, 0),
    "fillers of carts": (0.05, 250, 20, 20, 40, 0, 0),
    "scattered": (0.05, 0, 0, 0, 0, 0, 0),
}
ROWS_A_FILE = 500_000
GIB = 1 << 30


@dataclass(frozen=True)
class Compared:
    """Both on the same points; shares of noise in [0, 1]."""

    dimensions: int
    eps: float
    is_knee: bool
    agreement: float
    noise: tuple[float, float]
    seconds: tuple[float, float]


def cloud(dimensions: int, seed: int, users: int = POINTS) -> Matrix:
    """Two moons, four blobs of different density, and an eighth of noise."""
    drawn = np.random.default_rng(seed)
    moons = make_moons(users // 4, noise=0.06, random_state=seed)[0] * 1.5
    parts = [np.column_stack([moons, drawn.normal(0, 0.15, (len(moons), dimensions - 2))])]
    parts += [drawn.normal(drawn.uniform(-6, 6, dimensions), drawn.uniform(0.15, 0.6), (users * 5 // 32, dimensions)) for _ in range(4)]
    parts.append(drawn.uniform(-8, 8, (users - sum(map(len, parts)), dimensions)))
    return drawn.permutation(np.concatenate(parts))


def compared(dimensions: int, seed: int) -> list[Compared]:
    """At the knee, and at the quantile 0.6."""
    points = cloud(dimensions, seed)
    curve = density.k_distances(points, MIN_SAMPLES)
    found = []
    for is_knee, eps in ((True, density.knee(curve)), (False, float(np.quantile(curve, 0.6)))):
        seconds = dict[str, float]()
        with timed(seconds, "rival"):
            wanted = DBSCAN(eps=eps, min_samples=MIN_SAMPLES).fit(points).labels_
        with timed(seconds, "ours"):
            graph = density.near(of_points(points, RULE.side(eps)), eps)
            groups = density.dbscan(graph, MIN_SAMPLES)
            core = np.flatnonzero(groups.is_core)
            core = core[density.thinned(graph.centres[core], graph.cells.weights[core], eps, RULE.core_cells)]
            own = nearest_within(points, graph.centres[core].tolist(), groups.labels[core].tolist(), eps)
        noise = float((wanted < 0).mean()), float((own < 0).mean())
        agreement = float(adjusted_rand_score(wanted, own))
        found.append(Compared(dimensions, eps, is_knee, agreement, noise, (seconds["rival"], seconds["ours"])))
    return found


def written(users: int, folder: Path) -> None:
    """The made shop as files of ``ROWS_A_FILE`` users, with the kind of each."""
    folder.mkdir(parents=True)
    drawn = np.random.default_rng(SEED)
    shares = np.array([kind[0] for kind in KINDS.values()])
    middles = np.array([kind[1:] for kind in KINDS.values()], dtype=np.float64)
    for part, at in enumerate(range(0, users, ROWS_A_FILE)):
        count = min(ROWS_A_FILE, users - at)
        kind = drawn.choice(len(KINDS), size=count, p=shares / shares.sum())
        values = middles[kind] * drawn.lognormal(0, 0.3, (count, middles.shape[1]))
        scattered = kind == len(KINDS) - 1
        highest = np.log1p([500, 400, 120, 150, 40, 9000])
        values[scattered] = np.expm1(drawn.uniform(0, 1, (int(scattered.sum()), middles.shape[1])) * highest)
        tenure, recency, active, carts, orders, price = np.rint(values).astype(np.int64).T
        orders = np.where((middles[kind, 4] > 0) & (orders == 0), 1, orders)
        columns = {
            "as_of_date": pa.array(np.full(count, np.datetime64(DAY)), pa.date32()),
            "user_id": pa.array([f"u{number:07}" for number in range(at, at + count)]),
            "recency_days": np.minimum(recency, tenure),
            "tenure_days": tenure,
            "active_days": np.clip(active, 1, tenure + 1),
            "add_to_cart_count": carts,
            "order_count": orders,
            "spend_minor": orders * price,
            "units_bought": orders * 2,
            "kind": kind,
        }
        table = pa.table(
            {name: column if isinstance(column, pa.Array) else pa.array(column, pa.int64()) for name, column in columns.items()}
        )
        categories = pa.list_(pa.struct([("category_id", pa.string()), ("event_count", pa.int64())]))
        table = table.append_column("top_categories", pa.array([[]] * count, categories))
        pq.write_table(table, folder / f"part-{part:03}.parquet")


def drawn_sample(features: DataFrame) -> tuple[Behaviour, Matrix]:
    """The frozen scale and the points of the sample that a training would draw."""
    users = sample.draw(features, as_of=DAY, seed=SEED)
    basis, unit = typical_order(users)
    raw = behaviour_matrix(users, BEHAVIOUR_FEATURES, monetary_basis=basis, monetary_unit=unit)
    _, mean, scale = standardise(raw)
    behaviour = Behaviour(BEHAVIOUR_FEATURES, basis, unit, tuple(map(float, mean)), tuple(map(float, scale)), centroids=(), labels=())
    return behaviour, behaviour.points(users)


def spark_run(data: Path, scratch: Path) -> dict[str, float]:
    """From files to the group of every user; seconds of each step and figures."""
    seconds = dict[str, float]()
    with timed(seconds, "start"):
        features = session(scratch, memory="4g").read.parquet(str(data))
    with timed(seconds, "sample"):
        behaviour, points = drawn_sample(features)
    everybody = features.select(*COLUMNS)

    def population(side: int) -> Cells:
        with timed(seconds, "cells"):
            return of_frame(everybody, behaviour.points, points.shape[1], side)

    with timed(seconds, "fit"):
        found = density.fit(points, rule=RULE, seed=SEED, population=population)
    if found is None:
        message = "no eps above zero: the made shop has changed"
        raise ValueError(message)
    with timed(seconds, "assign"):
        counts = assigned(features, behaviour, Density(found.eps, found.cells, found.cell_clusters, centroids=(), labels=()))
    seconds["groups"] = seconds.pop("fit") - seconds["cells"]
    return seconds | figures(found) | {"planted": agreement(counts), "users": float(counts.sum())}


def figures(found: DensityFit) -> dict[str, float]:
    """What a fit says of itself."""
    told = {name: float(getattr(found, name)) for name in ("eps", "min_samples", "grid_cells", "side", "core_cells", "noise_share")}
    return told | {
        "clusters": float(len(found.shares)),
        "stability": min(found.stability, default=0.0),
        "served_cells": float(len(found.cells)),
    }


def assigned(features: DataFrame, behaviour: Behaviour, groups: Density) -> npt.NDArray[np.float64]:
    """Kinds x clusters: users; the last column is noise."""

    def assign(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            own = groups.assign(behaviour.points(batch))
            yield pa.RecordBatch.from_arrays([batch.column("kind"), pa.array(own, pa.int32())], names=["kind", "cluster"])

    wanted = features.select("kind", *[name for name in COLUMNS if name != "top_categories"])
    rows = wanted.mapInArrow(assign, "kind bigint, cluster int").groupBy("kind", "cluster").count().collect()
    counts = np.zeros((len(KINDS), 1 + max(groups.cell_clusters, default=-1) + 1))
    for row in rows:
        counts[row["kind"], row["cluster"]] = row["count"]
    return counts


def agreement(counts: npt.NDArray[np.float64]) -> float:
    """Adjusted Rand index of a table of counts (Hubert & Arabie 1985).

    >>> agreement(np.array([[5.0, 0.0], [0.0, 7.0]]))
    1.0
    """

    def pairs(sizes: npt.NDArray[np.float64]) -> float:
        return float((sizes * (sizes - 1) / 2).sum())

    both, rows, columns = pairs(counts), pairs(counts.sum(axis=1)), pairs(counts.sum(axis=0))
    expected = rows * columns / pairs(counts.sum(keepdims=True))
    return (both - expected) / ((rows + columns) / 2 - expected)


def rival_run(data: Path, users: int, eps: float, memory: float) -> dict[str, float]:
    """scikit-learn on the first users of the files, which are in an order of chance; raises MemoryError beyond the bound."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory * GIB), int(memory * GIB)))
    table = pq.read_table(sorted(data.glob("*.parquet"))[: -(-users // ROWS_A_FILE)]).slice(0, users)
    basis, unit = typical_order(table)
    raw = behaviour_matrix(table, BEHAVIOUR_FEATURES, monetary_basis=basis, monetary_unit=unit)
    _, mean, scale = standardise(raw)
    seconds = dict[str, float]()
    with timed(seconds, "rival"):
        labels = DBSCAN(eps=eps, min_samples=RULE.min_samples(users, raw.shape[1]), n_jobs=CORES).fit((raw - mean) / scale).labels_
    return seconds | {"clusters": float(labels.max() + 1), "noise_share": float((labels < 0).mean())}


def in_process(arguments: Sequence[str], seconds: float | None = None) -> dict[str, float] | None:
    """Run this module in a process of its own, and what it says with its peak memory in GiB; None where it did not end well in time."""
    command = [sys.executable, "-m", "benchmarks.density", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process, watched(process.pid) as peak:
        try:
            told = process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    found: dict[str, float] = json.loads(told.splitlines()[-1]) if process.returncode == 0 else {}
    print(arguments, found, {"memory": peak.whole / 1024}, flush=True)
    return found | {"memory": peak.whole / 1024, "driver_memory": peak.jvm / 1024, "task_memory": peak.worker / 1024} if found else None


def rivals(data: Path, users: int, eps: float, options: argparse.Namespace) -> list[tuple[int, dict[str, float] | None]]:
    """Twice as many each time, until it does not come through or has everybody."""
    found: list[tuple[int, dict[str, float] | None]] = []
    size = POINTS
    while size <= users:
        arguments = ["--rival", str(size), "--eps", str(eps), "--data", str(data), "--rival-memory", str(options.rival_memory)]
        found.append((size, in_process(arguments, options.rival_seconds)))
        if found[-1][1] is None:
            break
        size *= 2
    return found


def page(
    users: int, small: Sequence[Compared], large: Mapping[str, float], rival: Sequence[tuple[int, Mapping[str, float] | None]], bounds: str
) -> str:
    """The tables."""
    lines = [
        "# Dense groups beside scikit-learn's DBSCAN",
        "",
        f"`python -m benchmarks.density --users {users}`",
        "",
        f"{POINTS:,} points, min_samples {MIN_SAMPLES}, {len(SEEDS)} seeds; seconds are medians, of one thread each.",
        "",
        "| dimensions | eps | adjusted Rand, least | noise, scikit-learn | noise, ours | seconds, scikit-learn | seconds, ours |",
        "|---|---|---|---|---|---|---|",
    ]
    for dimensions in DIMENSIONS:
        for is_knee in (True, False):
            mine = [one for one in small if one.dimensions == dimensions and one.is_knee == is_knee]
            middle = [f"{median(one.noise[who] for one in mine):.1%}" for who in (0, 1)]
            middle += [f"{median(one.seconds[who] for one in mine):.2f}" for who in (0, 1)]
            what = "knee" if is_knee else "quantile 0.6"
            lines.append(f"| {dimensions} | {what} | {min(one.agreement for one in mine):.4f} | {' | '.join(middle)} |")
    steps = " | ".join(f"{large[what]:.1f}" for what in ("sample", "cells", "groups", "assign"))
    sizes = " | ".join(f"{large[what]:.1f}" for what in ("memory", "driver_memory", "task_memory"))
    lines += [
        "",
        f"{large['users']:,.0f} users, {len(BEHAVIOUR_FEATURES)} features, {CORES} cores: from files to everybody's group; seconds, GiB:",
        "",
        "| sample | cells of everybody | groups and stability | group of everybody | all | memory, all | driver's JVM | a task |",
        "|---|---|---|---|---|---|---|---|",
        f"| {steps} | {total(large):.1f} | {sizes} |",
        "",
        f"eps {large['eps']:.3f}, min_samples {large['min_samples']:,.0f}; {large['grid_cells']:,.0f} cells of side {large['side']:.3f}, "
        f"{large['core_cells']:,.0f} of them core, {large['served_cells']:,.0f} in the model; {large['clusters']:.0f} groups, "
        f"{large['noise_share']:.1%} noise, the least stability {large['stability']:.2f}. "
        f"Adjusted Rand index with the planted kinds, the scattered as noise: {large['planted']:.3f}.",
        "",
        f"scikit-learn on the first of the same users, same eps, {CORES} cores, {bounds}:",
        "",
        "| users | seconds | GiB | groups | noise |",
        "|---|---|---|---|---|",
    ]
    for size, one in rival:
        told = (
            f"{one['rival']:.1f} | {one['memory']:.1f} | {one['clusters']:.0f} | {one['noise_share']:.1%}"
            if one
            else "did not come through | | | "
        )
        lines.append(f"| {size:,} | {told} |")
    lines += ["", *[f"- {'holds' if holds else 'DOES NOT HOLD'}: {claim}" for claim, holds in claims(small, large, users).items()]]
    return "\n".join([*lines, ""])


def total(large: Mapping[str, float]) -> float:
    """Seconds from the first read to the last group, without the start of Spark."""
    return sum(large[what] for what in ("sample", "cells", "groups", "assign"))


def claims(small: Sequence[Compared], large: Mapping[str, float], users: int) -> Mapping[str, bool]:
    """What is said of dense groups, held against the figures."""
    return {
        f"adjusted Rand index with scikit-learn's at least {LEAST_AGREEMENT} at {POINTS:,} points": min(one.agreement for one in small)
        >= LEAST_AGREEMENT,
        f"everybody of {users:,} users on {CORES} cores within {MOST_MEMORY:.0f} GiB": large["users"] == users
        and large["memory"] <= MOST_MEMORY,
        f"the planted kinds are found, adjusted Rand index at least {LEAST_PLANTED}": large["planted"] >= LEAST_PLANTED,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the shop where it is not there yet, run all, write the page, hold the claims to the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.density", description=__doc__)
    parser.add_argument("--users", type=int, default=5_000_000)
    parser.add_argument("--data", type=Path, help="folder of the made shop (default: below .local)")
    parser.add_argument("--rival-memory", type=float, default=6.0, help="GiB of address space that scikit-learn may take")
    parser.add_argument("--rival-seconds", type=float, default=120.0)
    parser.add_argument("--rival", type=int, help="only scikit-learn on so many users, in this process; figures as JSON")
    parser.add_argument("--eps", type=float, help="of the rival")
    parser.add_argument("--spark", action="store_true", help="only the Spark path, in this process; figures as JSON")
    parser.add_argument("--to", type=Path, default=CHECKOUT / "benchmarks" / "density.md", help="where the page goes")
    options = parser.parse_args(arguments)
    data = options.data or StackSettings.from_environment().local_dir / "benchmarks" / f"density-{options.users}"
    if options.rival:
        print(json.dumps(rival_run(data, options.rival, options.eps, options.rival_memory)))
        return 0
    if options.spark:
        with tempfile.TemporaryDirectory(prefix="tradewind-density-") as scratch:
            print(json.dumps(spark_run(data, Path(scratch))))
        return 0
    if not data.exists():
        written(options.users, data)
    small = [one for dimensions in DIMENSIONS for seed in SEEDS for one in compared(dimensions, seed)]
    large = in_process(["--spark", "--data", str(data)])
    if large is None:
        return 1
    bounds = f"at most {options.rival_memory:g} GiB of address space and {options.rival_seconds:g} seconds"
    found = page(options.users, small, large, rivals(data, options.users, large["eps"], options), bounds)
    options.to.write_text(found, encoding="utf-8")
    print(found)
    return 0 if all(claims(small, large, options.users).values()) else 1


if __name__ == "__main__":
    sys.exit(main())
