"""What a tag would be on a day of the shop, before it is merged: its size, what it shares with others, ten users who have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.gold.user_tags import Frames, asked, tagged
from jobs.segmentation.tags.declaration import Tag

EXAMPLES = 10


@dataclass(frozen=True)
class Overlap:
    """Another tag: how many have both, their share of this one's users, and of who has either (Jaccard 1912)."""

    tag: str
    both: int
    share: float
    jaccard: float


@dataclass(frozen=True)
class Preview:
    """A tag on a day; ``examples`` are the first users by a hash of the id, with the figures that the rule looks at."""

    tag: Tag
    day: date
    users: int
    everybody: int
    overlaps: tuple[Overlap, ...]
    examples: tuple[dict[str, Any], ...]

    @property
    def share(self) -> float:
        """Share of all users of the day who have it, in [0, 1]; 0 without users."""
        return self.users / self.everybody if self.everybody else 0.0


def preview(wanted: Sequence[Tag], tags: Sequence[Tag], frames: Frames, *, day: date) -> list[Preview]:
    """A preview of each of ``wanted``, beside all ``tags``.

    What reaches the driver is a count a pair of tags and ten users a tag, whatever the number of users.
    """
    found = tagged([*tags, *(tag for tag in wanted if tag not in tags)], frames, as_of=day).select("user_id", "tag").persist()
    try:
        everybody = frames.features.where(F.col("as_of_date") == F.lit(day)).count()
        sizes = {row["tag"]: int(row["users"]) for row in found.groupBy("tag").agg(F.count("*").alias("users")).collect()}
        names = [tag.name for tag in wanted]
        mine = found.where(F.col("tag").isin(names)).withColumnRenamed("tag", "mine")
        shared = mine.join(found, "user_id").where("tag <> mine").groupBy("mine", "tag").agg(F.count("*").alias("both")).collect()
        return [
            Preview(tag, day, sizes.get(tag.name, 0), everybody, _overlaps(tag.name, shared, sizes), _examples(tag, found, frames, day))
            for tag in wanted
        ]
    finally:
        found.unpersist()


def _overlaps(name: str, shared: Sequence[Row], sizes: dict[str, int]) -> tuple[Overlap, ...]:
    found = []
    for row in shared:
        if row["mine"] == name:
            both, mine, other = row["both"], sizes[name], sizes[row["tag"]]
            found.append(Overlap(row["tag"], both, both / mine, both / (mine + other - both)))
    return tuple(sorted(found, key=lambda one: (-one.jaccard, one.tag)))


def _examples(tag: Tag, found: DataFrame, frames: Frames, day: date) -> tuple[dict[str, Any], ...]:
    users = found.where(F.col("tag") == tag.name).select("user_id").orderBy(F.xxhash64("user_id"), "user_id").limit(EXAMPLES)
    figures = asked([tag], frames, as_of=day).join(F.broadcast(users), "user_id").orderBy(F.xxhash64("user_id"), "user_id")
    return tuple(row.asDict() for row in figures.collect())
