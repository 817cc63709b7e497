"""How much two clusterings of the same users share, and where their clusters lie."""

import numpy as np
import numpy.typing as npt

from jobs.segmentation.served_segments import Ids, Matrix


def shared(rows: Ids, columns: Ids, shape: tuple[int, int], users: npt.NDArray[np.int64] | int = 1) -> tuple[Matrix, Matrix]:
    """Users in both of each pair of clusters, and the pair's Jaccard index, 0 where both are empty; a place counts for ``users``.

    >>> shared(np.array([0, 0, 1]), np.array([1, 1, 0]), (2, 2))[1].tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    both = np.zeros(shape)
    np.add.at(both, (rows, columns), users)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return both, both / np.maximum(either, 1)


def centroids(clusters: Ids, count: int, points: Matrix) -> Matrix:
    """Mean place of each cluster's users; that of all users for one without any.

    >>> centroids(np.array([0, 0]), 2, np.array([[1.0], [3.0]])).tolist()
    [[2.0], [2.0]]
    """
    means = [points[clusters == cluster].mean(axis=0) if (clusters == cluster).any() else points.mean(axis=0) for cluster in range(count)]
    return np.array(means)
