"""Claims about lists: total order, filling up, blocks. Pure arithmetic, without Spark."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from jobs.recommender import chain
from jobs.recommender.chain import IS_UNPERSONAL, slate_batch, told_apart
from jobs.recommender.exploration import Explorer
from jobs.recommender.histories import Histories
from jobs.recommender.ranker import NOTHING, Ranker
from jobs.recommender.slates import best
from tests.fixed_ranker import FixedRanker

ITEMS = pa.array(["a", "b", "c", "d"])


def batch(*excluded: list[str] | None) -> pa.RecordBatch:
    users = len(excluded)
    nothing = {"items": pa.list_(pa.string()), "weights": pa.list_(pa.float64()), "times": pa.list_(pa.int64())}
    columns = [pa.array([f"u{n}" for n in range(users)]), *(pa.nulls(users, kind) for kind in nothing.values())]
    return pa.RecordBatch.from_arrays([*columns, pa.array(excluded, pa.list_(pa.string()))], ["user_id", *nothing, "excluded"])


def lists(*excluded: list[str] | None, rankers: Sequence[Ranker], k: int, reserved: Sequence[int] = ()) -> list[list[tuple[str, int, str]]]:
    rows = slate_batch(batch(*excluded), rankers, ITEMS, k, reserved=reserved).to_pylist()
    return [[(row["item_id"], row["rank"], row["model"]) for row in rows if row["user_id"] == f"u{n}"] for n in range(len(excluded))]


def test_equal_scores_fall_to_the_lower_position_also_at_the_end_of_the_list() -> None:
    assert best(np.array([[1.0, 5.0, 1.0, 1.0]]), k=3).positions.tolist() == [[1, 0, 2]]


def test_scores_that_differ_in_the_last_bits_only_are_equal() -> None:
    assert best(np.array([[0.1 + 0.2, 0.3 + 1e-16, 0.3 + 2e-13]]), k=3).positions.tolist() == [[0, 1, 2]]
    assert best(np.array([[0.3, 0.3 + 1e-6]]), k=2).positions.tolist() == [[1, 0]]


def test_a_huge_score_beside_small_ones_is_still_the_best() -> None:
    assert best(np.array([[-1e9, 1e12, 3.0]]), k=3).positions.tolist() == [[1, 2, 0]]


@pytest.mark.parametrize("nothing", [NOTHING, np.nan, np.inf])
def test_what_is_no_number_is_no_opinion(nothing: float) -> None:
    found = best(np.array([[nothing, -2.0]]), k=2)
    assert (found.positions[0, 0], found.filled.tolist()) == (1, [1])


def test_a_later_link_fills_what_is_left_and_repeats_nothing() -> None:
    first = FixedRanker(pa.array(["c", "zz"]), (1.0, 9.0), "first")
    second = FixedRanker(ITEMS, (1.0, 2.0, 3.0, 4.0), "second")
    found = lists(["d"], None, rankers=[first, second], k=3)
    assert found[0] == [("c", 1, "first"), ("b", 2, "second"), ("a", 3, "second")]
    assert found[1] == [("c", 1, "first"), ("d", 2, "second"), ("b", 3, "second")]


def test_of_who_has_not_agreed_nothing_but_the_id_reaches_a_ranker() -> None:
    known = batch(["d"], ["d"], None)
    known = known.set_column(1, "items", pa.array([["a"], ["b"], ["c"]])).append_column(IS_UNPERSONAL, pa.array([None, True, False]))
    personal, others = told_apart(known)
    assert personal.to_pylist() == known.take(pa.array([0, 2])).drop_columns([IS_UNPERSONAL]).to_pylist()
    assert others.to_pylist() == [{"user_id": "u1", "items": None, "weights": None, "times": None, "excluded": None}]
    assert others.schema == personal.schema
    alone, nobody = told_apart(batch(["d"]))
    assert (alone.num_rows, nobody.num_rows) == (1, 0), "where nobody was asked"


def test_new_items_get_the_last_places_and_the_others_fill_what_they_leave() -> None:
    everything = FixedRanker(ITEMS, (1.0, 2.0, 3.0, 4.0), "everything")
    explorer = Explorer.of(ITEMS, np.array([True, False, False, False]), date(2026, 6, 30))
    found = lists(None, ["a"], ["c", "d"], rankers=[everything, explorer], k=3, reserved=[1])
    assert found[0] == [("d", 1, "everything"), ("c", 2, "everything"), ("a", 3, "exploration")]
    assert found[1] == [("d", 1, "everything"), ("c", 2, "everything"), ("b", 3, "everything")], "the new one is excluded"
    assert found[2] == [("b", 1, "everything"), ("a", 2, "everything")], "nothing twice, however few are left"
    assert lists(None, rankers=[everything, explorer], k=2, reserved=[2]) == [[("a", 1, "exploration"), ("d", 2, "everything")]]


def test_lots_are_even_over_users_and_change_with_the_day() -> None:
    chance = np.random.default_rng(3)
    users, ids = 4_000, pa.array([f"i{n}" for n in range(50)])
    indptr = np.arange(users + 1) * 5
    histories = Histories(50, indptr, chance.integers(0, 50, users * 5), np.ones(users * 5), chance.integers(1, 10**15, users * 5))
    is_new = np.arange(50) % 10 == 3
    first, second = (Explorer.of(ids, is_new, date(2026, 6, day)).scores(histories) for day in (1, 2))
    assert (np.isfinite(first) == is_new).all()
    shown = np.bincount(first.argmax(axis=1), minlength=50)
    assert shown[~is_new].sum() == 0
    assert (abs(shown[is_new] - users / 5) < 4 * (users * 0.2 * 0.8) ** 0.5).all(), "four standard deviations"
    assert 0.1 < (first.argmax(axis=1) == second.argmax(axis=1)).mean() < 0.3


def test_a_user_who_may_be_shown_nothing_gets_no_row() -> None:
    assert lists(["a", "b", "c", "d"], rankers=[FixedRanker(ITEMS, (1.0, 2.0, 3.0, 4.0), "one")], k=2) == [[]]


def test_the_size_of_a_block_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rankers = [FixedRanker(ITEMS, (1.0, NOTHING, 3.0, NOTHING), "first"), FixedRanker(ITEMS, (1.0, 2.0, 3.0, 4.0), "second")]
    excluded = [["a"], None, ["c", "d"], ["b"], None]
    at_once = lists(*excluded, rankers=rankers, k=3)
    monkeypatch.setattr(chain, "CELLS_A_BLOCK", 8)
    assert lists(*excluded, rankers=rankers, k=3) == at_once
