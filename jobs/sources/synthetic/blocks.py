"""One block of users as landed files: drawn, damaged, sorted, compressed, written. Runs inside a Spark task, and needs no Spark."""

import gzip
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.landing import LandedFile, folder
from jobs.sources.synthetic.answers import PREFIX
from jobs.sources.synthetic.catalogue import catalogue_of, counts, observations
from jobs.sources.synthetic.consents import agrees, decisions
from jobs.sources.synthetic.contacts import contact_points
from jobs.sources.synthetic.faults import Landed, land, land_beside
from jobs.sources.synthetic.places import Place
from jobs.sources.synthetic.shop import SOURCE_NAME, Shop, Stream
from jobs.sources.synthetic.shopping import History, history_of
from jobs.sources.synthetic.visitors import Visitor, visitor_of
from jobs.sources.synthetic.vocabulary import CLUSTERS

GZIP_LEVEL = 3

USER_ANSWERS = pa.schema(
    [
        ("user_id", pa.string()),
        ("taste_cluster", pa.string()),
        ("liked_brands", pa.list_(pa.string())),
        ("rfm_type", pa.string()),
        ("is_churner", pa.bool_()),
        ("first_active_date", pa.date32()),
        ("stopped_date", pa.date32()),
        ("is_coupon_persuadable", pa.bool_()),
        ("is_bot", pa.bool_()),
        ("agrees_to_personalisation", pa.bool_()),
        ("checkout_variant", pa.string()),
        ("coupon_variant", pa.string()),
        ("visits", pa.int64()),
        ("orders", pa.int64()),
        ("guest_orders", pa.int64()),
    ]
)
"""One row a user; NULL taste, brands and type for bots, and whether they agree at the end of the last day for who was never asked.

``stopped_date`` is the first day without visits, NULL for those who did not stop.
"""


class Written(NamedTuple):
    """What a block left: its files (feed, landed date, file), and what was planted by feed."""

    files: list[tuple[str, date, LandedFile]]
    counts: dict[str, Counter[str]]


def write_block(shop: Shop, block: int, landing: Place, answers_place: Place) -> Written:
    """Write the landed files of one block of users, and its part of the answers about users."""
    found: dict[str, Counter[str]] = {"events": Counter(), "orders": Counter(), "consents": Counter(), "contacts": Counter()}
    lines: dict[tuple[str, int], list[Landed]] = defaultdict(list)
    known: list[dict[str, Any]] = []
    for number in shop.blocks()[block]:
        visitor = visitor_of(shop, number)
        history = history_of(shop, visitor)
        streams = (Stream.FAULTS, Stream.CONSENT_FAULTS, Stream.CONTACT_FAULTS)
        rng, consents_rng, contacts_rng = (shop.generator(stream, number) for stream in streams)
        answers = decisions(shop, visitor)
        before = found["events"]["kept"]
        for feed, moments, rates, chance in (
            ("events", history.events, shop.event_faults, rng),
            ("orders", history.orders, shop.order_faults, rng),
            ("consents", answers, shop.consent_faults, consents_rng),
            ("contacts", contact_points(shop, visitor), shop.contact_faults, contacts_rng),
        ):
            for landed in land(shop, feed, moments, user=number, rates=rates, rng=chance, counts=found[feed]):
                lines[feed, landed.day].append(landed)
        found["events"]["bot"] += (found["events"]["kept"] - before) * visitor.is_bot
        known.append(user_answer(shop, visitor, history) | {"agrees_to_personalisation": agrees(answers)})
    files = []
    for (feed, day), landed_lines in sorted(lines.items()):
        landed_lines.sort()
        files.append((feed, shop.day(day), write_file(landing, feed, shop.day(day), block, [line.text for line in landed_lines])))
        landed_lines.clear()
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(known, USER_ANSWERS), buffer)
    answers_place.write(f"{PREFIX}users/part-{block:05d}.parquet", buffer.getvalue())
    return Written(files, found)


def write_shelves(shop: Shop, landing: Place) -> Written:
    """Write the landed files of the items and the stock feed, one a day on which anything changed."""
    catalogue = catalogue_of(shop)
    found: dict[str, Counter[str]] = {"items": Counter(), "stock": Counter()}
    files = []
    for feed, said, rates, stream in (
        ("items", observations, shop.item_faults, Stream.CATALOGUE_FAULTS),
        ("stock", counts, shop.stock_faults, Stream.STOCK_FAULTS),
    ):
        for day in range(shop.days):
            rng = shop.generator(stream, day)
            texts = list(land_beside(feed, day, said(shop, catalogue, day), rates=rates, rng=rng, counts=found[feed]))
            if texts:
                files.append((feed, shop.day(day), write_file(landing, feed, shop.day(day), 0, texts)))
    return Written(files, found)


def write_file(landing: Place, feed: str, day: date, number: int, texts: Iterable[str]) -> LandedFile:
    """Write one landed file; the same lines give the same bytes."""
    texts = list(texts)
    content = gzip.compress(("\n".join(texts) + "\n").encode(), GZIP_LEVEL, mtime=0)
    name = f"part-{number:05d}.jsonl.gz"
    landing.write(folder(SOURCE_NAME, feed, day) + name, content)
    return LandedFile(name=name, rows=len(texts), bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def user_answer(shop: Shop, visitor: Visitor, history: History) -> dict[str, Any]:
    """What is known about one user: planted traits, and how often they came and ordered within the shop's days."""
    sales = [m for m in history.orders if m.row["kind"] == "sale" and shop.offset_of(m.true_ms) < shop.days]
    is_churner = visitor.behaviour.is_churner and not visitor.is_bot
    return {
        "user_id": visitor.user_id,
        "taste_cluster": None if visitor.is_bot else list(CLUSTERS)[visitor.cluster],
        "liked_brands": None if visitor.is_bot else sorted(visitor.brands),
        "rfm_type": None if visitor.is_bot else visitor.rfm_type,
        "is_churner": is_churner,
        "first_active_date": shop.day(visitor.active_from),
        "stopped_date": shop.day(visitor.active_to) if is_churner else None,
        "is_coupon_persuadable": visitor.is_coupon_persuadable,
        "is_bot": visitor.is_bot,
        "checkout_variant": visitor.checkout_arm.variant,
        "coupon_variant": visitor.coupon_arm.variant,
        "visits": history.visits,
        "orders": len({m.row["order_id"] for m in sales if m.row["user_id"] is not None}),
        "guest_orders": len({m.row["order_id"] for m in sales if m.row["user_id"] is None}),
    }
