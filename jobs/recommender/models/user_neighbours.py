"""User-based collaborative filtering: what those have who are most like somebody (Resnick et al. 1994; Herlocker et al. 1999)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame

from jobs.recommender.histories import Histories, catalogue, histories, valid, whole
from jobs.recommender.ranker import NOTHING, Scores
from jobs.recommender.size import require

MOST_PAIRS = 5_000_000
"""Pairs of user and item that it is meant for: every worker holds them all, 16 bytes each."""

USERS_A_STEP = 256
"""Users whose nearness to all others is held at a time."""


@dataclass(frozen=True)
class UserNeighbours:
    """``known`` (users x items): everybody's history; ``norms``: each row's length. The one model that keeps its users, without ids."""

    item_ids: pa.Array
    known: sp.csr_matrix
    norms: npt.NDArray[np.float64]
    neighbours: int
    shrinkage: float
    name: str = "user_neighbours"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: nearness times weight, summed over the nearest users; nothing for items that none of them has."""
        steps = [
            self._scores(histories.rows(start, min(start + USERS_A_STEP, histories.users)))
            for start in range(0, histories.users, USERS_A_STEP)
        ]
        return np.concatenate(steps) if steps else np.zeros((0, len(self.item_ids)))

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: what an entry adds to the nearness of each neighbour, times what that one has."""
        block = histories.rows(row, row + 1)
        near, divisors = self._nearness(block)
        nearest = np.argsort(-near[0], kind="stable")[: self.neighbours]
        shared = self.known[nearest][:, block.positions].toarray() * block.weights / divisors[0, nearest][:, None]  # neighbours x entries
        found: Scores = self.known[nearest][:, positions].toarray().T @ shared
        return found

    def _scores(self, block: Histories) -> Scores:
        near, _ = self._nearness(block)
        kept = min(self.neighbours, near.shape[1])
        nearest = np.argsort(-near, axis=1, kind="stable")[:, :kept]
        rows = np.repeat(np.arange(block.users), kept)
        weights = sp.csr_matrix((np.take_along_axis(near, nearest, axis=1).ravel(), (rows, nearest.ravel())), shape=near.shape)
        found = np.asarray((weights @ self.known).todense(), dtype=np.float64)
        found[found == 0] = NOTHING
        return found

    def _nearness(self, block: Histories) -> tuple[Scores, Scores]:
        """Shrunk cosines, users of the block x all users, and what the products were divided by."""
        mine = block.matrix()
        lengths = np.sqrt(np.asarray(mine.multiply(mine).sum(axis=1), dtype=np.float64))
        divisors = np.maximum(lengths * self.norms[None, :] + self.shrinkage, 1e-12)
        near = np.asarray((mine @ self.known.T).todense(), dtype=np.float64)
        return np.round(near / divisors, 9), divisors


@dataclass(frozen=True)
class UserNeighboursTrainer:
    """Cosine of the users' rows, shrunk as in ``ItemNeighboursTrainer``, the ``neighbours`` nearest; equal ones in the order of ids."""

    neighbours: int = 50
    shrinkage: float = 10.0
    name: str = "user_neighbours"

    def fit(self, signals: DataFrame) -> UserNeighbours:
        """As ``Trainer.fit``. Learning is keeping: the work comes with the scores."""
        require(self.name, "pairs of user and item", valid(signals).count(), MOST_PAIRS)
        item_ids = catalogue(signals)
        known = whole(histories(signals), item_ids, ("user_id", "ascending")).matrix()
        norms = np.sqrt(np.asarray(known.multiply(known).sum(axis=1), dtype=np.float64)).ravel()
        return UserNeighbours(item_ids, known, norms, self.neighbours, self.shrinkage, self.name)
