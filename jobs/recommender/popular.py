"""What is popular in a shop: the rival in every table, the last link of every chain, and what serves until something beats it."""

from datetime import date

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.gold import user_segments
from jobs.recommender import weights
from jobs.recommender.histories import places, whole_column
from jobs.recommender.models.popularity import CategoryPopularity, Popularity, SegmentPopularity
from jobs.recommender.ranker import Ranker
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


def segments_on(features: DataFrame | None, day: date) -> DataFrame | None:
    """The RFM segment (user_id, segment) of each user of ``gold.user_features``, as of its newest day up to ``day``; None without such."""
    newest = features.where(F.col("as_of_date") <= F.lit(day)).agg(F.max("as_of_date")).first() if features is not None else None
    if features is None or newest is None or newest[0] is None:
        return None
    return user_segments.build(features, as_of=newest[0], model=None).select("user_id", F.col("rfm_segment").alias("segment"))


def local(popular: Popularity, interactions: DataFrame, as_of: date, shelf: DataFrame, segments: DataFrame | None) -> tuple[Ranker, ...]:
    """What fills the places that a model leaves, before ``popular`` does: what is popular in a user's categories, then in the segment.

    ``shelf`` is ``SHELF_FRAME``; without ``segments`` (user_id, segment) there is none of the second. The driver holds a figure an item
    and segment.
    """
    listed = shelf.select("item_id", "category_id").toArrow().sort_by("item_id")
    at = places(popular.item_ids, whole_column(listed, "item_id"))
    of_items = whole_column(listed, "category_id").take(pa.array(at, mask=at < 0))
    by_category = CategoryPopularity.of(popular, of_items)
    if segments is None:
        return (by_category,)
    sums = weights.popularity(interactions.join(segments, "user_id"), POPULARITY_WEIGHTING, as_of, "segment").toArrow()
    names = pa.array(sorted(set(sums["segment"].to_pylist())), pa.string())
    table = np.zeros((len(names), len(popular.item_ids)))
    rows, columns = places(whole_column(sums, "segment"), names), places(whole_column(sums, "item_id"), popular.item_ids)
    table[rows[columns >= 0], columns[columns >= 0]] = sums["score"].to_numpy()[columns >= 0]
    return by_category, SegmentPopularity.of(popular, names, table)
