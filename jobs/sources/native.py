"""The platform's own format: JSON lines with the canonical names, native ids, times in ISO 8601."""

from jobs.sources import days
from jobs.sources.source import (
    CONSENT_COLUMNS,
    CONTACT_COLUMNS,
    EVENT_COLUMNS,
    ITEM_COLUMNS,
    ORDER_LINE_COLUMNS,
    STOCK_COLUMNS,
    Canonical,
    Feed,
    JsonLines,
    Source,
)

_RAW_TYPES = {"timestamp": "string"}
_ORDER_COLUMNS = tuple((name, kind) for name, kind in ORDER_LINE_COLUMNS.items() if name != "order_line_id")
"""A shop gives order and line number; the id of a line is made of both."""


def _raw(columns: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _RAW_TYPES.get(kind, kind)) for name, kind in columns)


def _same(columns: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Canonical columns under their own names; an empty text says as little as none. A time must name its day: Spark would add today's."""
    rules = {
        "timestamp": "CASE WHEN {0} RLIKE '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' THEN try_to_timestamp({0}) END",
        "string": "nullif({0}, '')",
    }
    return {name: rules.get(kind, "{0}").format(name) for name, kind in columns}


SOURCE = Source(
    name="native",
    doc="The platform's own format, for shops that write their files for it.",
    feeds=(
        Feed(
            name="events",
            format=JsonLines(),
            schema=_raw(tuple(EVENT_COLUMNS.items())),
            files=("events*.jsonl", "events*.jsonl.gz"),
            day=lambda record: days.of_iso(record["occurred_at"]),
            may_be_empty=False,
        ),
        Feed(
            name="orders",
            format=JsonLines(),
            schema=_raw((*_ORDER_COLUMNS, ("line_number", "int"))),
            files=("orders*.jsonl", "orders*.jsonl.gz"),
            day=lambda record: days.of_iso(record["ordered_at"]),
            may_be_empty=True,
        ),
        Feed(
            name="items",
            format=JsonLines(),
            schema=_raw(tuple(ITEM_COLUMNS.items())),
            files=("items*.jsonl", "items*.jsonl.gz"),
            day=lambda record: days.of_iso(record["observed_at"]),
            may_be_empty=True,
        ),
        Feed(
            name="stock",
            format=JsonLines(),
            schema=_raw(tuple(STOCK_COLUMNS.items())),
            files=("stock*.jsonl", "stock*.jsonl.gz"),
            day=lambda record: days.of_iso(record["observed_at"]),
            may_be_empty=True,
            is_optional=True,
        ),
        Feed(
            name="consents",
            format=JsonLines(),
            schema=_raw(tuple(CONSENT_COLUMNS.items())),
            files=("consents*.jsonl", "consents*.jsonl.gz"),
            day=lambda record: days.of_iso(record["decided_at"]),
            may_be_empty=True,
            is_optional=True,
        ),
        Feed(
            name="contacts",
            format=JsonLines(),
            schema=_raw(tuple(CONTACT_COLUMNS.items())),
            files=("contacts*.jsonl", "contacts*.jsonl.gz"),
            day=lambda record: days.of_iso(record["observed_at"]),
            may_be_empty=True,
            is_optional=True,
        ),
    ),
    events=Canonical(
        feed="events",
        columns=_same(tuple(EVENT_COLUMNS.items())),
        identity=("event_id",),
        repeats="copies",
        faults={
            "missing_event_id": "event_id IS NULL",
            "impossible_propensity": "exposure_propensity IS NOT NULL AND NOT (exposure_propensity > 0 AND exposure_propensity <= 1)",
        },
    ),
    order_lines=Canonical(
        feed="orders",
        columns=_same(_ORDER_COLUMNS) | {"order_line_id": "nullif(order_id, '') || '-' || line_number"},
        identity=("order_line_id",),
        repeats="copies",
        faults={"missing_order_line_id": "order_line_id IS NULL"},
    ),
    items=Canonical(
        feed="items",
        columns=_same(tuple(ITEM_COLUMNS.items())) | {"is_on_sale": "coalesce(is_on_sale, true)"},
        identity=("item_id", "observed_at"),
        repeats="copies",
    ),
    stock=Canonical(
        feed="stock",
        columns=_same(tuple(STOCK_COLUMNS.items())),
        identity=("item_id", "location_id", "observed_at"),
        repeats="copies",
    ),
    consents=Canonical(
        feed="consents",
        columns=_same(tuple(CONSENT_COLUMNS.items())),
        identity=("user_id", "purpose", "decided_at"),
        repeats="copies",
    ),
    contacts=Canonical(
        feed="contacts",
        columns=_same(tuple(CONTACT_COLUMNS.items())) | {"is_active": "coalesce(is_active, true)"},
        identity=("user_id", "kind", "value", "observed_at"),
        repeats="copies",
    ),
    currency=None,
    time_resolution="second",
    guests=True,
)
