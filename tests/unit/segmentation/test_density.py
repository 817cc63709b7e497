"""Claims about dense groups, held against scikit-learn's DBSCAN on every point."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from pyspark.sql import SparkSession
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from benchmarks.density import cloud
from jobs.estimate import Estimate
from jobs.segmentation import gate
from jobs.segmentation.alignment import aligned
from jobs.segmentation.density import Near, Rule, dbscan, faults, fit, k_distances, knee, near, thinned
from jobs.segmentation.fitting import Fit, Search
from jobs.segmentation.micro_clusters import UNIT, Cells, coarser, of_frame, of_points
from jobs.segmentation.served_segments import (
    NO_CLUSTER,
    NOISE,
    UNASSIGNED,
    Matrix,
    Rows,
    ServedSegments,
    from_json,
    nearest_within,
)
from jobs.segmentation.training import Candidate, _log_candidate
from jobs.segmentation.training import fit as fit_segments
from jobs.tracking import Run
from tests.unit.segmentation.shoppers import planted

RULE = Rule(resamples=3)
DAY = date(2026, 6, 30)


def groups_of(points: Matrix, eps: float, min_samples: int) -> tuple[Near, np.ndarray]:
    graph = near(of_points(points, RULE.side(eps)), eps)
    return graph, dbscan(graph, min_samples).labels


def served(points: Matrix, eps: float, min_samples: int) -> np.ndarray:
    """As a model assigns users: by at most ``core_cells`` core cells."""
    graph = near(of_points(points, RULE.side(eps)), eps)
    groups = dbscan(graph, min_samples)
    core = np.flatnonzero(groups.is_core)
    core = core[thinned(graph.centres[core], graph.cells.weights[core], eps, RULE.core_cells)]
    return nearest_within(points, graph.centres[core].tolist(), groups.labels[core].tolist(), eps)


@pytest.mark.parametrize(("dimensions", "seed"), [(2, 1), (3, 3), (4, 1)])
def test_users_come_into_the_groups_of_dbscan_on_every_point(dimensions: int, seed: int) -> None:
    points = cloud(dimensions, seed)
    curve = k_distances(points, 20)
    for eps in (knee(curve), float(np.quantile(curve, 0.6))):
        wanted = DBSCAN(eps=eps, min_samples=20).fit(points).labels_
        found = served(points, eps, 20)
        assert adjusted_rand_score(wanted, found) >= 0.95
        assert abs((wanted == NO_CLUSTER).mean() - (found == NO_CLUSTER).mean()) < 0.02
        assert len(np.unique(wanted)) > 3


def test_a_weight_counts_as_so_many_users_at_one_point() -> None:
    drawn = np.random.default_rng(5)
    places, times = drawn.normal(0, 1, (300, 2)), drawn.integers(1, 6, 300)
    repeated = np.repeat(places, times, axis=0)
    graph = near(of_points(repeated, UNIT // 1000), 0.2)
    assert graph.cells.weights.sum() == times.sum()
    wanted = DBSCAN(eps=0.2, min_samples=12).fit(places, sample_weight=times)
    found = nearest_of(graph, places, dbscan(graph, 12).labels)
    core = wanted.core_sample_indices_
    assert adjusted_rand_score(wanted.labels_[core], found[core]) == pytest.approx(1.0)
    assert ((wanted.labels_ == NO_CLUSTER) == (found == NO_CLUSTER)).all()


def nearest_of(graph: Near, points: Matrix, labels: np.ndarray) -> np.ndarray:
    return nearest_within(points, graph.centres.tolist(), labels.tolist(), 1e-3)


def test_other_weights_of_the_same_cells_are_other_users_and_an_empty_cell_is_no_core() -> None:
    graph = near(of_points(np.array([[0.0], [0.5], [5.0], [5.5]]), UNIT // 8), 1.0)
    assert dbscan(graph, 2).labels.tolist() == [0, 0, 1, 1]
    without = dbscan(graph, 2, weights=np.array([1, 1, 2, 0]))
    assert without.is_core.tolist() == [True, True, True, False]
    assert dbscan(graph, 2, weights=np.array([1, 0, 2, 0])).labels.tolist() == [NO_CLUSTER, NO_CLUSTER, 0, 0]


def test_a_planted_dense_group_is_found_and_the_rest_is_noise_of_its_own() -> None:
    drawn = np.random.default_rng(8)
    group, other = drawn.normal(0, 0.2, (2000, 3)), drawn.normal(4, 0.2, (600, 3))
    noise = drawn.uniform(-8, 8, (400, 3))
    found = fit(np.concatenate([group, other, noise])[drawn.permutation(3000)], rule=RULE, seed=1)
    assert found is not None
    assert not faults(found, RULE)
    assert found.shares == pytest.approx((2 / 3, 0.2), abs=0.01)
    assert found.noise_share == pytest.approx(0.4 / 3, abs=0.02)
    assert np.array(found.centroids) == pytest.approx(np.array([[0.0] * 3, [4.0] * 3]), abs=0.05)
    assert min(found.stability) > 0.9


def test_one_cloud_is_no_groups_and_says_so() -> None:
    found = fit(np.random.default_rng(3).normal(0, 1, (1500, 3)), rule=RULE, seed=1)
    assert found is not None
    assert faults(found, RULE)
    assert fit(np.repeat([[1.0, 2.0]], 500, axis=0), rule=RULE, seed=1) is None


def test_a_group_below_the_declared_share_counts_as_noise() -> None:
    points = np.concatenate([np.zeros((90, 2)), np.full((10, 2), 5.0)])
    graph = near(of_points(points, UNIT // 8), 1.0)
    assert sorted(dbscan(graph, 5, smallest=10).labels.tolist()) == [0, 1]
    assert sorted(dbscan(graph, 5, smallest=11).labels.tolist()) == [NO_CLUSTER, 0]


def test_a_grid_of_twice_the_side_is_the_same_users_put_together() -> None:
    points = cloud(3, 1, 3000)
    fine = of_points(points, UNIT // 16)
    for cells in (coarser(fine), coarser(coarser(fine))):
        same_cells(cells, of_points(points, cells.side))


def same_cells(one: Cells, other: Cells) -> None:
    assert one.side == other.side
    for name in ("places", "weights", "sums"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_too_many_pairs_put_cells_together_and_the_groups_stay() -> None:
    points = cloud(2, 2, 6000)
    eps = knee(k_distances(points, 20))
    fine = near(of_points(points, RULE.side(eps)), eps)
    few = near(of_points(points, RULE.side(eps)), eps, most_pairs=len(fine.rows) // 4)
    assert len(few.cells) < len(fine.cells)
    assert len(few.rows) <= len(fine.rows) // 2
    labels = [nearest_within(points, one.centres.tolist(), dbscan(one, 20).labels.tolist(), eps / 2) for one in (fine, few)]
    assert adjusted_rand_score(*labels) > 0.9


def points_of(rows: Rows) -> Matrix:
    return np.column_stack([rows.column(name).to_numpy(zero_copy_only=False) for name in ("x", "y", "z")])


def test_the_cells_are_the_same_for_any_partitioning_and_no_more_than_asked_for(spark: SparkSession) -> None:
    points, side = cloud(3, 7, 2000), UNIT // 4
    rows = spark.createDataFrame(pd.DataFrame(points, columns=["x", "y", "z"])).persist()
    wanted = of_points(points, side)
    for partitions in (1, 3, 8):
        same_cells(of_frame(rows.repartition(partitions), points_of, 3, side), wanted)
    few = of_frame(rows, points_of, 3, side, most=len(wanted) - 1)
    same_cells(few, coarser(wanted))
    rows.unpersist()


@cache
def candidate() -> Candidate:
    return fit_segments(planted(800)[0], as_of=DAY, seed=1, search=Search(ks=(4,), restarts=2, silhouette_users=400, resamples=2))


def test_dense_groups_of_a_shop_have_names_and_noise_is_a_segment() -> None:
    users, kinds, _ = planted(800)
    model = candidate().model
    assert model.density is not None
    found = model.assign(users).density
    inside = found != NO_CLUSTER
    assert adjusted_rand_score(np.array(kinds)[inside], found[inside]) > 0.95
    assert inside.mean() > 0.6
    served_rows = ServedSegments(model).predict(users.to_pandas())
    names = [label.name for label in model.density.labels]
    assert len(set(names)) == len(names) >= 2
    assert served_rows["density_segment"].tolist() == [names[index] if index >= 0 else NOISE for index in found]
    assert (served_rows["density_cluster_id"] == NO_CLUSTER).tolist() == (~inside).tolist()


def test_a_model_with_density_survives_its_file_and_one_without_serves_unassigned() -> None:
    users = planted(800)[0]
    model = candidate().model
    assert from_json(model.to_json()) == model
    assert from_json(model.to_json()).assign(users).density.tolist() == model.assign(users).density.tolist()
    old = model.to_json().replace('"format": 3', '"format": 2').replace('"density":', '"unknown":')
    before = from_json(old)
    assert before.density is None
    served_rows = ServedSegments(before).predict(users.to_pandas())
    assert set(served_rows["density_segment"]) == {UNASSIGNED}
    assert set(served_rows["density_cluster_id"]) == {NO_CLUSTER}


def test_a_user_alone_is_where_the_user_is_in_company() -> None:
    points = cloud(3, 9, 3000)
    cells, own = points[:200].tolist(), list(range(200))
    together = nearest_within(points, cells, own, 0.5)
    assert [int(nearest_within(points[[row]], cells, own, 0.5)[0]) for row in range(0, 3000, 10)] == together[::10].tolist()
    distances = ((points[:, None, :] - points[None, :200, :]) ** 2).sum(axis=2)
    assert together.tolist() == np.where(distances.min(axis=1) <= 0.25, distances.argmin(axis=1), NO_CLUSTER).tolist()


def test_groups_keep_number_and_name_over_retrains() -> None:
    model = candidate().model
    assert model.density is not None
    count = len(model.density.labels)
    turned = replace(
        model.density,
        centroids=model.density.centroids[::-1],
        labels=tuple(replace(label, name=f"New {index}") for index, label in enumerate(model.density.labels))[::-1],
        cell_clusters=tuple(count - 1 - cluster for cluster in model.density.cell_clusters),
    )
    found, moved = aligned(replace(model, density=turned), model, planted(800)[0])
    assert moved["density"] == 0.0
    assert found.density is not None
    assert found.density.cluster_ids == tuple(range(count))[::-1]
    assert [label.name for label in found.density.labels] == [label.name for label in model.density.labels][::-1]


@dataclass(frozen=True)
class Told(Run):
    """What a run is told, instead of MLflow."""

    figures: list[str] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)

    def log_metrics(self, metrics: Mapping[str, Estimate | float], step: int = 0) -> None:
        assert all(isinstance(value, float) for value in metrics.values()), step

    def log_figure(self, figure: Figure, name: str) -> None:
        figure.savefig(BytesIO())
        self.figures.append(name)

    def log_text(self, text: str, path: str) -> None:
        self.words[path] = text

    def tag(self, tags: Mapping[str, str]) -> None:
        self.words.update(tags)


def test_a_run_is_told_of_the_choice_of_eps_the_sizes_and_the_names() -> None:
    run = Told("run", "experiment")
    metrics = _log_candidate(run, candidate())
    assert {"density_k_distances", "density_sizes"} <= set(run.figures)
    assert metrics["density_clusters"] == 4
    assert 0 < metrics["density_noise_share"] < 0.4
    assert run.words["density"] == "dense groups serve"
    assert "(Density)" in run.words["segments.md"]


def test_density_speaks_for_a_candidate_and_never_against_it() -> None:
    fit_of_k = Fit(4, ((0.0,),), 1.0, 0.4, 0.9, 0.1)
    champion = gate.Standing("1", 0.4, 0.1, has_taste=False)
    assert gate.decide(fit_of_k, None, champion, Search(), has_density=True).is_promoted
    assert not gate.decide(fit_of_k, None, champion, Search(), has_density=False).is_promoted
    better = replace(fit_of_k, silhouette=0.5)
    assert gate.decide(better, None, replace(champion, has_density=True), Search(), has_density=False).is_promoted
    assert not gate.decide(fit_of_k, None, replace(champion, behaviour_silhouette=0.5), Search(), has_density=True).is_promoted
    assert gate.moved_share({"behaviour": 0.1, "density": 0.9}) == 0.1
