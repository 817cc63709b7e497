"""Slates for many users at once: factors by blocks in native code, popularity where these leave a place empty."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.model import SLATE_FRAME
from jobs.recommender.served_recommender import matrix, top_k

ALS, POPULARITY = "als", "popularity"


@dataclass(frozen=True)
class ItemBlock:
    """All items that may be recommended, in the order of their ids; small enough for every worker's memory.

    ``personal`` are the positions that have a row in ``factors``; ``popular`` all positions that popularity may fill in, best first.
    """

    item_ids: pa.Array
    personal: npt.NDArray[np.int64]
    factors: npt.NDArray[np.float32]
    popular: npt.NDArray[np.int64]
    popular_scores: npt.NDArray[np.float64]


def item_block(candidates: DataFrame, item_factors: DataFrame | None, popularity: DataFrame | None) -> ItemBlock:
    """Collect the candidates (item_id) with their factors and popularity scores.

    ``item_factors`` (item_id, factors) and ``popularity`` (item_id, score) may each be absent: then nothing is personal, or no place is
    filled by popularity. A candidate without a score has popularity 0. It takes ``items x rank x 4`` bytes of driver memory.
    """
    rows = candidates.select("item_id").where("item_id IS NOT NULL").distinct()
    factors = item_factors.select("item_id", "factors") if item_factors is not None else None
    scores = popularity.select("item_id", "score") if popularity is not None else None
    rows = rows.join(factors, "item_id", "left") if factors is not None else rows.withColumn("factors", F.lit(None).cast("array<float>"))
    rows = rows.join(scores, "item_id", "left") if scores is not None else rows.withColumn("score", F.lit(None).cast("double"))
    table = rows.toArrow().sort_by("item_id").combine_chunks()
    item_ids = _flat(table["item_id"])
    has_factors = pc.is_valid(table["factors"])
    personal = np.flatnonzero(has_factors.to_numpy())
    known = table["factors"].filter(has_factors)
    score = pc.fill_null(table["score"], 0.0).to_numpy()
    popular = np.lexsort((np.arange(len(score)), -score)) if popularity is not None else np.zeros(0, dtype=np.int64)
    width = len(known[0]) if len(known) else 0
    factor_rows = matrix(known, width) if width else np.zeros((0, 0), dtype=np.float32)
    return ItemBlock(item_ids, personal.astype(np.int64), factor_rows, popular.astype(np.int64), score[popular])


def slates(users: DataFrame, exclude: DataFrame, block: ItemBlock, k: int) -> DataFrame:
    """One row a user and rank: personal items first, then popular ones until ``k`` places are filled or the block is exhausted.

    ``users`` has user_id and, where there is a personal model, ``factors array<float>`` (NULL for users it does not know).
    """
    wanted = users if "factors" in users.columns else users.withColumn("factors", F.lit(None).cast("array<float>"))
    seen = exclude.groupBy("user_id").agg(F.collect_set("item_id").alias("excluded"))
    rows = wanted.select("user_id", "factors").join(seen, "user_id", "left")
    shared = users.sparkSession.sparkContext.broadcast(block)

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield slate_batch(batch, shared.value, k)

    return rows.mapInArrow(score, SLATE_FRAME)


def slate_batch(batch: pa.RecordBatch, block: ItemBlock, k: int) -> pa.RecordBatch:
    """The slates of one batch of ``user_id, factors, excluded``."""
    excluded_rows, excluded_items = _excluded(batch.column("excluded"), block)
    order = np.argsort(excluded_rows, kind="stable")
    bounds = np.searchsorted(excluded_rows[order], np.arange(batch.num_rows + 1))
    sorted_items = excluded_items[order]
    personal_positions, personal_scores, filled = _personal(batch, block, k, excluded_rows, excluded_items)

    user_rows: list[npt.NDArray[np.int64]] = []
    items: list[npt.NDArray[np.int64]] = []
    ranks: list[npt.NDArray[np.int64]] = []
    scores: list[npt.NDArray[np.float64]] = []
    are_personal: list[npt.NDArray[np.bool_]] = []
    for row in range(batch.num_rows):
        mine = int(filled[row])
        chosen, chosen_scores = personal_positions[row, :mine], personal_scores[row, :mine]
        if mine < k and len(block.popular):
            taken = np.concatenate([chosen, sorted_items[bounds[row] : bounds[row + 1]]])
            head = slice(0, k - mine + len(taken))
            free = ~np.isin(block.popular[head], taken)
            chosen = np.concatenate([chosen, block.popular[head][free][: k - mine]])
            chosen_scores = np.concatenate([chosen_scores, block.popular_scores[head][free][: k - mine]])
        user_rows.append(np.full(len(chosen), row))
        items.append(chosen)
        ranks.append(np.arange(1, len(chosen) + 1))
        scores.append(chosen_scores)
        are_personal.append(np.arange(len(chosen)) < mine)

    which = _joined(are_personal, np.bool_)
    columns = [
        batch.column("user_id").take(pa.array(_joined(user_rows, np.int64))),
        block.item_ids.take(pa.array(_joined(items, np.int64))),
        pa.array(_joined(ranks, np.int64).astype(np.int32)),
        pa.array(_joined(scores, np.float64)),
        pa.array(np.where(which, ALS, POPULARITY).tolist(), pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, ["user_id", "item_id", "rank", "score", "model"])


def _personal(
    batch: pa.RecordBatch, block: ItemBlock, k: int, excluded_rows: npt.NDArray[np.int64], excluded_items: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    positions = np.zeros((batch.num_rows, k), dtype=np.int64)
    scores = np.zeros((batch.num_rows, k))
    filled = np.zeros(batch.num_rows, dtype=np.int64)
    has_factors = pc.is_valid(batch.column("factors"))
    known = np.flatnonzero(has_factors.to_numpy(zero_copy_only=False))
    if not len(known) or not len(block.personal):
        return positions, scores, filled
    row_of = np.full(batch.num_rows, -1, dtype=np.int64)
    row_of[known] = np.arange(len(known))
    place_of = np.full(len(block.item_ids), -1, dtype=np.int64)
    place_of[block.personal] = np.arange(len(block.personal))
    mask_rows, mask_items = row_of[excluded_rows], place_of[excluded_items]
    matters = (mask_rows >= 0) & (mask_items >= 0)
    users = matrix(batch.column("factors").filter(has_factors), block.factors.shape[1])
    best, best_scores, count = top_k(users, block.factors, k, (mask_rows[matters], mask_items[matters]))
    width = best.shape[1]
    positions[known, :width] = block.personal[best]
    scores[known, :width] = best_scores
    filled[known] = count
    return positions, scores, filled


def _excluded(column: Any, block: ItemBlock) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs (row of the batch, item position) that must not come up; items that are no candidates drop out."""
    rows = pc.list_parent_indices(column).to_numpy(zero_copy_only=False).astype(np.int64)
    found = pc.index_in(pc.list_flatten(column), value_set=block.item_ids)
    is_candidate = pc.is_valid(found).to_numpy(zero_copy_only=False)
    items = pc.fill_null(found, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return rows[is_candidate], items[is_candidate]


def _flat(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _joined(parts: list[Any], kind: Any) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)
