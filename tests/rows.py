"""Builders of valid rows: a test names only what it is about."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from expectations.vocabulary import SCHEMES
from jobs.contract import Table
from jobs.gold.interactions import INTERACTIONS
from jobs.gold.user_segments import USER_SEGMENTS
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES

FEATURES = (
    "as_of_date date, user_id string, recency_days int, tenure_days int, purchase_recency_days int, active_days bigint, "
    "add_to_cart_count bigint, order_count bigint, spend_minor bigint, units_bought bigint, "
    "active_days_30d bigint, active_days_90d bigint, "
    "top_categories array<struct<category_id:string,event_count:bigint>>, category_affinities array<struct<category_id:string,lift:double>>"
)
"""The columns of gold.user_features that segments are made of."""
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

EVENT: Mapping[str, Any] = {
    "event_id": None,
    "user_id": "u1",
    "event_type": "view_item",
    "item_id": "i1",
    "occurred_at": NOON,
    "time_resolution": "second",
    "source": "native",
    "delivery_count": 1,
    "landed_date": date(2026, 5, 4),
    "source_file": "landing/native/events/2026-05-04/part-0.jsonl.gz",
}

ORDER_LINE: Mapping[str, Any] = {
    "order_line_id": None,
    "order_id": "o1",
    "user_id": "u1",
    "item_id": "i1",
    "ordered_at": NOON,
    "kind": "sale",
    "quantity": 1,
    "unit_price_minor": 500,
    "currency": "EUR",
    "source": "native",
    "delivery_count": 1,
    "landed_date": date(2026, 5, 4),
    "source_file": "landing/native/orders/2026-05-04/part-0.jsonl.gz",
}


def frame(spark: SparkSession, table: Table, rows: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Rows of a table as a frame; a column that no row names is NULL."""
    values = [tuple(row.get(name) for name in table.column_names) for row in rows]
    return spark.createDataFrame(values, table.struct())


def events(spark: SparkSession, *changes: Mapping[str, Any]) -> DataFrame:
    """Rows of silver.events; each differs from a valid one in what is given. Ids count up from e0."""
    rows = [{**EVENT, "event_id": f"e{n}", "line_number": n + 1, **change} for n, change in enumerate(changes)]
    return frame(spark, EVENTS, [{"event_date": row["occurred_at"].date(), "last_landed_date": row["landed_date"], **row} for row in rows])


def order_lines(spark: SparkSession, *changes: Mapping[str, Any]) -> DataFrame:
    """Rows of silver.order_lines; each differs from a valid one in what is given. Ids count up from l0."""
    rows = [{**ORDER_LINE, "order_line_id": f"l{n}", "line_number": n + 1, **change} for n, change in enumerate(changes)]
    return frame(
        spark, ORDER_LINES, [{"ordered_date": row["ordered_at"].date(), "last_landed_date": row["landed_date"], **row} for row in rows]
    )


def interactions(spark: SparkSession, rows: Iterable[tuple[str, str, str, date, int]]) -> DataFrame:
    """Rows of gold.interactions: user, item, event type, day and how often, the last time at that day's noon."""
    names = ("user_id", "item_id", "event_type", "event_date", "event_count")
    full = [{**dict(zip(names, row, strict=True)), "last_at": datetime.combine(row[3], NOON.timetz()), "quantity": 0} for row in rows]
    return frame(spark, INTERACTIONS, full)


def a_user(user_id: str, as_of: date, **changes: Any) -> dict[str, Any]:
    """A row of gold.user_features, as far as segments need it: somebody who looked around four days and bought nothing."""
    base = {"as_of_date": as_of, "user_id": user_id, "recency_days": 3, "tenure_days": 50, "purchase_recency_days": None, "active_days": 4}
    return base | {"add_to_cart_count": 0, "order_count": 0, "spend_minor": 0, "units_bought": 0, "top_categories": []} | changes


def user_features(spark: SparkSession, users: Sequence[Mapping[str, Any]]) -> DataFrame:
    """Such rows as a frame."""
    names = [field.partition(" ")[0] for field in FEATURES.split(", ")]
    return spark.createDataFrame([tuple(user.get(name) for name in names) for user in users], FEATURES)


def counted(item: str, quantity: int, day: int = 4, hour: int = 9, **changes: Any) -> dict[str, Any]:
    """A row of silver.stock: what was counted of an item in May 2026."""
    at = datetime(2026, 5, day, hour, tzinfo=UTC)
    row = {"item_id": item, "location_id": "", "observed_date": at.date(), "observed_at": at, "quantity": quantity, "source": "native"}
    return row | {"delivery_count": 1, "landed_date": at.date(), "source_file": "f", "line_number": 1} | changes


def decided(user: str, day: int, hour: int = 12, *, granted: bool, landed: int | None = None, purpose: str = "email") -> dict[str, Any]:
    """A row of silver.consent_decisions: what a user decided in May 2026."""
    row = {"user_id": user, "purpose": purpose, "decided_at": datetime(2026, 5, day, hour, tzinfo=UTC), "is_granted": granted}
    about = {"source": "native", "delivery_count": 1, "source_file": "f", "line_number": 1}
    return row | about | {"landed_date": date(2026, 5, landed or day)}


def reached(user: str, day: int, hour: int = 12, *, active: bool = True, landed: int | None = None, **changes: Any) -> dict[str, Any]:
    """A row of silver.contact_observations: how a user could be reached in May 2026; hashes are texts that are easily told apart."""
    row = {"user_id": user, "kind": "email", "observed_at": datetime(2026, 5, day, hour, tzinfo=UTC), "is_active": active} | changes
    value = f"{row['kind']} of {user}"
    ads = (None, None) if row["kind"] == "push" else (f"google {value}", f"meta {value}")
    hashes = dict(zip(("value_sha256", "google_sha256", "meta_sha256"), (value, *ads), strict=True))
    about = {"source": "native", "delivery_count": 1, "source_file": "f", "line_number": 1}
    return hashes | row | about | {"landed_date": date(2026, 5, landed or day)}


def segments_of(user: str, day: date) -> tuple[Any, ...]:
    """A row of gold.user_segments: a champion whom no model has seen."""
    named = {f"{scheme}_segment": "unassigned" for scheme in SCHEMES} | {"rfm_segment": "champions", "monetary_basis": "spend"}
    row = {"as_of_date": day, "user_id": user, **named, **{f"{name}_quintile": 5 for name in ("recency", "frequency", "monetary")}}
    return tuple(row.get(name) for name in USER_SEGMENTS.column_names)
