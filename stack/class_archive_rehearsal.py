"""What jobs do, in small and on nothing: run once by ``stack/class_archive.py`` so that the classes behind it are loaded.

What it computes is thrown away. It needs no service: the lake is a folder, and the object store's client is pointed at a closed port.
"""

import contextlib
import sys
from collections.abc import Iterable
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.ml.recommendation import ALS
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

CLOSED_PORT = "http://127.0.0.1:9"
TABLE = "rehearsal.silver.events"


def rehearse(folder: str) -> None:
    """Parse, cache, rank, write on a branch, audit, publish, merge, fit: as a task would."""
    spark = (
        SparkSession.builder.config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.catalog.rehearsal", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.rehearsal.type", "hadoop")
        .config("spark.sql.catalog.rehearsal.warehouse", f"file://{folder}/warehouse")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.setCheckpointDir(f"{folder}/checkpoints")
    events = _parsed(spark).persist()
    spark.sql(f"CREATE TABLE {TABLE} (user_id string, item_id int, quantity int, day date) USING iceberg PARTITIONED BY (day)")
    spark.sql(f"ALTER TABLE {TABLE} CREATE OR REPLACE BRANCH task")
    newest = Window.partitionBy("user_id", "item_id").orderBy(F.desc("day"))
    ranked = events.withColumn("rank", F.row_number().over(newest)).where("rank = 1").drop("rank")
    ranked.writeTo(f"{TABLE}.branch_task").overwrite(F.expr("day >= DATE'2026-01-01' AND day < DATE'2026-03-01'"))
    _audit(spark.read.option("branch", "task").table(TABLE))
    spark.sql(f"CALL rehearsal.system.fast_forward('{TABLE}', 'main', 'task')").collect()
    spark.sql(f"ALTER TABLE {TABLE} DROP BRANCH IF EXISTS task")
    events.limit(5).createOrReplaceTempView("more")
    spark.sql(
        "MERGE INTO rehearsal.silver.events t USING (SELECT DISTINCT * FROM more) s "
        "ON t.user_id = s.user_id AND t.item_id = s.item_id AND t.day = s.day "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    spark.table(f"{TABLE}.snapshots").orderBy(F.desc("committed_at")).first()
    numbered = events.groupBy(F.hash("user_id").alias("user"), "item_id").agg(F.count("*").alias("weight"))
    ALS(rank=2, maxIter=1, implicitPrefs=True, userCol="user", itemCol="item_id", ratingCol="weight").fit(numbered).userFactors.count()
    _open_object_store(spark)
    spark.stop()


def _parsed(spark: SparkSession) -> DataFrame:
    def lines(batches: Iterable[Any]) -> Iterable[Any]:
        yield from batches

    raw = spark.range(2_000).select(
        F.format_string(
            '{"user_id": "u%d", "item_id": %d, "quantity": 1, "at": "2026-01-%02dT08:00:00Z"}', "id", "id", F.col("id") % 28 + 1
        )
    )
    read = raw.toDF("raw_line").mapInArrow(lines, "raw_line string")
    record = F.from_json("raw_line", "user_id string, item_id int, quantity int, at timestamp, _corrupt string")
    rows = read.select(record.alias("record")).select("record.*").withColumn("day", F.to_date("at"))
    faults = F.array_compact(
        F.array(F.when(F.col("item_id").isNull(), F.lit("missing_item")), F.when(F.col("quantity") < 1, F.lit("none")))
    )
    kept = rows.withColumn("reasons", faults).where(F.size("reasons") == 0)
    return kept.select(F.substring(F.sha2("user_id", 256), 1, 32).alias("user_id"), "item_id", "quantity", "day")


def _audit(rows: DataFrame) -> None:
    rows.persist().count()
    rows.agg(F.count_if(F.col("item_id").isNull()), F.min("quantity"), F.max("day"), F.approx_count_distinct("user_id")).collect()
    rows.groupBy("day").agg(F.sum("quantity"), F.collect_set("item_id")).orderBy("day").toPandas()
    users = rows.select("user_id").distinct()
    rows.join(F.broadcast(users), "user_id", "left_semi").join(rows.groupBy("item_id").count(), "item_id").orderBy("user_id").first()
    rows.select(F.explode(F.array("user_id")).alias("user_id")).union(users).distinct().limit(3).toArrow()


def _open_object_store(spark: SparkSession) -> None:
    """The store's client is five thousand classes; that nobody answers comes after they are loaded."""
    jvm: Any = spark.sparkContext._jvm
    place = jvm.org.apache.iceberg.aws.s3.S3FileIO()
    place.initialize(
        {
            "s3.endpoint": CLOSED_PORT,
            "s3.path-style-access": "true",
            "client.region": "us-east-1",
            "s3.access-key-id": "nobody",
            "s3.secret-access-key": "nothing",
        }
    )
    with contextlib.suppress(Py4JJavaError):
        place.newInputFile("s3://bucket/key").exists()
    with contextlib.suppress(Py4JJavaError):
        jvm.java.sql.DriverManager.getConnection("jdbc:postgresql://127.0.0.1:9/none", "nobody", "nothing")


if __name__ == "__main__":
    rehearse(sys.argv[1])
