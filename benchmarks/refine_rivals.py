"""What DuckDB and Polars have in common at the work of ``benchmarks/bare_refine.py``, as far as they go.

``python -m benchmarks.refine_in_duckdb DATA WARM`` and ``python -m benchmarks.refine_in_polars DATA WARM``, in an environment of their own
(duckdb, polars, pyarrow); each prints one line of JSON: seconds by layer, rows and a sum of each table. From local files to local Parquet,
on one machine, with two threads. What they leave out beside the bare script: bronze, where a row came from (file and line), the other
tables of gold; of user features they have counts, days, hours, money and the top category, without the list of categories, windows beyond
7 and 30 days, rhythm, affinities, price band, discounts, habits, channels, returns. What they keep: rules, one of the copies, pseudonyms.
This module needs nothing but the standard library.
"""

import hmac
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

THREADS = 2
DAY = "2026-06-30"
KINDS = ("view_item", "view_item_list", "select_item", "add_to_cart", "remove_from_cart", "add_to_wishlist", "begin_checkout", "purchase")
WITHOUT_ITEM = ("view_item_list", "search", "begin_checkout")
IDLE_SECONDS = 1_800
EVENT_FIELDS = dict.fromkeys(("event_id", "user_id", "anonymous_id", "session_hint", "event_type", "item_id"), "VARCHAR")
EVENT_FIELDS |= {"occurred_at": "TIMESTAMP", "quantity": "INTEGER", "unit_price_minor": "BIGINT"}
EVENT_FIELDS |= dict.fromkeys(("currency", "order_id", "channel", "campaign_id", "experiment", "variant"), "VARCHAR")
EVENT_FIELDS |= {"exposure_propensity": "DOUBLE"}
ORDER_FIELDS = dict.fromkeys(("order_id", "user_id", "item_id", "kind", "currency", "channel", "campaign_id"), "VARCHAR")
ORDER_FIELDS |= {"ordered_at": "TIMESTAMP", "quantity": "INTEGER", "unit_price_minor": "BIGINT", "discount_minor": "BIGINT"}
ORDER_FIELDS |= {"line_number": "INTEGER"}
ITEM_FIELDS = {"item_id": "VARCHAR", "category_id": "VARCHAR"}
TASTES = ("select_item", "view_item", "add_to_wishlist", "add_to_cart", "purchase")


def files(data: Path, feed: str) -> str:
    """Pattern of a feed's files."""
    return str(data / "landing" / "native" / feed / "*" / "*.jsonl.gz")


def pseudonym(kind: str, raw_id: str) -> str:
    """As ``jobs.privacy`` makes it."""
    return hmac.digest(os.environ["PSEUDONYM_KEY"].encode(), f"{kind}:{raw_id}".encode(), "sha256").hex()[:32]


SUMMED = {
    "silver.events": "delivery_count",
    "silver.sessions": "event_count",
    "gold.interactions": "event_count",
    "gold.user_features": "event_count",
}


def told(ask: Callable[[str, str], Any]) -> dict[str, Any]:
    """Rows of each table, and one sum over it."""
    found = {name: ask(name.partition(".")[2], column) for name, column in SUMMED.items()}
    return {"rows": {name: int(one[0]) for name, one in found.items()}, "sums": {name: int(one[1]) for name, one in found.items()}}


def timed(layers: dict[str, Callable[[], None]]) -> dict[str, Any]:
    """Do one layer after the other; the seconds of each."""
    seconds, cpu = {}, process_time()
    for name, layer in layers.items():
        began = perf_counter()
        layer()
        seconds[name] = perf_counter() - began
    return {"seconds": seconds, "cpu": process_time() - cpu}


def run(refine: Callable[[Path, Path], dict[str, Any]]) -> None:
    """Warm up on the second folder, refine the first, tell."""
    found: dict[str, Any] = {}
    for data in (Path(sys.argv[2]), Path(sys.argv[1])):
        with tempfile.TemporaryDirectory(prefix="tradewind-refine-") as out:
            found = refine(data, Path(out))
    sys.stdout.write(json.dumps(found) + "\n")
