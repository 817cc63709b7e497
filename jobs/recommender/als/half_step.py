"""Half an iteration on the executors: each task solves some blocks of one side, with the factors of the other."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.recommender.als.blocks import USERS, arrange, name
from jobs.recommender.als.store import ArrayStore

Floats = npt.NDArray[np.float32]
Square = npt.NDArray[np.float64]
Entries = tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], Floats]

TASK_BYTES = 1 << 30
"""What a task may hold of the other side's factors: all of 4 million rows of rank 64. Beyond, each block gets the rows that it needs."""

LANES = 16
"""Numbers of 32 bits that the widest registers hold: the columns of factors are filled up with zeros to a multiple of it."""


@dataclass(frozen=True)
class Solved:
    """What a block tells the driver: its Gramian (rank x rank), and both of what ``kernel.solve`` returns."""

    block: int
    gramian: npt.NDArray[np.float64]
    objective: float
    lengths: float


@dataclass(frozen=True)
class HalfStep:
    """What all tasks of half an iteration are told.

    The factors of a block lie in the store as ``factors-<iteration>``. ``turn_fixed`` and ``turn_rows`` (rank x rank) bring those of the
    other side, of iteration ``fixed_iteration``, and those of this side, of the iteration before, into the basis in which ``dense`` is
    the other side's Gramian: its diagonal, or all of it where no factor may be below zero. What is written stays in that basis.
    ``solver`` as in ``kernel.solve``. Where the other side's factors take more than ``task_bytes``, a task holds those that a block needs.
    A task works on ``threads`` blocks at a time.
    """

    store: ArrayStore
    side: int
    blocks: int
    iteration: int
    fixed_iteration: int
    turn_fixed: Square
    turn_rows: Square
    dense: Square
    alpha: float
    solver: tuple[float, float, int]
    task_bytes: int = TASK_BYTES
    threads: int = 1

    def __call__(self, blocks: Iterable[int]) -> Iterator[Solved]:
        """Solve blocks: what a task of ``mapPartitions`` does."""
        with ThreadPoolExecutor(self.threads) as pool:
            whole = None if self._is_routed else self._whole(pool)
            yield from pool.map(lambda block: self._solved(block, whole), blocks)

    def _solved(self, block: int, whole: Floats | None) -> Solved:
        """Solve a block, with all factors of the other side or with those that it needs."""
        if not self.store.holds(name(self.side, block, "starts")):
            arrange(self.store, self.side, block, self.blocks, self.alpha)
        starts, neighbours, confidences = (self._read(block, what) for what in ("starts", "neighbours", "confidences"))
        fixed, neighbours = self._needed(neighbours) if whole is None else (whole, neighbours)
        rows = self._start(block, len(starts) - 1)
        objective, lengths = self._solve((starts, neighbours, confidences), fixed, rows)
        self.store.write(name(self.side, block, f"factors-{self.iteration}"), rows)
        gramian = (rows.T @ rows).astype(np.float64)[: self._rank, : self._rank]
        return Solved(block, gramian, objective, lengths)

    @property
    def _rank(self) -> int:
        return len(self.turn_fixed)

    def _solve(self, entries: Entries, fixed: Floats, rows: Floats) -> tuple[float, float]:
        regularisation, enough, steps = self.solver
        solver = (np.float32(regularisation), np.float32(enough), steps)
        if self.dense.ndim == 1:
            from jobs.recommender.als import kernel  # noqa: PLC0415  (only the tasks of a training need Numba)

            return kernel.solve(entries, fixed, np.append(self.dense, np.ones(rows.shape[1] - self._rank)).astype(np.float32), solver, rows)
        from jobs.recommender.als import non_negative  # noqa: PLC0415

        return non_negative.solve(entries, fixed, _square(self.dense), solver, rows)

    def _read(self, block: int, what: str) -> npt.NDArray[Any]:
        return self.store.read(name(self.side, block, what))

    def _parts(self) -> Iterator[Floats]:
        """The blocks of the other side, as they lie in the store."""
        for block in range(self.blocks):
            yield self.store.read(name(1 - self.side, block, f"factors-{self.fixed_iteration}"))

    @cached_property
    def _is_routed(self) -> bool:
        return sum(part.nbytes for part in self._parts()) > self.task_bytes

    def _whole(self, pool: ThreadPoolExecutor) -> Floats:
        """All factors of the other side, turned."""
        return _turned(list(self._parts()), self.turn_fixed, pool)

    def _needed(self, neighbours: npt.NDArray[np.int32]) -> tuple[Floats, npt.NDArray[np.int32]]:
        """Those that ``neighbours`` name, turned, and where each of them is among these; the same bits as in ``_whole``."""
        wanted, place = np.unique(neighbours, return_inverse=True)
        found, begin = list[Floats](), 0
        for part in self._parts():
            first, last = np.searchsorted(wanted, [begin, begin + len(part)])
            found.append(part[wanted[first:last] - begin])
            begin += len(part)
        return _turned(found, self.turn_fixed), place.astype(np.int32)

    def _start(self, block: int, rows: int) -> Floats:
        """Where the rows begin: as the last iteration has left them; at first nowhere."""
        if self.iteration == 1 and self.side == USERS:
            return np.zeros((rows, width(self._rank)), np.float32)
        return _turned([self._read(block, f"factors-{self.iteration - 1}")], self.turn_rows)


def _turned(parts: list[Floats], turn: Square, pool: ThreadPoolExecutor | None = None) -> Floats:
    from jobs.recommender.als import kernel  # noqa: PLC0415

    found, square = np.empty((sum(map(len, parts)), parts[0].shape[1]), np.float32), _square(turn)
    ends = np.cumsum([len(part) for part in parts])
    places = [found[end - len(part) : end] for part, end in zip(parts, ends, strict=True)]
    each = map if pool is None else pool.map
    for _ in each(lambda part, place: kernel.turn(part, square, place), parts, places):
        pass
    return found


def width(rank: int) -> int:
    """Columns of factors of this rank, those of zeros included.

    >>> width(4), width(64), width(65)
    (16, 64, 80)
    """
    return -(-rank // LANES) * LANES


def _square(turn: Square) -> Floats:
    rank = len(turn)
    found = np.zeros((width(rank), width(rank)), np.float32)
    found[:rank, :rank] = turn
    return found
