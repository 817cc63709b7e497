"""The bare script that the platform is measured against: landed files to the tables of bronze, silver and gold, and nothing else.

Plain DataFrame code as one would write it for one shop: Spark's own reader of text, ``from_json``, filters, and a new Iceberg table for
each result. No marker is checked, no file hashed, nothing staged on a branch, audited, measured, counted or recorded; a line that breaks
a rule is gone without a reason; a day that is loaded twice is there twice. The files are read from a local folder, without the way
through the object store that the platform's reader takes.

The rows are the same, so what makes rows from rows is the platform's own code: pseudonyms (``jobs.privacy``), the copy that stays
(``first_delivery``, ``last_word``) and the pure builds of items, sessions and gold. Parsing and filters are written here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from pydantic import SecretStr
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.landed_shop import DAY, SOURCE
from expectations.vocabulary import EVENT_TYPES, EVENT_TYPES_WITHOUT_ITEM
from jobs.gold import daily_funnels, daily_item_stats, interactions, item_features, user_features
from jobs.privacy import pseudonymise
from jobs.silver import items, sessions
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.order_lines import ORDER_LINES
from jobs.silver.parsing import first_delivery, last_word
from jobs.sources.source import EVENT_COLUMNS, ITEM_COLUMNS, ORDER_LINE_COLUMNS

CORRUPT = "_corrupt"
LINE = (1 << 33) - 1
"""Of a number that Spark gives each row: the part that counts within a partition, which here is a file."""


@dataclass
class BareRefine:
    """One day of one shop; ``seconds`` by layer."""

    spark: SparkSession
    landing: Path
    key: SecretStr
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Make all tables, layer by layer."""
        for layer in (self.bronze, self.silver, self.gold):
            began = perf_counter()
            layer()
            self.seconds[layer.__name__] = perf_counter() - began

    def bronze(self) -> None:
        """One row a line."""
        self.spark.conf.set("spark.sql.files.openCostInBytes", str(128 << 20))  # a file a partition, so that lines can be numbered
        for feed in ("events", "orders", "items"):
            files = self.spark.read.text(str(self.landing / "landing" / SOURCE / feed / "*" / "*.gz"))
            key = F.substring_index(F.col("_metadata.file_path"), "/landing/", -1)
            lines = files.select(
                F.lit(SOURCE).alias("source"),
                F.to_date(F.split_part(key, F.lit("/"), F.lit(3))).alias("landed_date"),
                F.concat(F.lit("landing/"), key).alias("source_file"),
                (F.monotonically_increasing_id().bitwiseAND(LINE) + 1).alias("line_number"),
                F.to_timestamp(F.split_part(key, F.lit("/"), F.lit(3))).alias("landed_at"),
                F.col("value").alias("raw_line"),
            )
            self.create(f"bronze.{feed}", lines, "landed_date")

    def silver(self) -> None:
        """One row an event, order line, observation, item version, session."""
        self.create("silver.events", self.events().select(*EVENTS.column_names), "event_date")
        self.create("silver.order_lines", self.order_lines().select(*ORDER_LINES.column_names), "ordered_date")
        self.create("silver.item_observations", self.observations().select(*ITEM_OBSERVATIONS.column_names), "observed_date")
        self.create("silver.items", items.build(self.table("silver.item_observations")))
        self.create("silver.sessions", sessions.build(self.table("silver.events")), "session_date")

    def gold(self) -> None:
        """One row a user, item and type; an item; a channel; each by day; a user and an item as of the day."""
        events, order_lines = self.table("silver.events"), self.table("silver.order_lines")
        self.create("gold.interactions", interactions.build(events, order_lines), "event_date")
        self.create("gold.daily_item_stats", daily_item_stats.build(events, order_lines), "event_date")
        self.create("gold.daily_funnels", daily_funnels.build(events), "event_date")
        observations = self.table("silver.item_observations")
        self.create("gold.user_features", user_features.build(events, order_lines, observations, as_of=DAY), "as_of_date")
        self.create("gold.item_features", item_features.build(events, order_lines, observations, as_of=DAY), "as_of_date")

    def events(self) -> DataFrame:
        """Events that break no rule, each once."""
        rows = self.parsed("events", EVENT_COLUMNS).withColumn("event_date", F.to_date("occurred_at"))
        rows = rows.withColumn("time_resolution", F.lit("second"))
        kept = rows.where(
            F.col("event_id").isNotNull()
            & F.col("event_type").isin(*EVENT_TYPES)
            & (F.col("item_id").isNotNull() | F.col("event_type").isin(*EVENT_TYPES_WITHOUT_ITEM))
            & _in_time("event_date")
            & F.coalesce(F.col("unit_price_minor").between(0, 100_000_000), F.lit(True))
            & F.coalesce(F.col("quantity").between(1, 1_000_000), F.lit(True))
        )
        return first_delivery(pseudonymise(kept, {"user_id": "user", "anonymous_id": "anonymous"}, self.key), EVENTS.key)

    def order_lines(self) -> DataFrame:
        """Order lines that break no rule, each once."""
        rows = self.parsed("orders", {**ORDER_LINE_COLUMNS, "line_number": "int"}, line_number="_of_order")
        rows = rows.withColumn("ordered_date", F.to_date("ordered_at"))
        rows = rows.withColumn("order_line_id", F.concat_ws("-", "order_id", "_of_order"))
        kept = rows.where(
            F.col("order_id").isNotNull()
            & F.col("_of_order").isNotNull()
            & F.col("item_id").isNotNull()
            & F.col("kind").isin("sale", "refund")
            & _in_time("ordered_date")
            & F.coalesce(F.col("unit_price_minor").between(0, 100_000_000), F.lit(True))
            & F.col("quantity").between(1, 1_000_000)
        )
        return first_delivery(pseudonymise(kept, {"user_id": "user"}, self.key), ORDER_LINES.key)

    def observations(self) -> DataFrame:
        """What was said last of an item on a day."""
        rows = self.parsed("items", ITEM_COLUMNS).withColumn("observed_date", F.to_date("observed_at"))
        kept = rows.where(F.col("item_id").isNotNull() & _in_time("observed_date"))
        return last_word(kept, ITEM_OBSERVATIONS.key)

    def parsed(self, feed: str, kinds: Mapping[str, str], **renamed: str) -> DataFrame:
        """The lines that are JSON, with their fields beside where they came from."""
        schema = ", ".join(f"{name} {'string' if kind == 'timestamp' else kind}" for name, kind in kinds.items())
        record = F.from_json("raw_line", f"{schema}, {CORRUPT} string", {"columnNameOfCorruptRecord": CORRUPT})
        fields = [
            (F.try_to_timestamp(F.col("_record")[name]) if kind == "timestamp" else F.col("_record")[name]).alias(renamed.get(name, name))
            for name, kind in kinds.items()
        ]
        lines = self.table(f"bronze.{feed}").withColumn("_record", record)
        return lines.where(F.col("_record")[CORRUPT].isNull()).select(*fields, "source", "landed_date", "source_file", "line_number")

    def table(self, name: str) -> DataFrame:
        """A table that was made."""
        return self.spark.table(f"lake.{name}")

    def create(self, name: str, rows: DataFrame, partitioned_by: str | None = None) -> None:
        """Write a new table."""
        self.spark.sql(f"CREATE NAMESPACE IF NOT EXISTS lake.{name.partition('.')[0]}")
        writer = rows.writeTo(f"lake.{name}").using("iceberg")
        (writer.partitionedBy(F.col(partitioned_by)) if partitioned_by else writer).create()


def _in_time(day: str) -> Column:
    return F.datediff("landed_date", day).between(-1, 3)
