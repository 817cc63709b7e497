"""Taobao: behaviours by second, of nine published days."""

from tests.parsed_lines import Parsed


def test_the_four_behaviours_are_named(parsed: Parsed) -> None:
    rows = parsed("taobao", "events", [f"1,2,3,{kind},1511658000" for kind in ("pv", "buy", "fav", "cart", "look")])
    assert [row.event_type for row in rows] == ["view_item", "purchase", "add_to_wishlist", "add_to_cart", None]


def test_a_time_that_was_cut_short_is_unreadable_although_it_is_a_number(parsed: Parsed) -> None:
    rows = parsed("taobao", "events", ["301780,543546,4181361,pv,15", "301780,543546,4181361,pv,", "1,2,3,pv,9223372036854775807"])
    assert [row.reasons for row in rows] == [["unreadable"]] * 3


def test_the_published_days_are_half_open(parsed: Parsed) -> None:
    rows = parsed("taobao", "events", [f"1,2,3,pv,{second}" for second in (1511539199, 1511539200, 1512316799, 1512316800)])
    assert [row.reasons for row in rows] == [["time_outside_published_days"], [], [], ["time_outside_published_days"]]


def test_what_a_user_buys_in_one_second_is_one_order(parsed: Parsed) -> None:
    rows = parsed("taobao", "order_lines", ["1,2,3,buy,1511658000", "1,4,3,buy,1511658000", "1,2,3,pv,1511658000"])
    assert [row.order_id for row in rows] == ["1|1511658000", "1|1511658000"]


def test_items_carry_their_category(parsed: Parsed) -> None:
    (row,) = parsed("taobao", "items", ["1,2,3,pv,1511658000"])
    assert (row.item_id, row.category_id, row.is_on_sale) == ("2", "3", True)
