"""``python -m stack.cluster_check.work``: what each set-up does, through the jobs' own settings and entry; it leaves hashes as JSON.

The tables: a history and the day after it, each with the scores of its last day, as the DAGs run them. The fits: ALS of the shop's
interactions and of a made matrix of several blocks.
"""

import argparse
import hashlib
import json
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psutil
import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import entry
from jobs.catalog import REFINE, SCORE
from jobs.content_hash import content_hash
from jobs.context import Context
from jobs.gold.interactions import INTERACTIONS
from jobs.interval import Interval
from jobs.leash import die_with_parent
from jobs.recommender.als import fit as als
from jobs.recommender.als.blocks import USERS, extent, name
from jobs.recommender.als.lists import lists, with_user_ids
from jobs.recommender.als.place import place_of
from jobs.recommender.als.progress import Progress, watched
from jobs.recommender.chain import Chain
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.weights import Weighting, signals
from jobs.settings import Settings
from jobs.tables import contracts

PAIRS, MADE_USERS, MADE_ITEMS = 1_500_000, 30_000, 3_000
"""Of the made matrix: four blocks a side (``blocks.PAIRS_A_BLOCK``)."""

SETTINGS = als.Settings(rank=16, regularisation=0.1, alpha=2.0, iterations=3, seed=17)
LENGTH = 10
KILLED_AFTER = (1, "items")
"""Iteration and side of the half-step after which an executor is killed, while the next one goes on."""

KILLED_AFTER_SECONDS = 0.2
EXECUTOR = "org.apache.spark.executor.CoarseGrainedExecutorBackend"

LAYERS = ("bronze", "silver", "gold")

Hashes = dict[str, str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do the parts; 0, or the exit code of the task that failed."""
    options = _parser().parse_args(arguments)
    days = Interval(options.first, options.last + timedelta(days=1))
    found = Hashes()
    if "tables" in options.parts:
        code = refine_and_score(days)
        if code:
            return code
    context = Context.create(Settings.from_environment(), days, run_id="check", attempt=1)
    if "tables" in options.parts:
        found |= {table: content_hash(context.lake.read(contract), contract) for table, contract in contracts(*LAYERS).items()}
        found |= of_shop(context)
    with an_executor_killed(context.spark) if options.loses_an_executor else watched(lambda _: None):
        found |= of_made_pairs(context)
    options.result.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def refine_and_score(days: Interval) -> int:
    """All days but the last as one history, then the last one, each with the scores of its last day; the first exit code that is not 0."""
    last = days.last_day
    for refined in (Interval(days.start, last), Interval(last, days.end)):
        scored = Interval(refined.last_day, refined.end)
        for task, interval in (*[(task, refined) for task in REFINE], (SCORE, scored)):
            period = ("--start", str(interval.start), "--end", str(interval.end))
            code = entry.main([*task.tables, *period, "--run-id", f"check-{refined.start}"])
            if code:
                return code
    return 0


def of_shop(context: Context) -> Hashes:
    """A model of the shop's interactions, fitted as a training does, and the lists that it makes for everybody."""
    told = signals(context.lake.read(INTERACTIONS), Weighting(30.0), context.interval.last_day)
    rows = told.repartition(context.settings.spark_shuffle_partitions).persist()
    model = AlsTrainer(rank=SETTINGS.rank, alpha=SETTINGS.alpha, iterations=SETTINGS.iterations).fit(rows)
    asked = (rows.select("user_id").distinct(), LENGTH, rows.select("user_id", "item_id"), rows.select("item_id").distinct())
    slates = Chain((model,), rows).recommend(*asked)
    return {
        "ALS of the shop: item factors": digest(len(model.factors), (str(model.item_ids.to_pylist()).encode(), model.factors.tobytes())),
        "ALS of the shop: lists": of_rows(slates, "user_id", "rank"),
    }


def of_made_pairs(context: Context) -> Hashes:
    """A fit whose tasks exchange several blocks a side: factors of both sides, and lists."""
    pairs = made_pairs(context.spark, context.settings.spark_shuffle_partitions)
    pieces = place_of(context.spark.sparkContext, "cluster check")
    known = extent(pairs, SETTINGS.alpha, pieces)
    store = place_of(context.spark.sparkContext, "cluster check", SETTINGS, known.fingerprint)
    fitted = als.fit(context.spark.sparkContext, known, pieces, SETTINGS, store, for_lists=True)
    arrays = ("hashes", fitted.user_factors)
    users = [store.read(name(USERS, block, what)).tobytes() for block in range(known.blocks) for what in arrays]
    found = {
        "ALS of made pairs: item factors": digest(len(fitted.factors), (fitted.factors.tobytes(),)),
        "ALS of made pairs: user factors": digest(sum(fitted.user_rows), (*users, fitted.user_turn.tobytes())),
        "ALS of made pairs: lists": of_rows(
            with_user_ids(lists(context.spark, fitted, store, known, LENGTH), pairs, known).select("user_id", "items", "scores"), "user_id"
        ),
    }
    for place in (pieces, store):
        place.clear()
    return found


def made_pairs(spark: SparkSession, partitions: int) -> DataFrame:
    """Signals that are the same in any number of partitions: every figure is a hash of a row's number."""

    def drawn(salt: int, below: int) -> Column:
        return F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(below))

    popular_first = F.floor(drawn(2, MADE_ITEMS) * drawn(3, MADE_ITEMS) / MADE_ITEMS)
    return spark.range(0, PAIRS, 1, partitions).select(
        F.concat(F.lit("u"), drawn(1, MADE_USERS)).alias("user_id"),
        F.concat(F.lit("i"), popular_first).alias("item_id"),
        (drawn(4, 5) + 1).cast("double").alias("weight"),
    )


def of_rows(frame: DataFrame, *key: str) -> str:
    """Hash of rows in the order of their key."""
    rows: pa.Table = frame.toArrow().sort_by([(column, "ascending") for column in key])
    return digest(len(rows), (json.dumps(row, default=str).encode() for row in rows.to_pylist()))


def digest(count: int, parts: Iterable[bytes]) -> str:
    """``<count>-<hex>``, as the content hash of a table."""
    told = hashlib.sha256()
    for part in parts:
        told.update(part)
    return f"{count}-{told.hexdigest()[:32]}"


@contextmanager
def an_executor_killed(spark: SparkSession) -> Iterator[None]:
    """Kill an executor of this session, and its Python workers, in the half-step after the first iteration; raises where there is none."""
    killed = list[int]()

    def kill() -> None:
        app = str(spark.sparkContext.applicationId)
        executors = [one for one in psutil.process_iter(["cmdline"]) if {EXECUTOR, app} <= set(one.info["cmdline"] or ())]
        for process in [*executors[0].children(recursive=True), executors[0]] if executors else ():
            process.kill()
            killed.append(process.pid)

    def watch(progress: Progress) -> None:
        if (progress.iteration, progress.side) == KILLED_AFTER:
            threading.Timer(KILLED_AFTER_SECONDS, kill).start()

    with watched(watch):
        yield
    if not killed:
        message = "no executor was killed: the fit was over too soon, or does not run on a cluster"
        raise RuntimeError(message)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack.cluster_check.work", description=__doc__)
    parser.add_argument("--first", type=date.fromisoformat, required=True, help="first landed day")
    parser.add_argument("--last", type=date.fromisoformat, required=True, help="last landed day")
    parser.add_argument("--parts", nargs="+", choices=("tables", "fits"), required=True)
    parser.add_argument("--loses-an-executor", action="store_true")
    parser.add_argument("--result", type=Path, required=True, help="file for the hashes, as JSON")
    return parser


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main())
