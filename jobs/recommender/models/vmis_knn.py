"""VMIS-kNN: what those had next whose recent items were much the same (Kersbergen, Sprangers & Schelter 2022, "Serenade")."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, catalogue, histories, valid, whole
from jobs.recommender.ranker import NOTHING, Scores
from jobs.recommender.size import require

MOST_PAIRS = 5_000_000
"""Pairs of user and item that it is meant for: every worker holds them all, by item too, 24 bytes each."""

FORGETTING = 0.1
"""How much less a neighbour says for each place that the latest shared item lies back (the paper's lambda)."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class VmisKnn:
    """``sessions`` (sessions x items, ones), the one that ended last first; ``rarity``: 1 + ln(sessions / sessions with the item).

    A user's last ``longest`` items are the evolving session; ``recent`` sessions at most are looked at, and of these the ``neighbours``
    most alike speak.
    """

    item_ids: pa.Array
    sessions: sp.csr_matrix
    rarity: npt.NDArray[np.float64]
    neighbours: int
    recent: int
    longest: int
    name: str = "vmis_knn"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: likeness times forgetting times rarity, over the neighbours that have the item; nothing where none has."""
        found = np.zeros((histories.users, len(self.item_ids)))
        for row in range(histories.users):
            near, parts, _ = self._neighbourhood(histories, row)
            if len(near):
                found[row] = (parts.sum(axis=1) @ self.sessions[near]) * self.rarity
        found[found == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: Integers) -> Scores:
        """As ``Explaining.contributions``: what an entry adds to the likeness of each neighbour, carried through to the item."""
        near, parts, entries = self._neighbourhood(histories, row)
        found = np.zeros((len(positions), len(histories.positions[histories.of(row)])))
        if len(near):
            found[:, entries] = (self.sessions[near][:, positions].T @ parts) * self.rarity[positions][:, None]
        return found

    @cached_property
    def _by_item(self) -> sp.csc_matrix:
        return self.sessions.tocsc()

    def _neighbourhood(self, histories: Histories, row: int) -> tuple[Integers, Scores, Integers]:
        """The neighbours (rows of ``sessions``), what each entry of the evolving session adds to each, and which entries those are."""
        own = histories.positions[histories.of(row)]
        entries = np.arange(max(0, len(own) - self.longest), len(own))
        length, by_item = len(entries), self._by_item
        columns = [by_item.indices[by_item.indptr[at] : by_item.indptr[at + 1]][: self.recent] for at in own[entries]]
        sessions, inverse = np.unique(np.concatenate([*columns, np.zeros(0, dtype=np.int32)]).astype(np.int64), return_inverse=True)
        shares = np.zeros((len(sessions), length))
        ends = np.cumsum([0, *(len(column) for column in columns)])
        for place in range(length):
            shares[inverse[ends[place] : ends[place + 1]], place] = (place + 1) / length
        kept = np.arange(min(self.recent, len(sessions)))  # the most recent ones: rows are in that order
        likeness = np.round(shares[kept].sum(axis=1), 9)
        nearest = kept[np.argsort(-likeness, kind="stable")[: self.neighbours]]
        latest = length - 1 - np.argmax(shares[nearest][:, ::-1] > 0, axis=1) if len(nearest) else np.zeros(0, dtype=np.int64)
        forgetting = np.maximum(0.0, 1.0 - FORGETTING * (length - 1 - latest))
        return sessions[nearest], shares[nearest] * forgetting[:, None], entries


@dataclass(frozen=True)
class VmisKnnTrainer:
    """Keeps what there is, in the order of time: without sessions of a shop, each history is one."""

    neighbours: int = 100
    recent: int = 500
    longest: int = 10
    name: str = "vmis_knn"

    def fit(self, signals: DataFrame) -> VmisKnn:
        """As ``Trainer.fit``. Learning is keeping: the work comes with the scores."""
        require(self.name, "pairs of user and item", valid(signals).count(), MOST_PAIRS)
        item_ids = catalogue(signals)
        ended = histories(signals).withColumn("_ended", F.element_at("times", -1))
        sessions = whole(ended, item_ids, ("_ended", "descending"), ("user_id", "ascending")).matrix()
        sessions.data = np.ones_like(sessions.data)
        count = np.bincount(sessions.indices, minlength=len(item_ids))
        rarity = np.log(max(1, sessions.shape[0]) / np.maximum(count, 1)) + 1.0  # an item that all have still counts
        return VmisKnn(item_ids, sessions, rarity, self.neighbours, self.recent, self.longest, self.name)
