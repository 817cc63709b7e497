"""What holds at the end of a day."""

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession

from jobs.silver.validity import holds_at_end_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "ends", "holds"),
    [
        (NOON, None, True),
        (NOON, MIDNIGHT, True),  # half-open: over with the day that begins then
        (NOON, datetime(2026, 5, 4, 23, 59, 59, 999_999, tzinfo=UTC), False),
        (MIDNIGHT, None, False),
        (datetime(2019, 1, 1, tzinfo=UTC), NOON, False),
    ],
)
def test_a_stretch_holds_that_covers_the_last_moment_of_the_day(
    spark: SparkSession, begins: datetime, ends: datetime | None, *, holds: bool
) -> None:
    rows = spark.createDataFrame([(begins, ends)], "valid_from timestamp, valid_to timestamp")
    assert rows.select(holds_at_end_of(date(2026, 5, 4))).first() == (holds,)
