"""Fitted segments as plain figures: from rows of ``gold.user_features`` to clusters, with NumPy and Arrow only.

One code for fitting, for Spark and for MLflow: this file travels with the registered model under its own name, so it imports nothing of
this project.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Matrix = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int32]
Rows: TypeAlias = Any
"""A pyarrow Table or RecordBatch; pyarrow has no types to check against."""

FORMAT = 4
READ = (1, 2, 3, 4)
"""Formats that are read: the first knew neither numbers that stay nor the stability of a cluster, the second no density, the third no
directions of taste."""

FILE = "segments.json"
NO_CLUSTER = -1
UNKNOWN_TASTE = "Taste not known yet"
UNASSIGNED = "unassigned"
NOISE = "Unlike any group"
"""Segment of who is in no dense group, where density clusters serve."""
ROWS_AT_ONCE = 64

BEHAVIOUR_FEATURES = ("recency_days", "tenure_days", "active_span_days", "active_days", "add_to_cart_count", "monetary")
"""What behaviour clusters look at. ``active_span_days`` are the days from the first event to the last, both included; ``monetary`` is
spend_minor, or units_bought in a shop without prices, in typical orders of the shop."""

MONETARY_COLUMNS = {"spend": "spend_minor", "units": "units_bought"}
COLUMNS = (
    "recency_days",
    "tenure_days",
    "active_days",
    "add_to_cart_count",
    "order_count",
    "spend_minor",
    "units_bought",
    "top_categories",
)
"""Columns of ``gold.user_features`` that clusters need."""

_CATEGORIES_TYPE = pa.list_(pa.struct([("category_id", pa.string()), ("event_count", pa.int64())]))


@dataclass(frozen=True)
class Label:
    """What a marketer reads about one cluster."""

    name: str
    meaning: str
    action: str


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """Row i of ``centroids`` is cluster i.

    ``ids`` are the numbers under which clusters are known over retrains, of which ``ids_given`` are taken or were once; ``stability`` is
    the mean Jaccard index of each with its like in refits on resampled users.
    """

    centroids: tuple[tuple[float, ...], ...]
    labels: tuple[Label, ...]
    ids: tuple[int, ...] = ()
    ids_given: int = 0
    stability: tuple[float, ...] = ()

    @property
    def cluster_ids(self) -> tuple[int, ...]:
        """The number of each cluster."""
        return self.ids or tuple(range(len(self.labels)))

    @property
    def free_id(self) -> int:
        """The first number that no cluster has had."""
        return max(self.ids_given, 1 + max(self.cluster_ids, default=-1))


@dataclass(frozen=True)
class Behaviour(Clusters):
    """Clusters over standardised ``log(1 + value)`` features.

    ``monetary_unit`` is a typical order, in minor units or pieces; ``mean`` and ``scale`` are frozen at the fit.
    """

    features: tuple[str, ...]
    monetary_basis: str
    monetary_unit: int
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def points(self, rows: Rows) -> Matrix:
        """Users x features, standardised by the frozen mean and scale."""
        raw = behaviour_matrix(rows, self.features, monetary_basis=self.monetary_basis, monetary_unit=self.monetary_unit)
        return cast("Matrix", (raw - np.array(self.mean)) / np.array(self.scale))

    def assign(self, rows: Rows) -> Ids:
        """Cluster of each user."""
        return nearest(self.points(rows), self.centroids)


@dataclass(frozen=True)
class Taste(Clusters):
    """Clusters over square roots of category shares; users with fewer than ``minimum_events`` such events have no cluster.

    With ``directions`` (categories x directions), over the roots projected on those.
    """

    categories: tuple[str, ...]
    minimum_events: int
    directions: tuple[tuple[float, ...], ...] | None = None

    def points(self, rows: Rows) -> tuple[Matrix, npt.NDArray[np.int64]]:
        """What users are clustered by, one row each, and their counts of events."""
        shares, events = taste_matrix(rows, self.categories)
        return (shares if self.directions is None else projected(shares, np.array(self.directions))), events

    def assign(self, rows: Rows) -> Ids:
        """Cluster of each user, or NO_CLUSTER."""
        points, events = self.points(rows)
        return np.where(events >= self.minimum_events, nearest(points, self.centroids), NO_CLUSTER).astype(np.int32)


@dataclass(frozen=True)
class Density(Clusters):
    """Dense groups among the points of ``Behaviour``: ``cells`` are the middles of their core cells, ``cell_clusters`` whose each is."""

    eps: float
    cells: tuple[tuple[float, ...], ...]
    cell_clusters: tuple[int, ...]

    def assign(self, points: Matrix) -> Ids:
        """Cluster of the nearest core cell not farther than ``eps``, or NO_CLUSTER."""
        return nearest_within(points, self.cells, self.cell_clusters, self.eps)


class Assigned(NamedTuple):
    """Cluster of each user in each scheme, by index; NO_CLUSTER where there is none."""

    behaviour: Ids
    taste: Ids
    density: Ids


@dataclass(frozen=True)
class SegmentModel:
    """The clusters of one training; ``taste`` is None where a shop has no categories, ``density`` where it has no dense groups.

    ``version`` is the registry's.
    """

    as_of_date: str
    seed: int
    behaviour: Behaviour
    taste: Taste | None
    version: str | None = None
    density: Density | None = None

    def assign(self, rows: Rows) -> Assigned:
        """The clusters of each user, NO_CLUSTER throughout in a scheme that the model does not have."""
        nobody = np.full(rows.num_rows, NO_CLUSTER, dtype=np.int32)
        points = self.behaviour.points(rows)
        return Assigned(
            nearest(points, self.behaviour.centroids),
            self.taste.assign(rows) if self.taste else nobody,
            self.density.assign(points) if self.density else nobody,
        )

    def to_json(self) -> str:
        """The model as text; the same model gives the same text."""
        return json.dumps({"format": FORMAT} | asdict(self), indent=1, sort_keys=True)


def from_json(text: str, version: str | None = None) -> SegmentModel:
    """Read a model back; raises ValueError for another format."""
    content = json.loads(text)
    if content.get("format") not in READ:
        message = f"a segment model of format {content.get('format')}; this code reads formats {', '.join(map(str, READ))}"
        raise ValueError(message)
    return SegmentModel(
        as_of_date=content["as_of_date"],
        seed=content["seed"],
        behaviour=Behaviour(**_frozen(content["behaviour"])),
        taste=Taste(**_frozen(content["taste"])) if content["taste"] else None,
        version=version or content["version"],
        density=Density(**_frozen(content["density"])) if content.get("density") else None,
    )


def nearest(points: Matrix, centroids: Sequence[Sequence[float]]) -> Ids:
    """Index of the centroid at the least Euclidean distance, the lowest of equals.

    Distances add up feature by feature in one order, so that a user's cluster does not depend on who shares the batch (a matrix product's
    may).

    >>> nearest(np.array([[0.0], [1.0], [2.0]]), [[0.0], [2.0]]).tolist()
    [0, 0, 1]
    """
    distances = np.zeros((len(points), len(centroids)))
    for column, values in enumerate(np.array(centroids, dtype=np.float64).T):
        distances += (points[:, column, None] - values[None, :]) ** 2
    return cast("Ids", distances.argmin(axis=1).astype(np.int32))


def projected(points: Matrix, directions: Matrix) -> Matrix:
    """Users x directions; adds up column by column, so that a user's row does not depend on who shares the batch.

    >>> projected(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, -1.0]])).tolist()
    [[7.0, -2.0]]
    """
    found = np.zeros((len(points), directions.shape[1]))
    for values, parts in zip(points.T, directions, strict=True):
        found += values[:, None] * parts[None, :]
    return found


def nearest_within(points: Matrix, cells: Sequence[Sequence[float]], clusters: Sequence[int], reach: float) -> Ids:
    """Of each point the cluster of the nearest cell at most ``reach`` away, or NO_CLUSTER.

    Users are taken in strips of the most spread coordinate and there in the order of the next one, so that a few at a time need to look
    at few cells; like ``nearest`` it does not matter who shares the batch.

    >>> nearest_within(np.array([[0.4], [2.1], [9.0]]), [[0.0], [2.0]], [7, 5], 1.0).tolist()
    [7, 5, -1]
    """
    middles = np.array(cells, dtype=np.float64)
    axes = np.argsort(-np.ptp(middles, axis=0), kind="stable")[:2]
    across, along = int(axes[0]), int(axes[-1])
    by_place = np.argsort(middles[:, along], kind="stable")
    middles, own = middles[by_place], np.array(clusters, dtype=np.int32)[by_place]
    strips = np.floor(points[:, across] / reach)
    order = np.lexsort((points[:, along], strips))
    found = np.full(len(points), NO_CLUSTER, dtype=np.int32)
    for strip, start in zip(*np.unique(strips[order], return_index=True), strict=True):
        stop = np.searchsorted(strips[order], strip, side="right")
        is_beside = (middles[:, across] >= (strip - 1.001) * reach) & (middles[:, across] <= (strip + 2.001) * reach)
        beside, theirs = middles[is_beside], own[is_beside]
        for at in range(start, stop, ROWS_AT_ONCE):
            rows = order[at : min(at + ROWS_AT_ONCE, stop)]
            mine = points[rows]
            low = np.searchsorted(beside[:, along], mine[0, along] - reach, side="left")
            high = np.searchsorted(beside[:, along], mine[-1, along] + reach, side="right")
            if low < high:
                distances = np.zeros((len(rows), high - low))
                for column, values in enumerate(beside[low:high].T):
                    distances += (mine[:, column, None] - values[None, :]) ** 2
                nearest_of = distances.argmin(axis=1)
                is_near = distances[np.arange(len(rows)), nearest_of] <= reach**2
                found[rows[is_near]] = theirs[low:high][nearest_of[is_near]]
    return found


def behaviour_matrix(rows: Rows, features: Sequence[str], *, monetary_basis: str, monetary_unit: int) -> Matrix:
    """Users x features: ``log(1 + value)``, negative values as 0; unknown money counts as none."""
    columns = {name: _numbers(rows, name) for name in ("recency_days", "tenure_days", "active_days", "add_to_cart_count")}
    columns["active_span_days"] = columns["tenure_days"] - columns["recency_days"] + 1
    columns["monetary"] = _numbers(rows, MONETARY_COLUMNS[monetary_basis]) / monetary_unit
    return np.column_stack([np.log1p(np.maximum(columns[name], 0.0)) for name in features])


def taste_matrix(rows: Rows, categories: Sequence[str]) -> tuple[Matrix, npt.NDArray[np.int64]]:
    """Users x categories: square roots of each user's shares, so that rows have length 1 (Hellinger); and the users' event counts.

    Only events of the given categories count; a user without any has a row of zeros.
    """
    lists = _array(rows, "top_categories")
    owner = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False)
    entries = pc.list_flatten(lists)
    position = pc.index_in(pc.struct_field(entries, "category_id"), value_set=pa.array(categories, pa.string()))
    column = pc.fill_null(position, NO_CLUSTER).to_numpy(zero_copy_only=False)
    weight = pc.struct_field(entries, "event_count").to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.zeros((len(lists), len(categories)), dtype=np.int64)
    known = column >= 0
    np.add.at(counts, (owner[known], column[known]), weight[known])
    totals = counts.sum(axis=1)
    return np.sqrt(counts / np.maximum(totals, 1)[:, None]), totals


def leading_categories(rows: Rows, limit: int) -> tuple[str, ...]:
    """The categories with most events over all rows, falling, equals by id; at most ``limit``."""
    entries = pc.list_flatten(_array(rows, "top_categories"))
    table = pa.table({name: pc.struct_field(entries, name) for name in ("category_id", "event_count")})
    totals = table.group_by("category_id").aggregate([("event_count", "sum")]).to_pylist()
    totals.sort(key=lambda row: (-row["event_count_sum"], row["category_id"]))
    return tuple(row["category_id"] for row in totals[:limit])


def typical_order(rows: Rows) -> tuple[str, int]:
    """``spend`` when any buyer's spend is known, otherwise ``units``; and the median over buyers of that by order, at least 1."""
    orders = _numbers(rows, "order_count")
    priced = pc.is_valid(_array(rows, "spend_minor")).to_numpy(zero_copy_only=False) & (orders > 0)
    basis = "spend" if priced.any() else "units"
    buyers = priced if basis == "spend" else orders > 0
    by_order = np.sort(_numbers(rows, MONETARY_COLUMNS[basis])[buyers] // orders[buyers])
    return basis, max(1, int(by_order[len(by_order) // 2])) if len(by_order) else 1


def _numbers(rows: Rows, name: str) -> Matrix:
    filled: Matrix = pc.fill_null(_array(rows, name), 0).to_numpy(zero_copy_only=False).astype(np.float64)
    return filled


def _array(rows: Rows, name: str) -> pa.Array:
    column = rows.column(name)
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _frozen(content: Mapping[str, Any]) -> dict[str, Any]:
    frozen = {
        key: tuple(tuple(v) if isinstance(v, list) else v for v in value) if isinstance(value, list) else value
        for key, value in content.items()
    }
    return frozen | {"labels": tuple(Label(**label) for label in content["labels"])}


class ServedSegments:
    """What MLflow's pyfunc calls."""

    def __init__(self, model: SegmentModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002 pyfunc's signature
        """One row a user with COLUMNS -> the ids and names of the clusters of every scheme."""
        fields = {name: _CATEGORIES_TYPE if name == "top_categories" else pa.float64() for name in COLUMNS}
        rows = pa.table({name: pa.array([_listed(v) for v in frame[name]], kind, from_pandas=True) for name, kind in fields.items()})
        found = self.model.assign(rows)
        columns: dict[str, object] = {}
        for scheme, clusters, ids, otherwise in (
            ("behaviour", self.model.behaviour, found.behaviour, UNASSIGNED),
            ("taste", self.model.taste, found.taste, UNKNOWN_TASTE),
            ("density", self.model.density, found.density, NOISE),
        ):
            numbers = (*(clusters.cluster_ids if clusters else ()), NO_CLUSTER)
            names = (*(label.name for label in (clusters.labels if clusters else ())), otherwise if clusters else UNASSIGNED)
            columns[f"{scheme}_cluster_id"] = np.array(numbers, np.int32)[ids]
            columns[f"{scheme}_segment"] = [names[index] for index in ids]
        return pd.DataFrame(columns)


def _listed(value: object) -> object:
    return list(value) if isinstance(value, np.ndarray) else value


def _load_pyfunc(path: str) -> ServedSegments:
    """MLflow's door: ``path`` is the model's data folder."""
    return ServedSegments(from_json((Path(path) / FILE).read_text(encoding="utf-8")))
