"""Recency, frequency, monetary: quintiles among buyers, and the named cells that a marketer acts on.

The quintile of a value is ``ceil(5 * F)`` with ``F`` the share of buyers whose value is at most as good (itself included). Users with
the same value therefore share a quintile always; the best value is in quintile 5; many ties make quintiles unequal, which is the truth.
"""

from collections.abc import Iterable, Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.segmentation.cells import Segment

QUINTILES = 5
NEW_VISITOR_DAYS = 7
ACTIVE_VISITOR_DAYS = 14


def _buyer(name: str, meaning: str, action: str, **bounds: tuple[int, int]) -> Segment:
    columns = {"r": "recency_quintile", "f": "frequency_quintile", "m": "monetary_quintile", "orders": "order_count"}
    return Segment(name, meaning, action, {"order_count": (1, 2**62)} | {columns[short]: bound for short, bound in bounds.items()})


def _visitor(name: str, meaning: str, action: str, **bounds: tuple[int, int]) -> Segment:
    return Segment(name, meaning, action, {"order_count": (0, 0)} | bounds)


_REPEAT = (2, 2**62)
SEGMENTS = (
    _buyer(
        "Champions",
        "Bought lately, often and for much.",
        "Reward them, show novelties first, ask for reviews.",
        r=(4, 5),
        f=(4, 5),
        m=(4, 5),
        orders=_REPEAT,
    ),
    _buyer(
        "New customers",
        "Bought once, lately.",
        "Welcome them and help with the second order.",
        r=(4, 5),
        orders=(1, 1),
    ),
    _buyer(
        "Loyal customers",
        "Buy often and have not gone quiet.",
        "Offer what goes with what they own; invite to the loyalty programme.",
        r=(3, 5),
        f=(4, 5),
        orders=_REPEAT,
    ),
    _buyer(
        "Big spenders",
        "Few orders, but large ones, not long ago.",
        "Show premium items rather than discounts.",
        r=(3, 5),
        m=(5, 5),
    ),
    _buyer(
        "Potential loyalists",
        "Came back lately, not yet often.",
        "Recommend from what they liked; a reason to return soon.",
        r=(4, 5),
        orders=_REPEAT,
    ),
    _buyer(
        "Need attention",
        "Average buyers, last order a while ago.",
        "Remind them, with a limited offer on what they viewed.",
        r=(3, 3),
    ),
    _buyer(
        "Cannot lose them",
        "Bought often and for much, long ago.",
        "Win them back in person, with a strong offer.",
        r=(1, 2),
        f=(4, 5),
        m=(4, 5),
        orders=_REPEAT,
    ),
    _buyer(
        "At risk",
        "Bought more than once, then went quiet.",
        "Send a reminder and a come-back offer now.",
        r=(1, 2),
        orders=_REPEAT,
    ),
    _buyer(
        "Hibernating",
        "Bought once, long ago.",
        "Low-cost contact only; test a come-back offer.",
        r=(1, 2),
    ),
    _visitor(
        "New visitors",
        f"First seen in the last {NEW_VISITOR_DAYS} days, nothing bought yet.",
        "Show best sellers and a first-order benefit.",
        tenure_days=(0, NEW_VISITOR_DAYS - 1),
    ),
    _visitor(
        "Cart abandoners",
        "Put items into a cart lately and never bought.",
        "Remind of the cart; remove doubts on delivery and returns.",
        add_to_cart_count=(1, 2**62),
        recency_days=(0, ACTIVE_VISITOR_DAYS - 1),
    ),
    _visitor(
        "Window shoppers",
        "Look around lately and never bought.",
        "Show what is popular in what they view.",
        recency_days=(0, ACTIVE_VISITOR_DAYS - 1),
    ),
    _visitor(
        "Dormant visitors",
        f"Never bought, not seen for {ACTIVE_VISITOR_DAYS} days or more.",
        "Leave alone, or one reactivation message.",
    ),
)
"""The cells in order: a user belongs to the first that holds. Every user meets one."""


def named_segment(user: Mapping[str, int]) -> str:
    """Name of the first segment that holds for a user's figures; an unknown monetary quintile is to be given as the frequency quintile."""
    return next(segment.name for segment in SEGMENTS if segment.holds(user))


def quintile_bounds(counts: Mapping[int, int]) -> tuple[int | None, ...]:
    """The highest value of quintile 1 or lower, 2 or lower, 3 or lower, 4 or lower, from value -> users; None where no user is so low.

    >>> quintile_bounds({1: 6, 2: 2, 3: 1, 9: 1})
    (None, None, 1, 2)
    """
    total, cumulative = sum(counts.values()), 0
    bounds: list[int | None] = [None] * (QUINTILES - 1)
    for value in sorted(counts):
        cumulative += counts[value]
        reached = -(-QUINTILES * cumulative // total)
        for quintile in range(reached, QUINTILES):
            bounds[quintile - 1] = value
    return tuple(bounds)


def quintile_of(value: int, bounds: Iterable[int | None]) -> int:
    """Quintile of a value, 1 to 5: one more than the number of bounds that it exceeds or that do not exist."""
    return 1 + sum(bound is None or value > bound for bound in bounds)


def quintile_column(value: Column, bounds: Column) -> Column:
    """The same on Spark columns: ``bounds`` is an array of four; NULL for a NULL value."""
    above = reduce(lambda a, b: a + b, (F.when(value <= bounds[i], 0).otherwise(1) for i in range(QUINTILES - 1)))
    return F.when(value.isNotNull(), (above + 1).cast("int"))


def bounds_frame(values: DataFrame) -> DataFrame:
    """One row: for each column of ``values`` (bigint, NULLs left out) an array of its four quintile bounds, NULL without any value.

    Exact for any size and partitioning: distinct values are counted, then ranked within buckets of neighbours. Only the bucket totals (at
    most some 30,000 a column, whatever the number of users) are ever in one task.
    """
    names = values.columns
    pairs = F.explode(F.array(*[F.struct(F.lit(name).alias("measure"), F.col(name).alias("value")) for name in names])).alias("pair")
    counted = values.select(pairs).select("pair.*").where("value IS NOT NULL").groupBy("measure", "value").agg(F.count("*").alias("users"))
    counted = counted.withColumn("bucket", _bucket(F.col("value")))
    buckets = counted.groupBy("measure", "bucket").agg(F.sum("users").alias("bucket_users"))
    so_far = Window.partitionBy("measure").orderBy("bucket")
    buckets = buckets.select(
        "measure",
        "bucket",
        (F.sum("bucket_users").over(so_far.rowsBetween(Window.unboundedPreceding, 0)) - F.col("bucket_users")).alias("users_below"),
        F.sum("bucket_users").over(Window.partitionBy("measure")).alias("users_total"),
    )
    within = Window.partitionBy("measure", "bucket").orderBy("value").rowsBetween(Window.unboundedPreceding, 0)
    ranked = counted.withColumn("users_within", F.sum("users").over(within)).join(buckets, ["measure", "bucket"])
    reached = F.expr(f"({QUINTILES} * (users_below + users_within) + users_total - 1) div users_total")

    def bound(name: str, quintile: int) -> Column:
        return F.max(F.when((F.col("measure") == name) & (reached <= quintile), F.col("value")))

    def bounds(name: str) -> Column:
        return F.when(F.count_if(F.col("measure") == name) > 0, F.array(*[bound(name, q) for q in range(1, QUINTILES)]))

    return ranked.agg(*[bounds(name).alias(name) for name in names])


def _bucket(value: Column) -> Column:
    """A number that never falls while the value rises and takes some 30,000 different ones: bit length, then the ten leading bits."""
    size = F.abs(value)
    length = F.when(size == 0, 0).otherwise(F.length(F.bin(size)))
    leading = F.expr("shiftright(abs(value), greatest(length(bin(abs(value))) - 10, 0))")
    return F.signum(value).cast("bigint") * (length * 1024 + leading)
