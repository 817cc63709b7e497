"""K-means with k chosen from a declared range by a declared criterion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from jobs.segmentation.overlap import shared
from jobs.segmentation.served_segments import Matrix, nearest


@dataclass(frozen=True)
class Search:
    """What is tried and what is asked for; logged as parameters."""

    ks: tuple[int, ...] = (3, 4, 5, 6, 7, 8, 9, 10)
    restarts: int = 10
    silhouette_users: int = 4_000
    resamples: int = 20
    minimum_share: float = 0.02
    minimum_stability: float = 0.7
    minimum_silhouette: float = 0.1
    near_best: float = 0.9


@dataclass(frozen=True)
class Fit:
    """One k: its centroids (largest cluster first) and figures.

    ``silhouette`` in [-1, 1] (Rousseeuw 1987) on the first users of the sample; ``stability`` is the adjusted Rand index of two
    clusterings of the whole sample, each fitted on one half; ``smallest_share`` of the sample is in the smallest cluster.
    """

    k: int
    centroids: tuple[tuple[float, ...], ...]
    inertia: float
    silhouette: float
    stability: float
    smallest_share: float

    @property
    def score(self) -> float:
        """What k is chosen by: separation times repeatability, silhouette * stability."""
        return self.silhouette * max(self.stability, 0.0)


def fit_k(points: Matrix, k: int, *, seed: int, search: Search) -> Fit:
    """Fit one k. ``points`` come in hash order, so that every second one is a fair half. One thread: the same bits every time."""
    with threadpool_limits(limits=1):
        whole = _kmeans(points, k, seed=seed, search=search)
        halves = [_kmeans(points[start::2], k, seed=seed, search=search) for start in (0, 1)]
        clusters = nearest(points, whole.cluster_centers_)
        sizes = np.bincount(clusters, minlength=k)
        order = np.lexsort((*whole.cluster_centers_.T[::-1], -sizes))
        part = slice(0, search.silhouette_users)
        several = len(np.unique(clusters[part])) > 1
        return Fit(
            k=k,
            centroids=tuple(tuple(float(v) for v in row) for row in whole.cluster_centers_[order]),
            inertia=float(whole.inertia_),
            silhouette=float(silhouette_score(points[part], clusters[part])) if several else -1.0,
            stability=float(adjusted_rand_score(*[nearest(points, half.cluster_centers_) for half in halves])),
            smallest_share=float(sizes.min() / len(points)),
        )


def stability(points: Matrix, centroids: Sequence[Sequence[float]], *, seed: int, search: Search) -> tuple[float, ...]:
    """Of each cluster how well it is found again: its Jaccard index with the likest cluster of a refit on resampled users, on average.

    From 0.75 a cluster is stable, below 0.5 it has dissolved (Hennig 2007, Cluster-wise assessment of cluster stability). Drawn with
    replacement from the first ``silhouette_users``; one thread, so that the bits are the same every time.
    """
    drawn, mine = np.random.default_rng(seed), points[: search.silhouette_users]
    original, k = nearest(mine, centroids), len(centroids)
    found = np.zeros(k)
    with threadpool_limits(limits=1):
        for _ in range(search.resamples):
            sample = mine[drawn.integers(len(mine), size=len(mine))]
            again = nearest(mine, KMeans(n_clusters=k, n_init=1, random_state=seed).fit(sample).cluster_centers_)
            found += shared(original, again, (k, k))[1].max(axis=1)
    return tuple(float(value) for value in found / search.resamples)


def choose(fits: Sequence[Fit], search: Search) -> Fit:
    """The largest k whose score is at least ``near_best`` of the best one, among the fits without faults, or among all when each has one.

    Of two partitions that separate users about equally well, the finer gives a marketer more to act on.
    """
    good = [fit for fit in fits if not faults(fit, search)] or list(fits)
    best = max(fit.score for fit in good)
    near = [fit for fit in good if fit.score >= search.near_best * best] or good
    return max(near, key=lambda fit: fit.k)


def faults(fit: Fit, search: Search) -> list[str]:
    """What speaks against serving a fit, each as a clause with figures; empty when nothing does."""
    found = []
    if fit.smallest_share < search.minimum_share:
        found.append(f"the smallest cluster holds {fit.smallest_share:.1%} of the users, below {search.minimum_share:.1%}")
    if fit.stability < search.minimum_stability:
        found.append(f"two halves of the sample agree by {fit.stability:.2f}, below {search.minimum_stability:.2f}")
    if fit.silhouette < search.minimum_silhouette:
        found.append(f"the silhouette is {fit.silhouette:.2f}, below {search.minimum_silhouette:.2f}")
    return found


def standardise(raw: Matrix) -> tuple[npt.NDArray[np.bool_], Matrix, Matrix]:
    """Which columns vary at all, and mean and standard deviation of those."""
    deviation = raw.std(axis=0)
    varies = deviation > 1e-9
    return varies, raw.mean(axis=0)[varies], deviation[varies]


def _kmeans(points: Matrix, k: int, *, seed: int, search: Search) -> KMeans:
    return KMeans(n_clusters=k, n_init=search.restarts, random_state=seed).fit(points)
