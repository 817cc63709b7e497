"""Labels that keep their meaning over retrains: which cluster of a new model is which of the one that serves."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TypeVar

from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from jobs.segmentation.overlap import centroids, shared
from jobs.segmentation.served_segments import NO_CLUSTER, Clusters, Ids, Label, Matrix, Rows, SegmentModel

LEAST_OVERLAP = 1 / 3
"""Jaccard index from which two clusters are one and the same: as many users in both as in one of them alone, on each side."""

S = TypeVar("S", bound=Clusters)

NEARNESS = 1e-3
"""Weight of the centroids' nearness beside the overlap: it decides where users do not."""


@dataclass(frozen=True)
class Matches:
    """New cluster -> old one, by index, where they are the same; ``moved_share`` of the users whose label another one is now, in [0, 1]."""

    old_of: dict[int, int]
    moved_share: float


def matched(old: Ids, new: Ids, sizes: tuple[int, int], points: Matrix) -> Matches:
    """Match clusters by optimal assignment on the users that both share (Jaccard index), then on the distance of their centroids.

    ``old`` and ``new`` are the clusters of the same users, ``NO_CLUSTER`` for none; ``sizes`` how many clusters there are of each;
    ``points`` the users' places, of which both kinds of clusters have their centroids. Hungarian method (Kuhn 1955).
    """
    before, now = sizes
    known = (old != NO_CLUSTER) & (new != NO_CLUSTER)
    both, jaccard = shared(new[known], old[known], (now, before))
    distances = cdist(centroids(new, now, points), centroids(old, before, points))
    near = NEARNESS * (1 - distances / max(float(distances.max()), 1e-12))
    rows, columns = linear_sum_assignment(jaccard + near, maximize=True)
    old_of = {int(row): int(column) for row, column in zip(rows, columns, strict=True) if jaccard[row, column] >= LEAST_OVERLAP}
    stayed = sum(both[row, column] for row, column in old_of.items())
    return Matches(old_of, float(1 - stayed / known.sum()) if known.any() else 0.0)


def aligned(model: SegmentModel, champion: SegmentModel, users: Rows) -> tuple[SegmentModel, dict[str, float]]:
    """``model`` with the numbers and names of the champion's clusters where they are the same, and the share that moves, by scheme.

    What is new gets a number that no cluster has had, and a name that none of the others has. A scheme that only one of both has is left
    as it is.
    """
    new, old = model.assign(users), champion.assign(users)
    points = model.behaviour.points(users)
    behaviour, moved = _renamed(model.behaviour, champion.behaviour, old.behaviour, new.behaviour, points)
    found, shares = replace(model, behaviour=behaviour), {"behaviour": moved}
    if model.taste and champion.taste:
        taste, shares["taste"] = _renamed(model.taste, champion.taste, old.taste, new.taste, model.taste.points(users)[0])
        found = replace(found, taste=taste)
    if model.density and champion.density:
        density, shares["density"] = _renamed(model.density, champion.density, old.density, new.density, points)
        found = replace(found, density=density)
    return found, shares


def _renamed(scheme: S, champion: S, old: Ids, new: Ids, points: Matrix) -> tuple[S, float]:
    matches = matched(old, new, (len(champion.labels), len(scheme.labels)), points)
    free = champion.free_id
    ids, labels, taken = list[int](), list[Label](), {champion.labels[index].name for index in matches.old_of.values()}
    for index, label in enumerate(scheme.labels):
        if index in matches.old_of:
            before = matches.old_of[index]
            ids.append(champion.cluster_ids[before])
            labels.append(replace(label, name=champion.labels[before].name))
        else:
            ids.append(free)
            labels.append(replace(label, name=_own(label.name, taken)))
            taken.add(labels[-1].name)
            free += 1
    return replace(scheme, ids=tuple(ids), ids_given=free, labels=tuple(labels)), matches.moved_share


def _own(name: str, taken: Collection[str]) -> str:
    """The name, or with a number behind it that nobody has."""
    number = 2
    found = name
    while found in taken:
        found, number = f"{name} ({number})", number + 1
    return found
