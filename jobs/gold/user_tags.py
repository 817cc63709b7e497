"""``gold.user_tags``: which tags are true of each user at the end of a day."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.user_tags import SUITE
from jobs.contract import Column, Table
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.segmentation.tags.acts import answers
from jobs.segmentation.tags.declaration import Tag, tags_of
from jobs.segmentation.tags.vocabulary import vocabulary
from jobs.settings import Settings
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES
from jobs.step import AsOf, Read, Step, Write

USER_TAGS = Table(
    name="gold.user_tags",
    doc=(
        "One row a user, tag and as-of day, for each tag that is true of a user of gold.user_features and valid on that day. What a tag "
        "cannot tell of a user, because a figure is not known, is not true."
    ),
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("user_id", "string", "Pseudonym of the user."),
        Column("tag", "string", "Name of the tag; docs/tags.md and gold.tag_sizes say what it means."),
        Column("scope", "string", "global: a rule that everybody is asked; individual: given to the user by hand."),
        Column("owner", "string", "Who answers for the tag."),
    ),
    key=("as_of_date", "user_id", "tag"),
    partitioned_by="as_of_date",
)


class Frames(NamedTuple):
    """What tags are asked of: rows of the tables of these names, of all days."""

    events: DataFrame
    order_lines: DataFrame
    features: DataFrame
    segments: DataFrame


def build(
    events: DataFrame, order_lines: DataFrame, features: DataFrame, segments: DataFrame, *, as_of: date, settings: Settings
) -> DataFrame:
    """One row a user and tag that is true of the user; the tags are those of the platform and of the shop's file."""
    return tagged(tags_of(settings.tags_file, vocabulary()), Frames(events, order_lines, features, segments), as_of=as_of)


def tagged(tags: Sequence[Tag], frames: Frames, *, as_of: date) -> DataFrame:
    """The same of given tags."""
    valid = [tag for tag in tags if tag.is_valid_on(as_of)]
    users = asked(valid, frames, as_of=as_of)
    rules = [(tag, tag.rule) for tag in valid if tag.rule is not None]
    names = F.array(*[F.when(F.expr(rule.condition), F.lit(tag.name)) for tag, rule in rules]) if rules else F.array().cast("array<string>")
    by_rule = users.select("user_id", F.explode(F.array_compact(names)).alias("tag"))
    listed = [(user, tag.name) for tag in valid for user in sorted(set(tag.declared.users or ()))]
    known = frames.features.where(F.col("as_of_date") == F.lit(as_of)).select("user_id")
    by_hand = known.join(F.broadcast(users.sparkSession.createDataFrame(listed, "user_id string, tag string")), "user_id")
    about = [(tag.name, tag.scope, tag.declared.owner) for tag in valid]
    described = users.sparkSession.createDataFrame(about, "tag string, scope string, owner string")
    found = (by_rule.unionByName(by_hand) if listed else by_rule).join(F.broadcast(described), "tag")
    return found.select(F.lit(as_of).alias("as_of_date"), *USER_TAGS.column_names[1:])


def asked(tags: Sequence[Tag], frames: Frames, *, as_of: date) -> DataFrame:
    """One row a user of the day with every column that the rules of ``tags`` need."""
    rules = [tag.rule for tag in tags if tag.rule is not None]
    columns = {name for rule in rules for name in rule.columns}
    acts = {act for rule in rules for act in rule.acts}
    day = F.col("as_of_date") == F.lit(as_of)
    users = frames.features.where(day).select("user_id", *sorted(columns.intersection(USER_FEATURES.column_names) - {"user_id"}))
    of_segments = sorted(columns.intersection(USER_SEGMENTS.column_names) - columns.intersection(USER_FEATURES.column_names))
    if of_segments:
        users = users.join(frames.segments.where(day).select("user_id", *of_segments), "user_id")
    if acts:
        done = answers(frames.events, frames.order_lines, acts, as_of=as_of)
        nothing: dict[str, bool | float | int | str] = {act.column: False if act.is_sequence else 0 for act in acts}
        users = users.join(done, "user_id", "left").fillna(nothing)
    return users


STEP = Step(
    reads=(Read(EVENTS), Read(ORDER_LINES), Read(USER_FEATURES), Read(USER_SEGMENTS)),
    writes=(Write(USER_TAGS, SUITE, AsOf()),),
    build=build,
    takes=("as_of", "settings"),
)
