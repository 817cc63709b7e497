"""The gate: an ordinary row passes, each planted fault is found with its count, and warnings do not hide behind critical ones."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from expectations.gate import AuditBrokenError, audit
from expectations.silver.events import SUITE
from jobs.errors import DiskFullError
from jobs.outages import explained
from tests.rows import events

USER = {"user_id": "a" * 32}


def failures(spark: SparkSession, *changes: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(f.expectation, f.subject, f.severity) for f in audit(events(spark, *[USER | c for c in changes]), SUITE) if not f.is_met]


def test_ordinary_rows_pass(spark: SparkSession) -> None:
    assert (
        failures(spark, {}, {"item_id": None, "event_type": "search"}, {"unit_price_minor": 0, "quantity": 1, "exposure_propensity": 1.0})
        == []
    )


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"event_type": "teleport"}, ("expect_column_values_to_be_in_set", "event_type", "critical")),
        ({"unit_price_minor": -1}, ("expect_column_values_to_be_between", "unit_price_minor", "critical")),
        ({"quantity": 0}, ("expect_column_values_to_be_between", "quantity", "critical")),
        ({"user_id": "alice"}, ("expect_column_value_lengths_to_equal", "user_id", "critical")),
        ({"exposure_propensity": 0.0}, ("expect_column_values_to_be_between", "exposure_propensity", "critical")),
        ({"event_id": "e0"}, ("expect_compound_columns_to_be_unique", "event_date, event_id", "critical")),
    ],
)
def test_each_planted_fault_is_found(spark: SparkSession, change: dict[str, Any], failure: tuple[str, str, str]) -> None:
    assert failures(spark, {}, change) == [failure]


def test_a_failure_says_how_many_and_which(spark: SparkSession) -> None:
    (finding,) = [f for f in audit(events(spark, USER, USER | {"quantity": -3}), SUITE) if not f.is_met]
    assert '"unexpected_count": 1' in str(finding)
    assert "-3" in str(finding)


def test_many_guests_are_a_warning(spark: SparkSession) -> None:
    guests = [{"user_id": None}] * 9
    assert failures(spark, {}, *guests) == [("expect_column_values_to_not_be_null", "user_id", "warning")]


def test_an_empty_table_of_events_is_critical(spark: SparkSession) -> None:
    empty = events(spark, USER).where(f"event_date > DATE'{date(2030, 1, 1)}'")
    assert ("expect_table_row_count_to_be_between", "", "critical") in [
        (f.expectation, f.subject, f.severity) for f in audit(empty, SUITE) if not f.is_met
    ]


@pytest.mark.parametrize("column", ["event_type", "event_id"])
def test_a_query_that_fails_is_no_finding_about_the_rows(spark: SparkSession, column: str) -> None:
    full = F.raise_error(F.lit("java.io.IOException: No space left on device")).cast("string")
    rows = events(spark, USER).withColumn(column, F.when(F.col("user_id").isNotNull(), full).otherwise(F.col(column)))
    with pytest.raises(AuditBrokenError) as raised:
        audit(rows, SUITE)
    assert isinstance(explained(raised.value), DiskFullError)
