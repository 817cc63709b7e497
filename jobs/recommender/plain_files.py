"""Interactions from plain files: CSV or Parquet with ``user_id,item_id[,value][,timestamp]``, outside of any lake."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from jobs.errors import BadDataError
from jobs.recommender.weights import MICRO

REQUIRED, OPTIONAL = ("user_id", "item_id"), ("value", "timestamp")
EVENTS_FRAME = "user_id string, item_id string, weight double, last_at timestamp, position bigint"
"""One row a line: ``weight`` is the value, 1 where the file has none; ``position`` its place in the file, for splits that go by it."""

SPLITS = ("time", "leave-last-out", "random")


@dataclass(frozen=True)
class Parted:
    """Lines to learn from and lines to be judged on; ``leaks_time`` where some of the former are younger than some of the latter."""

    train: DataFrame
    test: DataFrame
    leaks_time: bool


def read(spark: SparkSession, file: Path) -> DataFrame:
    """The lines of a file, as ``EVENTS_FRAME``, in one partition of their order.

    ``timestamp`` is a number of seconds since 1970 or ISO 8601 in UTC. Raises BadDataError for a file that is not there, lacks a column,
    has one that is not known, or holds a value that is no number above zero, a time that is none, or an empty id.
    """
    found = _opened(spark, file)
    strange = sorted(set(found.columns) - {*REQUIRED, *OPTIONAL})
    missing = sorted(set(REQUIRED) - set(found.columns))
    if strange or missing:
        raise BadDataError(
            str(file),
            expected="columns user_id,item_id[,value][,timestamp]",
            found=", ".join([*(f"no {name}" for name in missing), *strange]),
            advice="Rename or drop columns.",
        )
    value = F.expr("try_cast(value AS double)") if "value" in found.columns else F.lit(1.0)
    at = _instant(found) if "timestamp" in found.columns else F.lit(None).cast("timestamp")
    rows = found.coalesce(1).select(
        F.col("user_id").cast("string"),
        F.col("item_id").cast("string"),
        value.alias("weight"),
        at.alias("last_at"),
        F.monotonically_increasing_id().alias("position"),
    )
    _refuse(rows, str(file), has_time="timestamp" in found.columns)
    return rows


def read_items(spark: SparkSession, file: Path) -> pa.Table:
    """One row an item, on the driver: ``item_id`` and at least one more column, all of them text, NULL where nothing is said.

    Raises BadDataError for a file that is not there, lacks a column, or has an item without an id or twice.
    """
    found = _opened(spark, file)
    if "item_id" not in found.columns or len(found.columns) < 2:
        expected, columns = "a column item_id and columns of words", ", ".join(found.columns)
        raise BadDataError(str(file), expected=expected, found=columns, advice="Rename or add columns.")
    rows = found.select([F.col(f"`{name}`").cast("string").alias(name) for name in found.columns])
    counted = rows.agg(F.count("*"), F.countDistinct(F.nullif("item_id", F.lit("")))).first()
    lines, items = (int(counted[0]), int(counted[1])) if counted else (0, 0)
    if lines > items:
        raise BadDataError(
            str(file),
            expected="one line an item, with its id",
            found=f"{lines} lines, {items} items",
            advice="Drop those without an id and those that repeat one.",
        )
    return rows.toArrow()


def _opened(spark: SparkSession, file: Path) -> DataFrame:
    if not file.exists():
        raise BadDataError(str(file), expected="a CSV or Parquet file", found="nothing there", advice="Correct the path.")
    is_parquet = file.suffix == ".parquet" or file.is_dir()
    as_csv = spark.read.option("header", True).option("escape", '"')
    return spark.read.parquet(str(file)) if is_parquet else as_csv.csv(str(file))


def _instant(found: DataFrame) -> Column:
    if dict(found.dtypes)["timestamp"] == "timestamp":
        return F.col("timestamp")
    seconds = F.expr("try_cast(timestamp AS double)")
    return F.when(seconds.isNotNull(), F.timestamp_micros((seconds * 1_000_000).cast("bigint"))).otherwise(
        F.expr("try_cast(timestamp AS timestamp)")
    )


def _refuse(rows: DataFrame, file: str, *, has_time: bool) -> None:
    faults = {
        "an empty user_id or item_id": "user_id IS NULL OR item_id IS NULL OR user_id = '' OR item_id = ''",
        "a value that is no number above 0": "weight IS NULL OR isnan(weight) OR weight <= 0 OR weight = double('Infinity')",
        "a timestamp that is none": "last_at IS NULL" if has_time else "false",
    }
    counted = rows.agg(*[F.count_if(F.expr(fault)).alias(name) for name, fault in faults.items()]).first()
    found = {name: counted[name] for name in faults if counted and counted[name]}
    if found:
        raise BadDataError(
            file,
            expected="in every line two ids, a value above 0, a time",
            found=", ".join(f"{name} ({count} lines)" for name, count in found.items()),
            advice="Mend or drop those lines.",
        )


def split(rows: DataFrame, kind: str, share: float = 0.25, seed: int = 17) -> Parted:
    """Part the lines of ``read``.

    ``time``: the last ``share`` of all lines, by time, is the test. ``leave-last-out``: the last line of each user who has two or more.
    ``random``: of each user that share, by the hash of the line and ``seed``; it lets a model learn from what came later, and is only
    there to repeat what others have published. Equal times fall to the place in the file. Raises BadDataError where there are no times.
    """
    if kind != "random" and rows.where("last_at IS NULL").limit(1).count():
        raise BadDataError(
            "split", expected=f"a timestamp in every line, for the split by {kind}", found="none", advice="Use --split random."
        )
    if kind == "time":
        edge = rows.select(F.expr(f"percentile_disc({1.0 - share}) WITHIN GROUP (ORDER BY unix_micros(last_at))").alias("edge")).first()
        micros = edge["edge"] if edge and edge["edge"] is not None else 0
        boundary = F.lit(datetime.fromtimestamp(micros / 1_000_000, UTC))
        return Parted(rows.where(F.col("last_at") <= boundary), rows.where(F.col("last_at") > boundary), leaks_time=False)
    if kind == "leave-last-out":
        by_user = Window.partitionBy("user_id")
        latest = F.row_number().over(by_user.orderBy(F.desc("last_at"), F.desc("position")))
        marked = rows.withColumn("_latest", latest).withColumn("_lines", F.count("*").over(by_user))
        is_test = (F.col("_latest") == 1) & (F.col("_lines") > 1)
        return Parted(marked.where(~is_test).select(rows.columns), marked.where(is_test).select(rows.columns), leaks_time=True)
    chance = F.xxhash64(F.lit(seed), "user_id", "item_id", "position")
    by_user = Window.partitionBy("user_id")
    place = F.row_number().over(by_user.orderBy(chance, "position"))
    marked = rows.withColumn("_is_test", place > F.round(F.count("*").over(by_user) * (1.0 - share)))
    return Parted(marked.where("NOT _is_test").select(rows.columns), marked.where("_is_test").select(rows.columns), leaks_time=True)


def signals(rows: DataFrame) -> DataFrame:
    """What models learn from (``SIGNALS_FRAME``): weights of the same user and item summed, in millionths, and the last time."""
    weight = (F.sum(F.round(F.col("weight") * MICRO).cast("bigint")) / MICRO).alias("weight")
    return rows.groupBy("user_id", "item_id").agg(weight, F.max("last_at").alias("last_at"))


def overlaps(train: DataFrame, test: DataFrame) -> bool:
    """Whether some line of ``train`` is younger than some line of ``test``, or nobody can tell because there are no times."""
    ends = train.agg(F.max("last_at").alias("last")).crossJoin(test.agg(F.min("last_at").alias("first"))).first()
    return ends is None or ends["last"] is None or ends["first"] is None or bool(ends["last"] > ends["first"])
