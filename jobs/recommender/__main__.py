"""``python -m jobs.recommender``: models side by side, a training checked, the champion of before.

compare --train FILE --test FILE   models on plain files, outside of any lake: CSV or Parquet, ``user_id,item_id[,value][,timestamp]``;
                                   one file and a split do as well: ``--input FILE --split time``; ``--items FILE`` (``item_id`` and columns
                                   of words) adds the model that knows items by what they say
verify --run RUN_ID                train again on the snapshots that a run has read and compare model and figures: exit 0 when all agree
roll-back --reason TEXT            let the champion of before serve again; the next release uses it

``verify`` and ``roll-back`` need the shop's settings. Exit code 65 says what is wrong with a file or a name.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

from jobs.errors import BadDataError, TradewindError
from jobs.estimate import Estimate
from jobs.recommender import leaks, plain_files
from jobs.recommender.comparison import Comparison, compare
from jobs.recommender.family import NAMES, chosen
from jobs.recommender.gate import POPULARITY
from jobs.recommender.plain_files import SPLITS, Parted
from jobs.recommender.ranker import Trainer

SHOP = "jobs.recommender.shop_commands"
"""Loaded late: it brings the lake and Great Expectations, which plain files do not need."""

WIDTH = 170
"""Columns of a table that goes into a file or a pipe."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    if options.command != "compare":
        return int(import_module(SHOP).main(options, console))
    with tempfile.TemporaryDirectory(prefix="tradewind-compare-") as scratch:
        try:
            spark = local_session(scratch)
            trainers = chosen(options.models, plain_files.read_items(spark, options.items) if options.items else None)
            parted = _parted(spark, options)
            found = _compared(parted, trainers, options)
            later = leaks.learnt_from_later(parted.train, parted.test)
            by_time = _by_time(spark, options, trainers) if options.input and leaks.is_told(parted) else None
        except TradewindError as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            return error.exit_code
    show(found, parted, console)
    report = {"leaks_time": parted.leaks_time, "users_learnt_from_later": later, **found.as_dict()}
    if later:
        console.print(f"leak: of {later} users a line to learn from is younger than one to be judged on", style="yellow")
    if by_time:
        for one in leaks.flattered(found, by_time):
            console.print(f"leak: {one}", style="yellow")
        report["by_time"] = by_time.as_dict()
    if options.out:
        options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def _compared(parted: Parted, trainers: Sequence[Trainer], options: argparse.Namespace) -> Comparison:
    return compare(plain_files.signals(parted.train), parted.test, trainers, k=options.k, seed=options.seed, tell=_to_standard_error)


def _by_time(spark: SparkSession, options: argparse.Namespace, trainers: Sequence[Trainer]) -> Comparison:
    """The same models on the same lines, split by time: what a leaking split is held against."""
    _to_standard_error("the split leaks time: the same models by time, to see what that is worth to them")
    return _compared(plain_files.split(plain_files.read(spark, options.input), "time", options.share), trainers, options)


def show(found: Comparison, parted: Parted, console: Console) -> None:
    """A row a model, the best first, and what each is ahead of popularity by."""
    leads = found.leads_over(POPULARITY)
    title = "leaks time: models have seen what came after some test lines" if parted.leaks_time else "split by time"
    table = Table(title=f"{found.counts.users} users, {found.counts.relevant_pairs} right answers; {title}")
    names = [f"{name}_at_{found.k}" for name in ("ndcg", "map", "mrr", "recall", "precision", "hit_rate", "coverage", "gini", "novelty")]
    for heading in ("model", *names, "ndcg ahead of popularity", "filled", "seconds"):
        table.add_column(heading, justify="left" if heading == "model" else "right", overflow="fold")
    for one in found.ranked():
        summary = one.result.summary(found.seed)
        table.add_row(
            one.name,
            *(str(summary[name]) if isinstance(summary[name], Estimate) else f"{summary[name]:.3f}" for name in names),
            leads[one.name].signed() if one.name in leads else "",
            f"{one.faults.filled_places / max(1, one.faults.places):.1%}",
            f"{one.fit_seconds:.1f} + {one.recommend_seconds:.1f}",
        )
    console.print(table)
    counts = found.counts
    left_out = ", ".join(f"{name} {count}" for name, count in found.unscorable.items())
    console.print(f"cold users {counts.cold_users}, items in the test that nobody had touched {counts.cold_items}; left out: {left_out}")
    for one in found.contestants:
        faults = {name: count for name, count in vars(one.faults).items() if count and name not in {"filled_places", "places"}}
        if faults:
            console.print(f"{one.name}: faulty lists: {faults}", style="red")


def _parted(spark: SparkSession, options: argparse.Namespace) -> Parted:
    if options.input:
        return plain_files.split(plain_files.read(spark, options.input), options.split, options.share, options.seed)
    if not (options.train and options.test):
        raise BadDataError("compare", expected="--train and --test, or --input", found="neither", advice="Name the files.")
    train, test = (plain_files.read(spark, file) for file in (options.train, options.test))
    return Parted(train, test, leaks_time=plain_files.overlaps(train, test))


def local_session(scratch: str) -> SparkSession:
    """A session without any lake; checkpoints go to ``scratch``."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("compare").config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false")
    if "SPARK_ENV_LOADED" not in os.environ:
        builder = builder.master("local[*]").config("spark.sql.shuffle.partitions", "4").config("spark.sql.adaptive.enabled", "false")
    spark = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.setCheckpointDir(scratch)
    return spark


def _to_standard_error(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.recommender", description="Recommenders, on plain files.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("compare", help="fit models on one part of a file, judge them on the other")
    one.add_argument("--train", type=Path, help="lines to learn from: CSV or Parquet, user_id,item_id[,value][,timestamp]")
    one.add_argument("--test", type=Path, help="lines to be judged on, of the same form")
    one.add_argument("--input", type=Path, help="instead of both: one file, to be split")
    one.add_argument("--split", choices=SPLITS, default="time", help="how --input is split (default: time)")
    one.add_argument("--share", type=float, default=0.25, help="share of --input that is the test part (default: 0.25)")
    one.add_argument("--models", nargs="+", choices=NAMES, metavar="MODEL", help=f"{', '.join(NAMES)} (default: all that can be fitted)")
    one.add_argument("--items", type=Path, help="what items say, for the model content: CSV or Parquet, item_id and columns of words")
    one.add_argument("--k", type=int, default=10, help="length of a list (default: 10)")
    one.add_argument("--seed", type=int, default=17, help="of the bootstrap and of a random split (default: 17)")
    one.add_argument("--out", type=Path, metavar="FILE", help="the whole report, as JSON")
    again = commands.add_parser("verify", help="train again on a run's snapshots and compare")
    again.add_argument("--run", required=True, metavar="RUN_ID", help="the training's run in MLflow")
    back = commands.add_parser("roll-back", help="let the champion of before serve again")
    back.add_argument("--reason", required=True, metavar="TEXT", help="a sentence; it is kept in MLflow and in ops.decisions")
    back.add_argument("--to", metavar="VERSION", help="another version than the one before, or 'none': then the fallback serves")
    back.add_argument("--family", default="recommender", help="recommender, segments (default: recommender)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
