"""Claims about the exact best k, against a slow and obvious ranking; without Spark."""

import numpy as np
import pyarrow as pa
import pytest

from jobs.recommender import served_recommender
from jobs.recommender.scoring import ItemBlock, slate_batch
from jobs.recommender.served_recommender import top_k

NOTHING = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def obvious(users: np.ndarray, items: np.ndarray, k: int, masked: set[tuple[int, int]]) -> list[list[int]]:
    scores = np.round(users.astype(np.float64) @ items.astype(np.float64).T, 6)
    return [
        sorted((i for i in range(len(items)) if (row, i) not in masked), key=lambda i: (-scores[row, i], i))[:k]
        for row in range(len(users))
    ]


@pytest.mark.parametrize("cells", [7, 4_000_000])
def test_the_best_k_are_exact_with_masks_and_ties_whatever_the_block_size(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served_recommender, "BLOCK_CELLS", cells)
    chance = np.random.default_rng(7)
    users, items = (chance.integers(-2, 3, size=(count, 4)).astype(np.float32) for count in (30, 40))
    rows, places = chance.integers(0, 30, 200), chance.integers(0, 40, 200)
    found, scores, filled = top_k(users, items, 10, (rows, places))
    assert [list(line) for line in found] == obvious(users, items, 10, set(zip(rows.tolist(), places.tolist(), strict=True)))
    assert (filled == 10).all()
    assert (np.diff(scores, axis=1) <= 0).all()


def test_scores_that_differ_by_less_than_the_unit_are_a_tie() -> None:
    items = np.array([[1.0], [1.0000002]], dtype=np.float32)
    found, _, _ = top_k(np.array([[1.0]], dtype=np.float32), items, 2, NOTHING)
    assert found.tolist() == [[0, 1]], "the lower id comes first"


def test_masked_items_do_not_fill_places() -> None:
    users, items = np.ones((1, 1), dtype=np.float32), np.ones((3, 1), dtype=np.float32)
    _, _, filled = top_k(users, items, 3, (np.array([0, 0]), np.array([0, 2])))
    assert filled.tolist() == [1]


def batch(rows: list[tuple[str, list[float] | None, list[str] | None]]) -> pa.RecordBatch:
    names = [pa.field("user_id", pa.string()), pa.field("factors", pa.list_(pa.float32())), pa.field("excluded", pa.list_(pa.string()))]
    columns = [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(names)]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(names))


BLOCK = ItemBlock(
    item_ids=pa.array(["a", "b", "c", "d"]),
    personal=np.array([1, 3]),
    factors=np.array([[1.0], [2.0]], dtype=np.float32),
    popular=np.array([2, 0, 1, 3]),
    popular_scores=np.array([9.0, 8.0, 8.0, 0.0]),
)


def slate(rows: pa.RecordBatch, user_id: str) -> list[tuple[int, str, str]]:
    return [(r["rank"], r["item_id"], r["model"]) for r in rows.to_pylist() if r["user_id"] == user_id]


def test_popularity_fills_what_the_personal_items_leave_without_repeating_them() -> None:
    found = slate_batch(batch([("known", [1.0], None), ("new", None, ["c", "elsewhere"]), ("bought", [1.0], ["d", "a"])]), BLOCK, 4)
    assert slate(found, "known") == [(1, "d", "als"), (2, "b", "als"), (3, "c", "popularity"), (4, "a", "popularity")]
    assert slate(found, "new") == [(1, "a", "popularity"), (2, "b", "popularity"), (3, "d", "popularity")]
    assert slate(found, "bought") == [(1, "b", "als"), (2, "c", "popularity")]


def test_no_user_and_no_item_give_no_rows() -> None:
    assert slate_batch(batch([]), BLOCK, 4).num_rows == 0
    bare = ItemBlock(
        pa.array([], pa.string()), np.zeros(0, dtype=np.int64), np.zeros((0, 0), dtype=np.float32), np.zeros(0, dtype=np.int64), np.zeros(0)
    )
    assert slate_batch(batch([("u", [1.0], ["a"])]), bare, 4).num_rows == 0
