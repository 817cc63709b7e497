"""The loop of a fit, on the driver: half-steps one after the other, and after each iteration a state from which a retry goes on."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import SparkContext

from jobs.errors import SignalsError
from jobs.recommender.als.blocks import ITEMS, USERS, Extent, build, is_local, name, spread
from jobs.recommender.als.half_step import HalfStep, Solved, width
from jobs.recommender.als.progress import Progress, tell
from jobs.recommender.als.store import ArrayStore
from jobs.recommender.histories import places

STATE, ROWS = "state", "rows"
Square = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """What a fit depends on besides the data.

    ``regularisation`` is multiplied by a row's entries; ``seed`` is that of the first item factors. A row is solved until no more than
    ``enough`` of its right side, squared, is left, or it has had ``steps`` steps. The fit ends early when an iteration lowers the
    objective by less than ``tolerance`` of it.
    """

    rank: int
    regularisation: float
    alpha: float
    iterations: int
    seed: int
    enough: float = 1e-5
    steps: int = 12
    tolerance: float = 0.0
    is_non_negative: bool = False


@dataclass(frozen=True)
class Fitted:
    """``factors`` (items x rank) of ``item_ids``, in the order of the ids; ``objectives`` after each iteration.

    The users' rows, as many a block as ``user_rows`` says, are in the store as ``user_factors``; times ``user_turn`` they are in the basis
    of ``factors``. They fit ``factors`` where the fit was asked to leave lists behind, else those of half an iteration before.
    """

    item_ids: pa.Array
    factors: Floats
    objectives: tuple[float, ...]
    user_rows: tuple[int, ...]
    user_factors: str
    user_turn: Square


@dataclass(frozen=True)
class _State:
    """Where a fit is: the Gramian of the side solved last, the basis of each side's rows, the part of each side in the objective."""

    gramian: Square
    bases: tuple[Square, Square]
    lengths: tuple[float, float]
    objectives: tuple[float, ...]

    def packed(self) -> npt.NDArray[np.float64]:
        """As one array."""
        return np.concatenate([self.gramian.ravel(), self.bases[0].ravel(), self.bases[1].ravel(), self.lengths, self.objectives])

    @classmethod
    def unpacked(cls, values: npt.NDArray[np.float64], rank: int) -> "_State":
        """The inverse."""
        gramian, users, items = values[: 3 * rank**2].reshape(3, rank, rank)
        users_part, items_part, *objectives = values[3 * rank**2 :].tolist()
        return cls(gramian, (users, items), (users_part, items_part), tuple(objectives))


Run = Callable[[HalfStep], Iterable[Solved]]
"""Does a half-step for all blocks, in whatever order."""


def fit(
    context: SparkContext,
    found: Extent,
    pieces: ArrayStore,
    settings: Settings,
    store: ArrayStore,
    *,
    start: tuple[pa.Array, Floats] | None = None,
    for_lists: bool = False,
) -> Fitted:
    """Learn from what ``blocks.extent`` has found and left in ``pieces``; where the store holds a state of the same fit, go on from there.

    ``start`` are item ids and factors (items x rank) of an earlier fit to begin with; other items begin at random. What is fitted last is
    the items; with ``for_lists`` the users' rows are fitted once more, to what the items are at the end. Raises SignalsError where there is
    nothing to learn from.
    """
    if not found.pairs:
        raise SignalsError("signals", expected="a user, an item and a weight above zero", found="no such row", advice="Check the window.")
    if not store.holds(ROWS):
        store.write(ROWS, np.asarray(build(context, found, pieces, store)))
    return alternate(lambda step: _spread(context, step), found, settings, store, start, for_lists=for_lists)


def _spread(context: SparkContext, step: HalfStep) -> list[Solved]:
    """A task a block; on one machine one for all, with a thread a core: they share the other side's factors, and none waits long."""
    if is_local(context):
        return spread(context, step.blocks, replace(step, threads=context.defaultParallelism), tasks=1)
    return spread(context, step.blocks, step)


def alternate(
    run: Run,
    found: Extent,
    settings: Settings,
    store: ArrayStore,
    start: tuple[pa.Array, Floats] | None = None,
    *,
    for_lists: bool = False,
) -> Fitted:
    """The iterations over blocks that are in the store."""
    state = _begin(found, settings, store, start)
    for iteration in range(len(state.objectives) + 1, settings.iterations + 1):
        objective = 0.0
        for side in (USERS, ITEMS):
            began = time.monotonic()
            state, objective = _half_step(run, state, settings, store, (side, iteration, found.blocks))
            is_whole = iteration > 1 or side == ITEMS
            tell(Progress(iteration, "users" if side == USERS else "items", time.monotonic() - began, objective if is_whole else None))
        state = replace(state, objectives=(*state.objectives, objective))
        store.write(f"{STATE}-{iteration}", state.packed())
        store.remove(name(side, block, f"factors-{iteration - 1}") for side in (USERS, ITEMS) for block in range(found.blocks))
        store.remove([f"{STATE}-{iteration - 1}"])
        if _has_converged(state.objectives, settings.tolerance):
            break
    last = users_at = len(state.objectives)
    if for_lists:
        users_at = last + 1
        state, _ = _half_step(run, state, settings, store, (USERS, users_at, found.blocks))
    rows = np.concatenate([store.read(name(ITEMS, block, f"factors-{last}")) for block in range(found.blocks)])
    factors = np.empty((len(rows), settings.rank), np.float32)
    with _one_thread():
        factors[found.order] = rows[:, : settings.rank] @ state.bases[ITEMS].T.astype(np.float32)
    counts = tuple(store.read(ROWS)[USERS].tolist())
    return Fitted(found.item_ids, factors, state.objectives, counts, f"factors-{users_at}", state.bases[USERS].T)


def _begin(found: Extent, settings: Settings, store: ArrayStore, start: tuple[pa.Array, Floats] | None) -> _State:
    """The newest state that the store holds, or one in which the items have their first factors."""
    rank = settings.rank
    for done in range(settings.iterations, 0, -1):
        if store.holds(f"{STATE}-{done}"):
            return _State.unpacked(store.read(f"{STATE}-{done}"), rank)
    factors = np.random.default_rng(settings.seed).standard_normal((len(found.item_ids), rank), np.float32) / np.float32(np.sqrt(rank))
    if start is not None:
        place = places(found.item_ids, start[0])
        factors[place >= 0] = start[1][place[place >= 0]]
    if settings.is_non_negative:
        factors = np.abs(factors)
    rows = np.zeros((len(factors), width(rank)), np.float32)
    rows[:, :rank] = factors[found.order]
    ends = np.searchsorted(found.hashes[found.order], [block << (64 - found.blocks.bit_length() + 1) for block in range(1, found.blocks)])
    for block, part in enumerate(np.split(rows, ends)):
        store.write(name(ITEMS, block, "factors-0"), part)
    with _one_thread():
        gramian = (factors.T @ factors).astype(np.float64)
    return _State(gramian, (np.eye(rank), np.eye(rank)), (0.0, 0.0), ())


def _half_step(run: Run, state: _State, settings: Settings, store: ArrayStore, which: tuple[int, int, int]) -> tuple[_State, float]:
    side, iteration, blocks = which
    with _one_thread():
        spectrum, vectors = np.linalg.eigh(state.gramian) if not settings.is_non_negative else (state.gramian, np.eye(settings.rank))
        basis = state.bases[1 - side] @ vectors
        turn_rows = state.bases[side].T @ basis
    step = HalfStep(
        store,
        side,
        blocks,
        iteration=iteration,
        fixed_iteration=iteration - 1 if side == USERS else iteration,
        turn_fixed=vectors,
        turn_rows=turn_rows,
        dense=np.maximum(spectrum, np.finfo(np.float32).tiny),
        alpha=settings.alpha,
        solver=(settings.regularisation, settings.enough, settings.steps),
    )
    solved = sorted(run(step), key=lambda one: one.block)
    bases, lengths = list(state.bases), list(state.lengths)
    bases[side], lengths[side] = basis, sum(one.lengths for one in solved)
    objective = sum(one.objective for one in solved) + lengths[1 - side]
    gramian = np.sum([one.gramian for one in solved], axis=0)
    return _State(gramian, (bases[0], bases[1]), (lengths[0], lengths[1]), state.objectives), objective


def _one_thread() -> AbstractContextManager[object]:
    """The bits of a sum depend on the number of threads that take part in it."""
    # only a training needs it, not who serves
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415

    found: AbstractContextManager[object] = threadpool_limits(1)
    return found


def _has_converged(objectives: Sequence[float], tolerance: float) -> bool:
    return len(objectives) > 1 and objectives[-2] - objectives[-1] < tolerance * abs(objectives[-1])
