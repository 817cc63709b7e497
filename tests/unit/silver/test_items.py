"""Versions of items: when one begins and when it ends."""

from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import SparkSession

from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.items import build
from tests.rows import frame


def observed(day: int, **change: Any) -> dict[str, Any]:
    row = {
        "item_id": "i1",
        "observed_date": date(2026, 5, day),
        "observed_at": datetime(2026, 5, day, 9, tzinfo=UTC),
        "name": "Mug",
        "unit_price_minor": 500,
        "is_on_sale": True,
        "source": "native",
    }
    return row | {"delivery_count": 1, "landed_date": date(2026, 5, day), "source_file": "f", "line_number": 1} | change


def versions(spark: SparkSession, *rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    built = build(frame(spark, ITEM_OBSERVATIONS, rows)).orderBy("item_id", "valid_from").collect()
    return [(str(r["valid_from"]), str(r["valid_to"]), r["unit_price_minor"]) for r in built]


def test_saying_the_same_again_begins_no_version(spark: SparkSession) -> None:
    assert versions(spark, observed(1), observed(2), observed(5)) == [("2026-05-01", "None", 500)]


def test_a_change_and_a_change_back_are_three_versions_without_gaps(spark: SparkSession) -> None:
    assert versions(spark, observed(1), observed(3, unit_price_minor=600), observed(4), observed(5)) == [
        ("2026-05-01", "2026-05-03", 500),
        ("2026-05-03", "2026-05-04", 600),
        ("2026-05-04", "None", 500),
    ]


def test_an_attribute_that_becomes_unknown_is_a_change(spark: SparkSession) -> None:
    assert len(versions(spark, observed(1), observed(2, name=None), observed(3, name=None))) == 2


def test_of_words_about_one_day_the_last_counts_whenever_they_landed(spark: SparkSession) -> None:
    noon, evening = datetime(2026, 5, 1, 12, tzinfo=UTC), datetime(2026, 5, 1, 20, tzinfo=UTC)
    late = observed(1, observed_at=noon, unit_price_minor=400, landed_date=date(2026, 5, 3))
    last = observed(1, observed_at=evening, unit_price_minor=600)
    resent = observed(1, observed_at=evening, unit_price_minor=700, landed_date=date(2026, 5, 2))
    assert versions(spark, last, late) == versions(spark, late, last) == [("2026-05-01", "None", 600)]
    assert versions(spark, resent, last, late) == [("2026-05-01", "None", 700)]
