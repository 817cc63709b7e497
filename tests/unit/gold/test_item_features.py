"""Claims about the features of items."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from jobs.content_hash import content_hash
from jobs.contract import conform
from jobs.gold.item_features import ITEM_FEATURES, build
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from tests.rows import events, frame, order_lines

AS_OF = date(2026, 6, 30)
AFTER = AS_OF + timedelta(days=1)
EDGES = (0, 6, 7, 29, 30, 34, 35, 89, 90, 364, 365)

Rows = Sequence[Mapping[str, Any]]


def at(age: int, column: str) -> dict[str, Any]:
    """Noon of a day that was ``age`` days before the as-of day, and landed then."""
    day = AS_OF - timedelta(days=age)
    return {column: datetime.combine(day, time(12)), "landed_date": day}


def did(age: int = 1, **changes: Any) -> dict[str, Any]:
    return at(age, "occurred_at") | changes


def sold(age: int = 1, **changes: Any) -> dict[str, Any]:
    return at(age, "ordered_at") | changes


def said(age: int = 1, **changes: Any) -> dict[str, Any]:
    base = {"item_id": "i1", "category_id": "tea", "unit_price_minor": 500, "is_on_sale": True, "source": "native", "delivery_count": 1}
    told = at(age, "observed_at")
    place = {"observed_date": told["observed_at"].date(), "source_file": "f", "line_number": 1}
    return base | told | place | changes


def built(spark: SparkSession, done: Rows = (), bought: Rows = (), catalogue: Rows = ()) -> DataFrame:
    return build(events(spark, *done), order_lines(spark, *bought), frame(spark, ITEM_OBSERVATIONS, catalogue), as_of=AS_OF)


def features(spark: SparkSession, done: Rows = (), bought: Rows = (), catalogue: Rows = ()) -> dict[str, Row]:
    return {row["item_id"]: row for row in conform(built(spark, done, bought, catalogue), ITEM_FEATURES).collect()}


def test_the_last_days_leave_out_what_is_as_old_as_they_are_long(spark: SparkSession) -> None:
    types = ("view_item", "add_to_cart")
    done = [did(age, item_id=f"i{age}", event_type=event_type) for age in EDGES for event_type in types]
    found = features(spark, done, [sold(age, item_id=f"i{age}", quantity=2) for age in EDGES])
    for age in EDGES:
        row = found[f"i{age}"]
        for days in (7, 30, 90, 365):
            inside = int(age < days)
            assert (row[f"views_{days}d"], row[f"units_{days}d"]) == (inside, 2 * inside), (age, days)
            if days in (30, 90):
                assert (row[f"carts_{days}d"], row[f"purchase_lines_{days}d"]) == (inside, inside), (age, days)
            if days > 7:
                assert row[f"revenue_{days}d_minor"] == 1000 * inside, (age, days)
        assert (row["viewers_30d"], row["buyers_90d"]) == (int(age < 30), int(age < 90))
        assert (row["age_days"], row["recency_days"]) == (age, age)
        assert row["trend"] == (0.0 if 7 <= age < 35 else None), age


def test_an_item_is_what_was_said_last_by_the_day_beside_its_category(spark: SparkSession) -> None:
    catalogue = [
        said(9, category_id="mugs", unit_price_minor=1),
        said(3, unit_price_minor=300, brand="leaf", is_on_sale=False),
        said(2, unit_price_minor=900, landed_date=AFTER),
        said(2, item_id="i2", unit_price_minor=100),
        said(2, item_id="i3", unit_price_minor=None),
        said(2, item_id="i4", category_id=None),
    ]
    done = [did(20, user_id=None, anonymous_id="a"), did(5, event_type="view_item_list"), did(1, item_id="new"), did(1, landed_date=AFTER)]
    found = features(spark, done, [], catalogue)
    asked = ("category_id", "brand", "unit_price_minor", "is_on_sale", "relative_price", "age_days", "recency_days")
    assert {item: tuple(row[name] for name in asked) for item, row in found.items()} == {
        "i1": ("tea", "leaf", 300, False, 1.5, 20, 20),
        "i2": ("tea", None, 100, True, 0.5, 2, None),
        "i3": ("tea", None, None, True, None, 2, None),
        "i4": (None, None, 500, True, None, 2, None),
        "new": (None, None, None, None, None, 1, 1),
    }
    assert (found["i1"]["first_seen_date"], found["i1"]["last_event_date"]) == (date(2026, 6, 10), date(2026, 6, 10))


def test_steps_refunds_and_discounts_are_shares_and_unknown_without(spark: SparkSession) -> None:
    done = [did(), did(400), did(), did(), did(event_type="add_to_cart"), did(event_type="purchase"), did(item_id="i4")]
    bought = [
        sold(quantity=3, unit_price_minor=100, discount_minor=30),
        sold(400, user_id=None, quantity=1, unit_price_minor=100),
        sold(quantity=1, kind="refund", unit_price_minor=100, discount_minor=10),
        sold(item_id="i2", unit_price_minor=None, discount_minor=9),
        sold(item_id="i3", kind="refund"),
        sold(landed_date=AFTER),
    ]
    found = features(spark, done, bought)
    asked = ("cart_by_view", "purchase_by_view", "refund_unit_share", "discount_share", "revenue_30d_minor", "units_30d")
    assert {item: tuple(row[name] for name in asked) for item, row in found.items()} == {
        "i1": (0.25, 0.5, 0.25, 0.075, 300, 3),
        "i2": (None, None, 0.0, None, None, 1),
        "i3": (None, None, None, None, 0, 0),
        "i4": (0.0, 0.0, None, None, 0, 0),
    }


def test_people_are_counted_once_and_a_repeat_buyer_came_another_day(spark: SparkSession) -> None:
    done = [did(user_id="u1", anonymous_id="phone"), did(user_id=None, anonymous_id="phone"), did(user_id="u2"), did(40, user_id="u3")]
    bought = [
        *[sold(age, user_id="u1", order_id=f"a{age}") for age in (1, 100)],
        *[sold(user_id="u2", order_id=f"b{n}") for n in (1, 2)],
        sold(95, user_id="u3"),
        sold(user_id="u4", kind="refund"),
        *[sold(age, user_id=None) for age in (1, 2)],
        *[sold(item_id="i2", user_id=None, order_id=f"c{n}") for n in (1, 2)],
    ]
    found = features(spark, done, bought)
    row = found["i1"]
    assert (row["viewers_30d"], row["views_30d"], row["buyers_90d"]) == (2, 3, 2)
    assert row["repeat_buyer_share"] == pytest.approx(1 / 3)
    assert (found["i2"]["buyers_90d"], found["i2"]["repeat_buyer_share"], found["i2"]["units_90d"]) == (0, None, 2)


def test_a_trend_holds_a_week_against_the_mean_of_four_before(spark: SparkSession) -> None:
    ages = (0, 3, 6, 7, 20, 34, 34, 35, 60)
    listed = [did(event_type=event_type) for event_type in ("view_item_list", "remove_from_cart", "purchase")]
    found = features(spark, [*[did(age) for age in ages], *listed, did(1, item_id="new")], [sold(10)])
    assert found["i1"]["trend"] == pytest.approx(3 / (5 / 4))
    assert found["new"]["trend"] is None


def test_partitioning_changes_nothing(spark: SparkSession) -> None:
    done = [did(n % 40, item_id=f"i{n % 5}", user_id=f"u{n % 7}") for n in range(200)]
    bought = [sold(n % 50, item_id=f"i{n % 4}", order_id=f"o{n // 3}", unit_price_minor=n * 7) for n in range(40)]
    catalogue = frame(spark, ITEM_OBSERVATIONS, [said(item_id=f"i{n}", category_id=f"c{n % 2}", unit_price_minor=n * 3) for n in range(5)])
    hashes = {
        content_hash(
            build(
                events(spark, *done).repartition(parts),
                order_lines(spark, *bought[::-1]).repartition(parts),
                catalogue.repartition(parts),
                as_of=AS_OF,
            ),
            ITEM_FEATURES,
        )
        for parts in (1, 5)
    }
    assert len(hashes) == 1
