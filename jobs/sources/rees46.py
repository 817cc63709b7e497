"""REES46's log of a multi-category shop: views, carts, removals and purchases by second, with brand, category and price in US dollars.

The public layout, ``event_time`` as ``2019-10-01 00:00:00 UTC``. A purchase is of one piece. What a session buys is one order; a purchase
without a session is an order of its own second.
"""

from collections.abc import Mapping
from datetime import date

from jobs.sources import days
from jobs.sources.source import Canonical, Csv, Feed, Source

_TIME = "try_to_timestamp(event_time, 'yyyy-MM-dd HH:mm:ss ''UTC''')"
_PRICE = "round(price * 100)"
_CURRENCY = "CASE WHEN price IS NOT NULL THEN 'USD' END"
_ORDER_ID = "CASE WHEN event_type = 'purchase' THEN coalesce(user_session, user_id || '|' || event_time) END"


def _day(record: Mapping[str, str]) -> date:
    clock, _, zone = record["event_time"].rpartition(" ")
    if zone != "UTC":
        raise ValueError(f"{record['event_time']!r} is not a time of UTC")
    return days.of_clock(clock)


SOURCE = Source(
    name="rees46",
    doc="Multi-category shop's log: view, cart, remove_from_cart, purchase; prices in USD.",
    feeds=(
        Feed(
            name="events",
            format=Csv(header=True),
            schema=(
                ("event_time", "string"),
                ("event_type", "string"),
                ("product_id", "bigint"),
                ("category_id", "bigint"),
                ("category_code", "string"),
                ("brand", "string"),
                ("price", "decimal(18,6)"),
                ("user_id", "bigint"),
                ("user_session", "string"),
            ),
            files=("*.csv", "*.csv.gz"),
            day=_day,
            may_be_empty=True,
        ),
    ),
    events=Canonical(
        feed="events",
        columns={
            "user_id": "user_id",
            "session_hint": "user_session",
            "event_type": "CASE event_type WHEN 'view' THEN 'view_item' WHEN 'cart' THEN 'add_to_cart'"
            " WHEN 'remove_from_cart' THEN 'remove_from_cart' WHEN 'purchase' THEN 'purchase' END",
            "item_id": "product_id",
            "occurred_at": _TIME,
            "quantity": "CASE WHEN event_type = 'purchase' THEN 1 END",
            "unit_price_minor": _PRICE,
            "currency": _CURRENCY,
            "order_id": _ORDER_ID,
        },
        identity=("user_id", "session_hint", "event_type", "item_id", "occurred_at", "unit_price_minor"),
        repeats="copies",
        faults={
            "missing_user": "user_id IS NULL",
            "price_not_positive": "raw.event_type = 'purchase' AND coalesce(unit_price_minor, 0) <= 0",
        },
        carries_user_id=("order_id",),
    ),
    order_lines=Canonical(
        feed="events",
        columns={
            "order_id": _ORDER_ID,
            "user_id": "user_id",
            "item_id": "product_id",
            "ordered_at": _TIME,
            "kind": "'sale'",
            "quantity": "1",
            "unit_price_minor": _PRICE,
            "currency": _CURRENCY,
        },
        where="event_type = 'purchase'",
        identity=("user_id", "order_id", "item_id", "ordered_at", "unit_price_minor"),
        repeats="copies",
        faults={"missing_user": "user_id IS NULL", "price_not_positive": "unit_price_minor <= 0"},
        carries_user_id=("order_id",),
        derived=True,
    ),
    items=Canonical(
        feed="events",
        columns={
            "item_id": "product_id",
            "observed_at": _TIME,
            "category_id": "coalesce(category_code, CAST(category_id AS STRING))",
            "brand": "brand",
            "unit_price_minor": "CASE WHEN price > 0 THEN round(price * 100) END",
            "currency": "CASE WHEN price > 0 THEN 'USD' END",
            "is_on_sale": "true",
        },
        identity=("item_id", "observed_at"),
        repeats="copies",
        derived=True,
    ),
    currency="USD",
    time_resolution="second",
    guests=False,
)
