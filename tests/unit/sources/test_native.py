"""The native format: canonical names, native ids."""

import json
from collections.abc import Mapping
from datetime import datetime

from tests.parsed_lines import Parsed

EVENT = {"event_id": "e1", "user_id": "u1", "event_type": "view_item", "item_id": "i1", "occurred_at": "2026-05-04T10:00:00Z"}
ORDER = {
    "order_id": "o1",
    "line_number": 1,
    "user_id": "u1",
    "item_id": "i1",
    "ordered_at": "2026-05-04T10:00:00Z",
    "kind": "sale",
    "quantity": 2,
}
ITEM = {"item_id": "i1", "observed_at": "2026-05-04T00:00:00Z", "name": "Lamp"}
COUNT = {"item_id": "i1", "observed_at": "2026-05-04T08:00:00Z", "quantity": 3}
CONTACT = {"user_id": "u1", "kind": "email", "value": "ada@example.com", "observed_at": "2026-05-04T10:00:00Z"}
CONSENT = {"user_id": "u1", "purpose": "email", "is_granted": True, "decided_at": "2026-05-04T10:00:00Z"}


def line(row: Mapping[str, object], **changes: object) -> str:
    return json.dumps({**row, **changes})


def test_an_event_keeps_its_values(parsed: Parsed) -> None:
    (row,) = parsed("native", "events", [line(EVENT, quantity=2, unit_price_minor=1999, currency="EUR", exposure_propensity=0.5)])
    assert (row.event_id, row.occurred_at, row.quantity, row.unit_price_minor) == ("e1", datetime(2026, 5, 4, 10), 2, 1999)  # noqa: DTZ001 - Spark's UTC
    assert row.reasons == []


def test_an_offset_is_taken_into_account(parsed: Parsed) -> None:
    (row,) = parsed("native", "events", [line(EVENT, occurred_at="2026-05-04T23:30:00-05:00")])
    assert str(row.occurred_at) == "2026-05-05 04:30:00"


def test_a_time_without_a_day_is_no_time_rather_than_today(parsed: Parsed) -> None:
    rows = parsed("native", "events", [line(EVENT, occurred_at=text) for text in ("12:30:00", "2026", "soon", "", "2026-02-30T10:00:00Z")])
    assert [row.occurred_at for row in rows] == [None] * 5


def test_an_empty_user_is_a_guest_and_an_empty_event_id_a_fault(parsed: Parsed) -> None:
    guest, nameless = parsed("native", "events", [line(EVENT, user_id=""), line(EVENT, event_id="")])
    assert (guest.user_id, guest.reasons, nameless.reasons) == (None, [], ["missing_event_id"])


def test_a_propensity_is_a_probability_that_is_not_zero(parsed: Parsed) -> None:
    rows = parsed("native", "events", [line(EVENT, exposure_propensity=value) for value in (1.0, 1e-6, 0.0, 1.1, -0.5)])
    assert [row.reasons for row in rows] == [[], []] + [["impossible_propensity"]] * 3


def test_the_id_of_an_order_line_is_made_of_order_and_line_number(parsed: Parsed) -> None:
    rows = parsed("native", "order_lines", [line(ORDER), line(ORDER, line_number=None), line(ORDER, order_id="")])
    assert [row.order_line_id for row in rows] == ["o1-1", None, None]
    assert [row.reasons for row in rows] == [[], ["missing_order_line_id"], ["missing_order_line_id"]]


def test_an_item_of_which_nothing_is_said_is_on_sale(parsed: Parsed) -> None:
    rows = parsed("native", "items", [line(ITEM), line(ITEM, is_on_sale=False)])
    assert [row.is_on_sale for row in rows] == [True, False]


def test_stock_is_counted_in_one_place_or_in_several(parsed: Parsed) -> None:
    rows = parsed("native", "stock", [line(COUNT), line(COUNT, location_id=""), line(COUNT, location_id="north", quantity=-2)])
    assert [(row.location_id, row.quantity, row.reasons) for row in rows] == [(None, 3, []), (None, 3, []), ("north", -2, [])]


def test_a_quantity_of_another_type_is_unreadable_and_one_beyond_its_type_is_not_taken_for_none(parsed: Parsed) -> None:
    rows = parsed("native", "stock", [line(COUNT, quantity=value) for value in ("3", 3.5, True, 3_000_000_000)])
    assert [row.reasons for row in rows] == [["unreadable"]] * 4


def test_a_decision_is_true_or_false(parsed: Parsed) -> None:
    rows = parsed(
        "native", "consents", [line(CONSENT), line(CONSENT, is_granted=False), line(CONSENT, is_granted="yes"), line(CONSENT, is_granted=1)]
    )
    assert [(row.is_granted, row.reasons) for row in rows] == [(True, []), (False, []), (None, ["unreadable"]), (None, ["unreadable"])]


def test_a_contact_point_of_which_nothing_is_said_is_valid_and_keeps_its_text(parsed: Parsed) -> None:
    rows = parsed(
        "native",
        "contacts",
        [line(CONTACT), line(CONTACT, is_active=False), line(CONTACT, value=" Ada@Example.com "), line(CONTACT, value="")],
    )
    assert [(row.is_active, row.value, row.reasons) for row in rows] == [
        (True, "ada@example.com", []),
        (False, "ada@example.com", []),
        (True, " Ada@Example.com ", []),
        (True, None, []),
    ]
