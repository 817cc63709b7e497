"""What a task tells OpenLineage, and that it costs nothing where nobody listens."""

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from jobs.catalog import TASKS
from jobs.context import Context
from jobs.errors import AuditError
from jobs.interval import Interval
from jobs.lineage import Lineage, is_configured, run_of_task, written
from jobs.sources.source import load
from tests.bronze_rows import SETTINGS

needs_client = pytest.mark.skipif(importlib.util.find_spec("openlineage") is None, reason="openlineage-python is not installed")

SILVER = TASKS["silver"].tables
FINDING = {
    "table_name": "silver.events",
    "snapshot_id": 2**62,
    "expectation": "expect_column_values_to_be_in_set",
    "subject": "event_type",
    "severity": "critical",
    "is_met": True,
    "expected": "{}",
    "found": None,
}
FOUND = '{"partial_unexpected_list": ["ada"], "unexpected_count": 3}'
RUN = {"table_name": "silver.events", "snapshot_id": 2**62, "rows_written": 30}
LAKE = "s3://tradewind/warehouse"


def context(**changes: Any) -> Context:
    """As much of a context as lineage looks at."""
    given = {
        "settings": SETTINGS,
        "store": None,
        "lake": SimpleNamespace(taken={"bronze.events": 11, "silver.events": 7, "ops.runs": 3}),
        "source": load("native"),
        "interval": Interval(date(2027, 5, 1), date(2027, 5, 2)),
        "run_id": "scheduled__2027-05-01",
        "attempt": 1,
        "code_version": "0.1.0+abc",
    }
    return cast("Context", SimpleNamespace(**(given | changes)))


@pytest.mark.parametrize(
    "environ",
    [
        {"OPENLINEAGE_URL": "http://x"},
        {"OPENLINEAGE_CONFIG": "/etc/openlineage.yml"},
        {"OPENLINEAGE__TRANSPORT__TYPE": "console"},
        {"OPENLINEAGE__TRANSPORT": '{"type": "console"}'},
    ],
)
def test_each_standard_way_to_name_a_transport_is_seen_and_can_be_forbidden(environ: Mapping[str, str]) -> None:
    assert is_configured(environ)
    assert not is_configured({**environ, "OPENLINEAGE_DISABLED": "True"})


def test_other_variables_of_openlineage_name_no_transport() -> None:
    assert not is_configured({"OPENLINEAGE_CLIENT_LOGGING": "DEBUG", "OPENLINEAGE_API_KEY": "x", "OPENLINEAGE__TAGS__JOB": "{}"})


def test_without_a_transport_nothing_is_imported_and_the_task_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT__TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "jobs.lineage_events", None)
    lineage = Lineage(context())
    with lineage.task(SILVER) as outcome:
        lineage.built([RUN], [FINDING])
        outcome["tables"] = {}
    assert outcome == {"tables": {}}


def test_a_named_transport_without_the_client_costs_one_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "console")
    monkeypatch.setattr("jobs.lineage.find_spec", lambda _: None)
    with Lineage(context()).task(SILVER):
        pass
    assert [record.message for record in caplog.records if "OpenLineage" in record.message] == [
        "OpenLineage: ModuleNotFoundError: a transport is named, but openlineage-python is not installed; this task goes on without telling"
    ]


def test_a_run_is_the_same_for_the_same_attempt_and_its_parent_for_the_same_run_of_the_scheduler() -> None:
    first, again, second = (run_of_task(context(attempt=attempt), SILVER) for attempt in (1, 1, 2))
    assert (first.job, first.namespace, first.parent_job) == ("silver", "tradewind.synthetic", "refine")
    assert first == again
    assert second.run_id != first.run_id
    assert second.parent_run_id == first.parent_run_id
    other = run_of_task(context(), ("ops.releases",))
    assert (other.job, other.parent_job, other.parent_run_id) == ("publish", "release", first.parent_run_id)
    assert first.audit.run_id != first.run_id


def test_a_staged_table_is_told_with_its_audit_and_one_that_was_never_staged_is_not() -> None:
    failed = {**RUN, "snapshot_id": None}
    unbegun = {"table_name": "silver.sessions", "snapshot_id": None, "rows_written": None}
    [one] = written(LAKE, [failed, unbegun], [FINDING])
    assert (one.name, one.version, one.rows, one.is_published) == ("silver.events", str(2**62), 30, False)
    [published] = written(LAKE, [RUN], [FINDING])
    assert published.is_published


Told = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Told:
    """The events that went to a file, so far."""
    place = tmp_path / "events.jsonl"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(place))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    return lambda: [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


@needs_client
def test_a_task_tells_its_beginning_its_audit_and_its_end_with_what_it_read_and_wrote(told: Told) -> None:
    lineage = Lineage(context())
    with lineage.task(SILVER):
        lineage.built([RUN], [FINDING, {**FINDING, "severity": "warning", "is_met": False, "found": FOUND}])
    events = told()
    assert [(event["job"]["name"], event["eventType"]) for event in events] == [
        ("silver", "START"),
        ("silver.audit", "START"),
        ("silver.audit", "COMPLETE"),
        ("silver", "COMPLETE"),
    ]
    end = events[-1]
    assert [(one["namespace"], one["name"], one["facets"]["version"]["datasetVersion"]) for one in end["inputs"]] == [
        (LAKE, "bronze.events", "11")
    ]
    [output] = end["outputs"]
    assert output["facets"]["version"]["datasetVersion"] == str(2**62)
    assert {"name": "event_type", "type": "string", "description": "GA4 recommended name."}.items() <= next(
        field.items() for field in output["facets"]["schema"]["fields"] if field["name"] == "event_type"
    )
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 30
    assert end["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2027-05-01T00:00:00+00:00"
    assert end["run"]["facets"]["parent"]["run"]["runId"] == run_of_task(context(), SILVER).parent_run_id
    [audited] = events[2]["inputs"]
    assert audited["inputFacets"]["dataQualityMetrics"]["rowCount"] == 30
    assertions = audited["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert [(one["column"], one["success"], one["severity"]) for one in assertions] == [
        ("event_type", True, "error"),
        ("event_type", False, "warn"),
    ]
    assert assertions[1]["actual"] == '{"unexpected_count": 3}', "values that an audit quotes stay in the platform"


@needs_client
def test_a_failed_task_tells_its_error_and_no_outputs_and_the_error_goes_on(told: Told) -> None:
    lineage = Lineage(context())
    broken = AuditError("silver.events", expected="a", found="b", advice="c")

    def build() -> None:
        with lineage.task(SILVER):
            lineage.built([{**RUN, "snapshot_id": None}], [{**FINDING, "is_met": False, "found": FOUND}])
            raise broken

    with pytest.raises(AuditError):
        build()
    events = told()
    assert [(event["job"]["name"], event["eventType"]) for event in events[1:]] == [
        ("silver.audit", "START"),
        ("silver.audit", "FAIL"),
        ("silver", "FAIL"),
    ]
    assert events[-1]["outputs"] == []
    assert events[-1]["run"]["facets"]["errorMessage"]["message"] == f"AuditError: {broken}"


@needs_client
def test_bronze_names_the_landed_feeds_and_a_training_its_model(told: Told) -> None:
    landed = context(lake=SimpleNamespace(taken={}))
    with Lineage(landed).task(("bronze.events", "bronze.orders", "bronze.items")):
        pass
    with Lineage(context()).task(("model.recommender",)) as outcome:
        outcome["model.recommender"] = {"champion_version": "3"}
    with Lineage(context()).task(("model.recommender.approved",)) as outcome:
        outcome["model.recommender.approved"] = {"champion_version": "4"}
    ends = [event for event in told() if event["eventType"] == "COMPLETE"]
    assert [one["name"] for one in ends[0]["inputs"]] == [f"landing/native/{feed}" for feed in ("events", "orders", "items")]
    for end in ends[1:]:
        assert [(one["namespace"], one["name"]) for one in end["outputs"]] == [("mlflow://synthetic", "synthetic.recommender")]


@needs_client
def test_a_broken_transport_costs_one_line_and_never_the_task(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", "/proc/no/such/place")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    lineage = Lineage(context())
    with lineage.task(SILVER) as outcome:
        lineage.built([RUN], [FINDING])
        outcome["done"] = True
    assert outcome == {"done": True}
    assert len([record for record in caplog.records if "goes on without telling" in record.message]) == 1
