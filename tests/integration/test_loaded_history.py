"""A history loaded in one go: published once, planned again with open eyes, and its raw text when the retention has ended."""

import dataclasses
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from rich.console import Console

from jobs.backfill.__main__ import show
from jobs.backfill.facts import gather
from jobs.backfill.plan import Plan, make_plan
from jobs.content_hash import content_hash
from jobs.context import Context
from jobs.errors import ExpiredRawError
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.landing import MARKER, folder
from jobs.maintenance.upkeep import expire_raw_text, maintain
from jobs.raw_retention import EXPIRED_BEFORE
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.silver.events import EVENTS, EVENTS_REJECTED
from jobs.sources.source import load
from jobs.sql import answer
from jobs.store import Store
from jobs.tables import contract_of
from tests.landed_day import events_of, land_events
from tests.stack_fixtures import ONE_BUCKET

pytestmark = pytest.mark.timeout(1_200)

DAYS = [date(2031, 3, 1) + timedelta(days=number) for number in range(6)]
FIRST, LAST = DAYS[0], DAYS[-1]
BRONZE = ("bronze.events", "bronze.orders", "bronze.items")
TABLES = (*BRONZE, "silver.events", "silver.events_rejected")

At = Callable[..., Context]


@pytest.fixture(scope="module")
def shop(services: Settings) -> Settings:
    """The shop of these tests, with a bucket of its own: the files of other tests are old by its newest day."""
    mine = services.model_copy(update={"bucket": "loaded-history", **ONE_BUCKET})
    Store.from_settings(mine).client.create_bucket(Bucket=mine.bucket)
    return mine


@pytest.fixture(scope="module")
def at(lake_spark: SparkSession, shop: Settings, tmp_path_factory: pytest.TempPathFactory) -> At:
    """Contexts of one run over some days, on a lake of their own: a cutoff that is written down there refuses no day of another test.

    The lake is a folder, the landing zone is in the object store.
    """
    session = lake_spark.newSession()
    place = tmp_path_factory.mktemp("lake").as_uri()
    for name, value in {
        "": "org.apache.iceberg.spark.SparkCatalog",
        ".type": "hadoop",
        ".warehouse": place,
        ".cache-enabled": "false",
    }.items():
        session.conf.set(f"spark.sql.catalog.lake{name}", value)
    store = Store.from_settings(shop)

    def context(run_id: str, first: date, last: date | None = None, **settings: object) -> Context:
        interval = Interval(first, (last or first) + timedelta(days=1))
        lake = Lake(session, Attempt(run_id, 1, interval, "test"))
        changed = shop.model_copy(update=settings)
        return Context(changed, session, store, lake, load(shop.source), interval, run_id, 1, dry_run=False)

    return context


@pytest.fixture(scope="module")
def loaded(at: At, shop: Settings) -> At:
    """Six days of 25 events and one unreadable line each, loaded in one go, bronze and then silver; the set of the last day is recorded."""
    for day in DAYS:
        land_events(shop, day, *events_of(day, 25), "{cut")
    build_tables(at("load", FIRST, LAST), BRONZE)
    build_tables(at("load", FIRST, LAST), ("silver.events",))
    at("load", FIRST, LAST).lake.record_set(LAST, [EVENTS, EVENTS_REJECTED])
    return at


def plan_of(at: At, first: date, last: date) -> Plan:
    context = at("plan", first, last)
    return make_plan(context.interval, gather(context.lake, context.store, context.source, context.settings, context.interval))


def test_the_whole_range_is_published_once_by_each_task(loaded: At) -> None:
    spark = loaded("look", LAST).spark
    published = {
        table: spark.table(f"lake.{table}.history").count() for table in ("bronze.events", "silver.events", "silver.events_rejected")
    }
    assert published == dict.fromkeys(published, 1)
    assert spark.table("lake.silver.events").select("event_date").distinct().count() == len(DAYS)
    assert spark.table("lake.silver.events.refs").where("type = 'BRANCH'").count() == 1


def test_a_plan_counts_what_is_there_and_writes_nothing(loaded: At) -> None:
    before = loaded("look", LAST).spark.table("lake.silver.events.snapshots").count()
    plan = plan_of(loaded, DAYS[2], LAST + timedelta(days=1))
    tables = {table.name: table for table in plan.tables}
    bronze, events, sessions = (tables[name] for name in ("bronze.events", "silver.events", "silver.sessions"))
    assert (bronze.replaced, bronze.now.rows, bronze.new) == (4, 4 * 26, 0)
    assert (events.first, events.last, events.replaced, events.now.rows) == (FIRST, LAST, 6, 150)
    assert events.now.bytes > 0
    assert events.in_one_go.is_known
    assert (sessions.replaced, sessions.history) == (0, "never run: cannot tell")
    assert plan.sets == (f"{LAST}-000001",)
    assert [line for line in plan.waiting if "events" in line] == ["feed events has no marker on 2031-03-07"]
    others = {(feed, 0) for feed in ("orders", "items", "stock", "consents", "contacts")}
    assert {(one.feed, one.rows) for one in plan.landed if one.day == LAST} == {("events", 26), *others}
    assert loaded("look", LAST).spark.table("lake.silver.events.snapshots").count() == before
    out = io.StringIO()
    show(plan, Console(file=out, width=160))
    assert "airflow dags trigger load_history" in out.getvalue()


def test_raw_text_goes_after_its_retention_and_a_replay_that_needs_it_is_refused(loaded: At, shop: Settings) -> None:
    context = loaded("maintenance", LAST, raw_retention_days=2)
    spark, lake, now = context.spark, context.lake, datetime.now(UTC)
    old, kept = lake.snapshot_id(EVENTS_REJECTED), lake.read_set(LAST).snapshots
    content = content_hash(lake.read(EVENTS), EVENTS)
    planned, *_ = expire_raw_text(dataclasses.replace(context, dry_run=True), TABLES, now)
    assert {line.subject for line in planned.plan} == {"bronze.events", "silver.events_rejected", f"landing/{shop.source}/events/"}
    assert lake.property_of(contract_of("bronze.events"), EXPIRED_BEFORE) is None

    expire_raw_text(context, TABLES, now)
    assert lake.property_of(contract_of("bronze.events"), EXPIRED_BEFORE) == str(DAYS[-2])
    assert {row["landed_date"] for row in spark.table("lake.bronze.events").collect()} == set(DAYS[-2:])
    rejected = spark.table("lake.silver.events_rejected").orderBy("landed_date").collect()
    assert [row["raw_line"] for row in rejected] == [""] * 4 + ["{cut"] * 2
    assert {tuple(row["reasons"]) for row in rejected} == {("unreadable",)}
    place = folder(shop.source, "events", FIRST)
    assert [entry.key for entry in context.store.list(place)] == [place + MARKER]
    with pytest.raises(PySparkException, match=str(old)):
        spark.sql(f"SELECT * FROM lake.silver.events_rejected VERSION AS OF {old}")
    assert spark.table("lake.bronze.events.snapshots").count() == 1
    assert lake.read_set(LAST).snapshots == {"silver.events": kept["silver.events"]}
    assert content_hash(lake.read(EVENTS), EVENTS) == content
    rows, _ = answer(spark, "select count(*) as rows from silver.events", snapshots=kept)
    assert rows.to_pylist() == [{"rows": 150}]

    with pytest.raises(ExpiredRawError, match=r"bronze\.events: .*have expired"):
        build_tables(loaded("again", FIRST), BRONZE)
    with pytest.raises(ExpiredRawError, match=r"silver\.events: .*bronze\.events.*\[2031-03-04, 2031-03-05\)"):
        build_tables(loaded("again", DAYS[-2]), ("silver.events",))
    assert "begin at 2031-03-05" in plan_of(loaded, FIRST, LAST).refused[0]
    build_tables(loaded("again", LAST), ("silver.events",))
    assert content_hash(loaded("look", LAST).lake.read(EVENTS), EVENTS) == content

    repeated, *_ = expire_raw_text(loaded("repeated", LAST, raw_retention_days=2), TABLES, now)
    assert repeated.plan == ()


def test_the_whole_maintenance_says_what_it_did_and_leaves_every_table_as_it_was(loaded: At) -> None:
    context = loaded("whole", LAST, compact_min_files=2)
    content = content_hash(context.lake.read(EVENTS), EVENTS)
    result = maintain(context)
    assert result["dry_run"] is False
    assert {"raw text", "tags", "snapshots", "branches", "compaction", "orphans", "unfinished"} <= result.keys()
    assert result["compaction"]["by_subject"]["ops.runs: partition of small files"] == 1
    assert content_hash(context.lake.read(EVENTS), EVENTS) == content
