"""Claims about the features of users."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
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


Case = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""Events and order lines."""

Found = Callable[[Callable[[], Case]], dict[str, Row]]
"""The rows of a case's users, by the names that the case gives them."""

CASES: dict[str, Case] = {}


def in_one_shop(case: Callable[[], Case]) -> Callable[[], Case]:
    """Users of one shop that is built once for all: what a user's row says depends on that user alone, prices and lifts apart."""
    CASES[case.__name__] = case()
    return case


@pytest.fixture(scope="module")
def found_in(spark: SparkSession) -> Found:
    def named(rows: list[dict[str, Any]], case: str) -> list[dict[str, Any]]:
        return [row | {"user_id": row["user_id"] and f"{case}/{row['user_id']}"} for row in rows]

    events, lines = ([row for name, case in CASES.items() for row in named(case[place], name)] for place in (0, 1))
    rows = features(spark, events, lines)
    assert None not in rows

    def of(case: Callable[[], Case]) -> dict[str, Row]:
        mine = f"{case.__name__}/"
        return {user.removeprefix(mine): row for user, row in rows.items() if user.startswith(mine)}

    return of


@in_one_shop
def described() -> Case:
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
    return events, lines


def test_a_user_is_described_from_events_and_order_lines(found_in: Found) -> None:
    row = found_in(described)["u1"]
    assert (row["tenure_days"], row["recency_days"], row["purchase_recency_days"]) == (10, 2, 6)
    assert (row["event_count"], row["events_7d"], row["active_days"]) == (8, 4, 4)
    assert (row["order_count"], row["orders_30d"], row["purchase_line_count"], row["units_bought"], row["refund_count"]) == (2, 2, 3, 4, 1)
    assert (row["spend_minor"], row["mean_order_minor"], row["mean_days_between_orders"]) == (2200, 1351, 4.0)
    assert (row["view_count"], row["add_to_cart_count"], row["view_share"]) == (2, 1, 0.25)
    assert [tuple(one) for one in row["top_categories"]] == [("tea", 4), ("mugs", 2)]
    assert (row["top_category_id"], row["distinct_items"], row["distinct_categories"]) == ("tea", 2, 2)
    assert row["top_category_share"] == pytest.approx(4 / 6)
    assert (row["active_hour"], row["night_share"], row["weekend_share"]) == (23, 0.6, pytest.approx(0.75))


@in_one_shop
def landed_late() -> Case:
    late = date(2026, 7, 1)
    events = [an_event(), an_event("2026-06-28T10:00:00", landed_date=late), an_event("2026-07-01T00:00:00", landed_date=AS_OF)]
    lines = [a_line(landed_date=late), a_line(user_id="u2", landed_date=late)]
    return events, lines


def test_a_row_that_landed_after_the_day_is_not_used(found_in: Found) -> None:
    found = found_in(landed_late)
    assert set(found) == {"u1"}
    assert (found["u1"]["event_count"], found["u1"]["order_count"], found["u1"]["first_event_date"]) == (1, 0, date(2026, 6, 29))


@in_one_shop
def with_guests() -> Case:
    return [an_event(user_id=None)], [a_line(user_id=None), a_line(user_id="u2")]


def test_guests_have_no_row_and_who_only_ordered_has_one(found_in: Found) -> None:
    found = found_in(with_guests)
    assert set(found) == {"u2"}
    assert found["u2"]["event_count"] == 1
    assert found["u2"]["night_share"] is None


@in_one_shop
def of_days() -> Case:
    return [an_event("2026-06-29T00:00:00", time_resolution="day")], []


def test_a_day_resolution_event_says_nothing_about_hours(found_in: Found) -> None:
    row = found_in(of_days)["u1"]
    assert (row["night_share"], row["active_hour"]) == (None, None)


@in_one_shop
def without_prices() -> Case:
    return [an_event(user_id="u2")], [a_line(unit_price_minor=None), a_line("2026-05-01T00:00:00", user_id="u3")]


def test_spend_is_unknown_without_prices_and_zero_without_orders(found_in: Found) -> None:
    found = found_in(without_prices)
    assert (found["u1"]["spend_minor"], found["u1"]["mean_order_minor"], found["u1"]["units_bought"]) == (None, None, 1)
    assert (found["u2"]["spend_minor"], found["u2"]["mean_order_minor"]) == (0, None)
    assert (found["u3"]["spend_minor"], found["u3"]["spend_30d_minor"]) == (1000, 0)


@in_one_shop
def tied() -> Case:
    events = [an_event(item_id="i1"), an_event(item_id="i2")]
    return [*events, *[event | {"user_id": "reversed"} for event in events[::-1]]], []


def test_the_lowest_category_wins_a_tie_in_either_order(found_in: Found) -> None:
    found = found_in(tied)
    assert [(found[user]["top_category_id"], found[user]["top_category_share"]) for user in ("u1", "reversed")] == [("mugs", 0.5)] * 2


def test_the_category_is_what_was_said_last_by_the_day_and_had_landed_by_then(spark: SparkSession) -> None:
    def said(item: str) -> list[dict[str, Any]]:
        return [
            an_item(item, "old"),
            an_item(item, "now", said_at=datetime.fromisoformat("2026-06-30T09:00")),
            an_item(item, "not landed yet", said_at=datetime.fromisoformat("2026-06-30T10:00"), landed_date=date(2026, 7, 1)),
            an_item(item, "later", said_at=datetime.fromisoformat("2026-07-02T09:00"), landed_date=date(2026, 6, 30)),
        ]

    events = [an_event(item_id="i1"), an_event(user_id="u2", item_id="i2")]
    found = features(spark, events, [], [*said("i1"), *said("i2")[::-1]])
    assert {user: row["top_category_id"] for user, row in found.items()} == {"u1": "now", "u2": "now"}


@in_one_shop
def outside_of_the_catalogue() -> Case:
    return [an_event(item_id="unknown")], []


def test_an_item_outside_of_the_catalogue_has_no_category(found_in: Found) -> None:
    row = found_in(outside_of_the_catalogue)["u1"]
    assert (row["distinct_items"], row["distinct_categories"], row["top_category_id"], row["top_category_share"]) == (1, 0, None, None)
    assert row["top_categories"] == []


EDGES = (0, 6, 7, 29, 30, 89, 90, 364, 365)


@in_one_shop
def at_the_edges() -> Case:
    def at(age: int) -> str:
        return f"{AS_OF - timedelta(days=age)}T12:00:00"

    events = [an_event(at(age), user_id=f"u{age}") for age in EDGES]
    lines = [a_line(at(age), user_id=f"u{age}", order_id=f"o{age}", quantity=2) for age in EDGES]
    return events, lines


def test_the_last_days_end_with_the_as_of_day_and_leave_out_what_is_as_old_as_they_are_long(found_in: Found) -> None:
    found = found_in(at_the_edges)
    for age in EDGES:
        row = found[f"u{age}"]
        for days in (7, 30, 90, 365):
            inside = int(age < days)
            asked = (row[f"events_{days}d"], row[f"active_days_{days}d"], row[f"orders_{days}d"], row[f"spend_{days}d_minor"])
            assert asked == (2 * inside, inside, inside, 2000 * inside), (age, days)
        assert (row["units_30d"], row["units_bought"]) == (2 * (age < 30), 2)


@in_one_shop
def of_two_days() -> Case:
    lines = [
        a_line("2026-06-01T10:00:00"),
        a_line("2026-06-28T10:00:00", unit_price_minor=None),
        a_line("2026-06-29T10:00:00", user_id="u2", discount_minor=200),
        a_line("2026-06-30T10:00:00", user_id="u2", kind="refund", quantity=3, unit_price_minor=500),
    ]
    return [], lines


def test_an_order_of_two_days_is_one_and_spend_is_unknown_where_no_price_is(found_in: Found) -> None:
    found = found_in(of_two_days)
    row = found["u1"]
    assert (row["order_count"], row["orders_7d"], row["orders_30d"], row["active_days_7d"], row["active_days_30d"]) == (1, 1, 1, 1, 2)
    assert (row["spend_7d_minor"], row["spend_30d_minor"], row["spend_minor"]) == (None, 1000, 1000)
    assert (found["u2"]["spend_7d_minor"], found["u2"]["mean_order_minor"]) == (-700, 800)


@in_one_shop
def with_a_rhythm() -> Case:
    orders = {"steady": (1, 11, 21), "uneven": (1, 3, 9, 9), "twice": (10, 20), "once": (5,)}
    lines = [
        a_line(f"2026-06-{day:02d}T10:00:00", user_id=user, order_id=f"{user}{number}")
        for user, days in orders.items()
        for number, day in enumerate(days)
    ]
    return [an_event("2026-06-15T10:00:00", user_id="once"), an_event(user_id="looks")], lines


def test_rhythm_needs_a_distance_and_its_deviation_two(found_in: Found) -> None:
    found = found_in(with_a_rhythm)
    asked = ("mean_days_between_orders", "deviation_days_between_orders", "order_overdue_ratio", "mean_days_between_visits")
    rhythm = {user: tuple(row[name] for name in asked) for user, row in found.items()}
    assert rhythm == {
        "steady": (10.0, 0.0, 0.9, 10.0),
        "uneven": (4.0, 2.0, 5.25, 4.0),
        "twice": (10.0, None, 1.0, 10.0),
        "once": (None, None, None, 10.0),
        "looks": (None, None, None, None),
    }


@in_one_shop
def with_baskets() -> Case:
    lines = [
        a_line(quantity=3, unit_price_minor=100, discount_minor=30),
        a_line(item_id="i2", quantity=1, unit_price_minor=100),
        a_line(order_id="o2", quantity=2, unit_price_minor=None, discount_minor=5),
        a_line("2026-06-30T10:00:00", kind="refund", quantity=2, unit_price_minor=100, discount_minor=15),
        a_line(user_id="returns", kind="refund"),
        a_line(user_id="returns more", quantity=1),
        a_line(user_id="returns more", kind="refund", quantity=3),
        a_line(user_id="is given", unit_price_minor=0),
    ]
    return [an_event(user_id="looks")], lines


def test_baskets_discounts_and_refunds_are_shares_of_what_was_bought(found_in: Found) -> None:
    found = found_in(with_baskets)
    row = found["u1"]
    assert (row["mean_order_units"], row["mean_order_lines"]) == (3.0, 1.5)
    assert (row["discount_share"], row["discounted_line_share"]) == (pytest.approx(30 / 400), pytest.approx(2 / 3))
    assert (row["refunded_units"], row["refund_unit_share"], row["refund_value_share"]) == (2, pytest.approx(2 / 6), 0.5)
    asked = ("mean_order_units", "mean_order_lines", "discount_share", "discounted_line_share", "refunded_units", "refund_unit_share")
    shares = {user: tuple(row[name] for name in (*asked, "refund_value_share")) for user, row in found.items() if user != "u1"}
    assert shares == {
        "returns": (None, None, None, None, 1, None, None),
        "returns more": (1.0, 1.0, 0.0, 0.0, 3, 3.0, 3.0),
        "is given": (1.0, 1.0, None, 0.0, 0, 0.0, None),
        "looks": (None, None, None, None, 0, None, None),
    }


def test_a_lift_is_the_share_of_a_user_by_that_of_all_users_as_known_by_the_day(spark: SparkSession) -> None:
    events = [
        *[an_event(item_id="i1") for _ in range(3)],
        an_event(item_id="i1", event_type="add_to_cart"),
        *[an_event(item_id="i2") for _ in range(2)],
        an_event(item_id="i1", event_type="view_item_list"),
        an_event(item_id="unknown"),
        *[an_event(user_id="u2", item_id="i2") for _ in range(6)],
        *[an_event(user_id="u2", item_id="i1", landed_date=date(2026, 7, 1)) for _ in range(9)],
        *[an_event(user_id=None, item_id="i1") for _ in range(9)],
    ]
    items = [an_item("i1", "tea", brand="leaf"), an_item("i2", "mugs", brand=None)]
    found = features(spark, events, [], items)
    assert [tuple(one) for one in found["u1"]["category_affinities"]] == [("tea", 2.0)]  # 4 of 6 by 4 of 12; two of mugs are too few
    assert [tuple(one) for one in found["u2"]["category_affinities"]] == [("mugs", 1.5)]
    assert [tuple(one) for one in found["u1"]["brand_affinities"]] == [("leaf", 1.0)]
    assert found["u2"]["brand_affinities"] == []


@pytest.mark.parametrize("order", [1, -1])
def test_five_lifts_are_kept_and_equals_are_in_order_of_their_id(spark: SparkSession, order: int) -> None:
    events = [an_event(item_id=f"i{n}") for n in range(7) for _ in range(3)] + [an_event(user_id="u2", item_id="i1")]
    items = [an_item(f"i{n}", f"c{n}") for n in range(7)]
    row = features(spark, events[::order], [], items)["u1"]
    lift = round(3 / 21 / (3 / 22), 4)
    assert [tuple(one) for one in row["category_affinities"]] == [("c0", lift), *[(f"c{n}", lift) for n in range(2, 6)]]


def test_what_is_paid_is_held_against_the_mean_price_of_its_categories(spark: SparkSession) -> None:
    def bought(user: str, item: str, price: int | None, quantity: int = 1, **changes: Any) -> dict[str, Any]:
        return a_line(user_id=user, item_id=item, unit_price_minor=price, quantity=quantity, **changes)

    lines = [
        bought("cheap", "i1", 100, 2, discount_minor=50),
        bought("dear", "i1", 400),  # tea: 600 for 3 pieces
        bought("both", "i2", 500),
        bought("cheap", "i2", 500, landed_date=date(2026, 7, 1)),
        bought("least", "cup", 80),
        bought("most", "cup", 125),
        bought("mean", "cup", 95),
        bought("free", "gift", 0),
        bought("no price", "i1", None, 9),
        bought("no category", "unknown", 100),
        bought("returns", "i1", 100, kind="refund"),
    ]
    items = [an_item("i1", "tea"), an_item("i2", "mugs"), an_item("cup", "cups"), an_item("gift", "gifts")]
    found = {user: (row["relative_price"], row["price_band"]) for user, row in features(spark, [], lines, items).items()}
    unknown = dict.fromkeys(("free", "no price", "no category", "returns"), (None, None))
    assert found == {
        "cheap": (0.5, "budget"),
        "dear": (2.0, "premium"),
        "both": (1.0, "middle"),
        "least": (0.8, "middle"),
        "most": (1.25, "premium"),
        "mean": (0.95, "middle"),
        **unknown,
    }


@in_one_shop
def with_habits() -> Case:
    hours = (0, 5, 6, 11, 12, 17, 18, 21, 22, 23)
    events = [an_event(f"2026-06-24T{hour:02d}:59:59") for hour in hours]  # a Wednesday
    return events, [a_line(user_id="u2")]  # a Monday


def test_habits_are_those_of_events_and_of_hours_that_are_known(found_in: Found) -> None:
    found = found_in(with_habits)
    row = found["u1"]
    assert (row["morning_share"], row["afternoon_share"], row["evening_share"], row["night_share"]) == (0.2, 0.2, 0.2, 0.4)
    assert (row["active_weekday"], found["u2"]["active_weekday"], found["u2"]["morning_share"]) == (3, 1, None)


@in_one_shop
def by_channels() -> Case:
    events = [
        *[an_event(channel="search") for _ in range(2)],
        *[an_event(event_type="add_to_cart", channel="ads") for _ in range(2)],
        an_event(event_type="purchase", channel="ads"),
        an_event(event_type="search", item_id=None, channel=None),
        an_event(user_id="u2", event_type="purchase", channel="ads"),
        an_event("2026-06-28T10:00:00", user_id="u3", time_resolution="day"),
        an_event("2026-06-30T10:00:00", user_id="u3", time_resolution="day"),
    ]
    return events, [a_line(channel="mail"), a_line(item_id="i2"), a_line(item_id="i3")]


@in_one_shop
def by_channels_in_reverse() -> Case:
    events, lines = by_channels()
    return events[::-1], lines[::-1]


@pytest.mark.parametrize("case", [by_channels, by_channels_in_reverse])
def test_channels_and_steps_are_counted_by_event_and_a_purchase_once(found_in: Found, case: Callable[[], Case]) -> None:
    found = found_in(case)
    asked = ("top_channel", "top_channel_share", "distinct_channels", "cart_by_view", "purchase_by_cart", "active_weekday")
    assert {user: tuple(row[name] for name in asked) for user, row in found.items()} == {
        "u1": ("ads", 0.4, 3, 1.0, 1.5, 1),
        "u2": (None, None, 0, None, None, None),
        "u3": (None, None, 0, 0.0, None, 2),
    }
    assert found["u3"]["morning_share"] is None


def test_partitioning_changes_nothing(spark: SparkSession) -> None:
    events = [
        an_event(f"2026-06-{1 + n % 28:02d}T{n % 24:02d}:00:00", user_id=f"u{n % 7}", item_id=f"i{n % 5}", channel=f"c{n % 3}")
        for n in range(200)
    ]
    lines = [
        a_line(
            f"2026-06-{1 + n % 28:02d}T05:00:00", user_id=f"u{n % 5}", order_id=f"o{n // 3}", unit_price_minor=n * 7, item_id=f"i{n % 4}"
        )
        for n in range(40)
    ]
    items = [an_item(f"i{n}", f"c{n % 3}", brand=f"b{n % 2}") for n in range(5)]
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
