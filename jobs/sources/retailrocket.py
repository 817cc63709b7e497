"""Retailrocket's log: views, carts and transactions by millisecond, with visitors in the place of users; hashed items, no prices."""

from jobs.sources import days
from jobs.sources.source import UNREADABLE, Canonical, Csv, Feed, Source

_TIME = "CASE WHEN timestamp BETWEEN 0 AND 9999999999999 THEN timestamp_millis(timestamp) END"
_CUT = {UNREADABLE: "timestamp NOT BETWEEN 1000000000000 AND 9999999999999"}
_EVENT_TYPE = "CASE event WHEN 'view' THEN 'view_item' WHEN 'addtocart' THEN 'add_to_cart' WHEN 'transaction' THEN 'purchase' END"
_ORDER_ID = "CASE WHEN event = 'transaction' THEN transactionid END"

SOURCE = Source(
    name="retailrocket",
    doc="Retailrocket visitor log of 2015: view, addtocart, transaction.",
    feeds=(
        Feed(
            name="events",
            format=Csv(header=True),
            schema=(
                ("timestamp", "bigint"),
                ("visitorid", "bigint"),
                ("event", "string"),
                ("itemid", "bigint"),
                ("transactionid", "bigint"),
            ),
            files=("events*.csv", "events*.csv.gz"),
            day=lambda record: days.of_epoch_milliseconds(record["timestamp"]),
            may_be_empty=True,
        ),
    ),
    events=Canonical(
        feed="events",
        columns={
            "user_id": "visitorid",
            "event_type": _EVENT_TYPE,
            "item_id": "itemid",
            "occurred_at": _TIME,
            "quantity": "CASE WHEN event = 'transaction' THEN 1 END",
            "order_id": _ORDER_ID,
        },
        identity=("user_id", "event_type", "item_id", "occurred_at", "order_id"),
        repeats="copies",
        faults=_CUT
        | {
            "missing_user": "user_id IS NULL",
            "missing_order": "event = 'transaction' AND order_id IS NULL",
        },
    ),
    order_lines=Canonical(
        feed="events",
        columns={
            "order_id": _ORDER_ID,
            "user_id": "visitorid",
            "item_id": "itemid",
            "ordered_at": _TIME,
            "kind": "'sale'",
            "quantity": "1",
        },
        where="event = 'transaction'",
        identity=("order_id", "item_id", "ordered_at"),
        repeats="copies",
        faults=_CUT | {"missing_user": "user_id IS NULL"},
        derived=True,
    ),
    items=Canonical(
        feed="events",
        columns={"item_id": "itemid", "observed_at": _TIME, "is_on_sale": "true"},
        identity=("item_id",),
        repeats="copies",
        faults=_CUT,
        derived=True,
    ),
    currency=None,
    time_resolution="second",
    guests=False,
)
