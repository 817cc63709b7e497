"""What users did, as tags ask for it: one row a user, one column an act, from what had landed by the as-of day."""

from collections.abc import Collection
from datetime import date, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.segmentation.tags.expression import Act
from jobs.silver.order_lines import event_type_of_line

_DONE, _BY_DAY = "_done", "_by_day"


def answers(events: DataFrame, order_lines: DataFrame, acts: Collection[Act], *, as_of: date) -> DataFrame:
    """``user_id`` and the column of each act, for every user with one of their types; one shuffle by user.

    Purchases and refunds are order lines, everything else is silver.events. A sequence is found when its types were done one after the
    other, whatever came between. Where only the day of one of a user's acts is known, those of one day count as done in the asked order.
    """
    wanted = sorted(acts, key=lambda act: act.column)
    done = _done(events, order_lines, {name for act in wanted for name in act.types}, _reach(wanted, as_of), as_of)
    age_days = F.datediff(F.lit(as_of), "done_date")

    def is_recent(act: Act) -> Column:
        return F.lit(True) if act.days is None else age_days < act.days

    counts = [F.count_if((F.col("event_type") == act.types[0]) & is_recent(act)).alias(act.column) for act in wanted if not act.is_sequence]
    sequences = [act for act in wanted if act.is_sequence]
    if not sequences:
        return done.groupBy("user_id").agg(*counts)
    of_sequence = F.lit(False)
    for act in sequences:
        of_sequence |= F.col("event_type").isin(*act.types) & is_recent(act)
    entry = F.struct("done_at", "event_type", "done_date")
    by_day = F.coalesce(F.bool_or(of_sequence & F.col("is_of_day")), F.lit(False)).alias(_BY_DAY)
    found = done.groupBy("user_id").agg(*counts, F.collect_list(F.when(of_sequence, entry)).alias(_DONE), by_day)
    return found.select("user_id", *[act.column for act in wanted if not act.is_sequence], *[_in_order(act, as_of) for act in sequences])


def _reach(acts: Collection[Act], as_of: date) -> date | None:
    """The first day that any act asks about; None where one asks about all."""
    spans = [act.days for act in acts]
    return None if None in spans else as_of - timedelta(days=max((span for span in spans if span is not None), default=1) - 1)


def _done(events: DataFrame, order_lines: DataFrame, types: Collection[str], first_day: date | None, as_of: date) -> DataFrame:
    def known(rows: DataFrame, day: str) -> DataFrame:
        had_landed = (F.col(day) <= F.lit(as_of)) & (F.col("landed_date") <= F.lit(as_of)) & F.col("user_id").isNotNull()
        return rows.where(had_landed if first_day is None else had_landed & (F.col(day) >= F.lit(first_day)))

    seen = known(events, "event_date").where(F.col("event_type").isin(*types) & ~F.col("event_type").isin("purchase", "refund"))
    kinds = event_type_of_line()
    bought = known(order_lines, "ordered_date").where(kinds.isin(*types))
    is_midnight = F.col("ordered_at") == F.date_trunc("day", "ordered_at")
    return seen.select(
        "user_id",
        "event_type",
        F.col("occurred_at").alias("done_at"),
        F.col("event_date").alias("done_date"),
        (F.col("time_resolution") == "day").alias("is_of_day"),
    ).unionByName(
        bought.select(
            "user_id",
            kinds.alias("event_type"),
            F.col("ordered_at").alias("done_at"),
            F.col("ordered_date").alias("done_date"),
            is_midnight.alias("is_of_day"),
        )
    )


def _in_order(act: Act, as_of: date) -> Column:
    """Whether the act's types follow each other: each entry takes the sequence a step further when it is the next type."""
    types = F.array(*[F.lit(name) for name in act.types])
    first_day = F.lit(as_of - timedelta(days=(act.days or 1) - 1))
    mine = F.filter(_DONE, lambda one: one["event_type"].isin(*act.types) & (one["done_date"] >= first_day))

    def placed(one: Column) -> Column:
        # Nothing that depends on the whole list may stand in here: it would be worked out for every entry.
        at = F.when(F.col(_BY_DAY), one["done_date"].cast("timestamp")).otherwise(one["done_at"])
        return F.struct(at.alias("at"), F.array_position(types, one["event_type"]).alias("step"), one["event_type"].alias("event_type"))

    ordered = F.array_sort(F.transform(mine, placed))
    steps = F.aggregate(ordered, F.lit(0), lambda done, one: F.when(F.get(types, done) == one["event_type"], done + 1).otherwise(done))
    return (steps == len(act.types)).alias(act.column)
