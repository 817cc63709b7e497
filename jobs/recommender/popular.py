"""What is popular in a shop: the rival in every table, the last link of every chain, and what serves until something beats it."""

from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.recommender import weights
from jobs.recommender.models.popularity import Popularity
from jobs.recommender.weights import Weighting

POPULARITY_WEIGHTING = Weighting(half_life_days=14.0)
"""Chosen in the rival's favour: shorter half-lives lost on real logs."""


def popular(interactions: DataFrame, as_of: date, shelf: DataFrame | None = None) -> Popularity:
    """Decayed sums by item, up to the end of ``as_of``.

    It knows every item of ``shelf`` (item_id) too: one that nobody touched has 0 and comes last, so that no list is short while the shelf
    has more.
    """
    scores = weights.popularity(interactions, POPULARITY_WEIGHTING, as_of)
    if shelf is not None:
        known = shelf.where("item_id IS NOT NULL").select("item_id").distinct()
        scores = known.join(scores, "item_id", "full").fillna(0.0, ["score"])
    table = scores.toArrow().sort_by("item_id").combine_chunks()
    return Popularity(pa.array(table["item_id"].to_pylist(), pa.string()), table["score"].to_numpy().astype(np.float64))
