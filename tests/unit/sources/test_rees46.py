"""REES46: a hand-made file of 41 lines in the public layout, with the dirt that the public files hold.

``rees46_shop.csv`` is five days of a small shop in the same layout: 326 sound lines, five copies, five faulty lines; enough for a release.
"""

from collections import Counter
from pathlib import Path

import pytest

from tests.parsed_lines import Parsed

FILE = Path(__file__).parents[2] / "data" / "sources" / "rees46.csv"
SHOP = FILE.with_name("rees46_shop.csv")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return FILE.read_text(encoding="utf-8").splitlines()[1:]


def test_every_fault_in_the_file_has_its_reason(parsed: Parsed, lines: list[str]) -> None:
    rows = parsed("rees46", "events", lines)
    assert len(rows) == 41
    assert Counter(reason for row in rows for reason in row.reasons) == {"unreadable": 3, "price_not_positive": 2, "missing_user": 1}
    assert [row.raw_line for row in rows if row.occurred_at is None and not row.reasons] == [
        next(line for line in lines if line.startswith("2019-10-01T09:09:00Z"))
    ]
    assert [row.raw.event_type for row in rows if row.event_type is None and not row.reasons] == ["wishlist"]


def test_prices_become_cents_by_decimal_rounding(parsed: Parsed, lines: list[str]) -> None:
    rows = parsed("rees46", "events", lines)
    assert (rows[0].unit_price_minor, rows[26].unit_price_minor, rows[0].currency) == (3579, 12843, "USD")


def test_what_a_session_buys_is_one_order_and_a_purchase_without_session_is_its_own(parsed: Parsed, lines: list[str]) -> None:
    rows = parsed("rees46", "order_lines", lines)
    assert [row.order_id for row in rows[:3]] == [
        "c6bd7419-2748-4c56-95b4-8cec9ff8b80d",
        "c6bd7419-2748-4c56-95b4-8cec9ff8b80d",
        "555332717|2019-10-01 08:00:00 UTC",
    ]


def test_an_item_without_a_category_code_keeps_its_category_number(parsed: Parsed, lines: list[str]) -> None:
    rows = parsed("rees46", "items", lines[:2])
    assert [row.category_id for row in rows] == ["2103807459595387724", "appliances.environment.water_heater"]


def test_the_small_shop_is_sound_but_for_one_fault_of_each_kind(parsed: Parsed) -> None:
    lines = SHOP.read_text(encoding="utf-8").splitlines()[1:]
    rows = parsed("rees46", "events", lines)
    assert (len(rows), len(set(lines))) == (336, 331)
    assert Counter(reason for row in rows for reason in row.reasons) == {"unreadable": 2, "price_not_positive": 1, "missing_user": 1}
    assert [row.raw.event_type for row in rows if row.event_type is None and not row.reasons] == ["wishlist"]
