"""Taste clusters: K-means on what users like, on shares of categories as they are or, where those are too many and too thin, projected."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from jobs.segmentation import gate
from jobs.segmentation.fitting import Fit, Search, faults, stability
from jobs.segmentation.naming import taste_labels
from jobs.segmentation.overlap import centroids
from jobs.segmentation.served_segments import Matrix, Taste, leading_categories, nearest, projected, taste_matrix

MOST_CATEGORIES = 150
"""Categories that taste looks at: those with most events."""
MINIMUM_EVENTS = 3
MOST_DIRECTIONS = 10
SHUFFLES, ABOVE_CHANCE = 20, 0.95
PLAIN, PROJECTED = "taste", "taste_directions"
"""Names of the searches; behind the second the number of its directions."""


@dataclass(frozen=True)
class Found:
    """The clusters that serve and their fit, both None where none do; and a remark that says which or why not."""

    taste: Taste | None
    fit: Fit | None
    remark: str


def fit(users: pa.Table, search_k: Callable[[str, Matrix], Fit], *, seed: int, search: Search) -> Found:
    """Clusters over shares of categories; where those have faults, over their leading directions.

    The directions are principal components of the shares, each weighted by how rare its category is: what everybody buys says least
    (inverse document frequency, Spärck Jones 1972, smoothed). As many as explain more than chance does (parallel analysis, Horn 1965),
    or half as many, and so on, until the clusters along them are sound.
    """
    categories = leading_categories(users, MOST_CATEGORIES)
    shares, events = taste_matrix(users, categories)
    liking = shares[events >= MINIMUM_EVENTS]
    if len(categories) < 2 or len(liking) < gate.MINIMUM_USERS:
        return Found(
            None, None, f"no taste clusters: {len(categories)} categories, {len(liking)} users with {MINIMUM_EVENTS} events in them"
        )
    if not _differ(liking, search):
        return Found(None, None, "no taste clusters: too few users differ in what they like")
    plain = search_k(PLAIN, liking)
    if not (wrong := faults(plain, search)):
        return Found(_named(categories, liking, liking, plain, seed=seed, search=search), plain, "taste clusters serve")
    weights = rarity(liking)
    directions = weights[:, None] * leading_directions(liking[: search.silhouette_users] * weights, seed=seed)
    if not directions.shape[1]:
        wrong = [*wrong, "no direction of taste is more than chance"]
    while (count := directions.shape[1]) > 0:
        points = projected(liking, directions)
        if not _differ(points, search):
            break
        found = search_k(f"{PROJECTED}_{count}", points)
        on_directions = f"on {count} directions of {len(categories)} categories"
        if not (still_wrong := faults(found, search)):
            taste = _named(categories, liking, points, found, seed=seed, search=search)
            along = replace(taste, directions=tuple(tuple(map(float, row)) for row in directions))
            return Found(along, found, f"taste clusters serve, {on_directions}")
        wrong = [*wrong, f"{on_directions} {'; '.join(still_wrong)}"]
        directions = directions[:, : count // 2]
    return Found(None, None, f"no taste clusters: {'; '.join(wrong)}")


def _differ(points: Matrix, search: Search) -> bool:
    """Whether there are places enough for the least k."""
    return len(np.unique(points, axis=0)) >= 2 * min(search.ks)


def rarity(shares: Matrix) -> Matrix:
    """``1 + ln((1 + users) / (1 + users of the category))`` of each category."""
    weights: Matrix = 1 + np.log((1 + len(shares)) / (1 + (shares > 0).sum(axis=0)))
    return weights


def leading_directions(points: Matrix, *, seed: int) -> Matrix:
    """Columns x directions: principal components with more variance than those of the same columns shuffled each by itself.

    At most MOST_DIRECTIONS, falling; the greatest part of each is positive. One thread: the same bits every time.
    """
    with threadpool_limits(limits=1):
        variances, vectors = np.linalg.eigh(np.cov(points, rowvar=False))
        drawn = np.random.default_rng(seed)
        by_chance = [np.linalg.eigvalsh(np.cov(drawn.permuted(points, axis=0), rowvar=False)) for _ in range(SHUFFLES)]
    is_above = variances[::-1] > np.quantile(by_chance, ABOVE_CHANCE, axis=0)[::-1]
    count = min(MOST_DIRECTIONS, int(np.argmin(is_above)) if not is_above.all() else len(is_above))
    leading = vectors[:, ::-1][:, :count]
    signs = np.sign(np.take_along_axis(leading, np.abs(leading).argmax(axis=0)[None, :], axis=0))
    directions: Matrix = leading * signs
    return directions


def _named(categories: tuple[str, ...], liking: Matrix, points: Matrix, found: Fit, *, seed: int, search: Search) -> Taste:
    """Clusters with their names; those are of the mean shares of a cluster's users, whatever ``points`` they were found by."""
    means = centroids(nearest(points, found.centroids), found.k, liking)
    return Taste(
        categories,
        MINIMUM_EVENTS,
        centroids=found.centroids,
        labels=taste_labels(categories, means.tolist(), liking.mean(axis=0).tolist()),
        stability=stability(points, found.centroids, seed=seed, search=search),
    )
