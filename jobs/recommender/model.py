"""The interface that every recommender has."""

from datetime import date
from typing import Protocol

from pyspark.sql import DataFrame

USER_FRAME = "user_id string"
PAIR_FRAME = "user_id string, item_id string"
SLATE_FRAME = "user_id string, item_id string, rank int, score double, model string"
"""What ``recommend`` returns: one row a user and rank; ``model`` says which recommender filled the place."""


class Recommender(Protocol):
    """Something fitted that ranks items for users."""

    def recommend(self, users: DataFrame, k: int, exclude: DataFrame, candidates: DataFrame) -> DataFrame:
        """Rank up to ``k`` of ``candidates`` (item_id) for each of ``users`` (user_id), without the pairs of ``exclude``.

        Ranks run from 1 without gaps, scores fall with them, equal scores are in the order of ``item_id``. A user whom the recommender
        does not know gets no row, unless it says otherwise. Columns are those of ``SLATE_FRAME``.
        """
        ...


class Trainer(Protocol):
    """Something with parameters that can be fitted."""

    def fit(self, interactions: DataFrame, as_of: date) -> Recommender:
        """Learn from rows of ``gold.interactions`` up to the end of ``as_of``; the same rows give the same model in any order."""
        ...
