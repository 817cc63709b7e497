"""What the maintenance takes, and what it must leave: on a real lake, at an instant that the test names."""

import dataclasses
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.content_hash import content_hash
from jobs.context import Context
from jobs.contract import Column, Table
from jobs.errors import BadDataError
from jobs.export.exports import Export
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.maintenance import orphans
from jobs.maintenance.upkeep import compact, expire_snapshots, sweep_branches, sweep_orphans, sweep_unfinished
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.release.publish import publish
from jobs.release.releases import named
from jobs.settings import Settings
from jobs.sources.source import load
from jobs.store import Store
from stack.services import Stack
from tests.rows import segments_of

pytestmark = pytest.mark.timeout(1_200)

DAY = date(2029, 6, 30)
LATER = datetime.now(UTC) + timedelta(days=30)
"""A month from now: everything that the tests write is old by then."""
SEGMENT = segments_of("ada", DAY)
NOTES = Table(
    "silver.maintained",
    "One row a note, for this test.",
    (Column("event_date", "date", "Day."), Column("note", "string", "Words.")),
    ("note",),
    "event_date",
)
TABLES = ("silver.maintained", "gold.user_segments")
SEGMENTS_ALONE = (Export("user_segments", USER_SEGMENTS),)


def acting(spark: SparkSession, settings: Settings, run_id: str, day: date = DAY, **changed: object) -> Context:
    """A context that deletes; keywords replace settings."""
    interval = Interval(day, day + timedelta(days=1))
    lake = Lake(spark, Attempt(run_id, 1, interval, "test"))
    store = Store.from_settings(settings)
    settings = settings.model_copy(update=changed)
    return Context(settings, spark, store, lake, load(settings.source), interval, run_id, 1, dry_run=False)


def write(context: Context, table: Table, rows: list[Any]) -> int:
    """Publish ``rows`` as the whole table, audited."""
    frame = context.spark.createDataFrame(rows, table.struct())
    context.lake.stage(table, frame, "true")
    snapshot_id = context.lake.publish()[table.name]
    finding = {"expectation": "e", "subject": "", "severity": "critical", "is_met": True, "expected": "{}", "found": None}
    context.lake.append_rows(QUALITY_RESULTS, [{"table_name": table.name, "snapshot_id": snapshot_id, **finding}])
    return snapshot_id


def _die(*_: object) -> None:
    """The object store is gone at the worst moment: everything is exported, nothing committed."""
    raise ConnectionError


def tags_of(spark: SparkSession, table: str) -> set[str]:
    return {row["name"] for row in spark.table(f"lake.{table}.refs").where("type = 'TAG'").collect()}


def read(spark: SparkSession, table: str, snapshot_id: int) -> list[Any]:
    return spark.sql(f"SELECT * FROM lake.{table} VERSION AS OF {snapshot_id}").collect()


@dataclasses.dataclass(frozen=True)
class Released:
    """A released day, and two later states that nothing names."""

    context: Context
    release_id: str
    set_snapshot: int
    scored_snapshot: int
    unnamed: int


@pytest.fixture(scope="module")
def released(empty_lake: SparkSession, services: Settings) -> Released:
    """One release of a day whose tables have been written again since; a second publisher died before its commit."""
    context = acting(empty_lake, services, "maintained")
    set_snapshot = write(context, NOTES, [(DAY, "released")])
    context.lake.record_set(DAY, [NOTES])
    scored_snapshot = write(context, USER_SEGMENTS, [SEGMENT])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jobs.release.publish.contract_of", lambda _: NOTES)
        release_id = publish(context, SEGMENTS_ALONE)["release"]
        patch.setattr("jobs.release.publish.commit", _die)
        with pytest.raises(ConnectionError):
            publish(context, SEGMENTS_ALONE)
    unnamed = write(acting(empty_lake, services, "later"), NOTES, [(DAY, "unnamed")])
    for run_id in ("later", "last"):
        write(acting(empty_lake, services, run_id), NOTES, [(DAY, run_id)])
        write(acting(empty_lake, services, run_id), USER_SEGMENTS, [SEGMENT])
    return Released(context, release_id, set_snapshot, scored_snapshot, unnamed)


def test_what_a_publisher_scored_is_tagged_before_it_commits(released: Released, lake_spark: SparkSession) -> None:
    assert tags_of(lake_spark, "gold.user_segments") == {"release_2029_06_30_000001", "release_2029_06_30_000002"}
    assert released.release_id == "2029-06-30-000001"


def test_a_dry_run_names_what_would_go_and_leaves_everything(released: Released, lake_spark: SparkSession) -> None:
    context = dataclasses.replace(released.context, dry_run=True)
    _, snapshots = expire_snapshots(context, TABLES, LATER)
    names = {name for going in snapshots.plan for name in going.names}
    assert str(released.unnamed) in names
    assert not names & {str(released.set_snapshot), str(released.scored_snapshot)}
    assert snapshots.freed is None
    assert [row["note"] for row in read(lake_spark, "silver.maintained", released.unnamed)] == ["unnamed"]


def test_an_old_release_is_read_after_expiry_and_what_nothing_names_is_not(released: Released, lake_spark: SparkSession) -> None:
    lake_spark.sql("ALTER TABLE lake.silver.maintained DROP TAG `set_2029_06_30_000001`")  # as Iceberg does after its 400 days
    _, snapshots = expire_snapshots(released.context, TABLES, LATER)
    assert snapshots.freed
    content = named(released.context.store, released.release_id).content.snapshots()
    assert content == {"silver.maintained": released.set_snapshot, "gold.user_segments": released.scored_snapshot}
    assert [row["note"] for row in read(lake_spark, "silver.maintained", released.set_snapshot)] == ["released"]
    assert [row["user_id"] for row in read(lake_spark, "gold.user_segments", released.scored_snapshot)] == ["ada"]
    with pytest.raises(PySparkException, match=str(released.unnamed)):
        read(lake_spark, "silver.maintained", released.unnamed)
    assert tags_of(lake_spark, "gold.user_segments") == {"release_2029_06_30_000001"}  # the other publisher has died
    tags, again = expire_snapshots(released.context, TABLES, LATER)
    assert (tags.plan, again.plan) == ((), ())


def test_a_set_whose_snapshots_have_expired_is_refused_and_says_what_to_do(lake_spark: SparkSession, services: Settings) -> None:
    context = acting(lake_spark, services, "expired", date(2029, 7, 4))
    write(context, NOTES, [(DAY, "old")])
    context.lake.record_set(context.interval.last_day, [NOTES])
    write(acting(lake_spark, services, "newer"), NOTES, [(DAY, "newer")])
    context.lake.record_set(date(2029, 7, 5), [NOTES])
    write(acting(lake_spark, services, "newest"), NOTES, [(DAY, "newest")])
    expire_snapshots(acting(lake_spark, services, "x", set_retention_days=1), TABLES, LATER)
    with pytest.raises(BadDataError, match=r"set 2029-07-04-000001: .*silver\.maintained.*Run refine_daily for 2029-07-04 again"):
        context.lake.read_set(date(2029, 7, 4))
    assert context.lake.read_set(date(2029, 7, 5)).snapshots


def test_small_files_are_joined_and_the_content_and_the_run_of_a_table_stay(lake_spark: SparkSession, services: Settings) -> None:
    context, table = acting(lake_spark, services, "written"), dataclasses.replace(NOTES, name="silver.compacted")
    for number in range(5):
        frame = lake_spark.createDataFrame([(DAY, f"note {number}")], table.struct())
        context.lake.ensure(table)
        frame.writeTo("lake.silver.compacted").append()
    write_again = acting(lake_spark, services, "scored")
    write_again.lake.stage(table, lake_spark.createDataFrame([(date(2029, 7, 1), "more")], table.struct()), "event_date = DATE'2029-07-01'")
    scored = write_again.lake.publish()[table.name]
    before = content_hash(context.lake.read(table), table)
    done = compact(context, [table.name])
    assert {going.kind for going in done.plan} == {"partition of small files", "manifest"}
    assert [going.names for going in done.plan if going.kind != "manifest"] == [("event_date=2029-06-30",)]
    assert lake_spark.table("lake.silver.compacted.files").count() == 2
    assert content_hash(context.lake.read(table), table) == before
    assert context.lake.snapshot_id(table) != scored
    assert context.lake.run_snapshot(table, "scored") == scored
    assert context.lake.written_snapshot(table) == scored
    assert compact(context, [table.name]).plan == ()
    lake_spark.sql("DROP TABLE lake.silver.compacted")


def test_the_branch_of_a_dead_attempt_is_swept_and_that_of_a_young_one_is_not(lake_spark: SparkSession, services: Settings) -> None:
    context, table = acting(lake_spark, services, "dead"), dataclasses.replace(NOTES, name="silver.branched")
    context.lake.stage(table, lake_spark.createDataFrame([(DAY, "staged")], table.struct()), "true")
    assert sweep_branches(context, [table.name], datetime.now(UTC)).plan == ()
    assert [going.names for going in sweep_branches(context, [table.name], LATER).plan] == [("run_dead_1",)]
    assert lake_spark.table("lake.silver.branched.refs").where("name LIKE 'run_%'").isEmpty()
    lake_spark.sql("DROP TABLE lake.silver.branched")


def test_an_old_file_that_no_snapshot_names_goes_and_a_young_one_stays(
    released: Released, lake_spark: SparkSession, test_stack: Stack
) -> None:
    context, table = released.context, "silver.maintained"
    place = orphans.key_of(context.lake.location(table)) + "/data"
    for name in ("old", "young"):
        context.store.write(f"{place}/{name}.parquet", b"12345")
    week_ago = (datetime.now(UTC) - timedelta(days=7)).timestamp()
    os.utime(test_stack.state / "objects" / "lake" / context.store.bucket / place / "old.parquet", (week_ago, week_ago))
    done = sweep_orphans(context, [table], datetime.now(UTC))
    assert ([orphans.key_of(name) for going in done.plan for name in going.names], done.freed) == ([f"{place}/old.parquet"], 5)
    assert [entry.key for entry in context.store.list(place) if not entry.size > 5] == [f"{place}/young.parquet"]
    assert lake_spark.table(f"lake.{table}").count() == 1


def test_unfinished_exports_spent_reservations_and_killed_fits_go(released: Released, tmp_path: Path) -> None:
    store, left = released.context.store, tmp_path / "als" / "killed" / "rows.npy"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"12345")
    store.write("reservations/2029-06-30/000000.json", b'{"created_at": "2029-06-30T00:00:00+00:00"}')
    settings = released.context.settings.model_copy(update={"scratch_uri": str(tmp_path)})
    done = sweep_unfinished(dataclasses.replace(released.context, settings=settings), LATER)
    assert sorted(going.subject for going in done.plan) == ["als/killed", "exports of 2029-06-30-000002", "reservations/"]
    assert not left.parent.exists()
    assert store.read("reservations/2029-06-30/000000.json") is None
    assert store.read("reservations/2029-06-30/000002.json") is not None  # so that its number is not given again
    assert named(store, None).id == released.release_id
    assert list(store.list(f"exports/user_segments/schema=v1/release={released.release_id}/"))
