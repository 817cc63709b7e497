"""``gold.daily_funnels``: how far visits get on their way to an order."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.gold.daily_funnels import SUITE
from jobs.contract import Column, Table
from jobs.silver.events import EVENTS
from jobs.silver.sessions import sessionize
from jobs.step import EventDays, Read, Step, Write

STAGES = {"viewed": "view_item", "carted": "add_to_cart", "checkout": "begin_checkout", "purchased": "purchase"}
"""Stage -> the event that reaches it, in the order of the funnel."""

ORDERED = ("view_item", "add_to_cart", "purchase")
"""The steps whose order is counted; a shop without a checkout page has no begin_checkout."""

UNKNOWN_CHANNEL = "(unknown)"

DAILY_FUNNELS = Table(
    name="gold.daily_funnels",
    doc="One row a UTC day, basis and channel. The basis session counts sessions by the day of their first event; user_day, for sources "
    "that know only the day, counts a user's day, so that it shows co-occurrence and not order.",
    columns=(
        Column("event_date", "date", "UTC day on which the visit began."),
        Column("basis", "string", "session or user_day."),
        Column("channel", "string", "Marketing channel of the visit's earliest event that names one; (unknown) where none does."),
        Column("visit_count", "bigint", "Visits."),
        Column("viewed_count", "bigint", "Visits that viewed an item."),
        Column("carted_count", "bigint", "Visits that put an item in the cart."),
        Column("checkout_count", "bigint", "Visits that began a checkout."),
        Column("purchased_count", "bigint", "Visits that bought."),
        Column("viewed_then_carted_count", "bigint", "Visits that viewed an item and then, or at that instant, filled the cart."),
        Column(
            "viewed_then_carted_then_purchased_count",
            "bigint",
            "Visits that went the whole way in that order; a visit that skipped a stage is not among them.",
        ),
    ),
    key=("event_date", "basis", "channel"),
    partitioned_by="event_date",
)


def build(events: DataFrame) -> DataFrame:
    """One row a day, basis and channel; a day is that of the visit's first event."""
    sessions = sessionize(events).select(
        F.to_date("session_started_at").alias("event_date"),
        F.lit("session").alias("basis"),
        F.col("session_id").alias("visit_id"),
        "occurred_at",
        "event_id",
        "event_type",
        "channel",
    )
    visitor = F.coalesce("anonymous_id", "user_id")
    user_days = events.where((F.col("time_resolution") == "day") & visitor.isNotNull()).select(
        "event_date", F.lit("user_day").alias("basis"), visitor.alias("visit_id"), "occurred_at", "event_id", "event_type", "channel"
    )
    visits = _visits(sessions.unionByName(user_days))
    return (
        visits.groupBy("event_date", "basis", "channel")
        .agg(
            F.count("*").alias("visit_count"),
            *[F.count_if(stage).alias(f"{stage}_count") for stage in STAGES],
            F.count_if(F.col("steps_in_order") >= 2).alias("viewed_then_carted_count"),
            F.count_if(F.col("steps_in_order") >= 3).alias("viewed_then_carted_then_purchased_count"),
        )
        .select(*DAILY_FUNNELS.column_names)
    )


def _visits(events: DataFrame) -> DataFrame:
    """One row a visit: its channel, whether it reached each stage, and how many steps of ORDERED it took in that order.

    Steps at the same instant count as taken in the funnel's order, so that a source that knows only the day counts co-occurrence.
    """
    named = F.when(F.col("channel").isNotNull(), F.struct("occurred_at", "event_id", "channel"))
    step = F.array_position(F.array(*[F.lit(event_type) for event_type in ORDERED]), F.col("event_type"))
    steps = F.sort_array(F.collect_list(F.when(step > 0, F.struct("occurred_at", step.alias("step")))))
    taken = F.aggregate(steps, F.lit(0), lambda sofar, one: F.when(one["step"] == sofar + 1, sofar + 1).otherwise(sofar))
    return events.groupBy("event_date", "basis", "visit_id").agg(
        F.coalesce(F.min(named)["channel"], F.lit(UNKNOWN_CHANNEL)).alias("channel"),
        *[F.max(F.col("event_type") == event_type).alias(stage) for stage, event_type in STAGES.items()],
        taken.alias("steps_in_order"),
    )


STEP = Step(
    reads=(Read(EVENTS, before=2, after=2),),
    writes=(Write(DAILY_FUNNELS, SUITE, EventDays(before=1, after=1)),),
    build=build,
)
