"""Dense groups of users: DBSCAN over weighted micro-clusters.

DBSCAN (Ester, Kriegel, Sander & Xu 1996) asks of each point how many others are within ``eps``; here a cell of a grid stands for its users.
Cells are small against ``eps``, so the groups lie between those of a slightly smaller and a slightly larger one (Gan & Tao 2015,
DBSCAN Revisited: Mis-Claim, Un-Fixability, and Approximation).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from jobs.segmentation.micro_clusters import UNIT, Cells, coarser, of_points
from jobs.segmentation.overlap import shared
from jobs.segmentation.served_segments import NO_CLUSTER, Ids, Matrix, nearest_within

MOST_PAIRS = 40_000_000
"""Pairs of near cells beyond which cells are put together first: a pair costs some forty bytes while groups are found."""
COUNTED = 2_000
"""Cells whose neighbours are counted to estimate the pairs."""
DECIMALS = 6

Indices = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Rule:
    """What a dense group is, and what is asked of all of them; logged as parameters.

    A cell is core when ``core_share`` of the users, and at least twice as many as there are dimensions (Schubert et al. 2017, DBSCAN
    Revisited, Revisited), are within eps of it. A group below ``cluster_share`` of the users counts as noise.
    """

    core_share: float = 0.005
    cluster_share: float = 0.01
    most_noise: float = 0.4
    most_clusters: int = 20
    lower_quantiles: tuple[float, ...] = (0.9, 0.8, 0.7, 0.6, 0.5)
    cells_by_eps: int = 8
    core_cells: int = 4_000
    resamples: int = 20

    def min_samples(self, users: int, dimensions: int) -> int:
        """Users within eps, the one in the middle included, that make it core."""
        return max(2 * dimensions, int(np.ceil(self.core_share * users)))

    def side(self, eps: float) -> int:
        """Side of the finest grid for ``eps``, in units."""
        return max(1, int(eps * UNIT) // self.cells_by_eps)


@dataclass(frozen=True, eq=False)
class Near:
    """Cells, and which of them are at most ``eps`` apart: ``rows[i] < columns[i]``, each pair once."""

    cells: Cells
    eps: float
    centres: Matrix
    rows: Indices
    columns: Indices


@dataclass(frozen=True, eq=False)
class Groups:
    """Cluster of each cell, the heaviest cluster first, NO_CLUSTER for noise; and which cells are core."""

    labels: Ids
    is_core: npt.NDArray[np.bool_]

    @property
    def clusters(self) -> int:
        """How many there are."""
        return int(self.labels.max(initial=NO_CLUSTER)) + 1


@dataclass(frozen=True)
class DensityFit:
    """Dense groups with their figures.

    ``curve`` are the sorted k-distances of the sample, k = ``min_samples`` of the sample; ``eps`` is taken from it. ``shares`` of the
    sample are in each cluster as it is served, the rest is ``noise_share``. ``cells`` are the core cells that serve, all of
    ``core_cells`` or a cover of them; ``side`` of the grid is in the units of eps.
    """

    eps: float
    min_samples: int
    curve: tuple[float, ...]
    users: int
    grid_cells: int
    side: float
    core_cells: int
    centroids: tuple[tuple[float, ...], ...]
    cells: tuple[tuple[float, ...], ...]
    cell_clusters: tuple[int, ...]
    shares: tuple[float, ...]
    noise_share: float
    stability: tuple[float, ...]


def near(cells: Cells, eps: float, most_pairs: int = MOST_PAIRS) -> Near:
    """The pairs of near cells; cells are put together until there are about ``most_pairs`` or fewer, which bounds the memory."""
    while True:
        centres = cells.centres
        tree = cKDTree(centres)
        some = centres[:: max(1, -(-len(cells) // COUNTED))]
        if len(cells) < 2 or tree.query_ball_point(some, eps, return_length=True).mean() * len(cells) <= 2 * most_pairs:
            break
        cells = coarser(cells)
    pairs = tree.query_pairs(eps, output_type="ndarray").astype(np.int32)
    return Near(cells, eps, centres, pairs[:, 0].copy(), pairs[:, 1].copy())


def dbscan(graph: Near, min_samples: int, *, smallest: int = 1, weights: npt.NDArray[np.int64] | None = None) -> Groups:
    """DBSCAN where a cell counts for its users, all at their mean; clusters of fewer than ``smallest`` users are noise.

    Two core cells at most eps apart are in one cluster; another cell is in that of the nearest core cell at most eps away. ``weights`` are
    other users of the same cells; a cell without any is no core.
    """
    users = graph.cells.weights if weights is None else weights
    around = users.astype(np.float64)
    around += np.bincount(graph.rows, weights=users[graph.columns], minlength=len(users))
    around += np.bincount(graph.columns, weights=users[graph.rows], minlength=len(users))
    is_core = (around >= min_samples) & (users > 0)
    labels = np.full(len(users), NO_CLUSTER, dtype=np.int32)
    if not is_core.any():
        return Groups(labels, is_core)
    joined = is_core[graph.rows] & is_core[graph.columns]
    edges = coo_matrix((np.ones(joined.sum(), np.int8), (graph.rows[joined], graph.columns[joined])), shape=(len(users), len(users)))
    labels[is_core] = connected_components(edges, directed=False)[1][is_core]
    core = np.flatnonzero(is_core)
    distances, nearest_core = cKDTree(graph.centres[core]).query(graph.centres, distance_upper_bound=np.nextafter(graph.eps, np.inf))
    borders = ~is_core & np.isfinite(distances)
    labels[borders] = labels[core[nearest_core[borders]]]
    return Groups(_by_size(labels, users, smallest), is_core)


def k_distances(points: Matrix, k: int) -> Matrix:
    """Distance of each point to its k-th nearest, itself the first, rising."""
    found = cKDTree(points).query(points, k=[min(k, len(points))])[0]
    return np.sort(found[:, 0])


def knee(curve: Matrix) -> float:
    """Where a rising curve turns up: the value farthest below the line from its first to its last (Satopaa et al. 2011, Kneedle).

    >>> knee(np.array([1.0, 1.1, 1.2, 1.3, 5.0, 9.0]))
    1.3
    """
    heights = (curve - curve[0]) / max(float(curve[-1] - curve[0]), 1e-12)
    return float(curve[int((np.linspace(0, 1, len(curve)) - heights).argmax())])


def fit(points: Matrix, *, rule: Rule, seed: int, population: Callable[[int], Cells] | None = None) -> DensityFit | None:
    """Dense groups, eps chosen on a sample in hash order; None where most users are at one point.

    eps is the knee of the k-distances; where that does not pass (too few groups, too much noise), the first of the rule's quantiles below
    it that does, or else the last of them. ``population`` gives the cells of everybody on a grid of a side; without it the sample is
    everybody.
    """
    users, dimensions = points.shape
    k = rule.min_samples(users, dimensions)
    curve = k_distances(points, k)
    at_knee = knee(curve)
    lower = [float(np.quantile(curve, share)) for share in rule.lower_quantiles]
    tried = [one for one in dict.fromkeys(round(eps, DECIMALS) for eps in (at_knee, *lower) if eps <= at_knee) if one > 0]
    if not tried:
        return None
    smallest = int(np.ceil(rule.cluster_share * users))
    for eps in tried:
        sample = near(of_points(points, rule.side(eps)), eps)
        groups = dbscan(sample, k, smallest=smallest)
        noise = float(sample.cells.weights[groups.labels == NO_CLUSTER].sum() / users)
        if not _faults(groups.clusters, noise, rule):
            break
    graph = near(population(rule.side(eps)), eps) if population else sample
    cells, everybody = graph.cells, int(graph.cells.weights.sum())
    min_samples = rule.min_samples(everybody, dimensions)
    groups = dbscan(graph, min_samples, smallest=int(np.ceil(rule.cluster_share * everybody)))
    core = np.flatnonzero(groups.is_core & (groups.labels != NO_CLUSTER))
    serving = core[thinned(cells.centres[core], cells.weights[core], eps, rule.core_cells)]
    middles = tuple(tuple(float(value) for value in row) for row in np.round(cells.centres[serving], DECIMALS))
    own = tuple(int(label) for label in groups.labels[serving])
    found = nearest_within(points, middles, own, eps) if middles else np.full(users, NO_CLUSTER, dtype=np.int32)
    return DensityFit(
        eps=eps,
        min_samples=min_samples,
        curve=tuple(float(value) for value in curve),
        users=everybody,
        grid_cells=len(cells),
        side=cells.side / UNIT,
        core_cells=len(core),
        centroids=tuple(_centroid(cells, groups.labels == cluster) for cluster in range(groups.clusters)),
        cells=middles,
        cell_clusters=own,
        shares=tuple(float(share) for share in np.bincount(found[found >= 0], minlength=groups.clusters) / users),
        noise_share=float((found == NO_CLUSTER).mean()),
        stability=_stability(sample, middles, own, groups.clusters, rule=rule, seed=seed),
    )


def faults(found: DensityFit, rule: Rule) -> list[str]:
    """What speaks against serving the groups, each as a clause with figures; empty when nothing does."""
    return _faults(len(found.centroids), found.noise_share, rule)


def thinned(centres: Matrix, weights: npt.NDArray[np.int64], eps: float, most: int) -> Indices:
    """At most ``most`` cells, such that each cell has a chosen one near: all of them, or a greedy cover that begins with heavy cells."""
    if len(centres) <= most:
        return np.arange(len(centres))
    tree, order, radius = cKDTree(centres), np.argsort(-weights, kind="stable"), eps / 8
    while True:
        is_covered, chosen = np.zeros(len(centres), dtype=np.bool_), list[int]()
        for index in order:
            if not is_covered[index]:
                chosen.append(int(index))
                is_covered[tree.query_ball_point(centres[index], radius)] = True
                if len(chosen) > most:
                    break
        if len(chosen) <= most:
            return np.sort(np.array(chosen))
        radius *= 1.25


def _faults(clusters: int, noise_share: float, rule: Rule) -> list[str]:
    found = []
    if clusters < 2:
        found.append(f"{clusters} dense groups, fewer than 2")
    if clusters > rule.most_clusters:
        found.append(f"{clusters} dense groups, more than {rule.most_clusters}")
    if noise_share > rule.most_noise:
        found.append(f"{noise_share:.1%} of the users are in none, above {rule.most_noise:.1%}")
    return found


def _stability(
    sample: Near, middles: Sequence[Sequence[float]], own: Sequence[int], clusters: int, *, rule: Rule, seed: int
) -> tuple[float, ...]:
    """Of each cluster the mean Jaccard index with its likest one in refits on resampled users (Hennig 2007)."""
    if not clusters:
        return ()
    weights = sample.cells.weights
    users = int(weights.sum())
    k, smallest = rule.min_samples(users, sample.centres.shape[1]), int(np.ceil(rule.cluster_share * users))
    drawn = np.random.default_rng(seed)
    original, found = nearest_within(sample.centres, middles, own, sample.eps), np.zeros(clusters)
    for _ in range(rule.resamples):
        groups = dbscan(sample, k, smallest=smallest, weights=drawn.multinomial(users, weights / users))
        # NO_CLUSTER is the last row and column.
        jaccard = shared(original, groups.labels, (clusters + 1, groups.clusters + 1), weights)[1]
        found += jaccard[:-1, :-1].max(axis=1, initial=0.0)
    return tuple(float(value) for value in found / rule.resamples)


def _by_size(labels: Ids, weights: npt.NDArray[np.int64], smallest: int) -> Ids:
    """Numbered anew, the most users first, equals by their first cell; those below ``smallest`` as noise."""
    known = labels != NO_CLUSTER
    numbers, first, inverse = np.unique(labels[known], return_index=True, return_inverse=True)
    sizes = np.bincount(inverse, weights=weights[known], minlength=len(numbers))
    order = np.lexsort((first, -sizes))
    ranks = np.empty(len(numbers), dtype=np.int32)
    ranks[order] = np.arange(len(numbers))
    ranks[sizes < smallest] = NO_CLUSTER
    found = np.full(len(labels), NO_CLUSTER, dtype=np.int32)
    found[known] = ranks[inverse]
    return found


def _centroid(cells: Cells, mine: Sequence[bool] | npt.NDArray[np.bool_]) -> tuple[float, ...]:
    total = cells.sums[mine].sum(axis=0) / (float(UNIT) * cells.weights[mine].sum())
    return tuple(float(value) for value in total)
