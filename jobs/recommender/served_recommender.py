"""The recommender as MLflow serves it: ``user_id`` in, the best items out.

This one file travels with the model, so it imports nothing of ours. It ranks by factors, or by popularity for users without any. It does
not know what a user has bought since: batch scoring filters that.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

K = 20
SCORE_UNITS = 1_000_000
"""Scores are rounded to whole fractions of this before they are ranked, so that the last bits of a sum cannot reorder a list."""

BLOCK_CELLS = 4_000_000
"""Most user-by-item cells that are scored at a time: 32 MB of float64."""

_NEVER = np.iinfo(np.int64).min


def matrix(factors: pa.Array | pa.ChunkedArray, rank: int) -> npt.NDArray[np.float32]:
    """A column of equally long lists as a float32 matrix, one row a list."""
    flat = pc.list_flatten(factors).to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(-1, rank)


def top_k(
    users: npt.NDArray[np.float32], items: npt.NDArray[np.float32], k: int, masked: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The exact ``k`` best items of each user: positions (users x k), scores, and how many of the k places are filled.

    ``items`` lie in the order of their ids: of two equal scores the lower position wins. ``masked`` holds pairs (user row, item position)
    that must not come up. Scores are float64 dot products, rounded to 1e-6.
    """
    count, item_count = users.shape[0], items.shape[0]
    width = min(k, item_count)
    positions = np.zeros((count, width), dtype=np.int64)
    scores = np.zeros((count, width))
    filled = np.zeros(count, dtype=np.int64)
    if width == 0 or count == 0:
        return positions, scores, filled
    by_row = np.argsort(masked[0], kind="stable")
    mask_rows, mask_items = masked[0][by_row], masked[1][by_row]
    wide_items = items.astype(np.float64).T
    step = max(1, BLOCK_CELLS // item_count)
    for start in range(0, count, step):
        end = min(count, start + step)
        units = np.rint(users[start:end].astype(np.float64) @ wide_items * SCORE_UNITS).astype(np.int64)
        # One whole number says score first, then the lower position: no two are equal, so the order is total.
        keys = units * item_count + np.arange(item_count - 1, -1, -1)
        first, last = np.searchsorted(mask_rows, [start, end])
        keys[mask_rows[first:last] - start, mask_items[first:last]] = _NEVER
        best = np.argpartition(keys, item_count - width, axis=1)[:, item_count - width :]
        order = np.argsort(np.take_along_axis(keys, best, axis=1), axis=1)[:, ::-1]
        best = np.take_along_axis(best, order, axis=1)
        positions[start:end] = best
        scores[start:end] = np.take_along_axis(units, best, axis=1) / SCORE_UNITS
        filled[start:end] = (np.take_along_axis(keys, best, axis=1) != _NEVER).sum(axis=1)
    return positions, scores, filled


class ServedRecommender:
    """The model below ``place``: ``model.json``, ``item_factors/``, ``popularity/`` in memory, ``user_factors/`` read by id."""

    def __init__(self, place: Path) -> None:
        self.rank = int(json.loads((place / "model.json").read_text(encoding="utf-8"))["rank"])
        items = ds.dataset(place / "item_factors", format="parquet").to_table().sort_by("item_id")
        self.item_ids = items["item_id"].to_numpy()
        self.item_factors = matrix(items["factors"], self.rank)
        popular = ds.dataset(place / "popularity", format="parquet").to_table()
        self.popular = popular.sort_by([("score", "descending"), ("item_id", "ascending")]).slice(0, K)
        self.users = ds.dataset(place / "user_factors", format="parquet")

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row a user and rank (1 to 20): ``user_id, rank, item_id, score, model``; users in the order in which they came."""
        wanted = list(dict.fromkeys(frame["user_id"].astype(str)))
        found = self.users.to_table(filter=ds.field("user_id").isin(wanted)).sort_by("user_id")
        nothing = np.zeros(0, dtype=np.int64)
        positions, scores, filled = top_k(matrix(found["factors"], self.rank), self.item_factors, K, (nothing, nothing))
        rows = {user_id: row for row, user_id in enumerate(found["user_id"].to_pylist())}
        answer: list[dict[str, Any]] = []
        for user_id in wanted:
            row = rows.get(user_id)
            if row is None:
                ranked = zip(self.popular["item_id"].to_pylist(), self.popular["score"].to_pylist(), strict=True)
                model = "popularity"
            else:
                ranked = zip(self.item_ids[positions[row, : filled[row]]], scores[row], strict=False)
                model = "als"
            for rank, (item_id, score) in enumerate(ranked, start=1):
                answer.append({"user_id": user_id, "rank": rank, "item_id": item_id, "score": float(score), "model": model})
        return pd.DataFrame(answer, columns=["user_id", "rank", "item_id", "score", "model"])


def _load_pyfunc(path: str) -> ServedRecommender:
    return ServedRecommender(Path(path))
