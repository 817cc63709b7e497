"""Online Retail: invoices become sales and refunds by written rules."""

from tests.parsed_lines import Parsed

LINE = "{invoice},{code},{description},{quantity},2010-12-01 08:26:00,{price},{customer},United Kingdom"


def line(**changes: object) -> str:
    ordinary = {"invoice": "536365", "code": "85123A", "description": "LAMP", "quantity": 6, "price": "2.55", "customer": "17850"}
    return LINE.format(**ordinary | changes)


def test_an_ordinary_line_is_a_sale_in_pence(parsed: Parsed) -> None:
    (row,) = parsed("online_retail", "order_lines", [line()])
    assert (row.kind, row.quantity, row.unit_price_minor, row.currency, row.user_id, row.reasons) == ("sale", 6, 255, "GBP", "17850", [])


def test_a_cancellation_is_a_refund_of_positive_quantity(parsed: Parsed) -> None:
    (row,) = parsed("online_retail", "order_lines", [line(invoice="C536379", quantity=-1)])
    assert (row.kind, row.quantity, row.reasons) == ("refund", 1, [])
    (event,) = parsed("online_retail", "events", [line(invoice="C536379", quantity=-1)])
    assert (event.event_type, event.quantity, event.order_id) == ("refund", 1, "C536379")


def test_a_line_without_a_customer_is_a_guests(parsed: Parsed) -> None:
    (row,) = parsed("online_retail", "order_lines", [line(customer="")])
    assert (row.user_id, row.reasons) == (None, [])


def test_each_broken_rule_has_its_reason(parsed: Parsed) -> None:
    broken = [
        line(price="0"),
        line(price="-11062.06"),
        line(price="0.001"),
        line(quantity=-3),
        line(quantity=0),
        line(invoice="C1", quantity=3),
        line(invoice="A563185"),
        line(invoice=""),
        line(price=""),
        line(quantity="many"),
        line(quantity=-3, price="0"),
        line(invoice="C1", quantity=-2147483648),
    ]
    assert [list(row.reasons) for row in parsed("online_retail", "order_lines", broken)] == [
        ["price_not_positive"],
        ["price_not_positive"],
        ["price_not_positive"],
        ["quantity_not_positive"],
        ["quantity_not_positive"],
        ["refund_not_negative"],
        ["invoice_is_adjustment"],
        ["missing_order", "invoice_is_adjustment", "refund_not_negative"],
        ["price_not_positive"],
        ["unreadable"],
        ["price_not_positive", "quantity_not_positive"],
        ["out_of_range"],
    ]


def test_only_a_line_repeated_to_the_letter_has_the_same_id(parsed: Parsed) -> None:
    rows = parsed("online_retail", "order_lines", [line(), line(), line(description="LAMPS"), line(quantity=7), line(code="85123a")])
    ids = [row.order_line_id for row in rows]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert {row.item_id for row in rows} == {"85123A"}


def test_postage_is_never_on_sale_and_refunds_tell_nothing_of_items(parsed: Parsed) -> None:
    rows = parsed("online_retail", "items", [line(), line(code="POST"), line(code="m"), line(invoice="C1", quantity=-1), line(price="0")])
    assert [(row.item_id, row.is_on_sale) for row in rows] == [("85123A", True), ("POST", False), ("M", False)]
