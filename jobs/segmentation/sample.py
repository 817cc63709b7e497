"""The users that clusters are fitted on."""

from datetime import date

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.segmentation.served_segments import COLUMNS

MOST_USERS = 20_000


def draw(features: DataFrame, *, as_of: date, seed: int, users: int = MOST_USERS) -> pa.Table:
    """At most ``users`` users of ``as_of`` with COLUMNS, in the order of a hash of id and seed: the same for any partitioning.

    Every part of the result is a fair sample too.
    """
    of_day = features.where(F.col("as_of_date") == F.lit(as_of)).select("user_id", *COLUMNS)
    return of_day.orderBy(F.xxhash64(F.lit(seed), "user_id"), "user_id").limit(users).toArrow()
