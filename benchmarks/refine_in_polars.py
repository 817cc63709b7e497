"""Polars at landing to gold: see ``benchmarks/refine_rivals.py``."""

from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.refine_rivals import (
    DAY,
    EVENT_FIELDS,
    IDLE_SECONDS,
    KINDS,
    ORDER_FIELDS,
    TASTES,
    WITHOUT_ITEM,
    files,
    pseudonym,
    run,
    timed,
    told,
)


def refine(data: Path, out: Path) -> dict[str, Any]:
    """Lazy frames over the files, written by the streaming engine."""
    text, whole, small = pl.String, pl.Int64, pl.Int32
    types = {"VARCHAR": text, "TIMESTAMP": text, "INTEGER": small, "BIGINT": whole, "DOUBLE": pl.Float64}
    event_fields, order_fields = ({name: types[kind] for name, kind in one.items()} for one in (EVENT_FIELDS, ORDER_FIELDS))

    def read(feed: str, fields: dict[str, Any]) -> Any:
        """Lines as text first: a line that is no JSON would end ``scan_ndjson``."""
        lines = pl.scan_csv(
            files(data, feed), has_header=False, separator="\x01", quote_char=None, new_columns=["line"], schema={"line": text}
        )
        whole_lines = lines.filter(pl.col("line").str.starts_with("{") & pl.col("line").str.ends_with("}"))
        return whole_lines.select(pl.col("line").str.json_decode(pl.Struct(fields)).alias("record")).unnest("record")

    def pseudonymised(rows: Any, name: str, kind: str) -> Any:
        return rows.with_columns(pl.col(name).map_batches(lambda ids: _replaced(ids, kind), return_dtype=text, is_elementwise=True))

    def write(name: str, rows: Any) -> None:
        rows.sink_parquet(out / f"{name}.parquet", compression="zstd", engine="streaming")

    def table(name: str) -> Any:
        return pl.scan_parquet(out / f"{name}.parquet")

    def instant(name: str) -> Any:
        return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="us", strict=False)

    def silver() -> None:
        rows = read("events", event_fields).with_columns(instant("occurred_at")).with_columns(event_date=pl.col("occurred_at").dt.date())
        clean = rows.filter(
            pl.col("event_id").is_not_null()
            & pl.col("event_type").is_in(KINDS)
            & (pl.col("item_id").is_not_null() | pl.col("event_type").is_in(WITHOUT_ITEM))
            & (pl.lit(DAY).str.to_date() - pl.col("event_date")).dt.total_days().is_between(-1, 3)
            & pl.col("unit_price_minor").is_between(0, 100_000_000).fill_null(value=True)
            & pl.col("quantity").is_between(1, 1_000_000).fill_null(value=True)
        )
        clean = pseudonymised(pseudonymised(clean, "user_id", "user"), "anonymous_id", "anonymous")
        names = [name for name in (*event_fields, "event_date") if name != "event_id"]
        write("events", clean.group_by("event_id").agg(*[pl.col(name).first() for name in names], delivery_count=pl.len().cast(small)))
        lines = read("orders", order_fields).with_columns(instant("ordered_at"))
        lines = lines.filter(pl.col("item_id").is_not_null() & pl.col("unit_price_minor").is_between(0, 100_000_000))
        lines = lines.with_columns(
            ordered_date=pl.col("ordered_at").dt.date(), order_line_id=pl.concat_str("order_id", "line_number", separator="-")
        )
        write("order_lines", pseudonymised(lines.unique("order_line_id"), "user_id", "user"))
        visits = table("events").with_columns(visitor=pl.coalesce("anonymous_id", "user_id"))
        visits = visits.select("visitor", "occurred_at", "event_id", "user_id", "item_id", "channel", "event_type")
        visits = visits.sort("visitor", "occurred_at", "event_id")
        same = pl.col("visitor") == pl.col("visitor").shift(1)
        gap = (pl.col("occurred_at") - pl.col("occurred_at").shift(1)).dt.total_microseconds()
        number = (~(same & (gap <= IDLE_SECONDS * 1_000_000))).fill_null(value=True).cast(whole).cum_sum()
        write(
            "sessions",
            visits.with_columns(number=number)
            .group_by("number")
            .agg(
                pl.col("visitor").first(),
                pl.col("occurred_at").min().alias("started_at"),
                pl.col("user_id").drop_nulls().first(),
                pl.col("occurred_at").max().alias("ended_at"),
                pl.len().alias("event_count"),
                pl.col("item_id").drop_nulls().n_unique().alias("distinct_items"),
                pl.col("channel").drop_nulls().first(),
                (pl.col("event_type") == "add_to_cart").any().alias("has_cart"),
                (pl.col("event_type") == "purchase").any().alias("has_purchase"),
            ),
        )

    def gold() -> None:
        is_bought, of = pl.col("event_type").is_in(["purchase", "refund"]), pl.col("event_type")
        kind = pl.when(pl.col("kind") == "sale").then(pl.lit("purchase")).otherwise(pl.lit("refund")).alias("event_type")
        browsed = table("events").filter(~is_bought & pl.col("user_id").is_not_null() & pl.col("item_id").is_not_null())
        browsed = browsed.select(
            "user_id", "item_id", "event_type", "event_date", pl.lit(0, small).alias("quantity"), pl.col("occurred_at").alias("at")
        )
        lines = table("order_lines").filter(pl.col("user_id").is_not_null())
        bought = lines.select(
            "user_id", "item_id", kind, pl.col("ordered_date").alias("event_date"), "quantity", pl.col("ordered_at").alias("at")
        )
        counted = pl.concat([browsed, bought]).group_by("user_id", "item_id", "event_type", "event_date")
        write("interactions", counted.agg(event_count=pl.len(), quantity=pl.col("quantity").sum(), last_at=pl.col("at").max()))
        seen = (
            table("events")
            .filter(pl.col("user_id").is_not_null())
            .select(
                "user_id",
                "item_id",
                "event_type",
                pl.col("event_date").alias("day"),
                pl.col("occurred_at").dt.hour().alias("hour"),
                (~is_bought).alias("counted"),
                pl.lit(None, text).alias("order_id"),
                pl.lit(0, small).alias("quantity"),
                pl.lit(None, whole).alias("amount"),
            )
        )
        amount = pl.col("quantity").cast(whole) * pl.col("unit_price_minor") - pl.col("discount_minor").fill_null(0)
        sold = lines.select(
            "user_id",
            "item_id",
            kind,
            pl.col("ordered_date").alias("day"),
            pl.lit(None, pl.Int8).alias("hour"),
            pl.lit(value=True).alias("counted"),
            "order_id",
            "quantity",
            amount.alias("amount"),
        )
        known = pl.concat([seen, sold])
        sums = known.group_by("user_id").agg(
            pl.col("day").min().alias("first_day"),
            pl.col("day").max().alias("last_day"),
            pl.col("counted").sum().alias("event_count"),
            pl.col("day").n_unique().alias("active_days"),
            pl.col("order_id").drop_nulls().n_unique().alias("order_count"),
            pl.col("quantity").sum().alias("units_bought"),
            pl.col("amount").filter(of == "purchase").sum().alias("sold"),
            pl.col("amount").filter((of == "refund") & pl.col("counted")).sum().alias("refunded"),
            (of == "view_item").sum().alias("view_count"),
            (of == "add_to_cart").sum().alias("cart_count"),
            (of == "add_to_wishlist").sum().alias("wishlist_count"),
            pl.col("item_id").drop_nulls().n_unique().alias("distinct_items"),
            ((pl.col("hour") < 6) | (pl.col("hour") >= 22)).sum().alias("night"),
            pl.col("hour").drop_nulls().mode().min().alias("active_hour"),
        )
        categories = pl.scan_ndjson(files(data, "items")).select("item_id", "category_id")
        tastes = known.filter(pl.col("counted") & of.is_in(TASTES)).join(categories, on="item_id").group_by("user_id", "category_id").len()
        tops = tastes.sort(["len", "category_id"], descending=[True, False]).group_by("user_id", maintain_order=True).first()
        write("user_features", sums.join(tops.select("user_id", top_category_id="category_id"), on="user_id", how="left"))

    found = timed({"silver": silver, "gold": gold})

    def asked(name: str, column: str) -> Any:
        return table(name).select(pl.len(), pl.col(column).cast(whole).sum()).collect().row(0)

    return found | told(asked)


def _replaced(ids: pl.Series, kind: str) -> pl.Series:
    """The pseudonyms of a batch, each different id hashed once."""
    different = ids.unique().drop_nulls().to_list()
    return ids.replace_strict(different, [pseudonym(kind, one) for one in different], default=None, return_dtype=pl.String)


if __name__ == "__main__":
    run(refine)
