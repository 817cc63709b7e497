"""The users that clusters are fitted on."""

from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.segmentation.served_segments import COLUMNS

MOST_USERS = 20_000

SEED = 20_240_701
"""Of the order in which users are drawn, and of what is fitted on them."""


def draw(features: DataFrame, *, as_of: date, seed: int, users: int = MOST_USERS) -> pa.Table:
    """At most ``users`` users of ``as_of`` with COLUMNS, in the order of a hash of id and seed: the same for any partitioning.

    Every part of the result is a fair sample too.
    """
    of_day = features.where(F.col("as_of_date") == F.lit(as_of)).select("user_id", *COLUMNS)
    return first_by_hash(of_day, seed=seed, users=users).toArrow()


def first_by_hash(rows: DataFrame, *, seed: int, users: int) -> DataFrame:
    """At most ``users`` rows (one a ``user_id``), in the order of a hash of id and seed."""
    return rows.orderBy(F.xxhash64(F.lit(seed), "user_id"), "user_id").limit(users)
