"""Item affinity: the category that a user is likely for, because they do more with it than others do."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.segmentation.served_segments import Label

LEAST_LIFT = 1.5
"""Lift from which a user is likely for a category: half as much again as the average user."""

MOST_CATEGORIES = 20
"""Categories with a segment of their own: those that most users are likely for."""

LIKELY = "Likely for "
NONE = Label(
    "No clear affinity", "No category stands out in what they look at and buy.", "Show best sellers and novelties of all categories."
)
OTHER = Label(
    f"{LIKELY}a small category", "One category stands out, but few users share it.", "Recommend personally; no campaign is worth it."
)
OWN = Label(
    LIKELY, "Do clearly more with this category than others do.", "First choice for campaigns, novelties and restocks of the category."
)
"""Of each category that has a segment of its own; the category follows the name."""


def likely_for(users: DataFrame) -> DataFrame:
    """``users`` (one row each, with ``category_affinities``) and their ``affinity_segment``; equals in size by category id."""
    first = F.get("category_affinities", F.lit(0))
    category = F.when(first["lift"] >= LEAST_LIFT, first["category_id"])
    sizes = users.select(category.alias("_category")).where("_category IS NOT NULL").groupBy("_category").count()
    largest = sizes.orderBy(F.desc("count"), "_category").limit(MOST_CATEGORIES).agg(F.collect_set("_category").alias("_largest"))
    own = F.when(F.array_contains("_largest", category), F.concat(F.lit(OWN.name), category)).otherwise(OTHER.name)
    found = F.when(category.isNull(), NONE.name).otherwise(own)
    return users.crossJoin(F.broadcast(largest)).withColumn("affinity_segment", found).drop("_largest")
