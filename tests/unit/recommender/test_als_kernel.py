"""Claims about the machine code of ALS, held against dense systems."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from jobs.recommender.als import kernel

Floats = npt.NDArray[np.float32]
ALPHA, SHRINKAGE, COLUMNS = 10.0, 0.3, 16
NOTHING_LEFT = np.float32(1e-14)


def entries(counts: list[int], others: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], Floats]:
    """Rows with so many entries each: where they start, their neighbours, and confidences between 1 and 30."""
    chance = np.random.default_rng(3)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    neighbours = np.concatenate([np.sort(chance.choice(others, count, replace=False)) for count in counts]).astype(np.int32)
    return starts, neighbours, (ALPHA * chance.integers(1, 4, len(neighbours))).astype(np.float32)


def fixed(others: int) -> tuple[Floats, Floats]:
    """Factors of the other side in the basis of their Gramian, and its diagonal."""
    factors = np.random.default_rng(4).normal(size=(others, COLUMNS))
    spectrum, vectors = np.linalg.eigh(factors.T @ factors)
    return np.ascontiguousarray(factors @ vectors, np.float32), spectrum.astype(np.float32)


def dense(neighbours: npt.NDArray[np.int32], confidences: Floats, factors: Floats) -> tuple[npt.NDArray[np.float64], float]:
    """The row that solves its system exactly, and its part of the objective, pair by pair."""
    everything = factors.astype(np.float64)
    mine = everything[neighbours]
    system = everything.T @ everything + (mine.T * confidences) @ mine + SHRINKAGE * len(mine) * np.eye(COLUMNS)
    row = np.linalg.solve(system, mine.T @ (1.0 + confidences)).astype(np.float64)
    wanted, confidence = np.zeros(len(everything)), np.ones(len(everything))
    wanted[neighbours], confidence[neighbours] = 1.0, 1.0 + confidences
    missed = float((confidence * (wanted - everything @ row) ** 2).sum())
    return row, missed + SHRINKAGE * len(mine) * float(row @ row)


def test_enough_steps_solve_each_rows_system_and_return_its_objective() -> None:
    others = kernel.GATHERED + 500
    starts, neighbours, confidences = entries([1, 3, 4, 9, kernel.GATHERED, kernel.GATHERED + 33], others)
    factors, spectrum = fixed(others)
    rows = np.zeros((len(starts) - 1, COLUMNS), np.float32)
    objective, lengths = kernel.solve((starts, neighbours, confidences), factors, spectrum, (np.float32(SHRINKAGE), NOTHING_LEFT, 40), rows)
    exact = [dense(neighbours[a:b], confidences[a:b], factors) for a, b in pairwise(starts)]
    assert rows == pytest.approx(np.array([row for row, _ in exact]), abs=2e-5)
    assert objective == pytest.approx(sum(part for _, part in exact), rel=1e-5)
    assert lengths == pytest.approx(sum(SHRINKAGE * n * row @ row for n, (row, _) in zip(np.diff(starts), exact, strict=True)), rel=1e-4)


def test_each_step_lowers_the_objective_and_a_row_goes_on_from_where_it_was() -> None:
    starts, neighbours, confidences = entries([5, 17, 60], 200)
    factors, spectrum = fixed(200)
    rows = np.zeros((3, COLUMNS), np.float32)
    found = [
        kernel.solve((starts, neighbours, confidences), factors, spectrum, (np.float32(SHRINKAGE), NOTHING_LEFT, 1), rows)[0]
        for _ in range(6)
    ]
    exact = sum(dense(neighbours[a:b], confidences[a:b], factors)[1] for a, b in pairwise(starts))
    assert found == sorted(found, reverse=True)
    assert found[0] > found[1] > exact * 0.99999


def test_a_row_without_entries_becomes_nothing() -> None:
    factors, spectrum = fixed(20)
    rows = np.ones((1, COLUMNS), np.float32)
    none = (np.zeros(2, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))
    found = kernel.solve(none, factors, spectrum, (np.float32(SHRINKAGE), NOTHING_LEFT, 30), rows)
    assert rows == pytest.approx(np.zeros((1, COLUMNS)), abs=1e-6)
    assert found == pytest.approx((0.0, 0.0), abs=1e-6)


def test_a_turned_row_has_the_same_bits_wherever_it_stands() -> None:
    chance = np.random.default_rng(5)
    rows, basis = (chance.normal(size=shape).astype(np.float32) for shape in ((7, 32), (32, 32)))
    whole, single = np.empty_like(rows), np.empty((1, 32), np.float32)
    kernel.turn(rows, basis, whole)
    kernel.turn(rows[5:6], basis, single)
    assert whole == pytest.approx(rows.astype(np.float64) @ basis, abs=1e-4)
    assert single.tobytes() == whole[5].tobytes()


def test_a_row_that_is_solved_well_enough_takes_no_more_steps() -> None:
    starts, neighbours, confidences = entries([30], 200)
    factors, spectrum = fixed(200)
    rough, fine, more = (np.zeros((1, COLUMNS), np.float32) for _ in range(3))
    kernel.solve((starts, neighbours, confidences), factors, spectrum, (np.float32(SHRINKAGE), np.float32(0.05), 40), rough)
    kernel.solve((starts, neighbours, confidences), factors, spectrum, (np.float32(SHRINKAGE), NOTHING_LEFT, 40), fine)
    kernel.solve((starts, neighbours, confidences), factors, spectrum, (np.float32(SHRINKAGE), np.float32(0.05), 1), more)
    assert 1e-4 < float(np.abs(rough - fine).max()) < 0.1
    assert not np.array_equal(rough, more)
