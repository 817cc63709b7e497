"""Implicit matrix factorisation by alternating least squares (Hu, Koren & Volinsky 2008), fitted in blocks on Spark."""

import hashlib
import uuid
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import SparkContext
from pyspark.sql import DataFrame

from jobs.recommender.als.best import Ordered
from jobs.recommender.als.blocks import Extent, extent
from jobs.recommender.als.fit import Settings, fit
from jobs.recommender.als.place import place_of
from jobs.recommender.als.store import ArrayStore
from jobs.recommender.histories import CELLS_A_BATCH, Histories
from jobs.recommender.ranker import NOTHING, Ranker, Scores, nearest
from jobs.recommender.slates import LeftOut, Slates

CLOSE_ENOUGH = 1e-3
"""Share of the objective that an iteration must win, where a fit begins with an earlier one."""


@dataclass(frozen=True)
class Als:
    """``factors`` (items x rank). A user's factors are computed from the history: the step of a training for that user alone."""

    item_ids: pa.Array
    factors: npt.NDArray[np.float32]
    alpha: float
    regularisation: float
    name: str = "als"

    def user_factors(self, histories: Histories) -> npt.NDArray[np.float64]:
        """Users x rank: x = (Y'Y + Y'(C - I)Y + r n I)^-1 Y'C p over the user's n items (Hu et al. 2008, eq. 4; r n as MLlib scales it)."""
        rank = self.factors.shape[1]
        found = np.zeros((histories.users, rank))
        for rows in histories.batches(CELLS_A_BATCH, rank):
            entries, inside = histories.entries(rows)
            mine = self._items[histories.positions[entries]] * inside[..., None]
            confidence = self.alpha * histories.weights[entries] * inside
            ridge = self.regularisation * inside.sum(axis=1)[:, None, None] * np.eye(rank)
            left = self._all_items + (mine * confidence[..., None]).transpose(0, 2, 1) @ mine + ridge
            found[rows] = np.linalg.solve(left, (mine * (1 + confidence)[..., None]).sum(axis=1)[..., None])[..., 0]
        return found

    def best(self, histories: Histories, among: npt.NDArray[np.int64], left_out: LeftOut, k: int) -> Slates:
        """As ``Finding.best``; nothing for somebody without a history."""
        found = self._ordered(among).best(self.user_factors(histories), left_out, k)
        return replace(found, filled=np.where(np.diff(histories.indptr) > 0, found.filled, 0))

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: y_i' W y_j (1 + c_j), W the inverse of the user's system (Hu et al. 2008, eq. 7)."""
        mine, confidence = self._own(histories, row)
        found: Scores = self._items[positions] @ np.linalg.solve(self._left(mine, confidence), mine.T * (1 + confidence))
        return found

    @cached_property
    def _items(self) -> Scores:
        return self.factors.astype(np.float64)

    @cached_property
    def _all_items(self) -> Scores:
        gramian: Scores = self._items.T @ self._items
        return gramian

    @cached_property
    def _kept(self) -> dict[bytes, Ordered]:
        return {}

    def _ordered(self, among: npt.NDArray[np.int64]) -> Ordered:
        """The items ``among``, those of the last call if they are the same."""
        wanted = among.tobytes()
        if wanted not in self._kept:
            self._kept.clear()
            self._kept[wanted] = Ordered(self._items[among])
        return self._kept[wanted]

    def _own(self, histories: Histories, row: int) -> tuple[Scores, Scores]:
        own = histories.of(row)
        return self._items[histories.positions[own]], self.alpha * histories.weights[own]

    def _left(self, mine: Scores, confidence: Scores) -> Scores:
        left: Scores = self._all_items + (mine.T * confidence) @ mine + self.regularisation * len(mine) * np.eye(self.factors.shape[1])
        return left

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: the product of both factors; nothing for somebody without a history."""
        found: Scores = self.user_factors(histories) @ self._items.T
        found[np.diff(histories.indptr) == 0] = NOTHING
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` items by the cosine of the factors, ties in the order of the ids; nothing for an unknown item."""
        return nearest(self.item_ids, self.factors, item_id, k)


@dataclass(frozen=True)
class AlsTrainer:
    """``alpha``: confidence gained by one unit of weight; ``regularisation``: scaled by each row's number of items (ALS-WR, as MLlib).

    With a ``tolerance`` a fit ends when an iteration lowers the objective by less than that share of it. With ``is_non_negative`` no factor
    of an item is below zero (a user's, which follow from the history without that bound, may be).
    """

    rank: int = 32
    regularisation: float = 0.1
    alpha: float = 1.0
    iterations: int = 10
    seed: int = 17
    tolerance: float = 0.0
    is_non_negative: bool = False
    name: str = "als"

    def fit(self, signals: DataFrame) -> Als:
        """As ``Trainer.fit``; raises SignalsError where a weight is no number, negative or beyond all bounds.

        Needs a checkpoint directory, beside which the blocks lie until the fit is done; the driver gets the factors of the items. A fit
        that was killed goes on after its last iteration when it is tried again with the same rows.
        """
        return self._fit(signals, None)

    def fit_from(self, signals: DataFrame, before: Ranker) -> Als:
        """As ``Continuing.fit_from``: known items begin with their factors of ``before``, and the fit ends at ``CLOSE_ENOUGH``."""
        if not isinstance(before, Als) or before.factors.shape[1] != self.rank:
            return self.fit(signals)
        return replace(self, tolerance=max(self.tolerance, CLOSE_ENOUGH))._fit(signals, before)

    def _fit(self, signals: DataFrame, before: Als | None) -> Als:
        context = signals.sparkSession.sparkContext
        pieces = place_of(context, uuid.uuid4().hex)
        try:
            return self._fitted(context, extent(signals, self.alpha, pieces), pieces, before)
        finally:
            pieces.clear()

    def _fitted(self, context: SparkContext, found: Extent, pieces: ArrayStore, before: Als | None) -> Als:
        if not found.pairs:
            return self._ranker(pa.array([], pa.string()), np.zeros((0, self.rank), dtype=np.float32))
        settings = Settings(
            self.rank,
            self.regularisation,
            self.alpha,
            self.iterations,
            self.seed,
            tolerance=self.tolerance,
            is_non_negative=self.is_non_negative,
        )
        begun = hashlib.sha256(before.factors.tobytes()).hexdigest() if before else None
        store = place_of(context, settings, found.fingerprint, found.pairs, len(found.item_ids), found.blocks, begun)
        fitted = fit(context, found, pieces, settings, store, start=(before.item_ids, before.factors) if before else None)
        store.clear()
        return self._ranker(fitted.item_ids, fitted.factors)

    def _ranker(self, item_ids: pa.Array, factors: npt.NDArray[np.float32]) -> Als:
        return Als(item_ids, factors, self.alpha, self.regularisation, self.name)
