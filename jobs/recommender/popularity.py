"""Popularity: what most people were interested in lately. The rival in every table, and what serves until something beats it."""

from dataclasses import dataclass, field
from datetime import date

from pyspark.sql import DataFrame

from jobs.recommender import weights
from jobs.recommender.scoring import item_block, slates
from jobs.recommender.weights import Weighting

POPULARITY_WEIGHTING = Weighting(half_life_days=14.0)
"""Chosen in the rival's favour: shorter half-lives lost on real logs."""


@dataclass(frozen=True)
class Popular:
    """The decayed sums by item. Knows every user, and every candidate: one that nobody touched has score 0 and comes last."""

    scores: DataFrame

    def recommend(self, users: DataFrame, k: int, exclude: DataFrame, candidates: DataFrame) -> DataFrame:
        """As ``Recommender.recommend``; unknown users are served too."""
        return slates(users.select("user_id"), exclude, item_block(candidates, None, self.scores), k)


@dataclass(frozen=True)
class PopularityTrainer:
    """Counts, weighted by event type and halved every ``half_life_days``."""

    weighting: Weighting = field(default=POPULARITY_WEIGHTING)

    def fit(self, interactions: DataFrame, as_of: date) -> Popular:
        """As ``Trainer.fit``."""
        return Popular(weights.popularity(interactions, self.weighting, as_of))
