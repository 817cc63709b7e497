"""What held at the end of a day, of rows that hold over stretches of time."""

from datetime import date, timedelta

from pyspark.sql import Column
from pyspark.sql import functions as F


def holds_at_end_of(day: date) -> Column:
    """Whether a row with the instants ``valid_from`` and ``valid_to`` (half-open; NULL: still) holds at the end of ``day``.

    Midnight belongs to the day that it begins.
    """
    end = F.lit(day + timedelta(days=1)).cast("timestamp")
    return (F.col("valid_from") < end) & (F.col("valid_to").isNull() | (F.col("valid_to") >= end))
