"""``python -m jobs.sources.synthetic``: write a synthetic shop's days into the landing zone, or into a folder."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.settings import Settings
from jobs.sources.synthetic.generation import Generated, generate
from jobs.sources.synthetic.places import Bucket, Folder, Place, place_of
from jobs.sources.synthetic.shop import FEEDS, Shop
from jobs.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the command line; raises ValueError for a shop that is too small."""
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    shop = Shop(options.users, options.items, options.days, options.seed, options.last_day)
    if options.clean:
        shop = shop.without_faults()
    if options.out:
        store, master = None, options.master or "local[*]"
        landing: Place = Folder(options.out.absolute())
    else:
        settings = Settings.from_environment()
        store, master = Store.from_settings(settings), options.master or settings.spark_master
        landing = Bucket(store)
    answers_place = place_of(options.to_answers, store) if options.to_answers else landing
    spark = _session(master)
    try:
        result = generate(shop, spark=spark, landing=landing, answers_place=answers_place, partitions=options.partitions, tell=_tell)
    finally:
        spark.stop()
    _summarise(result, time.monotonic() - started)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs.sources.synthetic", description="Write a synthetic shop's days as landed files.")
    parser.add_argument("--users", type=int, default=2_000, help="users (default: 2000)")
    parser.add_argument("--items", type=int, default=500, help="items (default: 500)")
    parser.add_argument("--days", type=int, default=35, help="UTC days (default: 35)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed and size give the same bytes (default: 7)")
    parser.add_argument("--last-day", type=date.fromisoformat, required=True, help="last landed day, ISO")
    parser.add_argument("--out", type=Path, help="write into this folder, under the same keys; needs no settings")
    parser.add_argument(
        "--to-answers", help="folder or s3:// address below which answers/synthetic/ goes (default: beside the landing zone)"
    )
    parser.add_argument("--clean", action="store_true", help="plant no faults in the files")
    parser.add_argument("--master", help="Spark master (default: the setting; local[*] with --out)")
    parser.add_argument("--partitions", type=int, help="Spark partitions; the files do not depend on it")
    return parser


def _session(master: str) -> SparkSession:
    """A session without the lake's jars: it only runs Python."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("synthetic shop")
    if "SPARK_ENV_LOADED" not in os.environ:  # spark-submit has chosen the master already
        builder = builder.master(master)
    session = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    return session


def _summarise(result: Generated, seconds: float) -> None:
    for feed in FEEDS:
        found = result.counts[feed]
        share = result.reject_share(feed)
        _tell(f"{feed}: {found['lines']} lines, {found['kept']} sound, {found['resent']} copies, {share:.2%} to be rejected")
    _tell(f"done in {seconds:.1f} s")


def _tell(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
