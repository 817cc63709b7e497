"""Retailrocket: visitors, milliseconds, transactions with a number."""

from tests.parsed_lines import Parsed


def test_the_three_events_are_named(parsed: Parsed) -> None:
    rows = parsed("retailrocket", "events", ["1430636062541,1,view,2,", "1430636062541,1,addtocart,2,", "1430636062541,1,transaction,2,77"])
    assert [(row.event_type, row.order_id, row.quantity) for row in rows] == [
        ("view_item", None, None),
        ("add_to_cart", None, None),
        ("purchase", "77", 1),
    ]
    assert str(rows[0].occurred_at) == "2015-05-03 06:54:22.541000"


def test_a_transaction_without_its_number_and_a_visit_of_nobody_are_faults(parsed: Parsed) -> None:
    rows = parsed("retailrocket", "events", ["1430636062541,1,transaction,2,", "1430636062541,,view,2,", "1430636062,1,view,2,"])
    assert [row.reasons for row in rows] == [["missing_order"], ["missing_user"], ["unreadable"]]


def test_transactions_are_the_order_lines(parsed: Parsed) -> None:
    rows = parsed("retailrocket", "order_lines", ["1430636062541,1,view,2,", "1430636062541,1,transaction,2,77"])
    assert [(row.order_id, row.item_id, row.kind) for row in rows] == [("77", "2", "sale")]
