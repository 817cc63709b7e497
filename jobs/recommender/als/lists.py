"""Lists for everybody whom a fit has learnt from, from the rows that it left in its store: no history is read again."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.recommender.als.best import Ordered
from jobs.recommender.als.blocks import USERS, Extent, name
from jobs.recommender.als.fit import Fitted
from jobs.recommender.als.store import ArrayStore
from jobs.recommender.histories import places
from jobs.recommender.slates import LeftOut

LIST_FRAME = "user_hash bigint, items array<string>, scores array<double>"
"""One row a user: items and their scores, the best first; ``user_hash`` as ``with_user_ids`` undoes it."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Catalogue:
    """The items that are on offer, in the order of their ids, and where each row of the items' blocks stands among them (-1: nowhere)."""

    item_ids: pa.Array
    factors: npt.NDArray[np.float32]
    place: Integers

    @classmethod
    def of(cls, fitted: Fitted, found: Extent, offered: pa.Array | None) -> "Catalogue":
        """Of those of ``offered`` that the fit knows; None: of all that it knows."""
        kept = np.arange(len(fitted.item_ids)) if offered is None else np.flatnonzero(places(fitted.item_ids, offered) >= 0)
        place = np.full(len(fitted.item_ids), -1, np.int64)
        place[kept] = np.arange(len(kept))
        return cls(fitted.item_ids.take(pa.array(kept)), fitted.factors[kept], place[found.order])

    @cached_property
    def ordered(self) -> Ordered:
        """For the search; made once a process."""
        return Ordered(self.factors.astype(np.float64))


def lists(spark: SparkSession, fitted: Fitted, store: ArrayStore, found: Extent, k: int, *, offered: pa.Array | None = None) -> DataFrame:
    """The ``k`` best items ``offered`` (ids; None: all) to each user without those that the user had in the training, as ``LIST_FRAME``.

    As ``slates.best`` orders them: rounded scores, ties by id. Caps and other rules of places depend on the places before, and are for
    ``chain.Chain``. The store must still hold the fit's arrays when the frame is computed.
    """
    shared = spark.sparkContext.broadcast(Catalogue.of(fitted, found, offered))
    factors, turn, blocks = fitted.user_factors, fitted.user_turn, len(fitted.user_rows)

    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        catalogue = shared.value
        for batch in batches:
            for block in batch.column("id").to_pylist():
                rows, starts, neighbours, hashes = (
                    store.read(name(USERS, block, what)) for what in (factors, "starts", "neighbours", "hashes")
                )
                users = rows[:, : len(turn)].astype(np.float64) @ turn
                seen = catalogue.place[neighbours]
                row = np.repeat(np.arange(len(rows)), np.diff(starts))[seen >= 0]
                best = catalogue.ordered.best(users, LeftOut.of_pairs(len(rows), row, seen[seen >= 0]), k)
                ends = pa.array(np.concatenate([[0], np.cumsum(best.filled)]).astype(np.int32))
                yield pa.RecordBatch.from_arrays(
                    [
                        pa.array(hashes.view(np.int64)),
                        pa.ListArray.from_arrays(ends, catalogue.item_ids.take(pa.array(best.positions[best.given]))),
                        pa.ListArray.from_arrays(ends, pa.array(best.scores[best.given])),
                    ],
                    ["user_hash", "items", "scores"],
                )

    return spark.range(0, blocks, 1, blocks).mapInArrow(answer, LIST_FRAME)  # type: ignore[arg-type]


def with_user_ids(found: DataFrame, signals: DataFrame, extent: Extent) -> DataFrame:
    """The same rows with ``user_id`` for its hash; ``signals`` are those that were learnt from."""
    users = signals.select("user_id").distinct().select("user_id", F.xxhash64(F.lit(extent.salt), "user_id").alias("user_hash"))
    return users.join(found, "user_hash").drop("user_hash")
