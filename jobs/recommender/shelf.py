"""What may be recommended to whom: the items on sale, without what a user has bought."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def held_on(day: date) -> Column:
    """Whether a version of ``silver.items`` held on ``day``."""
    return (F.col("valid_from") <= F.lit(day)) & (F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(day)))


def on_sale(items: DataFrame, interactions: DataFrame, day: date) -> DataFrame:
    """One row an item (item_id) that can be bought on ``day``, by the versions of ``silver.items``.

    A shop that sends no catalogue (``items`` is empty) sells whatever somebody has touched by then.
    """
    listed = items.where(held_on(day) & F.col("is_on_sale")).select("item_id").distinct()
    has_catalogue = items.limit(1).agg((F.count("*") > 0).alias("_has_catalogue"))
    touched = interactions.where(F.col("event_date") <= F.lit(day)).select("item_id").distinct()
    return listed.unionByName(touched.crossJoin(F.broadcast(has_catalogue)).where("NOT _has_catalogue").select("item_id"))


def bought(order_lines: DataFrame, day: date) -> DataFrame:
    """One row a user and item (user_id, item_id) that was sold to that user by the end of ``day``; refunded ones too."""
    sold = (F.col("kind") == "sale") & F.col("user_id").isNotNull() & (F.col("ordered_date") <= F.lit(day))
    return order_lines.where(sold).select("user_id", "item_id").distinct()
