"""From what happened to what landed: native lines with copies, delays and damage planted among them. Pure; no Spark, no files."""

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from jobs.sources.synthetic.shop import DAY_MS, FaultRates, Shop
from jobs.sources.synthetic.shopping import Moment

MOST_LATE_DAYS = 3
"""Days after its own day on which a line may still land; what lands later is rejected."""
ABSURD_PRICE_MINOR = 999_999_999_900
TIME_COLUMNS = {
    "events": "occurred_at",
    "orders": "ordered_at",
    "items": "observed_at",
    "stock": "observed_at",
    "consents": "decided_at",
    "contacts": "observed_at",
}
TYPE_COLUMNS = {"events": ("event_type", "page_ping"), "orders": ("kind", "exchange"), "contacts": ("kind", "fax")}
"""The column that says what a line is, by feed, and a word for it that the platform does not know."""
ITEM_NEEDED = frozenset({"select_item", "view_item", "add_to_wishlist", "add_to_cart", "remove_from_cart", "purchase", "refund", "sale"})
NOT_JSON = (
    "<html><body><h1>502 Bad Gateway</h1></body></html>",
    "upstream connect error or disconnect/reset before headers",
    "\\x16\\x03\\x01",
)
DAMAGED_BESIDE = frozenset({"contacts"})
"""Feeds of so few lines a day that what is damaged comes beside the sound line, and on the first day only."""
_CLOCK_FAULTS = {"late": (1, 3), "too_late": (4, 6), "early": (-1, -1), "too_early": (-2, -2)}

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Row = dict[str, Any]


class Landed(NamedTuple):
    """One line, the day offset on which it lands, and its place in its file: total, since a place names a line and a copy."""

    day: int
    place: tuple[int, int, int, int]
    text: str


def land(
    shop: Shop, feed: str, moments: Sequence[Moment], *, user: int, rates: FaultRates, rng: np.random.Generator, counts: Counter[str]
) -> Iterator[Landed]:
    """The lines that land within the shop's days, and what was planted in them, counted in ``counts``.

    ``lines`` is every line that lands. Of these ``resent`` ones are copies, those named in ``REJECTED_FAULTS`` cannot become rows, and
    ``kept`` are the rest; ``late``, ``early``, ``clock_skew`` and ``guest`` are among the kept. ``not_landed_yet`` counts lines whose
    day comes after the last.
    """
    for sequence, (moment, (first, dice)) in enumerate(zip(moments, rng.random((len(moments), 2)).tolist(), strict=True)):
        fault = drawn_fault(rates, first)
        row, own_day = moment.row, shop.offset_of(moment.at_ms)
        planted = _damage(feed, fault, row, dice)
        landed_day = shop.offset_of(moment.true_ms)
        beside = _text(feed, row | planted, moment.at_ms) if planted and feed in DAMAGED_BESIDE and landed_day == 0 else None
        if feed in DAMAGED_BESIDE:
            planted = {}
        if fault in _CLOCK_FAULTS:
            fewest, most = _CLOCK_FAULTS[fault]
            landed_day = own_day + fewest + int(dice * (most - fewest + 1))
        if landed_day < 0:  # nothing landed before the shop opened: the clock was right after all
            landed_day, fault = own_day, None
        if not landed_day < shop.days:
            counts["not_landed_yet"] += 1
            continue
        place = (moment.true_ms, user, sequence, 0)
        text = _text(feed, row | planted, moment.at_ms)
        counts["lines"] += 1
        yield Landed(landed_day, place, text)
        if planted or fault in {"too_late", "too_early"}:
            counts[str(fault)] += 1
            continue
        counts["kept"] += 1
        _count_survived(feed, moment, landed_day - own_day, counts)
        if beside is not None or fault in {"cut_json", "not_json"}:
            counts["lines"] += 1
            counts[str(fault)] += 1
            broken = text[: 1 + int(dice * (len(text) - 2))] if fault == "cut_json" else NOT_JSON[int(dice * len(NOT_JSON))]
            yield Landed(landed_day, (*place[:3], 1), beside or broken)
        copy_day = landed_day + max(0, int(dice * 4) - 1)
        if fault == "resent" and copy_day < shop.days and copy_day - own_day <= MOST_LATE_DAYS:
            counts["lines"] += 1
            counts["resent"] += 1
            yield Landed(copy_day, (moment.true_ms + 30_000, user, sequence, 1), text)


def land_beside(
    feed: str, day: int, rows: Sequence[Row], *, rates: FaultRates, rng: np.random.Generator, counts: Counter[str]
) -> Iterator[str]:
    """Lines of the items or the stock feed of one day; what is damaged comes beside the sound line, and only on the first day."""
    for row, (first, dice) in zip(rows, rng.random((len(rows), 2)).tolist(), strict=True):
        fault = drawn_fault(rates, first)
        text = _encode(row)
        counts["lines"] += 1
        counts["kept"] += 1
        yield text
        if fault is None or (fault != "resent" and day > 0):
            continue
        counts["lines"] += 1
        counts[fault] += 1
        if fault == "cut_json":
            yield text[: 1 + int(dice * (len(text) - 2))]
        elif fault == "not_json":
            yield NOT_JSON[int(dice * len(NOT_JSON))]
        else:
            yield _encode(row | _damage(feed, fault, row, dice))


def drawn_fault(rates: FaultRates, number: float) -> str | None:
    """The fault of one line, from a number in [0, 1); None mostly.

    >>> drawn_fault(FaultRates(resent=0.5), 0.4), drawn_fault(FaultRates(resent=0.5), 0.9)
    ('resent', None)
    """
    names, bounds = _bounds(rates)
    place = bisect_right(bounds, number)
    return names[place] if place < len(names) else None


@lru_cache(maxsize=8)
def _bounds(rates: FaultRates) -> tuple[tuple[str, ...], tuple[float, ...]]:
    shares = {name: share for name, share in asdict(rates).items() if name != "clock_skew"}
    return tuple(shares), tuple(accumulate(shares.values()))


def _damage(feed: str, fault: str | None, row: Mapping[str, Any], dice: float) -> Row:
    """Fields that the fault spoils, so that exactly one thing is wrong; none where the line does not have what the fault needs."""
    type_column, unknown = TYPE_COLUMNS.get(feed, ("", ""))
    if fault == "impossible_price" and row["unit_price_minor"] is not None:
        return {"unit_price_minor": -row["unit_price_minor"] if dice < 0.5 else ABSURD_PRICE_MINOR}
    if fault == "wrong_currency" and row["currency"] is not None:
        return {"currency": "USD" if dice < 0.5 else "JPY"}
    if fault == "unknown_type" and type_column and (feed == "contacts" or row["item_id"] is not None):
        return {type_column: unknown}
    if fault == "missing_item" and (feed == "stock" or row.get(type_column) in ITEM_NEEDED):
        return {"item_id": None}
    return _contact_damage(fault, row) if feed == "contacts" else {}


def _contact_damage(fault: str | None, row: Mapping[str, Any]) -> Row:
    if fault == "missing_user":
        return {"user_id": None}
    if fault == "invalid_value":
        return {"value": {"email": row["value"].replace("@", " at "), "phone": "0" + row["value"][3:], "push": "  "}[row["kind"]]}
    return {}


def _count_survived(feed: str, moment: Moment, days_late: int, counts: Counter[str]) -> None:
    counts["late"] += days_late > 0
    counts["early"] += days_late < 0
    counts["clock_skew"] += moment.at_ms != moment.true_ms
    counts["guest"] += feed != "items" and moment.row["user_id"] is None


def _text(feed: str, row: Row, at_ms: int) -> str:
    return _encode(row | {TIME_COLUMNS[feed]: iso(at_ms)})


def iso(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds.

    >>> iso(1_782_777_600_123)
    '2026-06-30T00:00:00.123Z'
    """
    day, rest = divmod(at_ms, DAY_MS)
    seconds, thousandths = divmod(rest, 1_000)
    return f"{_date(day)}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{thousandths:03d}Z"


@lru_cache(maxsize=1_000)
def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, tz=UTC).date().isoformat()
