"""``silver.sessions``: visits, cut where a visitor was idle."""

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from expectations.silver.sessions import SUITE
from jobs.contract import Column, Table
from jobs.silver.events import EVENTS
from jobs.step import EventDays, Read, Step, Write

IDLE_MINUTES = 30
"""A gap longer than this ends a session (the field's usual rule, Google Analytics among them)."""

SESSIONS = Table(
    name="silver.sessions",
    doc="One row a session. Empty for a source that knows only the day of an event: order within a day is unknown there. A session "
    "ends after 30 idle minutes; a visitor without one idle gap in a whole UTC day (a bot) gets a new one at midnight.",
    columns=(
        Column("session_id", "string", "Hash of the visitor and the first instant."),
        Column("session_date", "date", "UTC day on which it began."),
        Column("user_id", "string", "Pseudonym of the user that was known first; NULL for a guest.", nullable=True),
        Column("anonymous_id", "string", "Pseudonym of the device or browser.", nullable=True),
        Column("started_at", "timestamp", "First event."),
        Column("ended_at", "timestamp", "Last event."),
        Column("duration_seconds", "bigint", "From the first to the last event."),
        Column("event_count", "int", "Events."),
        Column("distinct_items", "int", "Different items."),
        Column("channel", "string", "Channel of the earliest event that names one.", nullable=True),
        Column("has_cart", "boolean", "Whether something was added to the cart."),
        Column("has_purchase", "boolean", "Whether something was bought."),
    ),
    key=("session_date", "session_id"),
    partitioned_by="session_date",
)


def sessionize(events: DataFrame) -> DataFrame:
    """The events that belong to a session, each with ``visitor_id``, ``session_started_at`` and ``session_id``.

    A visitor is a device where the source knows it, otherwise a user. Right for sessions that begin on a day whose neighbours are in
    ``events`` too: where a session begins depends on the day before, where it ends on the day after.
    """
    visits = events.where(F.col("time_resolution") == "second").withColumn("visitor_id", F.coalesce("anonymous_id", "user_id"))
    visits = visits.where(F.col("visitor_id").isNotNull())
    in_order = Window.partitionBy("visitor_id").orderBy("occurred_at", "event_id")
    same_day = Window.partitionBy("visitor_id", "event_date")
    idle = IDLE_MINUTES * 60
    seconds = F.unix_micros("occurred_at") / 1e6
    midnight = F.unix_micros(F.col("event_date").cast("timestamp")) / 1e6
    visits = visits.withColumn("_gap", seconds - F.lag(seconds).over(in_order)).withColumn("_of_day", seconds - midnight)
    day_gap = F.coalesce(F.max(F.when(F.col("_of_day") > F.col("_gap"), F.col("_gap"))).over(same_day), F.lit(0.0))
    no_gap = (day_gap <= idle) & (F.min("_of_day").over(same_day) <= idle) & (F.max("_of_day").over(same_day) >= 86_400 - idle)
    visits = visits.withColumn("_is_restless", no_gap)
    new_day = F.lag("event_date").over(in_order) != F.col("event_date")
    begins = F.col("_gap").isNull() | (F.col("_gap") > idle) | (new_day & F.lag("_is_restless").over(in_order))
    started = F.when(begins, F.col("occurred_at"))
    visits = visits.withColumn("session_started_at", F.last(started, ignorenulls=True).over(in_order))
    session_id = F.substring(F.sha2(F.concat_ws("|", "visitor_id", F.unix_micros("session_started_at").cast("string")), 256), 1, 32)
    return visits.withColumn("session_id", session_id).drop("_gap", "_of_day", "_is_restless")


def build(events: DataFrame) -> DataFrame:
    """One row a session of the events' days; the margins' sessions may be cut short and are not for keeping."""
    order = F.struct("occurred_at", "event_id")

    def earliest(name: str) -> SparkColumn:
        return F.min(F.when(F.col(name).isNotNull(), F.struct(order.alias("order"), F.col(name).alias("value"))))["value"].alias(name)

    def ever(event_type: str) -> SparkColumn:
        return F.max(F.col("event_type") == event_type)

    return (
        sessionize(events)
        .groupBy("session_id", F.col("session_started_at").alias("started_at"))
        .agg(
            earliest("user_id"),
            earliest("anonymous_id"),
            F.max("occurred_at").alias("ended_at"),
            F.count("*").cast("int").alias("event_count"),
            F.count_distinct("item_id").cast("int").alias("distinct_items"),
            earliest("channel"),
            ever("add_to_cart").alias("has_cart"),
            ever("purchase").alias("has_purchase"),
        )
        .withColumn("session_date", F.to_date("started_at"))
        .withColumn("duration_seconds", F.unix_seconds("ended_at") - F.unix_seconds("started_at"))
        .select(*SESSIONS.column_names)
    )


STEP = Step(
    reads=(Read(EVENTS, before=2, after=2),),
    writes=(Write(SESSIONS, SUITE, EventDays(before=1, after=1)),),
    build=build,
)
