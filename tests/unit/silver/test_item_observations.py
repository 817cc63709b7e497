"""Observations of items: the last word of a day counts, whatever the order of lines."""

import dataclasses
from typing import Any

from pyspark.sql import Row, SparkSession

from jobs.bronze.items import ITEMS
from jobs.bronze.orders import ORDERS
from jobs.silver.item_observations import build, parses
from jobs.sources.source import load
from tests.bronze_rows import ITEM_LINE, SETTINGS, lines

SOURCE = dataclasses.replace(load("native"), currency="EUR")


def built(spark: SparkSession, *entries: str | dict[str, Any]) -> tuple[list[Row], list[Row]]:
    items = lines(spark, *entries, table=ITEMS)
    marked = parses(
        lines(spark), lines(spark, table=ORDERS), items, source=SOURCE, settings=SETTINGS
    ).persist()  # as the shell does: the plan ends here
    kept, rejected = build(marked, source=SOURCE, settings=SETTINGS)
    return kept.collect(), rejected.collect()


def test_the_last_word_of_a_day_counts(spark: SparkSession) -> None:
    morning = {**ITEM_LINE, "unit_price_minor": 500}
    evening = {**ITEM_LINE, "unit_price_minor": 450, "observed_at": "2026-05-04T20:00:00Z"}
    for entries in ([morning, evening], [evening, morning]):
        kept, rejected = built(spark, *entries)
        assert ([(row["unit_price_minor"], row["delivery_count"]) for row in kept], rejected) == ([(450, 2)], [])


def test_lines_that_say_nothing_usable_are_rejected(spark: SparkSession) -> None:
    kept, rejected = built(spark, "{", {**ITEM_LINE, "item_id": None}, {**ITEM_LINE, "unit_price_minor": -1})
    assert kept == []
    assert sorted(row["reasons"][0] for row in rejected) == ["impossible_price", "missing_item", "unreadable"]
