"""A hand-made raw day with every fault that is known, through the real DAGs to a release, twice."""

import gzip
import hashlib
import json
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from expectations.silver.events import SUITE
from jobs.landing import LandedFile, Marker, folder, write_marker
from jobs.privacy import pseudonym
from jobs.settings import Settings
from jobs.store import Store
from stack.backup import backup
from stack.credentials import DATABASES
from stack.services import Stack, silent
from stack.settings import StackSettings
from tests.secret_hunt import command_lines, planted, shown_below, shown_in

pytestmark = pytest.mark.timeout(3_000)  # four whole DAGs, on a busy machine

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
RAW = CHECKOUT / "tests" / "data" / "raw_day"
DAY = date(2026, 5, 4)
FEEDS = ("events", "orders", "items", "stock", "consents", "contacts")

REJECTED_EVENTS = {
    "unreadable": 6,
    "unknown_event_type": 3,
    "missing_item": 1,
    "missing_time": 2,
    "too_late": 1,
    "too_early": 1,
    "impossible_price": 2,
    "impossible_quantity": 3,
    "other_currency": 2,
    "impossible_propensity": 2,
    "missing_event_id": 1,
    "unprintable_text": 1,
}
REJECTED_ORDERS = {
    "unreadable": 1,
    "unknown_kind": 1,
    "missing_item": 1,
    "impossible_quantity": 1,
    "impossible_price": 1,
    "other_currency": 1,
    "too_late": 1,
    "missing_order": 1,
    "missing_order_line_id": 1,
}
REJECTED_COUNTS = {
    "unreadable": 2,
    "missing_item": 1,
    "missing_quantity": 1,
    "impossible_quantity": 1,
    "missing_time": 1,
    "too_late": 1,
    "too_early": 1,
}
REJECTED_CONSENTS = {
    "unreadable": 2,
    "missing_user": 1,
    "unknown_purpose": 1,
    "missing_decision": 1,
    "missing_time": 1,
    "too_early": 1,
}
REJECTED_CONTACTS = {
    "unreadable": 1,
    "missing_user": 1,
    "unknown_kind": 1,
    "missing_value": 1,
    "invalid_email": 1,
    "invalid_phone": 1,
    "invalid_push": 1,
    "missing_time": 1,
    "too_early": 1,
}
WITHDRAWN = ("u002", "u004", "u007", "u022", "u037")
"""Who does not agree to personalisation at the end of the day; u003 agreed again."""

AGREED_TO_ADS = ("u005", "u010", "u015", "u020", "u025", "u030", "u035", "u040")
"""All of them have ordered more than once."""

LISTED = set[str]()
"""The command lines of all processes that a look at the machine has met while the DAGs ran."""

PRIVATE = ("credentials.json", "tradewind.env", "reader.env", "conf/", "run/", "postgres/")
"""Places that are meant to hold secrets, of mode 0600 or in a folder of a user of its own."""


def land(store: Store, source: str) -> None:
    """Put the day's files and markers into the landing zone, as a shop's exporter would."""
    for feed in FEEDS:
        files = []
        for path in sorted((RAW / feed).glob("*.jsonl")):
            content = gzip.compress(path.read_bytes(), mtime=0)
            store.write(folder(source, feed, DAY) + path.name + ".gz", content)
            rows = path.read_bytes().count(b"\n")
            files.append(LandedFile(path.name + ".gz", rows, len(content), hashlib.sha256(content).hexdigest()))
        write_marker(store, Marker(source, feed, DAY, sum(f.rows for f in files), tuple(files)))


def run_dags(environment: dict[str, str], *dag_ids: str) -> None:
    """Run whole DAGs one after the other, in one process of Airflow's environment; the log is shown when one fails."""
    python = str(StackSettings.from_environment().local_dir / "envs" / "airflow" / "bin" / "python")
    command = [python, str(CHECKOUT / "tests" / "dags" / "run_dag.py"), str(CHECKOUT / "dags"), DAY.isoformat(), *dag_ids]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=2_700)
    assert ended.returncode == 0, ended.stdout[-6_000:] + ended.stderr[-3_000:]


def releases(store: Store) -> list[dict[str, Any]]:
    """Every committed release of the day, in order."""
    keys = [entry.key for entry in store.list(f"releases/{DAY}/")]
    return [json.loads(store.read(key) or b"{}") for key in keys]


@pytest.fixture(scope="module")
def two_releases(services: Settings, airflow_environment: dict[str, str], mlflow_server: str) -> list[dict[str, Any]]:
    """The day landed once and run twice."""
    assert mlflow_server == services.mlflow_tracking_uri
    store = Store.from_settings(services)
    land(store, services.source)
    with command_lines() as seen:
        run_dags(airflow_environment, *("refine_daily", "release_daily") * 2)
    LISTED.update(seen)
    return releases(store)


def hashes(release: dict[str, Any]) -> dict[str, str]:
    """Content hash of every table of a release."""
    content = release["content"]
    return {name: version["content_hash"] for name, version in {**content["set"]["tables"], **content["tables"]}.items()}


def test_both_runs_released_and_their_content_is_the_same(two_releases: list[dict[str, Any]]) -> None:
    first, second = two_releases
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert first["run_id"] != second["run_id"]
    assert len(hashes(first)) >= 12
    assert hashes(first) == hashes(second)
    checksums = [
        {name: [file["sha256"] for file in export["files"]] for name, export in release["content"]["exports"].items()}
        for release in (first, second)
    ]
    assert checksums[0] == checksums[1]
    assert set(checksums[0]) >= {"user_segments", "segment_profiles", "recommendations"}


def of_day(spark: SparkSession, table: str, column: str = "landed_date") -> DataFrame:
    """The rows of the raw day alone; other tests write other days of the same lake."""
    return spark.table(f"lake.{table}").where(f"{column} = DATE'{DAY}'")


def rejected(spark: SparkSession, table: str) -> dict[str, int]:
    """Reason -> rows."""
    return {
        r["reason"]: r["count"] for r in of_day(spark, table).selectExpr("explode(reasons) AS reason").groupBy("reason").count().collect()
    }


@pytest.mark.usefixtures("two_releases")
def test_every_planted_fault_was_rejected_by_name(lake_spark: SparkSession) -> None:
    assert rejected(lake_spark, "silver.events_rejected") == REJECTED_EVENTS
    assert rejected(lake_spark, "silver.order_lines_rejected") == REJECTED_ORDERS
    assert rejected(lake_spark, "silver.item_observations_rejected") == {"unreadable": 1, "missing_item": 1, "impossible_price": 1}
    assert rejected(lake_spark, "silver.stock_rejected") == REJECTED_COUNTS
    assert rejected(lake_spark, "silver.consent_decisions_rejected") == REJECTED_CONSENTS
    assert rejected(lake_spark, "silver.contact_observations_rejected") == REJECTED_CONTACTS


@pytest.mark.usefixtures("two_releases")
@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("bronze.events", "silver.events"),
        ("bronze.orders", "silver.order_lines"),
        ("bronze.items", "silver.item_observations"),
        ("bronze.stock", "silver.stock"),
        ("bronze.consents", "silver.consent_decisions"),
        ("bronze.contacts", "silver.contact_observations"),
    ],
)
def test_no_line_vanished(lake_spark: SparkSession, raw: str, kept: str) -> None:
    read, rejected_rows = of_day(lake_spark, raw).count(), of_day(lake_spark, f"{kept}_rejected").count()
    delivered = of_day(lake_spark, kept).selectExpr("sum(delivery_count) AS deliveries").collect()[0]["deliveries"]
    assert read == delivered + rejected_rows
    assert min(delivered, rejected_rows) > 0


@pytest.mark.usefixtures("two_releases")
def test_every_user_has_a_segment_and_as_many_recommendations_as_the_catalogue_allows(lake_spark: SparkSession) -> None:
    users = {r["user_id"] for r in of_day(lake_spark, "gold.user_features", "as_of_date").collect()}
    assert len(users) == 44
    assert {r["user_id"] for r in of_day(lake_spark, "gold.user_segments", "as_of_date").collect()} == users
    recommended = of_day(lake_spark, "gold.recommendations", "as_of_date").groupBy("user_id").count()
    counts = {r["user_id"]: r["count"] for r in recommended.collect()}
    assert set(counts) == users
    assert all(count >= 7 for count in counts.values()), "of fourteen on sale one is out of stock"


@pytest.mark.usefixtures("two_releases")
def test_what_is_out_of_stock_is_shown_to_nobody_and_who_has_withdrawn_gets_one_list(lake_spark: SparkSession, services: Settings) -> None:
    lists: dict[str, list[tuple[str, str]]] = {}
    for row in of_day(lake_spark, "gold.recommendations", "as_of_date").orderBy("user_id", "rank").collect():
        lists.setdefault(row["user_id"], []).append((row["item_id"], row["model"]))
    assert {item for places in lists.values() for item, _ in places} == {f"i{n:02}" for n in range(1, 15)} - {"i05"}
    withdrawn = [lists[pseudonym(user, "user", services.pseudonym_key)] for user in WITHDRAWN]
    assert withdrawn == [withdrawn[0]] * len(WITHDRAWN)
    assert (len(withdrawn[0]), {model for _, model in withdrawn[0]}) == (13, {"unpersonal_popularity"})
    assert sum(places == withdrawn[0] for places in lists.values()) == len(WITHDRAWN)


@pytest.mark.usefixtures("two_releases")
def test_an_audience_is_who_has_agreed_to_its_channel_by_the_hashes_that_a_platform_matches(
    lake_spark: SparkSession, services: Settings
) -> None:
    rows = of_day(lake_spark, "gold.activations", "as_of_date").where("channel = 'ads' AND audience = 'repeat_buyer'").collect()
    pseudonyms = {user: pseudonym(user, "user", services.pseudonym_key) for user in AGREED_TO_ADS}
    assert {row["user_id"] for row in rows} == set(pseudonyms.values())
    digest = hashlib.sha256(b"firstlast5@gmail.com").hexdigest()  # landed as First.Last5+shop@Gmail.com
    assert digest in {row["google_sha256"] for row in rows if row["user_id"] == pseudonyms["u005"]}


@pytest.mark.usefixtures("two_releases")
def test_the_audits_and_runs_of_all_attempts_are_on_record(lake_spark: SparkSession) -> None:
    runs = of_day(lake_spark, "ops.runs", "interval_start").where("table_name = 'silver.events'")
    assert [r["outcome"] for r in runs.collect()] == ["published", "published"]
    audits = lake_spark.table("lake.ops.quality_results").join(runs.select("run_id").distinct(), "run_id")
    assert audits.where("table_name = 'silver.events'").count() == 2 * len(SUITE.expectations)
    assert audits.where("severity = 'critical' AND NOT is_met").count() == 0


def test_no_secret_is_on_a_command_line_in_a_log_in_a_database_or_in_the_store(
    two_releases: list[dict[str, Any]], test_stack: Stack, tmp_path: Path
) -> None:
    assert len(two_releases) == 2
    secrets = planted(test_stack.credentials)
    assert len(secrets) > 15
    assert any("spark_entry.py" in line or "spark_driver.py" in line for line in LISTED), "no driver was seen at work"
    assert shown_in((line.encode() for line in LISTED), secrets) == set()
    assert shown_below(test_stack.state, secrets, private=PRIVATE) == {}
    kept = tmp_path / "kept"
    backup(test_stack, kept, silent)
    for name in DATABASES:  # what task pages, rendered fields, XComs, parameters and tags of runs are read from
        with (tmp_path / f"{name}.sql").open("wb") as dump:
            restored = [str(test_stack.postgres.binaries / "pg_restore"), "--file=-", str(kept / f"{name}.dump")]
            subprocess.run(restored, stdout=dump, check=True)
    assert shown_below(tmp_path, secrets, private=("kept/",)) == {}
    (tmp_path / "planted.log").write_bytes(b"password=" + secrets["postgres_roles lake"])
    assert shown_below(tmp_path, secrets, private=("kept/",)) == {"planted.log": {"postgres_roles lake"}}
