"""The UCI Online Retail invoices of a British gift wholesaler: one row an invoice line, 2010-12-01 to 2011-12-09, prices in pounds.

The rules, each with its reason in docs/sources.md: a line repeated to the letter is a copy; an invoice number that begins with C is a
cancellation and becomes a refund of positive quantity; one that begins with A adjusts the books and is no sale; a price that is not
positive and a negative quantity outside a cancellation (stock corrections) are rejected; a line without a customer is a guest's. Codes
that name a service (postage, fees, manual entries) are sold but never on sale. Times carry no zone and are taken as UTC.
"""

from jobs.sources import days
from jobs.sources.source import Canonical, Csv, Feed, Source

SERVICE_CODES = ("AMAZONFEE", "B", "BANK CHARGES", "C2", "CRUK", "D", "DOT", "M", "POST", "S")
"""Codes of postage, carriage, bank and marketplace fees, discounts, samples, manual entries and bad debts."""

_TIME = "try_to_timestamp(InvoiceDate, 'yyyy-MM-dd HH:mm:ss')"
_IS_REFUND = "InvoiceNo LIKE 'C%'"
_ITEM_ID = "upper(StockCode)"
_PRICE = "round(UnitPrice * 100)"
_QUANTITY = f"CASE WHEN {_IS_REFUND} THEN -CAST(Quantity AS BIGINT) ELSE Quantity END"
_LINE_ID = (
    "InvoiceNo || '-' || left(sha2(concat_ws('|', StockCode, coalesce(Description, ''), Quantity, InvoiceDate, UnitPrice,"
    " coalesce(Country, '')), 256), 16)"
)
"""What tells two lines of an invoice apart, without the customer: an unkeyed hash of a customer number would give it away."""

_FAULTS = {
    "missing_order": "InvoiceNo IS NULL",
    "invoice_is_adjustment": "InvoiceNo LIKE 'A%'",
    "price_not_positive": "unit_price_minor <= 0",
    "quantity_not_positive": "raw.Quantity = 0 OR raw.Quantity < 0 AND NOT InvoiceNo LIKE 'C%'",
    "refund_not_negative": "raw.Quantity > 0 AND InvoiceNo LIKE 'C%'",
}


SOURCE = Source(
    name="online_retail",
    doc="UCI invoices: orders are primary, purchases and refunds derived from them; GBP.",
    feeds=(
        Feed(
            name="orders",
            format=Csv(header=True),
            schema=(
                ("InvoiceNo", "string"),
                ("StockCode", "string"),
                ("Description", "string"),
                ("Quantity", "int"),
                ("InvoiceDate", "string"),
                ("UnitPrice", "decimal(18,4)"),
                ("CustomerID", "string"),
                ("Country", "string"),
            ),
            files=("*.csv", "*.csv.gz"),
            day=lambda record: days.of_clock(record["InvoiceDate"]),
            may_be_empty=True,
        ),
    ),
    events=Canonical(
        feed="orders",
        columns={
            "event_id": _LINE_ID,
            "user_id": "CustomerID",
            "event_type": f"CASE WHEN {_IS_REFUND} THEN 'refund' ELSE 'purchase' END",
            "item_id": _ITEM_ID,
            "occurred_at": _TIME,
            "quantity": _QUANTITY,
            "unit_price_minor": _PRICE,
            "currency": "'GBP'",
            "order_id": "InvoiceNo",
        },
        identity=("event_id",),
        repeats="copies",
        faults=_FAULTS,
        derived=True,
    ),
    order_lines=Canonical(
        feed="orders",
        columns={
            "order_line_id": _LINE_ID,
            "order_id": "InvoiceNo",
            "user_id": "CustomerID",
            "item_id": _ITEM_ID,
            "ordered_at": _TIME,
            "kind": f"CASE WHEN {_IS_REFUND} THEN 'refund' ELSE 'sale' END",
            "quantity": _QUANTITY,
            "unit_price_minor": _PRICE,
            "currency": "'GBP'",
        },
        identity=("order_line_id",),
        repeats="copies",
        faults=_FAULTS,
    ),
    items=Canonical(
        feed="orders",
        columns={
            "item_id": _ITEM_ID,
            "observed_at": _TIME,
            "name": "Description",
            "unit_price_minor": _PRICE,
            "currency": "'GBP'",
            "is_on_sale": f"upper(StockCode) NOT IN {SERVICE_CODES}",
        },
        where="InvoiceNo NOT LIKE 'C%' AND InvoiceNo NOT LIKE 'A%' AND Quantity > 0 AND round(UnitPrice * 100) > 0",
        identity=("item_id", "observed_at"),
        repeats="copies",
        derived=True,
    ),
    currency="GBP",
    time_resolution="second",
    guests=True,
)
