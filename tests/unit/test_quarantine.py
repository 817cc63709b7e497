"""Sorting rows: each to one side, with every reason, and unknown is not fine."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.quarantine import sort_rows


def test_every_row_goes_to_exactly_one_side_with_all_its_reasons(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(1, 5), (2, -5), (3, None), (-4, -1)], "number int, price int")
    sides = sort_rows(rows, {"negative_number": F.col("number") < 0, "negative_price": F.col("price") < 0})
    assert [r["number"] for r in sides.clean.collect()] == [1]
    rejected = {r["number"]: r["reasons"] for r in sides.rejected.collect()}
    assert rejected == {2: ["negative_price"], 3: ["negative_price"], -4: ["negative_number", "negative_price"]}
