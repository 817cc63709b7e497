"""Bayesian personalised ranking (Rendle et al. 2009): what a user has comes before what the user has not; fitted by ``implicit``.

The published model keeps a vector for every user. Here a user's vector follows from the history: it minimises the user's own part of the
model's objective with the items' factors held fixed, the expectation over pairs of items instead of a sample of them:

    sum over own i of E_j[-ln s(x_ij)]  +  regularisation / 2 * n * |u|^2,    x_ij = u'(y_i - y_j) + b_i - b_j,  s the logistic function,

where j is drawn as in the training: from the items that the user has not, each as often as it was touched. With the quadratic bound of
-ln s (Jaakkola & Jordan 2000) the expectation needs only the mean and the covariance of the y_j, and a step is a system of equations of the
size of the rank; each of the ``STEPS`` steps lowers the bound.

As often as touched means too that the factors learn ln(p(i | user) / q(i)), how much more a user wants i than others do: pairs of an item
wanted and one drawn by q tell no more. Adding ln q(i), but for a constant the logarithm of the touches, gives the order by p(i | user).

On MovieLens-100K (seed 17, the protocol of ``benchmarks/movielens.py``) ndcg_at_10 is 0.4659; with the vectors that ``implicit`` learns for
users 0.4541, and without ln q 0.346 and 0.331.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.recommender.histories import CELLS_A_BATCH, Histories, catalogue, histories, valid, whole
from jobs.recommender.ranker import NOTHING, Scores, nearest
from jobs.recommender.size import require

MOST_PAIRS = 5_000_000
"""Pairs of user and item that it is meant for: the driver holds them, and one thread walks them at random, minutes in all."""

STEPS = 4
"""Of a user's vector; more change little (MovieLens-100K: ndcg_at_10 0.4555 after 1, 0.4659 after 4, 0.4667 after 16)."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bpr:
    """``factors`` (items x rank), ``biases`` as learnt, and ``touches``: users who have the item. Weights say nothing here."""

    item_ids: pa.Array
    factors: npt.NDArray[np.float32]
    biases: npt.NDArray[np.float32]
    touches: npt.NDArray[np.int64]
    regularisation: float
    name: str = "bpr"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: ln p(item | user) but for a constant; nothing for somebody without a history."""
        found: Scores = self.user_factors(histories) @ self._items[:, :-1].T + self._offsets
        found[np.diff(histories.indptr) == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: Integers) -> Scores:
        """As ``Explaining.contributions``: the entry's part of the user's last system along the item's factors; offsets in equal shares."""
        if not len(histories.positions[histories.of(row)]):
            return np.zeros((len(positions), 0))
        left, parts = self._system(histories, np.asarray([row]))
        found: Scores = self._items[positions, :-1] @ np.linalg.solve(left[0], parts[0].T)
        found += self._offsets[positions, None] / parts.shape[1]
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` items by the cosine of the factors, ties in the order of the ids; nothing for an unknown item."""
        return nearest(self.item_ids, self.factors, item_id, k)

    def user_factors(self, histories: Histories) -> Scores:
        """Users x rank, by the rule above; zeros for somebody without a history, or with everything."""
        found = np.zeros((histories.users, self.factors.shape[1]))
        for rows in histories.batches(CELLS_A_BATCH, self._items.shape[1]):
            left, parts = self._system(histories, rows)
            found[rows] = np.linalg.solve(left, parts.sum(axis=1)[..., None])[..., 0]
        return found

    @cached_property
    def _items(self) -> Scores:
        """Items x (rank + 1): the factors, then the bias."""
        items: Scores = np.column_stack([self.factors, self.biases]).astype(np.float64)
        return items

    @cached_property
    def _offsets(self) -> Scores:
        offsets: Scores = self._items[:, -1] + np.log(np.maximum(self.touches, 1))
        return offsets

    @cached_property
    def _drawn(self) -> tuple[float, Scores, Scores]:
        """Of all items as they are drawn: how many, and the sums of what they are and of its products."""
        weighted = self._items * self.touches[:, None]
        return float(self.touches.sum()), weighted.sum(axis=0), self._items.T @ weighted

    def _system(self, histories: Histories, rows: Integers) -> tuple[Scores, Scores]:
        """The last step's equations, of each user: left side (users x rank x rank), and what each entry adds to the right one."""
        apart, spread, inside = self._against_others(histories, rows)
        factors, biases, covariance, shared = apart[..., :-1], apart[..., -1:], spread[:, :-1, :-1], spread[:, None, :-1, -1]
        ridge = self.regularisation * inside.sum(axis=1)[:, None, None] * np.eye(factors.shape[2])
        vectors = np.zeros((len(rows), apart.shape[2]))
        vectors[:, -1] = 1.0
        for _ in range(STEPS):
            squares = (apart @ vectors[..., None])[..., 0] ** 2 + np.einsum("ud,ude,ue->u", vectors, spread, vectors)[:, None]
            bound = np.sqrt(np.maximum(squares, 1e-12))
            curvature = (np.tanh(bound / 2) / (2 * bound) * inside)[..., None]
            left = (factors * curvature).transpose(0, 2, 1) @ factors + curvature.sum(axis=1)[..., None] * covariance + ridge
            parts = factors / 2 - curvature * (biases * factors + shared)
            vectors[:, :-1] = np.linalg.solve(left, parts.sum(axis=1)[..., None])[..., 0]
        return left, parts

    def _against_others(self, histories: Histories, rows: Integers) -> tuple[Scores, Scores, npt.NDArray[np.bool_]]:
        """Own items less the mean of the others (users x most items x rank + 1), the covariance of the others, and where items are."""
        entries, inside = histories.entries(rows)
        own = histories.positions[entries]
        items = self._items[own]
        drawn = (self.touches[own] * inside)[..., None].astype(np.float64)
        total, sums, products = self._drawn
        mass = total - drawn.sum(axis=1)
        others = 1 / np.maximum(mass, 1.0)
        mean = (sums - (items * drawn).sum(axis=1)) * others
        spread = (products - (items * drawn).transpose(0, 2, 1) @ items) * others[..., None] - mean[:, :, None] * mean[:, None, :]
        ranked = (mass > 0)[..., None]
        return (items - mean[:, None, :]) * inside[..., None] * ranked, spread * ranked, inside


@dataclass(frozen=True)
class BprTrainer:
    """Stochastic steps in one thread, with a seed. ``regularisation``: of users and items, a step; ``iterations``: walks over the pairs.

    ``implicit`` draws the item that comes second from those that the user has not, as often as it was touched.
    """

    rank: int = 32
    learning_rate: float = 0.01
    regularisation: float = 0.03
    iterations: int = 100
    seed: int = 17
    name: str = "bpr"

    def fit(self, signals: DataFrame) -> Bpr:
        """As ``Trainer.fit``. Learns on the driver."""
        require(self.name, "pairs of user and item", valid(signals).count(), MOST_PAIRS)
        item_ids = catalogue(signals)
        if not len(item_ids):
            return self._ranker(item_ids, np.zeros((0, self.rank + 1), dtype=np.float32), np.zeros(0, dtype=np.int64))
        known = whole(histories(signals), item_ids, ("user_id", "ascending")).matrix()
        from implicit.cpu.bpr import BayesianPersonalizedRanking  # noqa: PLC0415  (only a training needs it, not who serves)

        model = BayesianPersonalizedRanking(
            factors=self.rank,
            learning_rate=self.learning_rate,
            regularization=self.regularisation,
            iterations=self.iterations,
            num_threads=1,
            random_state=self.seed,
        )
        model.fit(known.astype(np.float32), show_progress=False)
        return self._ranker(item_ids, model.item_factors, np.bincount(known.indices, minlength=len(item_ids)).astype(np.int64))

    def _ranker(self, item_ids: pa.Array, factors: npt.NDArray[np.float32], touches: Integers) -> Bpr:
        return Bpr(item_ids, factors[:, :-1].copy(), factors[:, -1].copy(), touches, self.regularisation, self.name)
