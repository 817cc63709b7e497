"""Publish, publish again, publish something bad, publish nothing: what a reader sees after each."""

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.content_hash import content_hash
from jobs.contract import Column, Table
from jobs.errors import BadDataError, ContractError, LostRaceError
from jobs.interval import Interval
from jobs.lake import Attempt, Lake, days_condition
from jobs.ops.decisions import DECISIONS

DAY, NEXT = date(2026, 5, 1), date(2026, 5, 2)


def table_named(noun: str) -> Table:
    return Table(
        name=f"silver.{noun}",
        doc="One row an item and day, for this test.",
        columns=(
            Column("event_date", "date", "Day."),
            Column("item_id", "string", "Item."),
            Column("units_sold", "bigint", "Pieces.", nullable=True),
        ),
        key=("event_date", "item_id"),
        partitioned_by="event_date",
    )


def attempt(number: int = 1, run_id: str = "manual__2026-05-01T00:00:00+00:00") -> Attempt:
    return Attempt(run_id=run_id, attempt=number, interval=Interval(DAY, NEXT), code_version="test")


def rows(spark: SparkSession, table: Table, *values: tuple[date, str, int | None]) -> DataFrame:
    return spark.createDataFrame(list(values), table.struct())


def published(spark: SparkSession, table: Table) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in Lake(spark, attempt()).read(table).collect())


def test_a_staged_table_is_seen_by_its_attempt_alone_until_it_is_published(lake_spark: SparkSession) -> None:
    table = table_named("seen")
    lake = Lake(lake_spark, attempt())
    lake.stage(table, rows(lake_spark, table, (DAY, "mug", 1)), days_condition("event_date", [DAY]))
    assert lake.read(table).count() == 1
    assert published(lake_spark, table) == []
    lake.publish()
    assert published(lake_spark, table) == [(DAY, "mug", 1)]


def test_publishing_again_leaves_the_same_content_and_touches_no_other_day(lake_spark: SparkSession) -> None:
    table = table_named("again")
    condition = days_condition("event_date", [DAY])
    for number in (1, 2):
        lake = Lake(lake_spark, attempt(number))
        both = rows(lake_spark, table, (DAY, "mug", 1), (NEXT, "tea", 2))
        lake.stage(
            table, both if number == 1 else both.where(condition), condition if number == 2 else f"{condition} OR event_date = DATE'{NEXT}'"
        )
        lake.publish()
    assert published(lake_spark, table) == [(DAY, "mug", 1), (NEXT, "tea", 2)]


@pytest.mark.parametrize("there", ["nothing", "something"])
def test_what_an_attempt_of_the_same_name_has_left_begins_anew(lake_spark: SparkSession, there: str) -> None:
    table, condition = table_named(f"left_where_{there}_was"), days_condition("event_date", [DAY])
    if there == "something":
        before = Lake(lake_spark, attempt(number=2))
        before.stage(table, rows(lake_spark, table, (DAY, "pot", 3)), condition)
        before.publish()
    Lake(lake_spark, attempt()).stage(table, rows(lake_spark, table, (DAY, "mug", 1)), condition)  # and is killed
    again = Lake(lake_spark, attempt())
    again.stage(table, rows(lake_spark, table, (DAY, "tea", 2)), condition)
    again.publish()
    assert published(lake_spark, table) == [(DAY, "tea", 2)]


@pytest.mark.parametrize(("adaptive", "partitions", "files"), [("true", 1, 3), ("true", 9, 1), ("true", None, 1), ("false", 1, 1)])
def test_rows_of_few_partitions_are_written_by_the_tasks_that_have_them_where_tasks_are_sized_by_their_rows(
    lake_spark: SparkSession, adaptive: str, partitions: int | None, files: int
) -> None:
    table = table_named(f"written_{adaptive}_{partitions or 0}")
    many = rows(lake_spark, table, *[(DAY, f"item {number}", number) for number in range(30)]).repartition(3)
    lake = Lake(lake_spark, attempt())
    lake_spark.conf.set("spark.sql.adaptive.enabled", adaptive)
    try:
        lake.stage(table, many, days_condition("event_date", [DAY]), partitions=partitions)
    finally:
        lake_spark.conf.set("spark.sql.adaptive.enabled", "false")
    lake.publish()
    assert lake_spark.table(f"lake.{table.name}.files").count() == files
    assert content_hash(lake.read(table), table) == content_hash(many, table)


def test_an_empty_day_becomes_empty(lake_spark: SparkSession) -> None:
    table = table_named("emptied")
    for number, values in ((1, [(DAY, "mug", 1)]), (2, [])):
        lake = Lake(lake_spark, attempt(number))
        lake.stage(table, rows(lake_spark, table, *values), days_condition("event_date", [DAY]))
        lake.publish()
    assert published(lake_spark, table) == []


def test_a_row_outside_of_the_replaced_days_is_an_error_and_nothing_is_visible(lake_spark: SparkSession) -> None:
    table = table_named("stray")
    lake = Lake(lake_spark, attempt())
    with pytest.raises(ContractError, match="stray row"):
        lake.stage(table, rows(lake_spark, table, (NEXT, "mug", 1)), days_condition("event_date", [DAY]))
    assert published(lake_spark, table) == []


def test_all_differences_from_the_contract_come_in_one_error(lake_spark: SparkSession) -> None:
    table = table_named("differs")
    wrong = lake_spark.createDataFrame([(DAY, "mug", "many")], "event_date date, sku string, units_sold string")
    with pytest.raises(
        ContractError, match=r"item_id string is missing; sku string is not in the contract; units_sold is string, not bigint"
    ):
        Lake(lake_spark, attempt()).stage(table, wrong, "true")


def test_a_branch_written_after_its_audit_is_not_published(lake_spark: SparkSession) -> None:
    table = table_named("rewritten")
    lake, other = Lake(lake_spark, attempt()), Lake(lake_spark, attempt())
    condition = days_condition("event_date", [DAY])
    lake.stage(table, rows(lake_spark, table, (DAY, "mug", 1)), condition)
    other._staged.update(lake._staged)
    other.stage(table, rows(lake_spark, table, (DAY, "tea", 9)), condition)
    with pytest.raises(LostRaceError, match="audited snapshot"):
        lake.publish()
    assert published(lake_spark, table) == []


def test_who_publishes_second_from_the_same_base_has_lost_the_race(lake_spark: SparkSession) -> None:
    table = table_named("raced")
    condition = days_condition("event_date", [DAY])
    lakes = [Lake(lake_spark, attempt(run_id=name)) for name in ("base", "first", "second")]
    for lake, item in zip(lakes, ("mug", "tea", "cup"), strict=True):
        if lake is lakes[1]:
            lakes[0].publish()
        lake.stage(table, rows(lake_spark, table, (DAY, item, 1)), condition)
    lakes[1].publish()
    with pytest.raises(LostRaceError, match="main unchanged"):
        lakes[2].publish()
    assert published(lake_spark, table) == [(DAY, "tea", 1)]


def test_a_nullable_column_is_added_and_any_other_change_is_refused(lake_spark: SparkSession) -> None:
    table = table_named("grown")
    lake = Lake(lake_spark, attempt())
    lake.ensure(table)
    more = Column("note", "string", "New.", nullable=True)
    lake.ensure(Table(table.name, table.doc, (*table.columns, more), table.key, table.partitioned_by))
    assert "note" in lake_spark.table("lake.silver.grown").columns
    with pytest.raises(ContractError, match="note is string in the lake"):
        lake.ensure(table)


def test_a_set_pins_snapshots_that_later_runs_do_not_move(lake_spark: SparkSession) -> None:
    table = table_named("pinned")
    condition = days_condition("event_date", [DAY])
    lake = Lake(lake_spark, attempt(1))
    lake.stage(table, rows(lake_spark, table, (DAY, "mug", 1)), condition)
    lake.publish()
    first = lake.record_set(DAY, [table])
    later = Lake(lake_spark, attempt(2))
    later.stage(table, rows(lake_spark, table, (DAY, "mug", 5)), condition)
    later.publish()
    pinned = later.read_set(DAY)
    assert pinned.snapshots == first.snapshots
    assert [row["units_sold"] for row in later.read(table, pinned.snapshots[table.name]).collect()] == [1]
    with pytest.raises(BadDataError, match="a set for 2026-05-02"):
        later.read_set(NEXT)


def test_the_summary_of_a_snapshot_tells_who_wrote_it_from_what(lake_spark: SparkSession) -> None:
    source, target = table_named("upstream"), table_named("downstream")
    condition = days_condition("event_date", [DAY])
    lake = Lake(lake_spark, attempt())
    lake.stage(source, rows(lake_spark, source, (DAY, "mug", 1)), condition)
    upstream = lake.publish()[source.name]
    lake.stage(target, lake.read(source), condition)
    lake.publish()
    snapshot = lake.run_snapshot(target, attempt().run_id)
    summary = lake_spark.sql(f"SELECT summary FROM lake.silver.downstream.snapshots WHERE snapshot_id = {snapshot}").first()
    assert summary is not None
    assert summary["summary"]["tradewind.read"] == f"silver.upstream@{upstream}"
    assert summary["summary"]["tradewind.run_id"] == attempt().run_id


def test_a_recorded_row_is_replaced_by_the_same_key_and_kept_beside_others(lake_spark: SparkSession) -> None:
    row = {
        "family": "recommender",
        "as_of_date": DAY,
        "candidate_version": None,
        "champion_version": None,
        "is_promoted": False,
        "metrics": "{}",
    }
    lake = Lake(lake_spark, attempt(7))
    lake.append_rows(DECISIONS, [row | {"reason": "first"}])
    lake.append_rows(DECISIONS, [row | {"reason": "second"}, row | {"family": "segments", "reason": "other"}])
    found = lake.read(DECISIONS).where("attempt = 7").orderBy("family").collect()
    assert [r["reason"] for r in found] == ["second", "other"]


def test_content_hashes_ignore_order_and_partitions_and_see_every_value(lake_spark: SparkSession) -> None:
    table = table_named("hashed")
    values = [(DAY, f"i{n}", n if n % 3 else None) for n in range(200)]
    df = rows(lake_spark, table, *values)
    first = content_hash(df, table)
    assert first.startswith("200-")
    assert {content_hash(df.repartition(n), table) for n in (1, 3, 8)} == {first}
    changed = rows(lake_spark, table, *[(DAY, "i0", 7), *values[1:]])
    doubled = rows(lake_spark, table, *values, values[5], values[5])
    assert len({content_hash(changed, table), content_hash(doubled, table), first}) == 3
