"""A bad day stops the right task with a message that helps, and readers go on seeing the day before."""

import dataclasses
import gzip
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import great_expectations.expectations as gxe
import pytest
from pyspark.sql import SparkSession

import jobs.silver.events
from expectations.suite import Suite
from jobs.context import Context
from jobs.errors import AuditError, LandingError, NotLandedError, RejectShareError
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.landing import folder
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.sources.source import load
from jobs.step import Write
from jobs.store import Store
from tests.landed_day import events_of, land_events

pytestmark = pytest.mark.timeout(1_200)

GOOD, BAD = date(2027, 3, 1), date(2027, 3, 2)
BRONZE, SILVER = ("bronze.events",), ("silver.events", "silver.sessions")
"""The tables that events come into: nothing else lands here."""

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def run(lake_spark: SparkSession, services: Settings) -> Run:
    """Build tables of a day, as the entry script does, in this process."""

    def build(day: date, *names: str, run_id: str, source: str = services.source) -> dict[str, Any]:
        interval = Interval(day, day + timedelta(days=1))
        lake = Lake(lake_spark, Attempt(run_id=run_id, attempt=1, interval=interval, code_version="test"))
        store = Store.from_settings(services)
        context = Context(services, lake_spark, store, lake, load(source), interval, run_id, 1)
        return build_tables(context, names)

    return build


def seen(spark: SparkSession, table: str) -> tuple[int, int]:
    """What a reader sees: the published snapshot, and the rows of it."""
    snapshot = spark.table(f"lake.{table}.refs").where("name = 'main'").first()
    assert snapshot is not None
    return snapshot["snapshot_id"], spark.table(f"lake.{table}").count()


@pytest.fixture(scope="module")
def good_day(run: Run, services: Settings) -> None:
    land_events(services, GOOD, *events_of(GOOD, 20))
    run(GOOD, *BRONZE, run_id="good")
    run(GOOD, *SILVER, run_id="good")


@pytest.mark.usefixtures("good_day")
def test_what_is_made_of_a_feed_that_the_shop_does_not_send_is_left_out_and_awaited_of_one_that_does(
    run: Run,
) -> None:
    of_stock, of_consents = ("bronze.stock", "silver.stock"), ("bronze.consents", "silver.consent_decisions", "silver.consents")
    tables = (*of_stock, *of_consents, "bronze.contacts", "silver.contact_observations", "silver.contacts")
    nobody_sends = date(2027, 2, 1)
    assert run(nobody_sends, *tables, run_id="none", source="native") == {"tables": {}}
    with pytest.raises(NotLandedError, match="feed stock of synthetic"):
        run(nobody_sends, *tables, run_id="none yet")


@pytest.mark.usefixtures("good_day")
def test_a_broken_critical_rule_stops_silver_and_changes_nothing(
    run: Run, services: Settings, lake_spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {table: seen(lake_spark, table) for table in ("silver.events", "silver.events_rejected", "silver.sessions")}
    land_events(services, BAD, *events_of(BAD, 5))
    run(BAD, *BRONZE, run_id="broken")
    step = jobs.silver.events.STEP
    stricter = Suite("silver.events", (gxe.ExpectColumnValuesToBeInSet(column="item_id", value_set=["i2"], severity="critical"),))
    writes = (Write(step.writes[0].table, stricter, step.writes[0].scope), *step.writes[1:])
    monkeypatch.setattr(jobs.silver.events, "STEP", dataclasses.replace(step, writes=writes))
    with pytest.raises(
        AuditError, match=r"silver\.events: expected .*item_id.*found .*unexpected_count.*5.*Nothing was published"
    ) as raised:
        run(BAD, *SILVER, run_id="broken")
    assert raised.value.exit_code == 65
    assert {table: seen(lake_spark, table) for table in before} == before
    failed = lake_spark.table("lake.ops.runs").where("run_id = 'broken' AND table_name = 'silver.events'").collect()
    assert [(r["outcome"], r["snapshot_id"]) for r in failed] == [("failed: AuditError", None)]
    branches = lake_spark.table("lake.silver.events.refs").where("type = 'BRANCH'").collect()
    assert [r["name"] for r in branches] == ["main"]


@pytest.mark.usefixtures("good_day")
def test_too_many_rejected_rows_stop_silver_and_name_the_reasons(run: Run, services: Settings, lake_spark: SparkSession) -> None:
    before = seen(lake_spark, "silver.events")
    land_events(services, BAD, *events_of(BAD, 18), "{cut", events_of(BAD, 1)[0] | {"event_id": "x", "event_type": "teleport"})
    run(BAD, *BRONZE, run_id="rejects")
    with pytest.raises(
        RejectShareError, match=r"silver\.events: expected at most 5\.0%.*found 2 of 20 \(10\.0%\): unknown_event_type 1, unreadable 1"
    ):
        run(BAD, *SILVER, run_id="rejects")
    assert seen(lake_spark, "silver.events") == before


@pytest.mark.usefixtures("good_day")
def test_an_empty_day_of_events_is_refused(run: Run, services: Settings, lake_spark: SparkSession) -> None:
    before = seen(lake_spark, "bronze.events")
    land_events(services, BAD)
    with pytest.raises(LandingError, match="events"):
        run(BAD, *BRONZE, run_id="empty")
    assert seen(lake_spark, "bronze.events") == before


@pytest.mark.usefixtures("good_day")
def test_files_that_differ_from_their_marker_are_refused(run: Run, services: Settings, lake_spark: SparkSession) -> None:
    before = seen(lake_spark, "bronze.events")
    land_events(services, BAD, *events_of(BAD, 5))
    Store.from_settings(services).write(folder(services.source, "events", BAD) + "part-00000.jsonl.gz", gzip.compress(b"{}\n"))
    with pytest.raises(LandingError, match=r"expected.*found"):
        run(BAD, *BRONZE, run_id="differs")
    assert seen(lake_spark, "bronze.events") == before


def test_a_day_without_its_marker_is_tried_again(run: Run) -> None:
    with pytest.raises(NotLandedError) as raised:
        run(date(2027, 8, 8), *BRONZE, run_id="missing")
    assert raised.value.exit_code == 75
