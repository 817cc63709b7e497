"""Bronze lines of native JSON, as builders: a test names only what it is about."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from pydantic import SecretStr
from pyspark.sql import DataFrame, SparkSession

from jobs.bronze.events import EVENTS as BRONZE_EVENTS
from jobs.contract import Table
from jobs.settings import Settings
from tests.rows import frame

DAY = date(2026, 5, 4)

SETTINGS = Settings(
    catalog_uri="jdbc:postgresql://127.0.0.1:1/lake",
    catalog_user="lake",
    catalog_password=SecretStr("none"),
    mlflow_tracking_uri="http://127.0.0.1:1",
    pseudonym_key=SecretStr("k" * 32),
)
"""Settings of a deployment that no test connects to."""

EVENT_LINE: Mapping[str, Any] = {
    "event_id": "e1",
    "user_id": "u1",
    "event_type": "view_item",
    "item_id": "i1",
    "occurred_at": "2026-05-04T12:00:00.000Z",
}
ORDER_LINE: Mapping[str, Any] = {
    "order_id": "o1",
    "line_number": 1,
    "user_id": "u1",
    "item_id": "i1",
    "ordered_at": "2026-05-04T12:00:00.000Z",
    "kind": "sale",
    "quantity": 2,
    "unit_price_minor": 500,
    "currency": "EUR",
}
ITEM_LINE: Mapping[str, Any] = {
    "item_id": "i1",
    "observed_at": "2026-05-04T00:00:00.000Z",
    "name": "Mug",
    "category_id": "kitchen",
    "unit_price_minor": 500,
    "currency": "EUR",
    "is_on_sale": True,
}
STOCK_LINE: Mapping[str, Any] = {"item_id": "i1", "observed_at": "2026-05-04T08:00:00.000Z", "quantity": 3}
CONSENT_LINE: Mapping[str, Any] = {
    "user_id": "u1",
    "purpose": "personalisation",
    "is_granted": True,
    "decided_at": "2026-05-04T12:00:00.000Z",
}
CONTACT_LINE: Mapping[str, Any] = {
    "user_id": "u1",
    "kind": "email",
    "value": "ada@example.com",
    "is_active": True,
    "observed_at": "2026-05-04T12:00:00.000Z",
}


def lines(spark: SparkSession, *entries: str | Mapping[str, Any], table: Table = BRONZE_EVENTS, landed: date = DAY) -> DataFrame:
    """Bronze rows of one file that landed on ``landed``: an entry is a raw line, or a record that is written as JSON.

    A record's key ``_landed`` moves its line to the file of another day; ``_file`` is that file's content, for its SHA-256.
    """
    rows = []
    for number, entry in enumerate(entries, start=1):
        record = dict(entry) if isinstance(entry, Mapping) else None
        day = record.pop("_landed", landed) if record is not None else landed
        content = record.pop("_file", str(day)) if record is not None else str(day)
        rows.append(
            {
                "source": "native",
                "landed_date": day,
                "source_file": f"landing/native/feed/{day}/part-00000.jsonl",
                "line_number": number,
                "landed_at": datetime(day.year, day.month, day.day, tzinfo=UTC),
                "file_sha256": hashlib.sha256(content.encode()).hexdigest(),
                "raw_line": json.dumps(record) if record is not None else entry,
            }
        )
    return frame(spark, table, rows)
