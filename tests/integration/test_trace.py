"""A trace leads from what was released to landed lines and back, over the snapshots of the release, whatever has happened since."""

import io
import json
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import day_set
from jobs.context import Context
from jobs.errors import BadDataError
from jobs.export.exports import exports
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.landing import folder
from jobs.privacy import pseudonym
from jobs.release.publish import publish
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.sources.source import load
from jobs.store import Store
from jobs.trace import backward, forward
from jobs.trace.call import Call
from tests.landed_day import events_of, land_events

pytestmark = pytest.mark.timeout(1_200)

DAY = date(2027, 5, 1)
EVENTS = [{**event, "user_id": f"u{n % 3}", "item_id": f"i{n % 4}"} for n, event in enumerate(events_of(DAY, 30))]
EXPORTED = ("user_segments", "recommendations")
COPY, BROKEN = 31, 32
"""Line numbers of what was delivered twice and of what nobody can read."""


@dataclass(frozen=True)
class Shop:
    """A shop with one release, whose day has landed again with other lines since."""

    call: Call
    release_id: str
    key: str

    def pseudonym(self, raw_id: str) -> str:
        return pseudonym(raw_id, "user", self.call.settings.pseudonym_key)


def context(spark: SparkSession, settings: Settings, run_id: str) -> Context:
    interval = Interval(DAY, DAY + timedelta(days=1))
    lake = Lake(spark, Attempt(run_id=run_id, attempt=1, interval=interval, code_version="test"))
    return Context(settings, spark, Store.from_settings(settings), lake, load(settings.source), interval, run_id, 1)


@pytest.fixture(scope="module")
def shop(empty_lake: SparkSession, services: Settings, tracking_settings: Settings) -> Shop:
    settings = services.model_copy(update={"mlflow_tracking_uri": tracking_settings.mlflow_tracking_uri})
    land_events(settings, DAY, *EVENTS, EVENTS[0], "{cut")
    for names in (["bronze.events"], ["silver.events", "silver.order_lines"], ["gold.interactions", "gold.user_features"]):
        build_tables(context(empty_lake, settings, "traced"), names)
    day_set.record(context(empty_lake, settings, "traced"))
    build_tables(context(empty_lake, settings, "traced"), [f"gold.{name}" for name in EXPORTED])
    declared = [export for export in exports() if export.name in EXPORTED]
    release_id = publish(context(empty_lake, settings, "traced"), declared)["release"]
    land_events(settings, DAY, *[{**event, "user_id": "stranger"} for event in EVENTS[:25]])
    for name in ("bronze.events", "silver.events"):
        build_tables(context(empty_lake, settings, "again"), [name])
    store = Store.from_settings(settings)
    return Shop(Call(settings, store, 10), release_id, f"{folder(settings.source, 'events', DAY)}part-00000.jsonl.gz")


def test_a_recommendation_leads_to_the_landed_lines_of_its_user_as_they_were(shop: Shop) -> None:
    answer = backward.user(shop.call, shop.pseudonym("u1"), tables=["recommendations"], item="i2", release_id=None, with_text=True)
    [row] = [node for node in answer.find("row") if node.name.startswith("gold.recommendations")]
    assert row.facts["item_id"] == "i2"
    assert row.facts["events_of_everybody_with_it"] == {"view_item": 7}
    events = next(node for node in answer.find("landed lines") if node.name.startswith("silver.events@"))
    assert (events.facts["rows"], len(events.parts)) == (10, 10)
    own = {f"{shop.key} line {n + 1}": event for n, event in enumerate(EVENTS) if event["user_id"] == "u1"}
    assert {line.name: json.loads(line.facts["text"]) for line in events.parts} == own
    [release] = answer.find("release")
    assert (release.name, release.facts["is_current"]) == (shop.release_id, True)
    tables = {node.name.partition("@")[0]: node.facts for node in release.find("snapshot")}
    assert tables["silver.events"]["run"] == "traced"
    assert "0 critical failed" in tables["silver.events"]["quality"]


def test_a_landed_line_leads_to_the_exported_files_that_hold_its_user(shop: Shop) -> None:
    answer = forward.landed(shop.call, shop.key, 2, None)
    outcomes = {node.name: node.facts["outcome"] for node in answer.find("became")}
    assert outcomes == {"silver.events": "kept"}
    assert answer.find("bronze")[0].facts["landed_again"] is not None
    [release] = answer.find("release")
    assert release.name == shop.release_id
    files = [node.name for export in release.find("export") if export.name == "recommendations" for node in export.find("exported file")]
    assert [name.rpartition(".")[2] for name in files] == ["csv", "parquet"]
    content = shop.call.store.read(files[1])
    assert shop.pseudonym("u1") in pq.read_table(io.BytesIO(content or b""))["user_id"].to_pylist()


@pytest.mark.parametrize(("line", "outcome", "releases"), [(COPY, "merged", 1), (BROKEN, "rejected", 0)])
def test_a_copy_leads_to_the_line_that_stands_for_it_and_a_broken_line_nowhere(shop: Shop, line: int, outcome: str, releases: int) -> None:
    answer = forward.landed(shop.call, shop.key, line, None)
    [became] = answer.find("became")
    assert became.facts["outcome"] == outcome
    assert became.facts.get("into") == (f"{shop.key} line 1" if outcome == "merged" else None)
    assert became.facts.get("reasons") == (["unreadable"] if outcome == "rejected" else None)
    assert len(answer.find("release")) == releases


def test_a_landed_file_is_accounted_for_as_the_release_holds_it_and_as_it_is_now(shop: Shop) -> None:
    released = forward.landed(shop.call, shop.key, None, None).find("became")[0].facts
    assert [released[name] for name in ("kept", "rejected", "merged")] == [30, 1, 1]
    now = forward.landed(shop.call, shop.key, None, None, is_now=True)
    assert [now.find("became")[0].facts[name] for name in ("kept", "rejected", "merged")] == [25, 0, 0]
    runs = {(run.name, run.facts["table"]): run.facts["outcome"] for run in now.find("run")}
    assert runs["traced", "silver.events"] == runs["again", "silver.events"] == "published"


def test_an_exported_file_leads_to_the_landed_file_by_its_key_and_by_its_bytes(shop: Shop) -> None:
    key = f"exports/user_segments/schema=v1/release={shop.release_id}/csv/part-00000.csv"
    answer = backward.export(shop.call, key)
    [file] = answer.find("exported file")
    assert [(node.name, node.facts["lines"]) for node in answer.find("landed file")] == [(shop.key, 32)]
    same = backward.export(shop.call, file.facts["sha256"])
    assert [node.name for node in same.find("exported file")] == [key]
    assert [node.name for node in answer.find("model")] == ["RFM quintiles (no model of segments served)"]


def test_what_is_unknown_is_bad_data_that_says_what_to_do(shop: Shop) -> None:
    with pytest.raises(BadDataError, match=r"expected a row in .*found none.*--raw makes its pseudonym"):
        backward.user(shop.call, shop.pseudonym("nobody"), tables=[], item=None, release_id=None, with_text=False)
    with pytest.raises(BadDataError, match=r"expected a landed file; found a marker that lists part-00000"):
        forward.landed(shop.call, shop.key.replace("part-00000", "part-00009"), None, None)
    with pytest.raises(BadDataError, match=r"expected a data line, 1 to 32; found none"):
        forward.landed(shop.call, shop.key, 33, None)
    with pytest.raises(BadDataError, match=r"expected a version that MLflow, ops\.decisions or a release knows.*found none"):
        backward.model(shop.call, "recommender", "9")


def test_a_users_rows_lie_in_the_file_that_the_trace_says(shop: Shop) -> None:
    users = shop.call.reader.spark.range(8).selectExpr("concat('u', id) AS user_id")
    dealt = users.repartition(4, "user_id").select("user_id", F.spark_partition_id().alias("part")).collect()
    assert {row["user_id"]: shop.call.reader.part_of_user(row["user_id"], 4) for row in dealt} == {r["user_id"]: r["part"] for r in dealt}
    assert len({row["part"] for row in dealt}) > 1
