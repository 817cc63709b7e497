"""Claims about the features of users."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.content_hash import content_hash
from jobs.contract import Table, conform
from jobs.gold.user_features import USER_FEATURES, build
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.order_lines import ORDER_LINES

AS_OF = date(2026, 6, 30)


def frame(spark: SparkSession, table: Table, rows: Iterable[dict[str, Any]]) -> DataFrame:
    return spark.createDataFrame([Row(**(dict.fromkeys(table.column_names) | row)) for row in rows], _nullable(table))


def _nullable(table: Table) -> Any:
    struct = table.struct()
    for field in struct.fields:
        field.nullable = True
    return struct


def an_event(at: str = "2026-06-29T10:00:00", **changes: Any) -> dict[str, Any]:
    instant = datetime.fromisoformat(at)
    base = {"user_id": "u1", "event_type": "view_item", "item_id": "i1", "occurred_at": instant, "event_date": instant.date()}
    return base | {"time_resolution": "second", "landed_date": instant.date()} | changes


def a_line(at: str = "2026-06-29T11:00:00", **changes: Any) -> dict[str, Any]:
    instant = datetime.fromisoformat(at)
    base = {"user_id": "u1", "order_id": "o1", "item_id": "i1", "ordered_at": instant, "ordered_date": instant.date(), "kind": "sale"}
    return base | {"quantity": 1, "unit_price_minor": 1000, "landed_date": instant.date()} | changes


def an_item(item_id: str, category_id: str | None, **changes: Any) -> dict[str, Any]:
    """What was said about an item at noon of a day, and landed that day."""
    said_at = changes.pop("said_at", datetime.fromisoformat("2026-01-01T12:00"))
    row = {"item_id": item_id, "category_id": category_id, "is_on_sale": True, "observed_at": said_at, "observed_date": said_at.date()}
    return row | {"landed_date": said_at.date(), "source_file": "f", "line_number": 1} | changes


def features(spark: SparkSession, events: list[Any], lines: list[Any], items: list[Any] | None = None) -> dict[str, Row]:
    catalogue = [an_item("i1", "tea"), an_item("i2", "mugs")] if items is None else items
    built = build(frame(spark, EVENTS, events), frame(spark, ORDER_LINES, lines), frame(spark, ITEM_OBSERVATIONS, catalogue), as_of=AS_OF)
    return {row["user_id"]: row for row in conform(built, USER_FEATURES).collect()}


def test_a_user_is_described_from_events_and_order_lines(spark: SparkSession) -> None:
    events = [
        an_event("2026-06-20T23:30:00"),
        an_event("2026-06-20T23:40:00", event_type="add_to_cart"),
        an_event("2026-06-20T23:50:00", event_type="purchase", item_id="i1"),
        an_event("2026-06-28T09:00:00", item_id="i2"),
        an_event("2026-06-28T09:01:00", event_type="view_item_list", item_id=None),
    ]
    lines = [
        a_line("2026-06-20T23:50:00", quantity=2, discount_minor=100),
        a_line("2026-06-20T23:50:00", item_id="i2", unit_price_minor=501),
        a_line("2026-06-24T12:00:00", order_id="o2", unit_price_minor=300),
        a_line("2026-06-26T12:00:00", kind="refund", item_id="i2", unit_price_minor=501),
    ]
    row = features(spark, events, lines)["u1"]
    assert (row["tenure_days"], row["recency_days"], row["purchase_recency_days"]) == (10, 2, 6)
    assert (row["event_count"], row["events_7d"], row["active_days"]) == (8, 4, 4)
    assert (row["order_count"], row["orders_30d"], row["purchase_line_count"], row["units_bought"], row["refund_count"]) == (2, 2, 3, 4, 1)
    assert (row["spend_minor"], row["mean_order_minor"], row["mean_days_between_orders"]) == (2200, 1351, 4.0)
    assert (row["view_count"], row["add_to_cart_count"], row["view_share"]) == (2, 1, 0.25)
    assert [tuple(one) for one in row["top_categories"]] == [("tea", 4), ("mugs", 2)]
    assert (row["top_category_id"], row["distinct_items"], row["distinct_categories"]) == ("tea", 2, 2)
    assert row["top_category_share"] == pytest.approx(4 / 6)
    assert (row["active_hour"], row["night_share"], row["weekend_share"]) == (23, 0.6, pytest.approx(0.75))


def test_a_row_that_landed_after_the_day_is_not_used(spark: SparkSession) -> None:
    late = date(2026, 7, 1)
    events = [an_event(), an_event("2026-06-28T10:00:00", landed_date=late), an_event("2026-07-01T00:00:00", landed_date=AS_OF)]
    lines = [a_line(landed_date=late), a_line(user_id="u2", landed_date=late)]
    found = features(spark, events, lines)
    assert set(found) == {"u1"}
    assert (found["u1"]["event_count"], found["u1"]["order_count"], found["u1"]["first_event_date"]) == (1, 0, date(2026, 6, 29))


def test_guests_have_no_row_and_who_only_ordered_has_one(spark: SparkSession) -> None:
    found = features(spark, [an_event(user_id=None)], [a_line(user_id=None), a_line(user_id="u2")])
    assert set(found) == {"u2"}
    assert found["u2"]["event_count"] == 1
    assert found["u2"]["night_share"] is None


def test_a_day_resolution_event_says_nothing_about_hours(spark: SparkSession) -> None:
    row = features(spark, [an_event("2026-06-29T00:00:00", time_resolution="day")], [])["u1"]
    assert (row["night_share"], row["active_hour"]) == (None, None)


def test_spend_is_unknown_without_prices_and_zero_without_orders(spark: SparkSession) -> None:
    found = features(spark, [an_event(user_id="u2")], [a_line(unit_price_minor=None), a_line("2026-05-01T00:00:00", user_id="u3")])
    assert (found["u1"]["spend_minor"], found["u1"]["mean_order_minor"], found["u1"]["units_bought"]) == (None, None, 1)
    assert (found["u2"]["spend_minor"], found["u2"]["mean_order_minor"]) == (0, None)
    assert (found["u3"]["spend_minor"], found["u3"]["spend_30d_minor"]) == (1000, 0)


@pytest.mark.parametrize("order", [1, -1])
def test_the_lowest_category_wins_a_tie_in_either_order(spark: SparkSession, order: int) -> None:
    row = features(spark, [an_event(item_id="i1"), an_event(item_id="i2")][::order], [])["u1"]
    assert (row["top_category_id"], row["top_category_share"]) == ("mugs", 0.5)


def test_the_category_is_what_was_said_last_by_the_day_and_had_landed_by_then(spark: SparkSession) -> None:
    items = [
        an_item("i1", "old"),
        an_item("i1", "now", said_at=datetime.fromisoformat("2026-06-30T09:00")),
        an_item("i1", "not landed yet", said_at=datetime.fromisoformat("2026-06-30T10:00"), landed_date=date(2026, 7, 1)),
        an_item("i1", "later", said_at=datetime.fromisoformat("2026-07-02T09:00"), landed_date=date(2026, 6, 30)),
    ]
    for order in (1, -1):
        assert features(spark, [an_event()], [], items[::order])["u1"]["top_category_id"] == "now"


def test_an_item_outside_of_the_catalogue_has_no_category(spark: SparkSession) -> None:
    row = features(spark, [an_event(item_id="unknown")], [], [an_item("i1", None)])["u1"]
    assert (row["distinct_items"], row["distinct_categories"], row["top_category_id"], row["top_category_share"]) == (1, 0, None, None)
    assert row["top_categories"] == []


def test_partitioning_changes_nothing(spark: SparkSession) -> None:
    events = [an_event(f"2026-06-{1 + n % 28:02d}T{n % 24:02d}:00:00", user_id=f"u{n % 7}", item_id=f"i{n % 5}") for n in range(200)]
    lines = [a_line(f"2026-06-{1 + n % 28:02d}T05:00:00", user_id=f"u{n % 5}", order_id=f"o{n // 3}") for n in range(40)]
    items = [an_item(f"i{n}", f"c{n % 3}") for n in range(5)]
    hashes = {
        content_hash(
            build(
                frame(spark, EVENTS, events).repartition(parts),
                frame(spark, ORDER_LINES, lines[::-1]).repartition(parts),
                frame(spark, ITEM_OBSERVATIONS, items),
                as_of=AS_OF,
            ),
            USER_FEATURES,
        )
        for parts in (1, 5)
    }
    assert len(hashes) == 1
