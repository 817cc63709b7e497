"""Marking rows: every reason that applies, and unknown is not fine."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.quarantine import with_reasons


def test_every_row_gets_all_its_reasons_in_order(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1, 5), (2, -5), (3, None), (-4, -1)], "number int, price int")
    faults = {"negative_number": F.col("number") < 0, "negative_price": F.col("price") < 0}
    assert {r["number"]: r["reasons"] for r in with_reasons(rows, faults).collect()} == {
        1: [],
        2: ["negative_price"],
        3: ["negative_price"],
        -4: ["negative_number", "negative_price"],
    }
