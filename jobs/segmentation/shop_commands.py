"""The commands of ``python -m jobs.segmentation`` that need a shop: its lake and its registry."""

import csv
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TextIO

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from jobs.catalog import LAKE
from jobs.context import Context
from jobs.contract import Table as Contract
from jobs.errors import BadDataError
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.gold.user_tags import USER_TAGS, Frames
from jobs.interval import Interval
from jobs.segmentation import champion
from jobs.segmentation.approval import promote
from jobs.segmentation.lookalike_search import MOST_LISTED, search
from jobs.segmentation.tags.declaration import Tag
from jobs.segmentation.tags.preview import Preview, preview
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES

LEAST_JACCARD = 0.01
MOST_OVERLAPS = 8


def approve(run_id: str) -> str:
    """Let serve what a run has trained and left waiting; returns the reason. Raises BadDataError as ``jobs.approval.promote`` does."""
    today = datetime.now(UTC).date()
    context = Context.create(Settings.from_environment(), Interval(today, today + timedelta(days=1)), run_id=run_id, attempt=1)
    return str(promote(context)["decision"])


def list_lookalikes(tag: str | None, file: Path | None, day: date | None, most: int, out: TextIO) -> str:
    """Write users most like those who have a tag, or like those listed in a file, as CSV; returns how well the seed is told apart.

    Raises BadDataError where no segments serve, where no day has segments, and as ``lookalike_search.search`` does.
    """
    today = datetime.now(UTC).date()
    context = Context.create(Settings.from_environment(), Interval(today, today + timedelta(days=1)), run_id="by-hand", attempt=1)
    model = champion.load(context)
    if model is None:
        raise BadDataError("segments", expected="a champion", found="none", advice="Run train_segments_weekly first.")
    as_of = _day_with_segments(_rows(context.spark, USER_SEGMENTS), day)
    if file is None:
        seed = _rows(context.spark, USER_TAGS).where((F.col("as_of_date") == F.lit(as_of)) & (F.col("tag") == F.lit(tag)))
    else:
        ids = [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        seed = context.spark.createDataFrame([(one,) for one in ids], "user_id string")
    found, listed = search(_rows(context.spark, USER_FEATURES), seed, model.behaviour, as_of=as_of, most=min(most, MOST_LISTED))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("user_id", "score"))
    for row in listed.toLocalIterator():
        writer.writerow((row["user_id"], f"{row['score']:.6f}"))
    areas = f"{min(found.auc_by_fold):.3f} to {max(found.auc_by_fold):.3f}"
    return f"{as_of}: {found.seed_users:,} of the seed against {found.users - found.seed_users:,} others, AUC {found.auc:.3f} ({areas})"


def show_previews(wanted: Sequence[Tag], tags: Sequence[Tag], day: date | None, console: Console) -> None:
    """Print a preview of each tag; raises BadDataError where no day has segments yet."""
    spark = spark_session(Settings.from_environment(), "preview of tags")
    segments = _rows(spark, USER_SEGMENTS)
    as_of = _day_with_segments(segments, day)
    frames = Frames(_rows(spark, EVENTS), _rows(spark, ORDER_LINES), _rows(spark, USER_FEATURES), segments)
    for one in preview(wanted, tags, frames, day=as_of):
        show(one, console)


def _rows(spark: SparkSession, table: Contract) -> DataFrame:
    """The table's rows; none where there is no table yet."""
    name = f"{LAKE}.{table.name}"
    return spark.table(name) if spark.catalog.tableExists(name) else spark.createDataFrame([], table.struct())


def _day_with_segments(segments: DataFrame, day: date | None) -> date:
    """The day that is asked for, or the newest; raises BadDataError where it has no segments."""
    days = segments if day is None else segments.where(F.col("as_of_date") == F.lit(day))
    newest = days.agg(F.max("as_of_date").alias("day")).first()
    if newest is None or newest["day"] is None:
        found = "none" if day is None else f"none of {day}"
        raise BadDataError(USER_SEGMENTS.name, expected="a day with segments", found=found, advice="Run release_daily of the day first.")
    found_day: date = newest["day"]
    return found_day


def show(one: Preview, console: Console) -> None:
    """One preview: the headline, the overlaps that are worth a word, the examples."""
    declared = one.tag.declared
    console.print(f"[bold]{one.tag.name}[/bold] ({one.tag.scope}, {declared.owner}): {declared.meaning}")
    console.print(
        f"{one.users:,} of {one.everybody:,} users on {one.day} ({one.share:.1%})"
        + ("" if one.tag.is_valid_on(one.day) else "; not valid on that day")
    )
    near = [other for other in one.overlaps if other.jaccard >= LEAST_JACCARD][:MOST_OVERLAPS]
    if near:
        table = Table(
            "also",
            "users with both",
            "of this tag's users",
            "of who has either",
            title="what it shares with other tags",
            title_justify="left",
        )
        for other in near:
            table.add_row(other.tag, f"{other.both:,}", f"{other.share:.0%}", f"{other.jaccard:.0%}")
        console.print(table)
    if one.examples:
        columns = list(one.examples[0])
        table = Table(*(name.removeprefix("_") for name in columns), title="examples", title_justify="left")
        for example in one.examples:
            table.add_row(*(_shown(example[name]) for name in columns))
        console.print(table)
    console.print()


def _shown(value: object) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)
