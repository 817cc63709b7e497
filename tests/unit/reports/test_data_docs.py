"""Data Docs are whole, harmless and written once."""

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import great_expectations.expectations as gxe
import pytest
from botocore.exceptions import EndpointConnectionError
from great_expectations.core.expectation_validation_result import ExpectationValidationResult

from expectations.gate import Finding
from jobs.context import Context
from jobs.interval import Interval
from jobs.reports import data_docs, places

DAY = date(2026, 6, 30)
KEY = places.data_docs("silver.events", DAY, "r", 1)


def finding(*, is_met: bool, examples: tuple[str, ...] = ()) -> Finding:
    """What the gate hands on of one expectation."""
    rule = gxe.ExpectColumnValuesToBeInSet(column="event_type", value_set=["view_item"], severity="critical")
    counts = {"element_count": 90, "unexpected_count": 7, "unexpected_percent": 7.8, "partial_unexpected_list": list(examples)}
    evidence = ExpectationValidationResult(
        success=is_met,
        expectation_config=rule.configuration,
        result={} if is_met else counts,
        exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
    )
    return Finding("expect_column_values_to_be_in_set", "event_type", "critical", is_met, "{}", None if is_met else "7 of 90", evidence)


def page(*findings: Finding) -> str:
    return data_docs.page(
        data_docs.Audit("silver.events", findings, 42, 90, "published"), key=KEY, run_id="r", attempt=1, interval="[a, b)"
    )


def test_great_expectations_draws_the_rule_and_what_it_found() -> None:
    text = page(finding(is_met=False, examples=("teleport",)))
    assert "values must belong to this set" in text
    assert "7 unexpected values found" in text
    assert "teleport" in text
    assert "fa-times" in text


def test_a_met_rule_is_drawn_without_details() -> None:
    text = page(finding(is_met=True))
    assert "fa-check-circle" in text
    assert "unexpected values found" not in text


def test_nothing_is_fetched_from_elsewhere() -> None:
    text = page(finding(is_met=True), finding(is_met=False, examples=("x",)))
    assert not [word for word in ("http://", "https://", "<script", "<link", "src=", "url(", "@import") if word in text]


def test_markup_in_landed_data_stays_text() -> None:
    text = page(finding(is_met=False, examples=("<script>alert(1)</script>",)))
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_leads_to_the_quality_of_its_table() -> None:
    assert 'href="../../../quality/silver.events.html"' in page(finding(is_met=True))


class Remembering:
    """A bucket that remembers what was asked of it; it cannot be read or listed."""

    def __init__(self) -> None:
        self.written: dict[str, tuple[bytes, str]] = {}

    def write(self, key: str, content: bytes, content_type: str) -> None:
        self.written[key] = content, content_type


def context(store: Any, pages_url: str | None = "http://pages") -> Context:
    settings, interval = SimpleNamespace(pages_url=pages_url), Interval(DAY, date(2026, 7, 1))
    return cast("Context", SimpleNamespace(store=store, settings=settings, interval=interval, run_id="manual 1", attempt=2))


def test_each_audit_is_one_object_and_nothing_older_is_touched() -> None:
    store = Remembering()
    audits = [data_docs.Audit(table, [finding(is_met=True)], 1, 9, "published") for table in ("silver.events", "silver.items")]
    written = data_docs.write(context(store), audits)
    assert written["silver.events"] == "http://pages/data_docs/silver.events/2026-06-30/manual_1-2.html"
    assert sorted(store.written) == [f"pages/data_docs/{table}/2026-06-30/manual_1-2.html" for table in ("silver.events", "silver.items")]
    assert {content_type for _, content_type in store.written.values()} == {"text/html; charset=utf-8"}


def test_a_store_that_does_not_answer_does_not_hide_the_attempts_own_error(caplog: pytest.LogCaptureFixture) -> None:
    class Down:
        def write(self, *_: object, **__: object) -> None:
            raise EndpointConnectionError(endpoint_url="s3")

    assert data_docs.write(context(Down()), [data_docs.Audit("silver.events", [finding(is_met=True)], 1, 9, "published")]) == {}
    assert "silver.events: its Data Docs were not written" in caplog.text
