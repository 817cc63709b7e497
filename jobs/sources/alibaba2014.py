"""Alibaba's Tmall log of 2014's recommendation contest: clicks, buys, favourites and carts by day, 2013-04-15 to 2013-07-15.

The file gives month and day; the year is 2013. Days are days of China, taken as they stand, since no hour is given. The item is a brand.
A repeated row is a repeated act, not a copy. There are no prices, pieces or order numbers: what a user buys in a day is one order.
"""

from collections.abc import Mapping
from datetime import date

from jobs.sources.source import Canonical, Csv, Feed, Source

YEAR = 2013
_TIME = f"try_to_timestamp('{YEAR}-' || visit_datetime, 'yyyy-M-d')"
_EVENT_TYPE = "CASE type WHEN 0 THEN 'view_item' WHEN 1 THEN 'purchase' WHEN 2 THEN 'add_to_wishlist' WHEN 3 THEN 'add_to_cart' END"
_ORDER_ID = f"CASE WHEN type = 1 THEN user_id || '|' || date_format({_TIME}, 'yyyy-MM-dd') END"


def _day(record: Mapping[str, str]) -> date:
    month, _, day = record["visit_datetime"].partition("-")
    return date(YEAR, int(month), int(day))


SOURCE = Source(
    name="alibaba2014",
    doc="Tmall behaviour log of 2013: 92 days, day resolution, items are brands.",
    feeds=(
        Feed(
            name="events",
            format=Csv(header=True),
            schema=(("user_id", "bigint"), ("brand_id", "bigint"), ("type", "int"), ("visit_datetime", "string")),
            files=("*.csv", "*.csv.gz"),
            day=_day,
            may_be_empty=False,
        ),
    ),
    events=Canonical(
        feed="events",
        columns={
            "user_id": "user_id",
            "event_type": _EVENT_TYPE,
            "item_id": "brand_id",
            "occurred_at": _TIME,
            "quantity": "CASE WHEN type = 1 THEN 1 END",
            "order_id": _ORDER_ID,
        },
        identity=("user_id", "event_type", "item_id", "occurred_at"),
        repeats="meant",
        faults={"missing_user": "user_id IS NULL"},
        carries_user_id=("order_id",),
    ),
    order_lines=Canonical(
        feed="events",
        columns={
            "order_id": _ORDER_ID,
            "user_id": "user_id",
            "item_id": "brand_id",
            "ordered_at": _TIME,
            "kind": "'sale'",
            "quantity": "1",
        },
        where="type = 1",
        identity=("order_id", "item_id"),
        repeats="meant",
        faults={"missing_user": "user_id IS NULL"},
        carries_user_id=("order_id",),
        derived=True,
    ),
    items=Canonical(
        feed="events",
        columns={"item_id": "brand_id", "observed_at": _TIME, "brand": "brand_id", "is_on_sale": "true"},
        identity=("item_id",),
        repeats="copies",
        derived=True,
    ),
    currency=None,
    time_resolution="day",
    guests=False,
)
