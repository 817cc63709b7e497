"""Quality over time in a real lake: states are recorded, a day unlike its history stops before anybody sees it, a switch lets it pass."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.context import Context
from jobs.errors import CriticalAnomalyError
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.ops.metric_states import METRIC_STATES
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.sources.source import load
from jobs.store import Store
from tests.landed_day import events_of, land_events

pytestmark = pytest.mark.timeout(1_200)

DAY = date(2028, 5, 30)
SILVER = ("silver.events",)

Run = Callable[..., dict[str, Any]]


def lake_of(spark: SparkSession, run_id: str) -> Lake:
    return Lake(spark, Attempt(run_id=run_id, attempt=1, interval=Interval(DAY, DAY + timedelta(days=1)), code_version="test"))


@pytest.fixture(scope="module")
def run(lake_spark: SparkSession, services: Settings) -> Run:
    """Build tables of the day, as the entry script does, in this process, after four weeks of 2,000 events a day."""

    def build(*names: str, run_id: str, **changes: str) -> dict[str, Any]:
        settings = services.model_copy(update=changes)
        lake = lake_of(lake_spark, run_id)
        store = Store.from_settings(settings)
        return build_tables(Context(settings, lake_spark, store, lake, load(settings.source), lake.attempt.interval, run_id, 1), names)

    past = [DAY - timedelta(days=n) for n in range(1, 29)]
    about = {
        "table_name": "silver.events",
        "column_name": "",
        "is_published": True,
        "snapshot_id": 1,
        "recorded_at": datetime(2028, 5, 30, tzinfo=UTC),
    }
    states = [{**about, "partition_date": day, "through_date": day, "row_count": 2_000, "on_time_count": 2_000} for day in past]
    lake_of(lake_spark, "past").append_rows(METRIC_STATES, states)
    land_events(services, DAY, *events_of(DAY, 20))
    build("bronze.events", run_id="bronze")
    return build


def test_a_day_unlike_its_history_is_stopped_and_recorded_and_passes_where_the_switch_is_off(run: Run, lake_spark: SparkSession) -> None:
    with pytest.raises(
        CriticalAnomalyError, match=r"silver\.events: expected volume\(\) 2,000 rows; found 20 rows: .*Nothing was published.*runbook"
    ) as raised:
        run(*SILVER, run_id="stopped")
    assert raised.value.exit_code == 65
    assert lake_spark.table("lake.silver.events").where(f"event_date = DATE'{DAY}'").isEmpty()
    outcome = run(*SILVER, run_id="let through", anomalies_stop="off")
    assert "critical volume: silver.events on Tuesday 2028-05-30: 20 rows" in outcome["tables"]["silver.events"]["warnings"][0]
    assert lake_spark.table("lake.silver.events").where(f"event_date = DATE'{DAY}'").count() == 20
    anomalies = lake_spark.table("lake.ops.anomalies").where(f"partition_date = DATE'{DAY}'").orderBy("run_id").collect()
    assert [(row["run_id"], row["rule"], row["severity"]) for row in anomalies] == [
        ("let through", "volume", "critical"),
        ("stopped", "volume", "critical"),
    ]
    states = lake_spark.table("lake.ops.metric_states").where(f"partition_date = DATE'{DAY}' AND column_name = '' AND row_count = 20")
    found = states.where("table_name = 'silver.events'").orderBy("is_published").collect()
    assert [(row["run_id"], row["is_published"], row["on_time_count"]) for row in found] == [
        ("stopped", False, 20),
        ("let through", True, 20),
    ]
    assert found[1]["snapshot_id"] == int(outcome["tables"]["silver.events"]["snapshot_id"])
