"""By what a user can be reached, and when."""

from typing import Any

import pytest
from pyspark.sql import SparkSession

from expectations.gate import audit
from expectations.silver.contacts import SUITE
from jobs.silver.contact_observations import CONTACT_OBSERVATIONS
from jobs.silver.contacts import CONTACTS, build
from tests.rows import frame, reached


def stretches(spark: SparkSession, *rows: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = build(frame(spark, CONTACT_OBSERVATIONS, rows)).orderBy(*CONTACTS.key).collect()
    return [(r["value_sha256"], f"{r['valid_from']:%d %H}", f"{r['valid_to']:%d %H}" if r["valid_to"] else "") for r in found]


def test_a_contact_point_is_valid_until_it_is_said_to_be_no_longer_and_again_when_that_is_said(spark: SparkSession) -> None:
    rows = [reached("u", 1), reached("u", 2), reached("u", 3, active=False), reached("u", 4, active=False), reached("u", 5)]
    wanted = [("email of u", "01 12", "03 12"), ("email of u", "05 12", "")]
    assert stretches(spark, *rows) == stretches(spark, *reversed(rows)) == wanted


def test_one_that_was_never_valid_is_none(spark: SparkSession) -> None:
    assert stretches(spark, reached("u", 1, active=False)) == []


def test_what_lands_late_takes_its_place_in_time(spark: SparkSession) -> None:
    rows = [reached("u", 1), reached("u", 5), reached("u", 3, active=False, landed=30)]
    assert stretches(spark, *rows) == [("email of u", "01 12", "03 12"), ("email of u", "05 12", "")]


@pytest.mark.parametrize("landed", [(1, 2), (2, 1)])
def test_of_two_observations_at_the_same_instant_the_ending_counts_whichever_landed_last(
    spark: SparkSession, landed: tuple[int, int]
) -> None:
    assert stretches(spark, reached("u", 1, landed=landed[0]), reached("u", 1, active=False, landed=landed[1])) == []


def test_a_new_contact_point_does_not_end_the_one_before_and_users_are_apart(spark: SparkSession) -> None:
    rows = [reached("u", 1), reached("u", 2, value_sha256="another"), reached("v", 3, value_sha256="another", active=False)]
    assert stretches(spark, *rows) == [("another", "02 12", ""), ("email of u", "01 12", "")]


def test_the_suite_accepts_hashes(spark: SparkSession) -> None:
    hashes = dict.fromkeys(("value_sha256", "google_sha256", "meta_sha256"), "0" * 64)
    rows = [reached("u", 1) | hashes, reached("v", 2, kind="push") | {"value_sha256": "1" * 64}]
    assert all(finding.is_met for finding in audit(build(frame(spark, CONTACT_OBSERVATIONS, rows)), SUITE))
