"""How sure a mean over users is: users are drawn again, with all their figures, so that differences stay paired."""

import numpy as np
import numpy.typing as npt

from jobs.estimate import Estimate

RESAMPLES = 1_000
CONFIDENCE = 0.95
MOST_USERS = 200_000
"""Users above which a sample is taken, by hash of the id: the interval is then that of the sample, a little too wide."""


def estimates(figures: npt.NDArray[np.float64], *, seed: int, resamples: int = RESAMPLES, confidence: float = CONFIDENCE) -> list[Estimate]:
    """One estimate a column of ``figures`` (users x figures): its mean and the percentile interval (Efron & Tibshirani 1993, ch. 13).

    Each resample draws whole rows, so a column that holds the difference of two others gets the *paired* interval. Raises ValueError
    when there is no user.

    >>> estimates(np.array([[0.5], [0.5]]), seed=1)
    [Estimate(mean=0.5, low=0.5, high=0.5)]
    """
    users, columns = figures.shape
    if users == 0:
        message = "no users, so no interval"
        raise ValueError(message)
    chance = np.random.default_rng(seed)
    means = np.empty((resamples, columns))
    for resample in range(resamples):
        times = np.bincount(chance.integers(users, size=users), minlength=users)
        means[resample] = times @ figures / users
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return [Estimate(float(m), float(a), float(b)) for m, a, b in zip(figures.mean(axis=0), low, high, strict=True)]


def paired_difference(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64], *, seed: int) -> Estimate:
    """Mean of ``ours - theirs`` over the same users in the same order; raises ValueError when the lengths differ."""
    if ours.shape != theirs.shape:
        message = f"a paired comparison needs the same users: {ours.shape[0]} and {theirs.shape[0]}"
        raise ValueError(message)
    return estimates((ours - theirs).reshape(-1, 1), seed=seed)[0]
