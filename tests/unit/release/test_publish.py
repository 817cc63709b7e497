"""A release is committed whole, from one run's audited tables, on a real lake and object store."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.context import Context
from jobs.contract import Table
from jobs.errors import BadDataError
from jobs.export.exports import Export
from jobs.gold.interactions import INTERACTIONS
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.ops.releases import RELEASES
from jobs.release.publish import publish
from jobs.release.releases import committed, named
from jobs.reports import places
from jobs.settings import Settings
from jobs.sources.source import load
from jobs.sql import QueryError, answer
from jobs.store import Store
from tests.rows import segments_of

DAY = date(2026, 6, 30)
INTERVAL = Interval(DAY, date(2026, 7, 1))
DECLARED = (Export("user_segments", USER_SEGMENTS),)
SEGMENT = segments_of("ada", DAY)
INTERACTION = ("ada", "mug", "view_item", DAY, 3, 0, None)


def context_of(spark: SparkSession, settings: Settings, run_id: str) -> Context:
    lake = Lake(spark, Attempt(run_id, 1, INTERVAL, "0"))
    return Context(settings, spark, Store.from_settings(settings), lake, load("synthetic"), INTERVAL, run_id, 1)


def build(context: Context, table: Table, rows: list[Any], *, is_met: bool = True) -> int:
    """Publish ``rows`` as the table's day, with one recorded audit result."""
    staged = context.lake.stage(table, context.spark.createDataFrame(rows, table.struct()), f"{table.partitioned_by} = DATE'{DAY}'")
    snapshot_id = context.lake.publish()[table.name]
    finding = {"expectation": "unique", "subject": "user_id", "severity": "critical", "is_met": is_met, "expected": "{}", "found": None}
    context.lake.append_rows(QUALITY_RESULTS, [{"table_name": table.name, "snapshot_id": staged.snapshot_id, **finding}])
    return snapshot_id


@pytest.fixture(scope="module")
def scored(empty_lake: SparkSession, services: Settings) -> Context:
    """A day with its set, and segments that one run has scored."""
    context = context_of(empty_lake, services, "scored")
    build(context, INTERACTIONS, [INTERACTION])
    context.lake.record_set(DAY, [INTERACTIONS])
    build(context, USER_SEGMENTS, [SEGMENT])
    return context


def test_publishing_again_gives_a_new_release_with_the_same_hashes(scored: Context) -> None:
    first, second = publish(scored, DECLARED), publish(scored, DECLARED)
    a, b = named(scored.store, first["release"]), named(scored.store, second["release"])
    assert (b.sequence, first["content_hashes"], second["is_current"]) == (a.sequence + 1, second["content_hashes"], True)
    for done in (first, second):
        page = scored.store.read(places.release_page(done["release"]))
        assert page is not None
        assert f"Release {done['release']}".encode() in page
        assert done["page"].endswith(f"/releases/{done['release']}.html")
    listed = scored.store.read(places.RELEASES)
    assert listed is not None
    assert 0 < listed.index(second["release"].encode()) < listed.index(first["release"].encode())
    assert (a.content.set, a.content.tables) == (b.content.set, b.content.tables)
    hashes = [[file["sha256"] for file in release.content.exports["user_segments"]["files"]] for release in (a, b)]
    assert hashes[0] == hashes[1]


def test_a_release_without_a_model_says_what_serves_and_why(scored: Context) -> None:
    model = publish(scored, DECLARED)["models"]["segments"]
    assert (model["name"], model["version"], model["reason"]) == ("RFM quintiles", None, "no model of this family has been trained yet")


def test_the_table_of_releases_lists_all_that_were_committed(scored: Context) -> None:
    publish(scored, DECLARED)
    listed = {row["release_id"] for row in scored.lake.read(RELEASES).collect()}
    assert listed == {key.id for key in committed(scored.store)}


def test_a_run_that_scored_nothing_publishes_nothing(scored: Context, lake_spark: SparkSession, services: Settings) -> None:
    before = committed(scored.store)
    with pytest.raises(BadDataError, match=r"gold.user_segments: expected a snapshot that run other published; found none"):
        publish(context_of(lake_spark, services, "other"), DECLARED)
    assert committed(scored.store) == before


def test_a_release_answers_the_same_after_the_lake_has_moved(scored: Context, lake_spark: SparkSession, services: Settings) -> None:
    snapshots = named(scored.store, publish(scored, DECLARED)["release"]).content.snapshots()
    build(context_of(lake_spark, services, "later"), INTERACTIONS, [INTERACTION, ("bob", "mug", "view_item", DAY, 1, 0, None)])
    seen = "WITH seen AS (SELECT user_id FROM gold.interactions)"
    query = f"{seen} SELECT count(*) AS user_count FROM seen WHERE user_id IN (SELECT user_id FROM gold.interactions)"
    pinned, _ = answer(lake_spark, query, snapshots=snapshots)
    moving, _ = answer(lake_spark, query)
    assert (pinned.to_pylist(), moving.to_pylist()) == ([{"user_count": 1}], [{"user_count": 2}])


@pytest.mark.usefixtures("scored")
def test_a_pinned_question_cannot_reach_the_moving_table(lake_spark: SparkSession) -> None:
    with pytest.raises(QueryError, match=r"Leave lake\. away"):
        answer(lake_spark, "SELECT * FROM lake.gold.interactions", snapshots={})


@pytest.mark.usefixtures("scored")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO gold.interactions SELECT * FROM gold.interactions",
        "WITH x AS (SELECT * FROM gold.interactions) INSERT INTO gold.interactions SELECT * FROM x",
        "DELETE FROM gold.interactions",
        "DROP TABLE gold.interactions",
        "CALL lake.system.expire_snapshots('gold.interactions')",
    ],
)
def test_a_statement_that_writes_is_refused(lake_spark: SparkSession, statement: str) -> None:
    with pytest.raises(QueryError, match="Only queries are answered here"):
        answer(lake_spark, statement)


def test_a_long_answer_is_cut_and_says_so(lake_spark: SparkSession) -> None:
    table, is_cut = answer(lake_spark, "SELECT id FROM range(5)", rows=3)
    assert (table.num_rows, is_cut) == (3, True)


def test_a_failed_table_stops_the_release(scored: Context, lake_spark: SparkSession, services: Settings) -> None:
    before = committed(scored.store)
    failing = context_of(lake_spark, services, "failing")
    build(failing, USER_SEGMENTS, [SEGMENT], is_met=False)
    with pytest.raises(BadDataError, match=r"gold.user_segments \(1 critical\)"):
        publish(failing, DECLARED)
    assert committed(scored.store) == before
