"""What is planted in the files, recounted from the files: no Spark."""

import gzip
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from expectations.vocabulary import CONTACT_KINDS, EVENT_TYPES, EVENT_TYPES_WITHOUT_ITEM, ORDER_LINE_KINDS, PURPOSES
from jobs.landing import MARKER, Marker
from jobs.settings import Settings
from jobs.silver.parsing import MOST_MINOR
from jobs.sources.source import CANONICAL_COLUMNS
from jobs.sources.synthetic.blocks import write_block, write_shelves
from jobs.sources.synthetic.faults import MOST_LATE_DAYS, drawn_fault
from jobs.sources.synthetic.places import Folder, place_of
from jobs.sources.synthetic.shop import FEEDS, REJECTED_FAULTS, FaultRates, Shop

SHOP = Shop(users=400, items=300, days=21, seed=7, last_day=date(2026, 6, 30))
TIMES = {
    "events": "occurred_at",
    "orders": "ordered_at",
    "items": "observed_at",
    "stock": "observed_at",
    "consents": "decided_at",
    "contacts": "observed_at",
}
KEYS = {
    "events": ("event_id",),
    "orders": ("order_line_id",),
    "items": ("item_id", "observed_at"),
    "stock": ("item_id", "observed_at"),
    "consents": ("user_id", "purpose", "decided_at"),
    "contacts": ("user_id", "kind", "value", "observed_at"),
}
KINDS: dict[str, tuple[str | None, tuple[str | None, ...]]] = {
    "events": ("event_type", EVENT_TYPES),
    "orders": ("kind", ORDER_LINE_KINDS),
    "consents": ("purpose", PURPOSES),
    "contacts": ("kind", CONTACT_KINDS),
}
OF_CONTACTS = {"missing_user", "invalid_value"}
"""Faults of this feed alone."""


class Line(NamedTuple):
    """A landed line and its landing day."""

    landed: date
    text: str


def lines_of(root: Path, feed: str) -> list[Line]:
    found = []
    for path in sorted((root / "landing/synthetic" / feed).glob("*/part-*.jsonl.gz")):
        found += [Line(date.fromisoformat(path.parent.name), text) for text in gzip.decompress(path.read_bytes()).decode().splitlines()]
    return found


def fault_of(feed: str, line: Line) -> str | None:
    """The fault that a reader finds in a line without knowing what was planted."""
    try:
        row = json.loads(line.text)
    except ValueError:
        return "cut_json" if line.text.startswith("{") else "not_json"
    lateness = (line.landed - date.fromisoformat(row[TIMES[feed]][:10])).days
    column, kinds = KINDS.get(feed, (None, (None,)))
    kind = row.get(column)
    checks = {
        "too_late": lateness > MOST_LATE_DAYS,
        "too_early": lateness < -1,
        "unknown_type": kind not in kinds,
        "missing_item": row.get("item_id", "") is None and kind not in EVENT_TYPES_WITHOUT_ITEM,
        "impossible_price": row.get("unit_price_minor") is not None and not 0 <= row["unit_price_minor"] <= MOST_MINOR,
        "missing_user": feed == "contacts" and row["user_id"] is None,
        "invalid_value": feed == "contacts" and kind in kinds and not is_contact_point(row),
        "wrong_currency": row.get("currency") not in {None, "EUR"},
    }
    found = [name for name, applies in checks.items() if applies]
    assert len(found) <= 1
    return found[0] if found else None


def is_contact_point(row: dict[str, Any]) -> bool:
    """Whether a value looks like what its kind says."""
    value = str(row["value"])
    return {"email": "@" in value, "phone": value.startswith("+"), "push": value.strip() != ""}[row["kind"]]


def recount(root: Path, feed: str) -> Counter[str]:
    """Count kept lines, copies, delays and faults from the files alone."""
    counts: Counter[str] = Counter()
    seen: set[tuple[Any, ...]] = set()
    for line in sorted(lines_of(root, feed)):
        counts["lines"] += 1
        fault = fault_of(feed, line)
        if fault:
            counts[fault] += 1
            continue
        row = json.loads(line.text)
        key = tuple(row[name] for name in KEYS[feed])
        if key in seen:
            counts["resent"] += 1
            continue
        seen.add(key)
        counts["kept"] += 1
        lateness = (line.landed - date.fromisoformat(row[TIMES[feed]][:10])).days
        counts["late"] += lateness > 0
        counts["early"] += lateness < 0
        counts["guest"] += row.get("user_id", "") is None
    return counts


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Counter[str]]]:
    root = tmp_path_factory.mktemp("shop")
    place, counts = Folder(root), {feed: Counter[str]() for feed in TIMES}
    for part in (write_shelves(SHOP, place), *(write_block(SHOP, block, place, place) for block in range(len(SHOP.blocks())))):
        for feed, found in part.counts.items():
            counts[feed].update(found)
    return root, counts


@pytest.mark.parametrize("feed", list(TIMES))
def test_the_answers_agree_with_a_recount_from_the_files(written: tuple[Path, dict[str, Counter[str]]], feed: str) -> None:
    root, counts = written
    answers = Counter({name: count for name, count in counts[feed].items() if name not in {"not_landed_yet", "clock_skew", "bot"}})
    assert +recount(root, feed) == +answers


@pytest.mark.parametrize("feed", list(TIMES))
def test_kept_rejected_and_copies_are_all_lines_and_few_are_rejected(written: tuple[Path, dict[str, Counter[str]]], feed: str) -> None:
    found = written[1][feed]
    rejected = sum(found[fault] for fault in REJECTED_FAULTS)
    assert found["kept"] + rejected + found["resent"] == found["lines"]
    assert 0 < rejected / found["lines"] < 0.02


def test_every_fault_that_must_be_survived_is_among_the_events(written: tuple[Path, dict[str, Counter[str]]]) -> None:
    found = written[1]["events"]
    names = {*REJECTED_FAULTS, "resent", "late", "early", "clock_skew", "guest", "not_landed_yet"} - OF_CONTACTS
    assert all(found[name] > 0 for name in names)
    assert all(written[1]["contacts"][name] > 0 for name in (*OF_CONTACTS, "unknown_type"))
    assert {line.landed for line in lines_of(written[0], "contacts") if fault_of("contacts", line) in OF_CONTACTS} == {SHOP.first_day}


def test_lines_name_exactly_the_canonical_columns(written: tuple[Path, dict[str, Counter[str]]]) -> None:
    columns = {**CANONICAL_COLUMNS, "orders": {**CANONICAL_COLUMNS["order_lines"], "line_number": "int"}}
    for feed in FEEDS:
        expected = columns[feed]
        rows = [json.loads(line.text) for line in lines_of(written[0], feed) if fault_of(feed, line) is None]
        assert all(set(row) == set(expected) for row in rows)


def test_an_order_line_id_is_order_and_line_number(written: tuple[Path, dict[str, Counter[str]]]) -> None:
    rows = [json.loads(line.text) for line in lines_of(written[0], "orders") if fault_of("orders", line) is None]
    assert all(row["order_line_id"] == f"{row['order_id']}-{row['line_number']}" for row in rows)


def test_the_lateness_that_is_planted_as_survivable_is_what_the_platform_survives() -> None:
    assert Settings.model_fields["max_lateness_days"].default == MOST_LATE_DAYS


def test_a_clean_shop_has_no_faults(tmp_path: Path) -> None:
    shop, place = Shop(60, 40, 5, 7, date(2026, 6, 30)).without_faults(), Folder(tmp_path)
    every = write_block(shop, 0, place, place).counts | write_shelves(shop, place).counts
    assert {feed: found["lines"] - found["kept"] for feed, found in every.items()} == dict.fromkeys(FEEDS, 0)
    counts = every["events"]
    assert counts["kept"] > 0
    assert counts["late"] == counts["early"] == counts["clock_skew"] == 0


def test_faults_are_drawn_at_their_rates() -> None:
    rates = FaultRates()
    drawn = Counter(drawn_fault(rates, number / 100_000) for number in range(100_000))
    assert drawn["late"] == pytest.approx(1_500, abs=2)
    assert drawn["cut_json"] == pytest.approx(100, abs=2)


def test_clearing_a_folder_leaves_its_neighbours(tmp_path: Path) -> None:
    place = Folder(tmp_path)
    for key in (
        "landing/synthetic/events/2026-06-30/part-00000.jsonl.gz",
        f"landing/synthetic/events/2026-06-30/{MARKER}",
        "landing/native/kept",
    ):
        place.write(key, b"x")
    place.clear("landing/synthetic/")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["kept"]


def test_a_bucket_without_an_object_store_is_refused() -> None:
    with pytest.raises(ValueError, match="object store"):
        place_of("s3://bucket/answers", None)


def test_a_marker_can_be_read_back() -> None:
    marker = Marker("synthetic", "events", date(2026, 6, 30), 0, ())
    assert Marker.from_json(marker.to_json(), "key") == marker
