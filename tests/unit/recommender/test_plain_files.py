"""Claims about plain files: what is refused, how lines are parted, what models get to see."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.errors import BadDataError
from jobs.recommender import plain_files


def file(folder: Path, *lines: str, header: str = "user_id,item_id,timestamp") -> Path:
    place = folder / "lines.csv"
    place.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return place


def keys(rows: DataFrame) -> list[tuple[str, str]]:
    return sorted((row["user_id"], row["item_id"]) for row in rows.collect())


def test_seconds_and_dates_are_instants_in_utc_and_a_line_without_value_weighs_one(spark: SparkSession, tmp_path: Path) -> None:
    rows = plain_files.read(spark, file(tmp_path, "u,a,60.5", "u,b,1970-01-01T00:02:00Z"))
    found = rows.selectExpr("weight", "unix_micros(last_at) AS at").collect()
    assert [tuple(row) for row in found] == [(1.0, 60_500_000), (1.0, 120_000_000)]


def test_parquet_is_read_like_csv(spark: SparkSession, tmp_path: Path) -> None:
    spark.createDataFrame(
        [("u", "a", 2.5, datetime(2026, 1, 1, tzinfo=UTC))], "user_id string, item_id string, value double, timestamp timestamp"
    ).write.parquet(str(tmp_path / "lines.parquet"))
    row = plain_files.read(spark, tmp_path / "lines.parquet").first()
    assert row is not None
    assert (row["user_id"], row["weight"]) == ("u", 2.5)


@pytest.mark.parametrize(
    ("header", "line", "said"),
    [
        ("user_id,product", "u,a", "no item_id, product"),
        ("user_id,item_id,value", "u,a,", "a value that is no number above 0 \\(1 lines\\)"),
        ("user_id,item_id,value", "u,a,-1", "a value that is no number above 0"),
        ("user_id,item_id,value", "u,a,NaN", "a value that is no number above 0"),
        ("user_id,item_id,value", "u,a,Infinity", "a value that is no number above 0"),
        ("user_id,item_id", ",a", "an empty user_id or item_id"),
        ("user_id,item_id,timestamp", "u,a,yesterday", "a timestamp that is none"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_what_is_wrong(
    spark: SparkSession, tmp_path: Path, header: str, line: str, said: str
) -> None:
    with pytest.raises(BadDataError, match=said) as raised:
        plain_files.read(spark, file(tmp_path, line, header=header))
    assert raised.value.exit_code == 65


def test_a_file_that_is_not_there_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match=r"absent\.csv: expected a CSV or Parquet file; found nothing there"):
        plain_files.read(spark, tmp_path / "absent.csv")


def test_a_split_by_time_never_learns_from_what_came_later(spark: SparkSession, tmp_path: Path) -> None:
    rows = plain_files.read(spark, file(tmp_path, "u,d,4", "v,a,1", "u,c,3", "v,b,2"))
    parted = plain_files.split(rows, "time", share=0.5)
    assert (keys(parted.train), keys(parted.test), parted.leaks_time) == ([("v", "a"), ("v", "b")], [("u", "c"), ("u", "d")], False)


def test_the_last_line_of_each_user_is_left_out_and_one_line_alone_is_learnt_from(spark: SparkSession, tmp_path: Path) -> None:
    rows = plain_files.read(spark, file(tmp_path, "u,a,9", "u,b,9", "v,c,1", "u,d,2"))
    parted = plain_files.split(rows, "leave-last-out")
    assert (keys(parted.test), parted.leaks_time) == ([("u", "b")], True)
    assert keys(parted.train) == [("u", "a"), ("u", "d"), ("v", "c")]


def test_a_random_split_takes_the_same_share_of_each_user_again_and_again(spark: SparkSession, tmp_path: Path) -> None:
    rows = plain_files.read(spark, file(tmp_path, *[f"u{n % 2},i{n},1" for n in range(16)]))
    once, again, other = (plain_files.split(rows.repartition(n), "random", seed=seed) for n, seed in ((1, 1), (4, 1), (1, 2)))
    assert keys(once.test) == keys(again.test) != keys(other.test)
    assert [sum(user == f"u{n}" for user, _ in keys(once.test)) for n in range(2)] == [2, 2]
    assert once.leaks_time
    assert sorted(keys(once.train) + keys(once.test)) == keys(rows)


def test_a_split_that_needs_times_says_so(spark: SparkSession, tmp_path: Path) -> None:
    rows = plain_files.read(spark, file(tmp_path, "u,a", header="user_id,item_id"))
    with pytest.raises(BadDataError, match="a timestamp in every line, for the split by time"):
        plain_files.split(rows, "time")


def test_lines_of_the_same_user_and_item_become_one_signal(spark: SparkSession, tmp_path: Path) -> None:
    rows = plain_files.read(spark, file(tmp_path, "u,a,0.1,5", "u,a,0.2,3", header="user_id,item_id,value,timestamp"))
    found = plain_files.signals(rows).selectExpr("user_id", "item_id", "weight", "unix_micros(last_at) AS at").collect()
    assert [tuple(row) for row in found] == [("u", "a", 0.3, 5_000_000)]


@pytest.mark.parametrize(("train", "test", "leaks"), [("u,a,1", "u,b,2", False), ("u,a,2", "u,b,1", True), ("u,a,1", "u,b,1", False)])
def test_two_files_leak_where_their_times_overlap(spark: SparkSession, tmp_path: Path, train: str, test: str, leaks: bool) -> None:  # noqa: FBT001
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert plain_files.overlaps(plain_files.read(spark, file(one, train)), plain_files.read(spark, file(two, test))) is leaks
