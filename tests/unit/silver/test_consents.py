"""What holds of a user's answers, and when."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession

from expectations.gate import audit
from expectations.silver.consents import SUITE
from jobs.silver.consent_decisions import CONSENT_DECISIONS
from jobs.silver.consents import CONSENTS, answers_on, build
from tests.rows import frame


def decided(user: str, day: int, hour: int = 12, *, granted: bool, landed: int | None = None, purpose: str = "email") -> dict[str, Any]:
    row = {"user_id": user, "purpose": purpose, "decided_at": datetime(2026, 5, day, hour, tzinfo=UTC), "is_granted": granted}
    about = {"source": "native", "delivery_count": 1, "source_file": "f", "line_number": 1}
    return row | about | {"landed_date": date(2026, 5, landed or day)}


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


def test_the_answer_of_a_day_is_the_one_at_its_end_and_midnight_belongs_to_the_next(spark: SparkSession) -> None:
    rows = [
        decided("late", 4, 23, granted=False),
        decided("midnight", 5, 0, granted=False),
        decided("midnight", 1, granted=True),
        decided("other", 4, granted=False, purpose="ads"),
    ]
    consents = build(frame(spark, CONSENT_DECISIONS, rows))

    def answers(day: int) -> dict[str, bool]:
        return {row["user_id"]: row["is_granted"] for row in answers_on(consents, "email", date(2026, 5, day)).collect()}

    assert answers(3) == {"midnight": True}
    assert answers(4) == {"late": False, "midnight": True}
    assert answers(5) == {"late": False, "midnight": False}
    assert consents.columns == list(CONSENTS.column_names)
