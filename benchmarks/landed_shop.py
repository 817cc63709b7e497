"""A day of a made shop as landed files, drawn as arrays: millions of lines in the time that a loop takes for one million.

Visits of 1 to 30 events spread over the day, users and items by power laws, a third of the visits by guests. Among the lines are copies
(1 %), lines of the day before (2 %) and lines that cannot become rows (0.5 %: cut, no JSON, an unknown type, no item, an absurd price),
so that every path of a refinement has work. The same size gives the same bytes.
"""

import gzip
import hashlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.landing import MARKER, LandedFile, Marker, folder

SOURCE = "native"
DAY = date(2026, 6, 30)
FILE_EVENTS = 250_000
EVENTS_A_USER, EVENTS_AN_ITEM, MOST_ITEMS = 40, 250, 50_000
CATEGORIES, BRANDS = 60, 200
COPIES, LATE, GUESTS, REFUNDS = 0.01, 0.02, 0.33, 0.04
TYPES = ("view_item", "view_item_list", "select_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "begin_checkout", "purchase")
SHARES = (0.50, 0.12, 0.14, 0.10, 0.02, 0.03, 0.05, 0.04)
CHANNELS = ("email", "organic", "paid_search", "social", "direct")
DAMAGE = ("cut", "no JSON", "unknown type", "no item", "absurd price")
DAMAGED = 0.005

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Shop:
    """How large the day is; users and items follow."""

    events: int

    @property
    def users(self) -> int:
        """Different users at most."""
        return max(200, self.events // EVENTS_A_USER)

    @property
    def items(self) -> int:
        """Items of the catalogue."""
        return max(100, min(MOST_ITEMS, self.events // EVENTS_AN_ITEM))

    @property
    def files(self) -> int:
        """Files of the events feed; of the orders feed as many, of the items feed one."""
        return -(-self.events // FILE_EVENTS)


def written(shop: Shop, place: Path) -> None:
    """Write the day below ``place`` under the keys of the landing zone, markers last; two files at a time."""
    with ProcessPoolExecutor(2) as pool:
        parts = []
        for number, part in enumerate(pool.map(partial(_file, shop, place), range(shop.files)), start=1):
            parts.append(part)
            print(f"drawn: {number} of {shop.files} files", flush=True)
    feeds = {"events": [one for one, _ in parts], "orders": [one for _, one in parts]}
    feeds["items"] = [_stored(place, "items", 0, _items(shop))]
    for feed, files in feeds.items():
        marker = Marker(SOURCE, feed, DAY, sum(file.rows for file in files), tuple(files))
        (place / folder(SOURCE, feed, DAY) / MARKER).write_bytes(marker.to_json())


def _file(shop: Shop, place: Path, number: int) -> tuple[LandedFile, LandedFile]:
    """One file of events and one of the orders among them."""
    events, orders = _drawn(shop, number)
    return _stored(place, "events", number, events), _stored(place, "orders", number, orders)


def _stored(place: Path, feed: str, number: int, lines: list[str]) -> LandedFile:
    name = f"{feed}-{number:05}.jsonl.gz"
    content = gzip.compress("".join(f"{line}\n" for line in lines).encode(), compresslevel=4, mtime=0)
    path = place / folder(SOURCE, feed, DAY) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return LandedFile(name, len(lines), len(content), hashlib.sha256(content).hexdigest())


def _drawn(shop: Shop, number: int) -> tuple[list[str], list[str]]:
    """The lines of one file of events, and of its orders: the visits of one slice of the day."""
    chance = np.random.default_rng((7, number))
    rows = shop.events // shop.files + (number < shop.events % shop.files)
    lengths = np.minimum(chance.geometric(1 / 8, rows), 30)
    visits = int(np.searchsorted(np.cumsum(lengths), rows)) + 1
    lengths = lengths[:visits]
    visit = np.repeat(np.arange(visits), lengths)[:rows]
    user = (shop.users * chance.random(visits) ** 1.5).astype(np.int64)
    is_guest = chance.random(visits) < GUESTS
    slice_ms = 86_400_000 // shop.files
    start = number * slice_ms + (chance.random(visits) * slice_ms).astype(np.int64)
    start -= np.where(chance.random(visits) < LATE, 86_400_000, 0)
    waits = chance.exponential(25_000, rows).astype(np.int64)
    begins = np.r_[True, visit[1:] != visit[:-1]]
    elapsed = np.cumsum(waits)
    at = start[visit] + elapsed - elapsed[begins][visit]
    at = np.minimum(at, np.where(at < 0, -1, 86_399_999))
    kind = chance.choice(len(TYPES), rows, p=SHARES)
    item = (shop.items * chance.random(rows) ** 2.5).astype(np.int64)
    has_item = kind != TYPES.index("view_item_list")
    pieces = 1 + (chance.random(rows) < 0.1)
    order = np.where(kind == TYPES.index("purchase"), number * FILE_EVENTS + visit, -1)
    damage = np.where(chance.random(rows) < DAMAGED, chance.integers(0, len(DAMAGE), rows), -1)
    ids = _ids(chance, rows)
    when = _instants(at)
    price = np.where(damage == DAMAGE.index("absurd price"), -1, 1) * _price(item)
    users = _where(~is_guest[visit], _numbered("u", user[visit]))
    items = _where(has_item & (damage != DAMAGE.index("no item")), _numbered("i", item))
    channel = _word(CHANNELS, (user * 7 + start // 3_600_000)[visit] % len(CHANNELS))
    texts = {
        "event_id": ids,
        "user_id": users,
        "anonymous_id": _numbered("d", user[visit]),
        "event_type": _where(damage != DAMAGE.index("unknown type"), _word(TYPES, kind), "page_ping"),
        "item_id": items,
        "occurred_at": when,
        "currency": _where(has_item, pa.repeat("EUR", rows)),
        "order_id": _where(order >= 0, _numbered("o", order)),
        "channel": channel,
    }
    numbers = {"quantity": _where(has_item, pa.array(pieces).cast("string")), "unit_price_minor": _where(has_item, _decimal(price))}
    lines = _records(texts, numbers).to_pylist()
    for row in np.flatnonzero(damage >= 0):
        if damage[row] == DAMAGE.index("cut"):
            lines[row] = lines[row][: len(lines[row]) // 2]
        elif damage[row] == DAMAGE.index("no JSON"):
            lines[row] = "<html><body><h1>502 Bad Gateway</h1></body></html>"
    copied = np.flatnonzero((chance.random(rows) < COPIES) & (damage < 0))
    lines += [lines[row] for row in copied]
    bought = {"user_id": users, "item_id": items, "ordered_at": when, "channel": channel}
    return lines, _orders(chance, order, bought, pieces, price)


def _orders(chance: np.random.Generator, order: Numbers, bought: dict[str, pa.Array], pieces: Numbers, price: Numbers) -> list[str]:
    """A line for each purchase, numbered by its place, some of them taken back, some sent twice; what spoils the event spoils it too."""
    rows = np.flatnonzero(order >= 0)
    back = chance.random(len(rows)) < REFUNDS
    rows, is_refund = np.r_[rows, rows[back]], np.r_[np.zeros(len(rows), bool), np.ones(int(back.sum()), bool)]
    texts = {name: values.take(rows) for name, values in bought.items()} | {
        "order_id": _numbered("o", order[rows]),
        "kind": _where(~is_refund, pa.repeat("sale", len(rows)), "refund"),
        "currency": pa.repeat("EUR", len(rows)),
    }
    numbers = {
        "quantity": pa.array(pieces[rows]).cast("string"),
        "unit_price_minor": _decimal(price[rows]),
        "discount_minor": pa.repeat("0", len(rows)),
        "line_number": _decimal(2 * rows + is_refund),
    }
    lines: list[str] = _records(texts, numbers).to_pylist()
    return lines + [lines[row] for row in np.flatnonzero(chance.random(len(lines)) < COPIES)]


def _items(shop: Shop) -> list[str]:
    """A line for each item of the catalogue."""
    item = np.arange(shop.items)
    texts = {
        "item_id": _numbered("i", item),
        "observed_at": pa.repeat(f"{DAY}T00:00:00.000Z", shop.items),
        "name": _numbered("Thing ", item),
        "category_id": _numbered("c", item % CATEGORIES),
        "brand": _numbered("b", item % BRANDS),
        "currency": pa.repeat("EUR", shop.items),
    }
    lines: list[str] = _records(
        texts, {"unit_price_minor": _decimal(_price(item)), "is_on_sale": pa.repeat("true", shop.items)}
    ).to_pylist()
    return lines


def _price(item: Numbers) -> Numbers:
    return 99 + item * 7919 % 20_000


def _ids(chance: np.random.Generator, rows: int) -> pa.Array:
    """Random ids of 32 hexadecimal digits."""
    return pa.array(np.frombuffer(chance.bytes(16 * rows).hex().encode(), "S32").astype("U32"))


def _instants(at_ms: Numbers) -> pa.Array:
    first = np.datetime64(DAY, "ms")
    return pc.strftime(pa.array(first + at_ms.astype("timedelta64[ms]")), format="%Y-%m-%dT%H:%M:%SZ")


def _decimal(numbers: Numbers) -> pa.Array:
    return pa.array(numbers).cast("string")


def _numbered(prefix: str, numbers: Numbers) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pc.utf8_lpad(_decimal(numbers), 9, "0"), "")


def _word(words: tuple[str, ...], places: Numbers) -> pa.Array:
    return pa.array(words).take(pa.array(places))


def _where(holds: npt.NDArray[np.bool_], texts: pa.Array, otherwise: str | None = None) -> pa.Array:
    return pc.if_else(pa.array(holds), texts, pa.scalar(otherwise, pa.string()))


def _records(texts: dict[str, pa.Array], numbers: dict[str, pa.Array]) -> pa.Array:
    """One JSON object a row; NULLs are left out, as exporters do."""

    def fields() -> Iterator[pa.Array]:
        for name, values in (texts | numbers).items():
            quote = '"' if name in texts else ""
            yield pc.binary_join_element_wise(f',"{name}":{quote}', values, quote, "", null_handling="emit_null").fill_null("")

    joined = pc.binary_join_element_wise(*fields(), "")
    return pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 1), "}", "")


def days() -> tuple[date, date]:
    """The half-open interval of landing days."""
    return DAY, DAY + timedelta(days=1)
