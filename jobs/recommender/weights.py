"""How much an interaction says about taste: a weight an event type, halved every so many days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

MICRO = 1_000_000
"""Weights are summed as integers of this fraction, so that the order of the rows cannot change a sum."""

EVENT_WEIGHTS: Mapping[str, float] = {"view_item": 1.0, "add_to_wishlist": 2.0, "add_to_cart": 3.0, "purchase": 5.0}
"""Weight of one event; a type that is not named (search, remove_from_cart, refund ...) says nothing about taste."""


@dataclass(frozen=True)
class Weighting:
    """Declared parameters, applied when interactions are read.

    ``half_life_days`` is the age at which an event counts half.
    """

    half_life_days: float
    event_weights: Mapping[str, float] = field(default_factory=lambda: dict(EVENT_WEIGHTS), hash=False)

    def __post_init__(self) -> None:
        if self.half_life_days <= 0 or any(weight < 0 for weight in self.event_weights.values()):
            message = f"a half-life is positive and weights are not negative: {self}"
            raise ValueError(message)


def signals(interactions: DataFrame, weighting: Weighting, as_of: date) -> DataFrame:
    """What models learn from and are asked with (``SIGNALS_FRAME``): rows of ``gold.interactions`` up to the end of ``as_of``.

    ``weight`` is log(1 + decayed sum of event weights) > 0 of a user and item, Hu, Koren & Volinsky's (2008, eq. 6): the hundredth click
    says less than the first. ``last_at`` is when the two met last; the start of that day in partitions that were written before
    ``gold.interactions`` had the moment.
    """
    last_at = F.max(F.coalesce("last_at", F.col("event_date").cast("timestamp"))).alias("last_at")
    found = _weighed(interactions, weighting, as_of, ("user_id", "item_id"), last_at)
    return found.select("user_id", "item_id", F.log1p("_weight").alias("weight"), "last_at")


def popularity(interactions: DataFrame, weighting: Weighting, as_of: date, *groups: str) -> DataFrame:
    """One row an item that somebody was interested in: ``item_id``, ``score double`` > 0, the decayed sum over all users.

    With ``groups``, columns of the interactions, one row an item and group.
    """
    return _weighed(interactions, weighting, as_of, (*groups, "item_id")).withColumnRenamed("_weight", "score")


def _weighed(interactions: DataFrame, weighting: Weighting, as_of: date, keys: Sequence[str], *more: Column) -> DataFrame:
    age_days = F.datediff(F.lit(as_of), "event_date")
    decayed = _event_weight(weighting) * F.col("event_count") * F.pow(F.lit(0.5), age_days / F.lit(weighting.half_life_days))
    micro = F.round(decayed * MICRO).cast("bigint")
    known = interactions.where((F.col("event_date") <= F.lit(as_of)) & F.col("event_type").isin(*weighting.event_weights))
    summed = known.groupBy(*keys).agg(F.sum(micro).alias("_micro"), *more).where("_micro > 0")
    return summed.withColumn("_weight", F.col("_micro") / MICRO).drop("_micro")


def _event_weight(weighting: Weighting) -> Column:
    weight = F.lit(0.0)
    for event_type, value in weighting.event_weights.items():
        weight = F.when(F.col("event_type") == event_type, F.lit(value)).otherwise(weight)
    return weight
