"""Popularity: what most people were interested in. The rival in every table, and the last link of every chain."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, valid
from jobs.recommender.ranker import Scores
from jobs.recommender.weights import MICRO


@dataclass(frozen=True)
class Popularity:
    """The summed weight of each item, the same for everybody, somebody without a history included."""

    item_ids: pa.Array
    sums: npt.NDArray[np.float64]
    name: str = "popularity"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``."""
        return np.tile(self.sums, (histories.users, 1))


@dataclass(frozen=True)
class PopularityTrainer:
    """Sums weights; a decay with time is in the weights already."""

    name: str = "popularity"

    def fit(self, signals: DataFrame) -> Popularity:
        """As ``Trainer.fit``; any size."""
        weight = F.sum(F.round(F.col("weight") * MICRO).cast("bigint")).alias("micro")
        sums = valid(signals).groupBy("item_id").agg(weight).toArrow().sort_by("item_id").combine_chunks()
        ids = pa.array(sums["item_id"].to_pylist(), pa.string())
        return Popularity(ids, sums["micro"].to_numpy().astype(np.float64) / MICRO)
