"""From an attempt to the pages that a person opens: Data Docs also of a failed audit, and a quality page that adds what is new."""

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import great_expectations.expectations as gxe
import pytest
import requests
from pyspark.sql import SparkSession

import jobs.bronze.events
from expectations.suite import Suite
from jobs.context import Context
from jobs.errors import AuditError
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.ops.runs import RUNS
from jobs.reports import places, quality_pages
from jobs.reports.reading import recorded
from jobs.reports.window import Window
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.sources.source import load
from jobs.step import Write
from jobs.store import Store
from stack.services import Stack
from tests.landed_day import events_of, land_events

pytestmark = pytest.mark.timeout(1_200)

DAY = date(2028, 5, 1)
BRONZE = ("bronze.events", "bronze.orders", "bronze.items")


@pytest.fixture(scope="module")
def store(services: Settings) -> Store:
    return Store.from_settings(services)


def context_of(spark: SparkSession, services: Settings, store: Store, day: date, run_id: str) -> Context:
    interval = Interval(day, day + timedelta(days=1))
    lake = Lake(spark, Attempt(run_id=run_id, attempt=1, interval=interval, code_version="test"))
    return Context(services, spark, store, lake, load(services.source), interval, run_id, 1)


def test_an_attempt_leaves_its_data_docs_and_the_page_adds_what_is_new(
    lake_spark: SparkSession, services: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_events(services, DAY, *events_of(DAY, 20))
    first = context_of(lake_spark, services, store, DAY, "pages one")
    outcome = build_tables(first, BRONZE)["tables"]
    docs = places.data_docs("bronze.events", DAY, "pages one", 1)
    assert outcome["bronze.events"]["data_docs"] == places.address(services.pages_url, docs)
    before = store.read(docs)
    assert before is not None
    assert b"values must never be null" in before

    result = quality_pages.publish(first)
    assert result["page"] == f"{services.pages_url}/quality/index.html"
    window = Window.from_json(store.read(places.WINDOW))
    assert [audit.run_id for audit in window.tables["bronze.events"].audits] == ["pages one"]

    step = jobs.bronze.events.STEP
    stricter = Suite("bronze.events", (gxe.ExpectTableRowCountToBeBetween(min_value=1_000, severity="critical"),))
    write = Write(step.writes[0].table, stricter, step.writes[0].scope)
    monkeypatch.setattr(jobs.bronze.events, "STEP", dataclasses.replace(step, writes=(write, *step.writes[1:])))
    second = context_of(lake_spark, services, store, DAY, "pages two")
    with pytest.raises(AuditError):
        build_tables(second, BRONZE)
    failed = store.read(places.data_docs("bronze.events", DAY, "pages two", 1))
    assert failed is not None
    assert b"failed: AuditError" in failed
    assert b"Must have greater than or equal to" in failed
    assert store.read(docs) == before

    quality_pages.publish(second)
    window = Window.from_json(store.read(places.WINDOW))
    audits = window.tables["bronze.events"].audits
    assert [(audit.run_id, audit.outcome, len(audit.failures)) for audit in audits] == [
        ("pages one", "published", 0),
        ("pages two", "failed: AuditError", 1),
    ]
    page = store.read(places.table_page("bronze.events"))
    assert page is not None
    linked = set(re.findall(r'href="\.\./(data_docs/[^"]+)"', page.decode()))
    assert len(linked) == 2
    assert all(store.read(places.PREFIX + link) for link in linked)


def test_the_service_shows_a_browser_what_lies_in_the_bucket(test_stack: Stack, services: Settings, store: Store) -> None:
    store.write(f"{places.PREFIX}quality/hello.html", b"<p>hello</p>", content_type="text/html")
    test_stack.start(names=("pages",))
    answer = requests.get(f"{services.pages_url}/quality/hello.html", timeout=10)
    assert (answer.status_code, answer.text) == (200, "<p>hello</p>")
    assert test_stack.pages.ailment() is None


@pytest.fixture
def states(lake_spark: SparkSession) -> Iterator[None]:
    """The states of a day of ``silver.events`` and an anomaly, as a run left them."""
    sketch = "(SELECT kll_sketch_agg_double(CAST(id AS DOUBLE)) FROM range(1, 102))"
    key = f"'silver.events' AS table_name, DATE'{DAY}' AS partition_date"
    written = "TIMESTAMP'2028-05-02 00:06:00' AS recorded_at, 'states' AS run_id, 1 AS attempt, true AS is_published"
    whole = "101L AS row_count, 0L AS null_count, CAST(NULL AS BIGINT) AS distinct_count, CAST(NULL AS BINARY) AS quantile_sketch"
    lake_spark.sql(
        "CREATE OR REPLACE TABLE lake.ops.metric_states USING iceberg PARTITIONED BY (partition_date) AS "
        f"SELECT {key}, '' AS column_name, {whole}, CAST(NULL AS MAP<STRING, BIGINT>) AS value_counts, {written} UNION ALL "
        f"SELECT {key}, 'price', 101L, 3L, 99L, {sketch}, map('a', 60L, 'b', 41L), {written} UNION ALL "
        f"SELECT {key}, 'empty', 101L, 101L, 0L, {sketch}, NULL, {written}"
    )
    lake_spark.sql(
        "CREATE OR REPLACE TABLE lake.ops.anomalies USING iceberg AS "
        f"SELECT 'states' AS run_id, 1 AS attempt, {key}, 'volume' AS rule, '' AS subject, 'warning' AS severity, "
        "'1' AS expected, '2' AS found, 'Fewer rows than ever.' AS sentence"
    )
    yield
    for name in ("metric_states", "anomalies"):
        lake_spark.sql(f"DROP TABLE lake.ops.{name} PURGE")


@pytest.mark.usefixtures("states")
def test_states_and_anomalies_are_read_as_figures(lake_spark: SparkSession, services: Settings, store: Store) -> None:
    context = context_of(lake_spark, services, store, DAY, "states")
    run = {"table_name": "silver.events", "interval_start": DAY, "interval_end": DAY + timedelta(days=1), "outcome": "published"}
    started_at = datetime(2028, 5, 2, 0, 5, tzinfo=UTC)
    run |= {"partitions": [DAY], "rows_written": 101, "code_version": "test", "started_at": started_at, "seconds": 1.0}
    context.lake.append_rows(RUNS, [run])
    found = recorded(context, started_at)
    (day,) = [state for state in found.states if state.table == "silver.events"]
    price = day.columns["price"]
    assert (day.day, day.rows, price.null_count, dict(price.values)) == (DAY, 101, 3, {"a": 60, "b": 41})
    assert price.quantiles == pytest.approx((11, 51, 91), abs=1)
    assert price.distinct == 99
    assert day.columns["empty"].quantiles == ()
    assert [(a.table, a.started_at, a.partition_count) for a in found.audits] == [("silver.events", started_at, 1)]
    assert [anomaly.sentence for anomaly in found.anomalies] == ["Fewer rows than ever."]
