"""Implicit matrix factorisation by alternating least squares (Hu, Koren & Volinsky 2008), fitted by Spark MLlib."""

import math
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from pyspark import StorageLevel
from pyspark.ml import recommendation as mllib
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.positions import positions
from jobs.recommender.scoring import item_block, slates
from jobs.recommender.weights import Weighting, preferences

RATINGS_A_BLOCK = 2_000_000
"""Blocks grow with the data, never with the cluster: the sums of a fit depend on its blocks."""


@dataclass(frozen=True)
class AlsParameters:
    """What a fit depends on besides the data.

    ``alpha``: confidence gained by one unit of preference; ``regularisation``: scaled by each row's number of ratings (MLlib, ALS-WR).
    """

    rank: int = 32
    regularisation: float = 0.1
    alpha: float = 10.0
    iterations: int = 10
    seed: int = 17
    weighting: Weighting = field(default=Weighting(half_life_days=14.0))

    def as_dict(self) -> dict[str, Any]:
        """The parameters as plain values, for a log and for ``from_dict``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "AlsParameters":
        """The inverse of ``as_dict``."""
        return cls(**{**values, "weighting": Weighting(**values["weighting"])})


@dataclass(frozen=True)
class Ratings:
    """Preferences with whole numbers for ids: made once, fitted several times."""

    rows: DataFrame
    users: DataFrame
    items: DataFrame
    blocks: int


@dataclass(frozen=True)
class Factors:
    """A fitted model: ``user_factors`` (user_id, factors array<float>) and ``item_factors`` (item_id, factors)."""

    user_factors: DataFrame
    item_factors: DataFrame

    def recommend(self, users: DataFrame, k: int, exclude: DataFrame, candidates: DataFrame) -> DataFrame:
        """As ``Recommender.recommend``; a user without factors gets no row, an item without factors never comes up."""
        known = users.select("user_id").join(self.user_factors, "user_id")
        return slates(known, exclude, item_block(candidates, self.item_factors, None), k)


@dataclass(frozen=True)
class Filled:
    """Personal items first, popular ones in the places that they leave: every user gets ``k`` items when there are enough."""

    personal: Factors
    popularity: DataFrame

    def recommend(self, users: DataFrame, k: int, exclude: DataFrame, candidates: DataFrame) -> DataFrame:
        """As ``Recommender.recommend``; users without factors get what is popular."""
        rows = users.select("user_id").join(self.personal.user_factors, "user_id", "left")
        return slates(rows, exclude, item_block(candidates, self.personal.item_factors, self.popularity), k)


def ratings(interactions: DataFrame, weighting: Weighting, as_of: date) -> Ratings:
    """Read the interactions as ratings log(1 + preference), in an order and in blocks that depend on the data alone.

    The logarithm is Hu et al.'s (2008, eq. 6): the hundredth click says less than the first. Needs a checkpoint directory.
    """
    known = preferences(interactions, weighting, as_of).persist(StorageLevel.MEMORY_AND_DISK)
    users = positions(known, "user_id", "user_position")
    items = positions(known, "item_id", "item_position")
    blocks = max(2, math.ceil(known.count() / RATINGS_A_BLOCK))
    numbered = known.join(users, "user_id").join(items, "item_id")
    rows = (
        numbered.select("user_position", "item_position", F.log1p("weight").cast("float").alias("rating"))
        .repartition(blocks, "user_position")
        .sortWithinPartitions("user_position", "item_position")
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    return Ratings(rows, users, items, blocks)


def fit(rated: Ratings, parameters: AlsParameters) -> Factors:
    """Fit the factors; the same ratings and parameters give the same factors. No ratings give a model that knows nobody."""
    if rated.rows.isEmpty():
        nothing = F.lit(None).cast("array<float>").alias("factors")
        return Factors(rated.users.select("user_id", nothing), rated.items.select("item_id", nothing))
    model = mllib.ALS(
        rank=parameters.rank,
        regParam=parameters.regularisation,
        alpha=parameters.alpha,
        maxIter=parameters.iterations,
        seed=parameters.seed,
        implicitPrefs=True,
        numUserBlocks=rated.blocks,
        numItemBlocks=rated.blocks,
        checkpointInterval=5,
        userCol="user_position",
        itemCol="item_position",
        ratingCol="rating",
    ).fit(rated.rows)
    users = model.userFactors.select(F.col("id").alias("user_position"), F.col("features").alias("factors"))
    items = model.itemFactors.select(F.col("id").alias("item_position"), F.col("features").alias("factors"))
    return Factors(
        rated.users.join(users, "user_position").select("user_id", "factors"),
        rated.items.join(items, "item_position").select("item_id", "factors"),
    )


@dataclass(frozen=True)
class AlsTrainer:
    """ALS with fixed parameters."""

    parameters: AlsParameters = field(default_factory=AlsParameters)

    def fit(self, interactions: DataFrame, as_of: date) -> Factors:
        """As ``Trainer.fit``."""
        return fit(ratings(interactions, self.parameters.weighting, as_of), self.parameters)
