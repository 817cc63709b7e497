"""What holds of a user's answers, and when."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from expectations.gate import audit
from expectations.silver.consents import SUITE
from jobs.silver.consent_decisions import CONSENT_DECISIONS
from jobs.silver.consents import build
from tests.rows import decided, frame


def stretches(spark: SparkSession, *rows: dict[str, Any]) -> list[tuple[str, str, bool]]:
    found = build(frame(spark, CONSENT_DECISIONS, rows)).orderBy("user_id", "purpose", "valid_from").collect()
    return [(f"{r['valid_from']:%d %H}", f"{r['valid_to']:%d %H}" if r["valid_to"] else "", r["is_granted"]) for r in found]


def test_an_answer_holds_until_another_one_is_given_and_saying_the_same_again_changes_nothing(spark: SparkSession) -> None:
    rows = [decided("u", 1, granted=True), decided("u", 2, granted=True), decided("u", 3, granted=False), decided("u", 4, granted=True)]
    wanted = [("01 12", "03 12", True), ("03 12", "04 12", False), ("04 12", "", True)]
    assert stretches(spark, *rows) == stretches(spark, *reversed(rows)) == wanted


def test_what_lands_late_takes_its_place_in_time(spark: SparkSession) -> None:
    rows = [decided("u", 1, granted=True), decided("u", 5, granted=True), decided("u", 3, granted=False, landed=30)]
    assert stretches(spark, *rows) == [("01 12", "03 12", True), ("03 12", "05 12", False), ("05 12", "", True)]


@pytest.mark.parametrize("landed", [(1, 2), (2, 1)])
def test_of_two_decisions_at_the_same_instant_the_withdrawal_counts_whichever_landed_last(
    spark: SparkSession, landed: tuple[int, int]
) -> None:
    rows = [decided("u", 1, granted=True, landed=landed[0]), decided("u", 1, granted=False, landed=landed[1])]
    assert stretches(spark, *rows) == [("01 12", "", False)]


def test_purposes_and_users_are_apart_and_the_suite_accepts_it(spark: SparkSession) -> None:
    rows = [decided("u", 1, granted=True), decided("u", 1, granted=False, purpose="ads"), decided("v", 1, granted=False)]
    assert stretches(spark, *rows) == [("01 12", "", False), ("01 12", "", True), ("01 12", "", False)]
    assert all(finding.is_met for finding in audit(build(frame(spark, CONSENT_DECISIONS, rows)), SUITE))
