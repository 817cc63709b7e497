"""Contact points: hashed, never raw; never too late; and an ending is not overruled by a line of the same instant."""

import hashlib
from typing import Any

from pyspark.sql import Row, SparkSession

from expectations.gate import audit
from expectations.silver.contact_observations import SUITE
from jobs.bronze.contacts import CONTACTS as LINES
from jobs.privacy import pseudonym
from jobs.silver.contact_observations import CONTACT_OBSERVATIONS, build, parses
from jobs.sources.source import load
from tests.bronze_rows import CONTACT_LINE, DAY, SETTINGS, lines
from tests.rows import frame, reached

SOURCE = load("native", {"contacts": DAY})


def built(spark: SparkSession, *entries: str | dict[str, Any]) -> tuple[list[Row], list[Row]]:
    marked = parses(lines(spark, *entries, table=LINES), source=SOURCE, settings=SETTINGS).persist()  # as the shell does
    kept, rejected = build(marked, source=SOURCE, settings=SETTINGS)
    return kept.collect(), rejected.collect()


def test_a_user_is_a_pseudonym_and_the_contact_point_a_hash_of_its_normal_form(spark: SparkSession) -> None:
    (row,), rejected = built(spark, {**CONTACT_LINE, "value": " Ada@Example.com"})
    digest = hashlib.sha256(b"ada@example.com").hexdigest()
    assert (row["user_id"], rejected) == (pseudonym("u1", "user", SETTINGS.pseudonym_key), [])
    assert (row["value_sha256"], row["google_sha256"], row["meta_sha256"]) == (digest, digest, digest)
    assert (row["is_active"], row["delivery_count"]) == (True, 1)
    assert not any("ada" in str(value).lower() for value in row)


def test_ways_of_writing_one_contact_point_are_one_and_of_a_contradiction_at_one_instant_the_ending_counts(spark: SparkSession) -> None:
    ended = {**CONTACT_LINE, "value": "ADA@example.com", "is_active": False}
    for entries in ([CONTACT_LINE, ended, CONTACT_LINE], [ended, CONTACT_LINE, CONTACT_LINE]):
        kept, _ = built(spark, *map(dict, entries))
        assert [(row["is_active"], row["delivery_count"]) for row in kept] == [(False, 3)]
    kept, _ = built(spark, dict(CONTACT_LINE), {**CONTACT_LINE, "value": "b@example.com"}, {**CONTACT_LINE, "user_id": "u2"})
    assert len(kept) == 3


def test_an_observation_is_never_too_late_and_what_reaches_nobody_is_rejected_by_name(spark: SparkSession) -> None:
    kept, rejected = built(
        spark,
        {**CONTACT_LINE, "observed_at": "2019-05-04T12:00:00Z"},
        {**CONTACT_LINE, "kind": "phone", "value": "+44 7700 900123"},
        {**CONTACT_LINE, "kind": "push", "value": "token", "is_active": None},
        {**CONTACT_LINE, "observed_at": "2026-05-06T00:00:00Z"},
        {**CONTACT_LINE, "observed_at": "yesterday"},
        {**CONTACT_LINE, "user_id": ""},
        {**CONTACT_LINE, "kind": "fax"},
        {**CONTACT_LINE, "kind": None},
        {**CONTACT_LINE, "value": ""},
        {**CONTACT_LINE, "value": "ada at example.com"},
        {**CONTACT_LINE, "kind": "phone", "value": "07700 900123"},
        {**CONTACT_LINE, "kind": "phone", "value": 447700900123},
        {**CONTACT_LINE, "kind": "push", "value": " "},
        {**CONTACT_LINE, "is_active": "yes"},
        '{"user_id": "u1", "kind": "ema',
    )
    assert sorted((row["kind"], row["is_active"]) for row in kept) == [("email", True), ("phone", True), ("push", True)]
    assert sorted(row["reasons"][0] for row in rejected) == [
        "invalid_email",
        "invalid_phone",
        "invalid_phone",
        "invalid_push",
        "missing_time",
        "missing_user",
        "missing_value",
        "too_early",
        "unknown_kind",
        "unknown_kind",
        "unreadable",
        "unreadable",
    ]
    assert all(len(row["reasons"]) == 1 for row in rejected)


def test_the_suite_accepts_hashes_and_refuses_a_raw_value(spark: SparkSession) -> None:
    digest = "0" * 64
    row = reached("p1", 4) | dict.fromkeys(("value_sha256", "google_sha256", "meta_sha256"), digest)

    def broken(*rows: dict[str, Any]) -> set[str]:
        return {finding.subject for finding in audit(frame(spark, CONTACT_OBSERVATIONS, rows), SUITE) if not finding.is_met}

    token = row | {"kind": "push", "google_sha256": None, "meta_sha256": None}
    assert broken(row, token) == set()
    assert broken(row | {"value_sha256": "ada@example.com"}) == {"value_sha256"}
    assert broken(row | {"google_sha256": "ada@example.com"}) == {"google_sha256"}
    assert broken(row | {"kind": "fax"}) == {"kind"}
