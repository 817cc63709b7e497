"""Small valid files of every format that a shop may send, each with ids of its own, so that no two files hold copies of one record."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.sources.source import Csv, Feed, FeedName, Source, load
from tests.bronze_rows import CONSENT_LINE, CONTACT_LINE, EVENT_LINE, ITEM_LINE, ORDER_LINE, STOCK_LINE
from tests.mutations.kinds import Format

DAY = date(2026, 5, 4)
ROWS = 8


@dataclass(frozen=True)
class Base:
    """A valid file of one feed: ``content(number)`` gives ``ROWS`` clean rows of ``day`` whose ids no other number has."""

    source_name: str
    feed_name: FeedName
    file_name: str
    day: date
    content: Callable[[int], bytes]

    @property
    def source(self) -> Source:
        """The declaration."""
        return load(self.source_name)

    @property
    def feed(self) -> Feed:
        """Its feed."""
        return self.source.feed(self.feed_name)

    @property
    def has_header(self) -> bool:
        """Whether the first line is none of the rows."""
        return isinstance(self.feed.format, Csv) and self.feed.format.header

    @property
    def format(self) -> Format:
        """What mutations ask for."""
        if not isinstance(self.feed.format, Csv):
            return "json"
        return "csv with header" if self.has_header else "csv"


def _json(records: list[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _events(number: int) -> bytes:
    types = ("view_item", "add_to_cart", "purchase", "search", "view_item", "add_to_wishlist", "remove_from_cart", "purchase")
    more = {"quantity": 1, "unit_price_minor": 500, "currency": "EUR", "channel": "email", "exposure_propensity": 0.5, "variant": "b"}
    return _json(
        [
            {**EVENT_LINE, **more, "event_id": f"m{number}-e{n}", "user_id": f"m{number}-u{n % 3}", "event_type": kind}
            | {"occurred_at": f"{DAY}T12:00:{n:02d}.000Z", "order_id": f"m{number}-o{n}" if kind == "purchase" else None}
            for n, kind in enumerate(types)
        ]
    )


def _orders(number: int) -> bytes:
    more = {"discount_minor": 100, "channel": "email", "campaign_id": "spring"}
    return _json(
        [{**ORDER_LINE, **more, "order_id": f"m{number}-o{n // 2}", "line_number": n % 2 + 1, "item_id": f"i{n}"} for n in range(ROWS)]
    )


def _items(number: int) -> bytes:
    return _json([{**ITEM_LINE, "item_id": f"m{number}-i{n}", "brand": "Brook"} for n in range(ROWS)])


def _stock(number: int) -> bytes:
    return _json([{**STOCK_LINE, "item_id": f"m{number}-i{n}", "location_id": "north", "quantity": n - 1} for n in range(ROWS)])


def _consents(number: int) -> bytes:
    return _json([{**CONSENT_LINE, "user_id": f"m{number}-u{n}", "is_granted": n % 2 == 0} for n in range(ROWS)])


def _contacts(number: int) -> bytes:
    values = (("email", "m{}.u{}@example.com"), ("phone", "+44 7700 {:03d}{:03d}"), ("push", "token-{}-{}"))
    points = [(kind, form.format(number, n)) for n in range(ROWS) for kind, form in values[n % 3 : n % 3 + 1]]
    return _json([{**CONTACT_LINE, "user_id": f"m{number}-u{n}", "kind": kind, "value": value} for n, (kind, value) in enumerate(points)])


def _alibaba2014(number: int) -> bytes:
    rows = [f"{1_000 + number},{n},{n % 4},5-{4 if n < 5 else 5}" for n in range(ROWS)]
    return ("user_id,brand_id,type,visit_datetime\n" + "\n".join(rows) + "\n").encode()


def _taobao(number: int) -> bytes:
    kinds = ("pv", "buy", "cart", "fav")
    return "".join(f"{100_000 + number},{2_000 + n},{30 + n},{kinds[n % 4]},{1_511_658_000 + n}\n" for n in range(ROWS)).encode()


def _retailrocket(number: int) -> bytes:
    kinds = (("view", ""), ("addtocart", ""), ("transaction", str(5_000_000 + number)))
    rows = [f"{1_430_636_062_541 + n},{100_000 + number},{kinds[n % 3][0]},{400 + n},{kinds[n % 3][1]}" for n in range(ROWS)]
    return ("timestamp,visitorid,event,itemid,transactionid\n" + "\n".join(rows) + "\n").encode()


def _rees46(number: int) -> bytes:
    kinds = ("view", "cart", "purchase", "remove_from_cart")
    rows = [
        f"2019-10-07 08:41:{n:02d} UTC,{kinds[n % 4]},{3_000_000 + n},2053013552326770905,appliances.kettle,aqua,{37.31 + n:.2f},"
        f"{512_000_000 + number},65e12e6a-{number}"
        for n in range(ROWS)
    ]
    header = "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
    return (header + "\n".join(rows) + "\n").encode()


def _online_retail(number: int) -> bytes:
    rows = [
        f'{536_000 + number},85{n}A,"MUG, BLUE ""{n}""",{n + 1},2010-12-01 08:{n:02d}:00,{2.55 + n:.2f},{17_000 + number},United Kingdom'
        for n in range(ROWS)
    ]
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    return (header + "\n".join(rows) + "\n").encode()


BASES: tuple[Base, ...] = (
    Base("synthetic", "events", "events-1.jsonl", DAY, _events),
    Base("rees46", "events", "e.csv", date(2019, 10, 7), _rees46),
    Base("synthetic", "orders", "orders-1.jsonl", DAY, _orders),
    Base("taobao", "events", "e.csv", date(2017, 11, 26), _taobao),
    Base("synthetic", "items", "items-1.jsonl", DAY, _items),
    Base("online_retail", "orders", "o.csv", date(2010, 12, 1), _online_retail),
    Base("retailrocket", "events", "events.csv", date(2015, 5, 3), _retailrocket),
    Base("synthetic", "stock", "stock-1.jsonl", DAY, _stock),
    Base("synthetic", "consents", "consents-1.jsonl", DAY, _consents),
    Base("synthetic", "contacts", "contacts-1.jsonl", DAY, _contacts),
    Base("alibaba2014", "events", "e.csv", date(2013, 5, 4), _alibaba2014),
)
"""A base a feed."""
