"""Claims about finding hashes and ordering entries: the same as NumPy's own search and sort."""

import numpy as np
import pytest

from jobs.recommender.als.order import by_row_and_neighbour, places

CHANCE = np.random.default_rng(29)


@pytest.mark.parametrize(("low", "high", "count"), [(0, 2**64, 5_000), (2**62, 2**62 + 2**50, 700), (5, 9, 4), (2**64 - 1, 2**64, 1)])
def test_every_hash_is_found(low: int, high: int, count: int) -> None:
    hashes = np.unique(CHANCE.integers(low, high, count, dtype=np.uint64))
    wanted = np.concatenate([hashes[[0, -1]], CHANCE.choice(hashes, 3 * count)])
    assert places(hashes, wanted).tolist() == np.searchsorted(hashes, wanted).tolist()


def test_hashes_that_are_not_spread_at_all_are_found() -> None:
    hashes = np.concatenate([np.arange(1_000, dtype=np.uint64), np.array([2**63, 2**64 - 1], np.uint64)])
    assert places(hashes, hashes).tolist() == list(range(1_002))


def test_of_nothing_nothing_is_found() -> None:
    assert places(np.zeros(0, np.uint64), np.zeros(0, np.uint64)).tolist() == []
    assert by_row_and_neighbour(np.zeros(0, np.int32), np.zeros(0, np.int32), 0).tolist() == []


@pytest.mark.parametrize(("rows", "others"), [(1, 1), (1, 90), (300, 7), (20, 65_536), (50, 65_537), (9, 2**31 - 1)])
def test_entries_come_by_row_then_by_neighbour_then_as_they_were(rows: int, others: int) -> None:
    row = CHANCE.integers(0, rows, 2_000).astype(np.int32)
    neighbour = CHANCE.choice(np.unique([0, others - 1, *CHANCE.integers(0, others, 40).tolist()]), 2_000).astype(np.int32)
    assert by_row_and_neighbour(row, neighbour, rows).tolist() == np.lexsort((np.arange(2_000), neighbour, row)).tolist()
