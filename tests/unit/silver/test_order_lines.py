"""Order lines: one truth about purchases, from orders or, where there are none, from purchase events."""

import dataclasses
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from jobs.bronze.orders import ORDERS
from jobs.silver.order_lines import build, parses
from jobs.sources.source import load
from tests.bronze_rows import ORDER_LINE, SETTINGS, lines

SOURCE = dataclasses.replace(load("native"), currency="EUR")


def built(spark: SparkSession, *entries: str | dict[str, Any]) -> tuple[list[Row], list[Row]]:
    marked = parses(
        lines(spark), lines(spark, *entries, table=ORDERS), source=SOURCE, settings=SETTINGS
    ).persist()  # as the shell does: the plan ends here
    kept, rejected = build(marked, source=SOURCE, settings=SETTINGS)
    return kept.orderBy("order_line_id").collect(), rejected.collect()


def order_line(**change: Any) -> dict[str, Any]:
    return {**ORDER_LINE, **change}


def test_an_ordinary_line_and_its_copy_are_one_line(spark: SparkSession) -> None:
    kept, rejected = built(spark, order_line(), order_line(), order_line(line_number=2))
    assert rejected == []
    assert [(row["order_line_id"], row["delivery_count"], row["quantity"]) for row in kept] == [("o1-1", 2, 2), ("o1-2", 1, 2)]


FAULTS: tuple[tuple[str | dict[str, Any], str], ...] = (
    ("{cut", "unreadable"),
    (order_line(kind="gift"), "unknown_kind"),
    (order_line(item_id=None), "missing_item"),
    (order_line(ordered_at=None), "missing_time"),
    (order_line(ordered_at="2026-04-20T12:00:00Z"), "too_late"),
    (order_line(unit_price_minor=-500), "impossible_price"),
    (order_line(quantity=0), "impossible_quantity"),
    (order_line(quantity=1_000_001), "impossible_quantity"),
    (order_line(currency="USD"), "other_currency"),
    (order_line(discount_minor=-1), "impossible_discount"),
    (order_line(discount_minor=1_001), "impossible_discount"),
    (order_line(unit_price_minor=None, discount_minor=100_000_001), "impossible_discount"),
    (order_line(item_id="a\x00b"), "unprintable_text"),
    (order_line(campaign_id="x" * 20_000), "overlong_text"),
)


@pytest.fixture(scope="module")
def refused(spark: SparkSession) -> dict[int, Row]:
    """The rejected row of each line of ``FAULTS``, built in one go; the first is line 1."""
    kept, rejected = built(spark, *[line for line, _ in FAULTS])
    assert (kept, len(rejected)) == ([], len(FAULTS))
    return {row["line_number"]: row for row in rejected}


@pytest.mark.parametrize(("number", "reason"), [(number, reason) for number, (_, reason) in enumerate(FAULTS, start=1)])
def test_each_fault_is_rejected_by_name(refused: dict[int, Row], number: int, reason: str) -> None:
    assert reason in refused[number]["reasons"]


@pytest.mark.parametrize(
    "change", [{"discount_minor": 1_000}, {"unit_price_minor": None, "discount_minor": 300}, {"channel": "tab\tand\nline"}]
)
def test_what_is_at_its_limit_is_kept(spark: SparkSession, change: dict[str, Any]) -> None:
    kept, _ = built(spark, order_line(**change))
    assert len(kept) == 1


def test_a_guest_buys_too(spark: SparkSession) -> None:
    kept, _ = built(spark, order_line(user_id=None))
    assert [row["user_id"] for row in kept] == [None]
