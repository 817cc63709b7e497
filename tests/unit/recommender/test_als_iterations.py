"""Claims about the iterations of ALS over blocks, without Spark: the objective, a killed fit, other beginnings and ends."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy.optimize import nnls

from jobs.recommender.als import blocks
from jobs.recommender.als.blocks import Extent
from jobs.recommender.als.fit import ROWS, Fitted, Settings, alternate
from jobs.recommender.als.half_step import HalfStep, Solved, width
from jobs.recommender.als.progress import Progress, watched
from jobs.recommender.als.store import ArrayStore, FolderStore

USERS, ITEMS, ALPHA, REGULARISATION = 60, 40, 5.0, 0.1
Matrix = npt.NDArray[np.float64]
SETTINGS = Settings(rank=6, regularisation=REGULARISATION, alpha=ALPHA, iterations=4, seed=17)
ITEM_IDS = pa.array([f"i{i:02}" for i in range(ITEMS)])


def weights() -> Matrix:
    """Users x items: two circles and some chance."""
    chance = np.random.default_rng(11)
    near = np.add.outer(np.arange(USERS) % 2, np.arange(ITEMS) % 2) != 1
    given: Matrix = np.where(chance.random((USERS, ITEMS)) < np.where(near, 0.4, 0.05), chance.integers(1, 4, (USERS, ITEMS)), 0)
    given[0, 0] = 2.0
    return given


GIVEN = weights()


def objective(given: Matrix, users: Matrix, items: Matrix) -> float:
    """What MLlib's implicit ALS minimises, pair by pair."""
    missed = float(((1 + ALPHA * given) * ((given > 0) - users @ items.T) ** 2).sum())
    counts = (given > 0).sum(axis=1), (given > 0).sum(axis=0)
    return missed + REGULARISATION * sum(
        float((count * (side**2).sum(axis=1)).sum()) for count, side in zip(counts, (users, items), strict=True)
    )


def rows_of(given: Matrix, fixed: Matrix) -> Matrix:
    """The factors that fit the other side's best, by dense systems."""
    left = [fixed.T @ ((1 + ALPHA * row)[:, None] * fixed) + REGULARISATION * (row > 0).sum() * np.eye(fixed.shape[1]) for row in given]
    return np.array([np.linalg.solve(one, fixed.T @ ((1 + ALPHA * row) * (row > 0))) for one, row in zip(left, given, strict=True)])


def built(store: ArrayStore, pairs: list[tuple[int, int, float]]) -> Extent:
    """Four blocks a side of these pairs, made as the tasks of Spark make them, in two parts."""
    hashes = np.random.default_rng(23).integers(0, 1 << 63, USERS + ITEMS, dtype=np.uint64) * np.uint64(2)
    found = Extent(ITEM_IDS, hashes[USERS:], 0, 4 * blocks.PAIRS_A_BLOCK, 0)
    user, item, weight = (np.array(column) for column in zip(*pairs, strict=True))
    columns = [hashes[user].view(np.int64), hashes[USERS:][item].view(np.int64), weight.astype(np.float64), np.zeros(len(user), np.int64)]
    table = pa.table(dict(zip(("user", "item", "weight", "mark"), columns, strict=True)))
    halves = [table.slice(0, len(table) // 3), table.slice(len(table) // 3)]
    told = [piece for half in halves for piece in blocks._scan((batch.serialize() for batch in half.to_batches()), 1e12, store)]
    groups = reversed(range(2 * found.blocks // blocks.together(found.blocks)))
    counts = dict(blocks.assemble(groups, found.blocks, [piece.name for piece in told], store, store))
    store.write(ROWS, np.array([[counts[side, block] for block in range(found.blocks)] for side in (0, 1)]))
    return found


def here(step: HalfStep, task_bytes: int = 1 << 30) -> Iterable[Solved]:
    """Runs a half-step in this process, the last block first."""
    return list(replace(step, task_bytes=task_bytes)(reversed(range(step.blocks))))


PAIRS = [(int(u), int(i), float(GIVEN[u, i])) for u, i in np.argwhere(GIVEN > 0)]


@pytest.fixture(scope="module")
def reports() -> list[Progress]:
    return []


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, reports: list[Progress]) -> Fitted:
    store = FolderStore(tmp_path_factory.mktemp("als"))
    with watched(reports.append):
        return alternate(here, built(store, PAIRS), SETTINGS, store)


def test_the_objective_falls_and_is_that_of_the_factors(fitted: Fitted) -> None:
    items = fitted.factors.astype(np.float64)
    assert fitted.item_ids.equals(ITEM_IDS)
    assert list(fitted.objectives) == sorted(fitted.objectives, reverse=True)
    assert fitted.objectives[-1] * 0.97 < objective(GIVEN, rows_of(GIVEN, items), items) <= fitted.objectives[-1] * 1.00001


def test_the_objective_is_that_of_dense_systems_from_the_same_beginning(tmp_path: Path) -> None:
    first = np.random.default_rng(1).normal(size=(ITEMS, SETTINGS.rank))
    store = FolderStore(tmp_path)
    found = alternate(here, built(store, PAIRS), SETTINGS, store, start=(ITEM_IDS, first.astype(np.float32)))
    items, exact = first, list[float]()
    for _ in range(SETTINGS.iterations):
        users = rows_of(GIVEN, items)
        items = rows_of(GIVEN.T, users)
        exact.append(objective(GIVEN, users, items))
    assert found.objectives == pytest.approx(exact, rel=2e-3)


@pytest.mark.parametrize("together", [1, 2, 8])
def test_neither_the_order_of_the_pairs_nor_how_many_blocks_are_made_together_changes_a_bit(
    fitted: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(blocks, "BLOCKS_TOGETHER", together)
    store = FolderStore(tmp_path)
    found = alternate(here, built(store, PAIRS[::-1]), SETTINGS, store)
    assert found.factors.tobytes() == fitted.factors.tobytes()


def test_the_order_in_which_blocks_are_done_changes_no_bit(fitted: Fitted, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    found = alternate(lambda step: list(step(range(step.blocks))), built(store, PAIRS), SETTINGS, store)
    assert found.factors.tobytes() == fitted.factors.tobytes()
    assert found.objectives == fitted.objectives


def test_a_pair_that_comes_twice_counts_once_with_the_sum_of_its_weights(fitted: Fitted, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    twice = [(u, i, part) for u, i, weight in PAIRS for part in ((weight,) if weight < 3 else (1.0, 2.0))]
    found = alternate(here, built(store, twice), SETTINGS, store)
    assert found.factors.tobytes() == fitted.factors.tobytes()


def test_a_task_that_holds_only_the_rows_that_a_block_needs_finds_the_same_bits(fitted: Fitted, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    found = alternate(partial(here, task_bytes=0), built(store, PAIRS), SETTINGS, store)
    assert found.factors.tobytes() == fitted.factors.tobytes()


def test_a_fit_that_was_killed_goes_on_after_its_last_iteration(fitted: Fitted, tmp_path: Path, reports: list[Progress]) -> None:
    store, seen = FolderStore(tmp_path), list[Progress]()
    extent = built(store, PAIRS)

    def die(progress: Progress) -> None:
        seen.append(progress)
        if (progress.iteration, progress.side) == (3, "users"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), watched(die):
        alternate(here, extent, SETTINGS, store)
    with watched(seen.append):
        found = alternate(here, extent, SETTINGS, store)
    assert [(one.iteration, one.side) for one in seen[4:]] == [(3, "users"), (3, "users"), (3, "items"), (4, "users"), (4, "items")]
    assert found.factors.tobytes() == fitted.factors.tobytes()
    assert found.objectives == fitted.objectives
    assert [one.objective for one in seen[5:]] == [one.objective for one in reports[4:]]


@pytest.mark.parametrize("last_written", ["neighbours", "confidences", "starts"])
def test_a_task_that_dies_while_it_arranges_a_block_is_done_again(
    fitted: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last_written: str
) -> None:
    store, write = FolderStore(tmp_path), FolderStore.write

    def die_after(self: FolderStore, name: str, array: npt.NDArray[Any]) -> None:
        write(self, name, array)
        if name.endswith(last_written):
            raise KeyboardInterrupt

    extent = built(store, PAIRS)
    monkeypatch.setattr(FolderStore, "write", die_after)
    with pytest.raises(KeyboardInterrupt):
        alternate(here, extent, SETTINGS, store)
    monkeypatch.undo()
    assert alternate(here, extent, SETTINGS, store).factors.tobytes() == fitted.factors.tobytes()


def test_a_fit_that_begins_with_the_factors_of_another_begins_with_its_objective(fitted: Fitted, tmp_path: Path) -> None:
    store, known = FolderStore(tmp_path), np.arange(1, ITEMS)
    again = alternate(here, built(store, PAIRS), SETTINGS, store, start=(ITEM_IDS.take(pa.array(known)), fitted.factors[known]))
    assert again.objectives[0] < fitted.objectives[-2] < fitted.objectives[0] / 1.1


def test_a_fit_ends_when_an_iteration_gains_too_little(fitted: Fitted, tmp_path: Path) -> None:
    gains = -np.diff(fitted.objectives) / np.asarray(fitted.objectives[1:])
    store = FolderStore(tmp_path)
    enough = replace(SETTINGS, tolerance=float(gains[:2].mean()))
    assert len(alternate(here, built(store, PAIRS), enough, store).objectives) == 3


def test_no_factor_is_below_zero_where_that_is_wanted(fitted: Fitted, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    found = alternate(here, built(store, PAIRS), replace(SETTINGS, is_non_negative=True), store)
    items = found.factors.astype(np.float64)
    users = []
    for row in GIVEN:
        left = items.T @ ((1 + ALPHA * row)[:, None] * items) + REGULARISATION * (row > 0).sum() * np.eye(SETTINGS.rank)
        root = np.linalg.cholesky(left)
        users.append(nnls(root.T, np.linalg.solve(root, items.T @ ((1 + ALPHA * row) * (row > 0))))[0])
    assert items.min() == 0
    assert list(found.objectives) == sorted(found.objectives, reverse=True)
    assert fitted.objectives[-1] < found.objectives[-1] * 0.99
    assert found.objectives[-1] * 0.95 < objective(GIVEN, np.array(users), items) <= found.objectives[-1] * 1.0001


def test_a_rank_is_filled_up_to_whole_registers() -> None:
    assert [width(rank) for rank in (1, 16, 17)] == [16, 16, 32]
