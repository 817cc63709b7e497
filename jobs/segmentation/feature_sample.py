"""Users as they were known some days ago, and what they have done since: what a feature report learns from."""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold import user_features
from jobs.gold.user_features import USER_FEATURES
from jobs.segmentation.sample import first_by_hash

HORIZON_DAYS = 7
MOST_USERS = 5_000

FIGURES = tuple(column.name for column in USER_FEATURES.columns if column.type in {"int", "bigint", "double"})
"""The columns of gold.user_features that are numbers."""

TARGETS: Mapping[str, str] = {
    "comes_back": f"recency_days < {HORIZON_DAYS}",
    "buys": f"coalesce(purchase_recency_days < {HORIZON_DAYS}, false)",
}
"""What is to be foretold of the next HORIZON_DAYS days, as conditions on the features at their end."""


def draw(events: DataFrame, order_lines: DataFrame, observations: DataFrame, now: DataFrame, *, as_of: date, seed: int) -> pa.Table:
    """At most MOST_USERS users with FIGURES as they were known HORIZON_DAYS before ``as_of`` and TARGETS as they turned out.

    In the order of a hash of id and seed. ``now`` are the features of ``as_of``. Empty where nobody was known then.
    """
    then = user_features.build(events, order_lines, observations, as_of=as_of - timedelta(days=HORIZON_DAYS)).select("user_id", *FIGURES)
    turned_out = now.where(F.col("as_of_date") == F.lit(as_of)).select(
        "user_id", *[F.expr(told).alias(name) for name, told in TARGETS.items()]
    )
    return first_by_hash(then.join(turned_out, "user_id"), seed=seed, users=MOST_USERS).drop("user_id").toArrow()


def split(drawn: pa.Table) -> tuple[pa.Table, dict[str, npt.NDArray[np.bool_]]]:
    """The features, and each target as truths."""
    outcomes = {name: pc.fill_null(drawn[name], fill_value=False).to_numpy() for name in TARGETS}
    return drawn.select(list(FIGURES)), outcomes
