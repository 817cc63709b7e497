"""``gold.tag_sizes``: what each tag means and how many users have it, at the end of a day."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.tag_sizes import SUITE
from jobs.contract import Column, Table
from jobs.gold.user_features import USER_FEATURES
from jobs.gold.user_tags import USER_TAGS
from jobs.segmentation.tags.declaration import tags_of
from jobs.segmentation.tags.vocabulary import vocabulary
from jobs.settings import Settings
from jobs.step import AsOf, Read, Step, Write

TAG_SIZES = Table(
    name="gold.tag_sizes",
    doc="One row a tag and as-of day, for every tag that is valid on that day, also of one that nobody has.",
    columns=(
        Column("as_of_date", "date", "Day at whose end the row was true."),
        Column("tag", "string", "Name of the tag."),
        Column("scope", "string", "global: a rule that everybody is asked; individual: given by hand."),
        Column("owner", "string", "Who answers for the tag."),
        Column("meaning", "string", "What is true of a user who has it."),
        Column("rule", "string", "The rule as it was declared; NULL of an individual tag.", nullable=True),
        Column("user_count", "bigint", "Users who have it."),
        Column("user_share", "double", "Their share of all users of the day; 0 on a day without users.", tolerance=1e-6),
    ),
    key=("as_of_date", "tag"),
    partitioned_by="as_of_date",
)


def build(features: DataFrame, user_tags: DataFrame, *, as_of: date, settings: Settings) -> DataFrame:
    """One row a valid tag."""
    valid = [tag for tag in tags_of(settings.tags_file, vocabulary()) if tag.is_valid_on(as_of)]
    rows = [(tag.name, tag.scope, tag.declared.owner, tag.declared.meaning, tag.declared.when) for tag in valid]
    day = F.col("as_of_date") == F.lit(as_of)
    everybody = features.where(day).agg(F.count("*").alias("_users"))
    sizes = user_tags.where(day).groupBy("tag").agg(F.count("*").alias("user_count"))
    declared = features.sparkSession.createDataFrame(rows, "tag string, scope string, owner string, meaning string, rule string")
    known = declared.join(F.broadcast(sizes), "tag", "left").crossJoin(F.broadcast(everybody))
    count = F.coalesce("user_count", F.lit(0).cast("bigint"))
    share = F.when(F.col("_users") > 0, count / F.col("_users")).otherwise(F.lit(0.0))
    derived = {"as_of_date": F.lit(as_of), "user_count": count, "user_share": share}
    return known.select(*[derived.get(name, F.col(name)).alias(name) for name in TAG_SIZES.column_names])


STEP = Step(
    reads=(Read(USER_FEATURES), Read(USER_TAGS)),
    writes=(Write(TAG_SIZES, SUITE, AsOf()),),
    build=build,
    takes=("as_of", "settings"),
)
