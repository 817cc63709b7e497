"""Alibaba 2014: four kinds of acts by day, year 2013, items are brands."""

from tests.parsed_lines import Parsed


def test_the_four_types_are_named_and_a_fifth_is_not(parsed: Parsed) -> None:
    rows = parsed("alibaba2014", "events", [f"1,2,{kind},6-4" for kind in (0, 1, 2, 3, 4)])
    assert [row.event_type for row in rows] == ["view_item", "purchase", "add_to_wishlist", "add_to_cart", None]


def test_what_a_user_buys_in_a_day_is_one_order_under_one_id_in_events_and_order_lines(parsed: Parsed) -> None:
    lines = ["1,2,1,6-4", "1,3,1,6-04", "1,2,1,6-5", "1,2,0,6-4"]
    events = [row.order_id for row in parsed("alibaba2014", "events", lines)]
    orders = [row.order_id for row in parsed("alibaba2014", "order_lines", lines)]
    assert events == ["1|2013-06-04", "1|2013-06-04", "1|2013-06-05", None]
    assert orders == events[:3]


def test_a_day_that_does_not_exist_has_no_time_and_a_missing_user_is_a_fault(parsed: Parsed) -> None:
    impossible, nobody = parsed("alibaba2014", "events", ["1,2,0,2-30", ",2,0,6-4"])
    assert (impossible.occurred_at, nobody.reasons) == (None, ["missing_user"])


def test_a_buy_has_no_price_and_one_piece(parsed: Parsed) -> None:
    (row,) = parsed("alibaba2014", "order_lines", ["1,2,1,6-4"])
    assert (row.kind, row.quantity, row.unit_price_minor, row.currency) == ("sale", 1, None, None)
