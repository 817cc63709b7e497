"""Decisions about purposes: pseudonymised, never too late, and a withdrawal is not overruled by a line of the same instant."""

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import Row, SparkSession

from expectations.gate import audit
from expectations.silver.consent_decisions import SUITE
from jobs.bronze.consents import CONSENTS as LINES
from jobs.privacy import pseudonym
from jobs.silver.consent_decisions import CONSENT_DECISIONS, build, parses
from jobs.sources.source import load
from tests.bronze_rows import CONSENT_LINE, DAY, SETTINGS, lines
from tests.rows import frame

SOURCE = load("native", {"consents": DAY})


def built(spark: SparkSession, *entries: str | dict[str, Any]) -> tuple[list[Row], list[Row]]:
    marked = parses(lines(spark, *entries, table=LINES), source=SOURCE, settings=SETTINGS).persist()  # as the shell does
    kept, rejected = build(marked, source=SOURCE, settings=SETTINGS)
    return kept.collect(), rejected.collect()


def test_a_user_is_a_pseudonym_the_same_as_in_every_other_table(spark: SparkSession) -> None:
    (row,), rejected = built(spark, dict(CONSENT_LINE))
    assert (row["user_id"], rejected) == (pseudonym("u1", "user", SETTINGS.pseudonym_key), [])
    assert (row["purpose"], row["is_granted"], row["delivery_count"]) == ("personalisation", True, 1)


def test_copies_are_one_and_of_a_contradiction_at_one_instant_the_withdrawal_counts(spark: SparkSession) -> None:
    withdrawn = {**CONSENT_LINE, "is_granted": False}
    for entries in ([CONSENT_LINE, withdrawn, CONSENT_LINE], [withdrawn, CONSENT_LINE, CONSENT_LINE]):
        kept, _ = built(spark, *map(dict, entries))
        assert [(row["is_granted"], row["delivery_count"]) for row in kept] == [(False, 3)]
    kept, _ = built(spark, dict(CONSENT_LINE), {**withdrawn, "purpose": "email"}, {**withdrawn, "decided_at": "2026-05-04T12:00:01Z"})
    assert len(kept) == 3


def test_a_decision_is_never_too_late_and_what_decides_nothing_is_rejected(spark: SparkSession) -> None:
    kept, rejected = built(
        spark,
        {**CONSENT_LINE, "decided_at": "2019-05-04T12:00:00Z"},
        {**CONSENT_LINE, "decided_at": "2026-05-05T00:00:10Z"},
        {**CONSENT_LINE, "decided_at": "2026-05-06T00:00:00Z"},
        {**CONSENT_LINE, "decided_at": "yesterday"},
        {**CONSENT_LINE, "user_id": ""},
        {**CONSENT_LINE, "purpose": "profiling"},
        {**CONSENT_LINE, "purpose": None},
        {**CONSENT_LINE, "is_granted": None},
        {**CONSENT_LINE, "is_granted": "yes"},
        '{"user_id": "u1", "purpose": "ema',
    )
    assert sorted(str(row["decided_at"]) for row in kept) == ["2019-05-04 12:00:00", "2026-05-05 00:00:10"]
    assert sorted(row["reasons"][0] for row in rejected) == [
        "missing_decision",
        "missing_time",
        "missing_user",
        "too_early",
        "unknown_purpose",
        "unknown_purpose",
        "unreadable",
        "unreadable",
    ]
    assert all(len(row["reasons"]) == 1 for row in rejected)


def test_the_suite_accepts_decisions_and_refuses_an_unknown_purpose(spark: SparkSession) -> None:
    at = datetime(2026, 5, 4, 12, tzinfo=UTC)
    row = {"user_id": "p1", "purpose": "email", "decided_at": at, "is_granted": False, "source": "native", "delivery_count": 1}
    row |= {"landed_date": date(2026, 5, 4), "source_file": "f", "line_number": 1}

    def broken(*rows: dict[str, Any]) -> set[str]:
        return {finding.subject for finding in audit(frame(spark, CONSENT_DECISIONS, rows), SUITE) if not finding.is_met}

    assert broken(row, row | {"purpose": "ads"}) == set()
    assert broken(row | {"purpose": "profiling"}) == {"purpose"}
