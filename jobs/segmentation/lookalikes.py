"""Lookalikes: users ranked by how much they are like a seed list, with NumPy, scikit-learn and Arrow.

A regularised logistic regression tells the seed from others on the standardised points of behaviour and the shares of taste. Others hold
members whom nobody has listed, so the score ranks users and is no probability (Elkan & Noto 2008, Learning Classifiers from Only Positive
and Unlabeled Data: the order is right all the same).
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from jobs.segmentation.served_segments import Behaviour, Matrix, Rows, taste_matrix

STRENGTH = 1.0
"""Inverse of the regularisation: C of scikit-learn's LogisticRegression, on points of about unit variance."""
FOLDS = 5
LEAST_SEED = 20
"""Seed users below which nothing is fitted: each fold must have some."""
MOST_SEED, MOST_OTHERS = 20_000, 40_000


@dataclass(frozen=True)
class Lookalikes:
    """How users are scored: ``weights`` of behaviour's features and then of the categories' shares.

    ``auc_by_fold`` are areas under the ROC curve on users left out of a fit, seed against others; ``users`` are those fitted on.
    """

    behaviour: Behaviour
    categories: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    auc_by_fold: tuple[float, ...]
    seed_users: int
    users: int

    @property
    def auc(self) -> float:
        """Mean over the folds, in [0, 1]; 0.5 tells nothing apart."""
        return float(np.mean(self.auc_by_fold))

    def score(self, rows: Rows) -> Matrix:
        """Log odds of each user, the greater the liker; a user's score does not depend on who shares the batch."""
        scores = np.full(rows.num_rows, self.intercept)
        for values, weight in zip(points_of(self.behaviour, self.categories, rows).T, self.weights, strict=True):
            scores += values * weight
        return scores


def points_of(behaviour: Behaviour, categories: tuple[str, ...], rows: Rows) -> Matrix:
    """Users x (features, categories): standardised behaviour beside square roots of shares."""
    return np.hstack([behaviour.points(rows), taste_matrix(rows, categories)[0]])


def fit(users: pa.Table, seed_ids: Collection[str], behaviour: Behaviour, categories: tuple[str, ...], *, seed: int) -> Lookalikes:
    """Fit on ``users`` (user_id and COLUMNS) in hash order, of whom the first MOST_SEED of the seed and MOST_OTHERS others count.

    Raises ValueError where fewer than LEAST_SEED of the seed, or of the others, are among them.
    """
    is_seed = pc.is_in(users.column("user_id"), value_set=pa.array(sorted(seed_ids), pa.string())).to_numpy(zero_copy_only=False)
    mine, others = np.flatnonzero(is_seed)[:MOST_SEED], np.flatnonzero(~is_seed)[:MOST_OTHERS]
    if min(len(mine), len(others)) < LEAST_SEED:
        message = f"{len(mine)} users of the seed and {len(others)} others, at least {LEAST_SEED} of each are needed"
        raise ValueError(message)
    chosen = np.sort(np.concatenate([mine, others]))
    points, targets = points_of(behaviour, categories, users.take(pa.array(chosen))), is_seed[chosen]
    with threadpool_limits(limits=1):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(points, targets)
        areas = tuple(_area(points, targets, known, left_out) for known, left_out in folds)
        model = _regression().fit(points, targets)
    weights = tuple(float(weight) for weight in model.coef_[0])
    return Lookalikes(behaviour, categories, weights, float(model.intercept_[0]), areas, len(mine), len(chosen))


def _regression() -> LogisticRegression:
    """Seed and others weigh the same, so that a short list counts."""
    return LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1_000)


def _area(points: Matrix, targets: npt.NDArray[np.bool_], known: npt.NDArray[np.int64], left_out: npt.NDArray[np.int64]) -> float:
    model = _regression().fit(points[known], targets[known])
    return float(roc_auc_score(targets[left_out], model.decision_function(points[left_out])))
