"""A few landing days of a small shop with everything that makes time hard: late, early and resent rows, sessions across midnight."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.bronze_rows import CONSENT_LINE, CONTACT_LINE, EVENT_LINE, ITEM_LINE, ORDER_LINE, STOCK_LINE

Record = Mapping[str, Any]
Landed = Mapping[str, Mapping[date, Sequence[Record]]]
"""Feed -> landing day -> records."""

TYPES = ("view_item", "view_item", "view_item", "add_to_cart", "add_to_wishlist", "begin_checkout")


def landed_history(first: date, days: int, seed: int) -> Landed:
    """Records of ``days`` landing days from ``first``; about half of them land one to four days late, or a day early."""
    chance = random.Random(seed)  # noqa: S311 - test data
    names = ("events", "orders", "items", "stock", "consents", "contacts")
    feeds: dict[str, dict[date, list[Record]]] = {name: defaultdict(list) for name in names}
    last = first + timedelta(days=days - 1)

    def land(feed: str, happened: date, record: Record) -> None:
        delay = chance.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, -1))
        day = min(max(happened + timedelta(days=delay), first), last)
        feeds[feed][day].append(record)
        if chance.random() < 0.15:  # a tracker resends
            feeds[feed][min(day + timedelta(days=chance.randrange(3)), last)].append(record)

    for number in range(days * 25):
        at = datetime(first.year, first.month, first.day, tzinfo=UTC) + timedelta(minutes=chance.randrange(days * 1440))
        if chance.random() < 0.3:  # around midnight
            at = at.replace(hour=23, minute=50)
        user = chance.choice(("u1", "u2", "u3", None))
        for step in range(chance.randrange(1, 4)):
            then = at + timedelta(minutes=9 * step)
            record = {
                "event_type": chance.choice(TYPES),
                "item_id": f"i{chance.randrange(4)}",
                "user_id": user,
                "anonymous_id": f"a-{user}",
            }
            land("events", then.date(), {**EVENT_LINE, **record, "event_id": f"e{number}-{step}", "occurred_at": then.isoformat()})
        if chance.random() < 0.2:
            order = {"order_id": f"o{number}", "user_id": user, "item_id": f"i{chance.randrange(4)}", "ordered_at": at.isoformat()}
            land("orders", at.date(), {**ORDER_LINE, **order, "kind": chance.choice(("sale", "sale", "refund"))})
        if chance.random() < 0.2:
            word = {"item_id": f"i{chance.randrange(4)}", "observed_at": at.isoformat(), "category_id": f"c{chance.randrange(3)}"}
            land("items", at.date(), {**ITEM_LINE, **word})
        if chance.random() < 0.3:
            count = {"item_id": f"i{chance.randrange(4)}", "observed_at": at.isoformat(), "quantity": chance.randrange(-1, 4)}
            land("stock", at.date(), {**STOCK_LINE, **count, "location_id": chance.choice((None, "north"))})
        if chance.random() < 0.3:
            then = at - timedelta(days=chance.choice((0, 0, 400)))
            answer = {"user_id": chance.choice(("u1", "u2")), "decided_at": then.isoformat(), "is_granted": chance.random() < 0.5}
            land("consents", at.date(), {**CONSENT_LINE, **answer})
            point = {"user_id": answer["user_id"], "observed_at": answer["decided_at"], "value": f"{chance.choice('ab')}@example.com"}
            land("contacts", at.date(), {**CONTACT_LINE, **point, "is_active": chance.random() < 0.7})
    return feeds
