"""Taobao's UserBehavior: page views, carts, favourites and buys by second, published for 2017-11-25 to 2017-12-03 in Chinese time.

No header. The published file holds some times outside its own days (clocks that were wrong); they are rejected by name. There are no
prices or order numbers: what a user buys in one second is one order.
"""

from collections.abc import Mapping
from datetime import date

from jobs.sources import days
from jobs.sources.source import UNREADABLE, Canonical, Csv, Feed, Source

FIRST_SECOND, END_SECOND = 1_511_539_200, 1_512_316_800
"""The published days, half-open: 2017-11-25 00:00 to 2017-12-04 00:00 at UTC+8."""

_TIME = "CASE WHEN timestamp BETWEEN 0 AND 9999999999 THEN timestamp_seconds(timestamp) END"
_ORDER_ID = "CASE WHEN behavior = 'buy' THEN user_id || '|' || timestamp END"
_FAULTS = {
    UNREADABLE: "timestamp NOT BETWEEN 1000000000 AND 9999999999",
    "time_outside_published_days": f"timestamp NOT BETWEEN {FIRST_SECOND} AND {END_SECOND - 1}",
}


def _day(record: Mapping[str, str]) -> date:
    day = days.of_epoch_seconds(record["timestamp"])
    if not FIRST_SECOND <= int(record["timestamp"]) < END_SECOND:
        raise ValueError(f"{record['timestamp']} lies outside the published days")
    return day


SOURCE = Source(
    name="taobao",
    doc="Taobao user behaviour of 2017: item and category, second resolution.",
    feeds=(
        Feed(
            name="events",
            format=Csv(header=False),
            schema=(
                ("user_id", "bigint"),
                ("item_id", "bigint"),
                ("category_id", "bigint"),
                ("behavior", "string"),
                ("timestamp", "bigint"),
            ),
            files=("*.csv", "*.csv.gz"),
            day=_day,
            may_be_empty=False,
        ),
    ),
    events=Canonical(
        feed="events",
        columns={
            "user_id": "user_id",
            "event_type": "CASE behavior WHEN 'pv' THEN 'view_item' WHEN 'buy' THEN 'purchase' WHEN 'fav' THEN 'add_to_wishlist'"
            " WHEN 'cart' THEN 'add_to_cart' END",
            "item_id": "item_id",
            "occurred_at": _TIME,
            "quantity": "CASE WHEN behavior = 'buy' THEN 1 END",
            "order_id": _ORDER_ID,
        },
        identity=("user_id", "event_type", "item_id", "occurred_at"),
        repeats="copies",
        faults=_FAULTS | {"missing_user": "user_id IS NULL"},
        carries_user_id=("order_id",),
    ),
    order_lines=Canonical(
        feed="events",
        columns={"order_id": _ORDER_ID, "user_id": "user_id", "item_id": "item_id", "ordered_at": _TIME, "kind": "'sale'", "quantity": "1"},
        where="behavior = 'buy'",
        identity=("order_id", "item_id"),
        repeats="copies",
        faults=_FAULTS | {"missing_user": "user_id IS NULL"},
        carries_user_id=("order_id",),
        derived=True,
    ),
    items=Canonical(
        feed="events",
        columns={"item_id": "item_id", "observed_at": _TIME, "category_id": "category_id", "is_on_sale": "true"},
        identity=("item_id", "category_id"),
        repeats="copies",
        faults=_FAULTS,
        derived=True,
    ),
    currency=None,
    time_resolution="second",
    guests=False,
)
