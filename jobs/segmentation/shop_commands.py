"""The commands of ``python -m jobs.segmentation`` that need a shop: its lake and its registry."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from jobs.catalog import LAKE
from jobs.context import Context
from jobs.contract import Table as Contract
from jobs.errors import BadDataError
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.gold.user_tags import Frames
from jobs.interval import Interval
from jobs.segmentation.approval import promote
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


def show_previews(wanted: Sequence[Tag], tags: Sequence[Tag], day: date | None, console: Console) -> None:
    """Print a preview of each tag; raises BadDataError where no day has segments yet."""
    spark = spark_session(Settings.from_environment(), "preview of tags")

    def rows(table: Contract) -> DataFrame:
        name = f"{LAKE}.{table.name}"
        return spark.table(name) if spark.catalog.tableExists(name) else spark.createDataFrame([], table.struct())

    segments = rows(USER_SEGMENTS)
    days = segments if day is None else segments.where(F.col("as_of_date") == F.lit(day))
    newest = days.agg(F.max("as_of_date").alias("day")).first()
    if newest is None or newest["day"] is None:
        found = "none" if day is None else f"none of {day}"
        raise BadDataError(USER_SEGMENTS.name, expected="a day with segments", found=found, advice="Run release_daily of the day first.")
    frames = Frames(rows(EVENTS), rows(ORDER_LINES), rows(USER_FEATURES), segments)
    for one in preview(wanted, tags, frames, day=newest["day"]):
        show(one, console)


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
