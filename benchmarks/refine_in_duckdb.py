"""DuckDB at landing to gold: see ``benchmarks/refine_rivals.py``."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.refine_rivals import (
    DAY,
    EVENT_FIELDS,
    IDLE_SECONDS,
    ITEM_FIELDS,
    KINDS,
    ORDER_FIELDS,
    TASTES,
    THREADS,
    WITHOUT_ITEM,
    files,
    run,
    timed,
    told,
)


def refine(data: Path, out: Path) -> dict[str, Any]:
    """SQL over the files, a table at a time."""
    base = duckdb.connect()
    base.execute(f"SET threads = {THREADS}; SET TimeZone = 'UTC'")
    key = os.environ["PSEUDONYM_KEY"].encode()
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner, outer = ("".join(f"\\x{byte ^ pad:02X}" for byte in block) for pad in (0x36, 0x5C))
    hashed = f"sha256('{outer}'::BLOB || unhex(sha256('{inner}'::BLOB || encode(kind || ':' || id))))"
    base.execute(f"CREATE MACRO pseudonym(kind, id) AS left({hashed}, 32)")

    def read(feed: str, fields: dict[str, str]) -> str:
        """Lines as text first: ``read_json`` that ignores errors may take the line after a cut one with it."""
        shape = json.dumps({name: "VARCHAR" if kind == "TIMESTAMP" else kind for name, kind in fields.items()})
        options = "header = false, columns = {line: 'VARCHAR'}, delim = '\x01', quote = '', escape = '', auto_detect = false"
        lines = f"read_csv('{files(data, feed)}', {options})"
        instants = ", ".join(f"try_cast({name} AS TIMESTAMP) AS {name}" for name, kind in fields.items() if kind == "TIMESTAMP")
        record = f"SELECT unnest(from_json(CASE WHEN json_valid(line) THEN line END, '{shape}')) FROM {lines}"
        return f"(SELECT * REPLACE ({instants}) FROM ({record}))" if instants else f"({record})"

    def write(name: str, query: str) -> None:
        base.execute(f"COPY ({query}) TO '{out / name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        base.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM '{out / name}.parquet'")

    def silver() -> None:
        base.execute(
            f"""CREATE OR REPLACE VIEW clean AS SELECT * REPLACE (pseudonym('user', user_id) AS user_id,
                pseudonym('anonymous', anonymous_id) AS anonymous_id), occurred_at::DATE AS event_date
                FROM {read("events", EVENT_FIELDS)}
                WHERE event_id IS NOT NULL AND event_type IN {KINDS} AND (item_id IS NOT NULL OR event_type IN {WITHOUT_ITEM})
                AND DATE '{DAY}' - occurred_at::DATE BETWEEN -1 AND 3 AND coalesce(unit_price_minor BETWEEN 0 AND 100000000, true)
                AND coalesce(quantity BETWEEN 1 AND 1000000, true)"""
        )
        write("events", "SELECT unnest(first(c)), count(*)::INTEGER AS delivery_count FROM clean c GROUP BY c.event_id")
        write(
            "order_lines",
            f"""SELECT DISTINCT ON (order_line_id) *, ordered_at::DATE AS ordered_date FROM
                (SELECT * REPLACE (pseudonym('user', user_id) AS user_id), order_id || '-' || line_number AS order_line_id
                FROM {read("orders", ORDER_FIELDS)}) WHERE item_id IS NOT NULL AND unit_price_minor BETWEEN 0 AND 100000000""",
        )
        write(
            "sessions",
            f"""WITH visits AS (SELECT *, coalesce(anonymous_id, user_id) AS visitor, epoch_us(occurred_at) AS micros FROM events),
                gaps AS (SELECT *, micros - lag(micros) OVER (PARTITION BY visitor ORDER BY occurred_at, event_id) AS gap FROM visits),
                numbered AS (SELECT *, count(*) FILTER (gap IS NULL OR gap > {IDLE_SECONDS * 1_000_000}) OVER
                (PARTITION BY visitor ORDER BY occurred_at, event_id) AS number FROM gaps)
                SELECT visitor, min(occurred_at) AS started_at, arg_min(user_id, (occurred_at, event_id)) AS user_id,
                max(occurred_at) AS ended_at, count(*) AS event_count, count(DISTINCT item_id) AS distinct_items,
                arg_min(channel, (occurred_at, event_id)) AS channel, bool_or(event_type = 'add_to_cart') AS has_cart,
                bool_or(event_type = 'purchase') AS has_purchase FROM numbered GROUP BY visitor, number""",
        )

    def gold() -> None:
        write(
            "interactions",
            """SELECT user_id, item_id, event_type, event_date, count(*) AS event_count, sum(quantity) AS quantity, max(moment) AS last_at
                FROM (SELECT user_id, item_id, event_type, event_date, 0 AS quantity, occurred_at AS moment FROM events
                WHERE event_type NOT IN ('purchase', 'refund') AND user_id IS NOT NULL AND item_id IS NOT NULL
                UNION ALL SELECT user_id, item_id, CASE kind WHEN 'sale' THEN 'purchase' ELSE 'refund' END, ordered_date, quantity,
                ordered_at FROM order_lines WHERE user_id IS NOT NULL) GROUP BY ALL""",
        )
        write(
            "user_features",
            f"""WITH known AS (SELECT user_id, item_id, event_type, event_date AS day, hour(occurred_at) AS hour,
                event_type NOT IN ('purchase', 'refund') AS counted, NULL AS order_id, 0 AS quantity, NULL::BIGINT AS amount FROM events
                WHERE user_id IS NOT NULL UNION ALL SELECT user_id, item_id, CASE kind WHEN 'sale' THEN 'purchase' ELSE 'refund' END,
                ordered_date, NULL, true, order_id, quantity, quantity * unit_price_minor - coalesce(discount_minor, 0) FROM order_lines
                WHERE user_id IS NOT NULL), categories AS {read("items", ITEM_FIELDS)},
                tastes AS (SELECT user_id, category_id, count(*) AS n FROM known JOIN categories USING (item_id) WHERE counted
                AND event_type IN {TASTES} GROUP BY ALL),
                tops AS (SELECT user_id, arg_min(category_id, (-n, category_id)) AS top_category_id FROM tastes GROUP BY ALL),
                sums AS (SELECT user_id, min(day) AS first_day, max(day) AS last_day, count(*) FILTER (counted) AS event_count,
                count(DISTINCT day) AS active_days, count(DISTINCT order_id) AS order_count, sum(quantity) AS units_bought,
                sum(amount) FILTER (event_type = 'purchase') AS sold, sum(amount) FILTER (event_type = 'refund' AND counted) AS refunded,
                count(*) FILTER (event_type = 'view_item') AS view_count, count(*) FILTER (event_type = 'add_to_cart') AS cart_count,
                count(*) FILTER (event_type = 'add_to_wishlist') AS wishlist_count, count(DISTINCT item_id) AS distinct_items,
                count(*) FILTER (hour < 6 OR hour >= 22) AS night, mode(hour) AS active_hour FROM known GROUP BY ALL)
                SELECT * FROM sums LEFT JOIN tops USING (user_id)""",
        )

    found = timed({"silver": silver, "gold": gold})
    count = "SELECT count(*), sum({0})::BIGINT FROM {1}"
    return found | told(lambda name, column: base.execute(count.format(column, name)).fetchone())


if __name__ == "__main__":
    run(refine)
