"""Training of the segments: scaling, k by a declared criterion, gate, champion; all of it in MLflow."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.metrics import silhouette_score

from jobs import approval, tracking
from jobs.context import Context
from jobs.gold.user_features import USER_FEATURES
from jobs.ops import decisions
from jobs.segmentation import champion as serving
from jobs.segmentation import (
    density,
    feature_plots,
    feature_report,
    feature_sample,
    fit_plots,
    gate,
    micro_clusters,
    sample,
    served_segments,
    tastes,
)
from jobs.segmentation.alignment import aligned
from jobs.segmentation.fitting import Fit, Search, choose, faults, fit_k, stability, standardise
from jobs.segmentation.naming import behaviour_labels
from jobs.segmentation.sample import SEED
from jobs.segmentation.served_segments import (
    BEHAVIOUR_FEATURES,
    COLUMNS,
    FILE,
    NO_CLUSTER,
    Behaviour,
    Density,
    Ids,
    Matrix,
    SegmentModel,
    Taste,
    behaviour_matrix,
    nearest,
    typical_order,
)
from jobs.silver.events import EVENTS
from jobs.silver.item_observations import ITEM_OBSERVATIONS
from jobs.silver.order_lines import ORDER_LINES

SEARCH = Search()
RULE = density.Rule()


@dataclass(frozen=True)
class Candidate:
    """What one training found: the model, the fits of every k by scheme, the chosen ones, and why taste or density is left out if it is."""

    model: SegmentModel
    fits: dict[str, list[Fit]]
    behaviour: Fit
    taste: Fit | None
    taste_remark: str
    density: density.DensityFit | None
    density_remark: str


def train(context: Context) -> dict[str, Any]:
    """Fit on the set of the interval's last day, pass the gate, record the decision; returns decision, reason, versions, figures.

    Raises BadDataError when the day has no set.
    """
    day = context.interval.last_day
    of_set = context.lake.read_set(day).snapshots
    snapshots = {table.name: of_set[table.name] for table in (USER_FEATURES, *_LOOKED_BACK_AT) if table.name in of_set}
    features = context.lake.read(USER_FEATURES, snapshots[USER_FEATURES.name])
    users = sample.draw(features, as_of=day, seed=SEED)
    tracker = tracking.connect(context.settings)
    champion = serving.load(context)
    with tracker.training(
        serving.FAMILY, run_id=context.run_id, attempt=context.attempt, code_version=context.code_version, as_of=day
    ) as run:
        run.log_inputs(snapshots)
        parameters = {"seed": SEED, "users": users.num_rows, "most_users": sample.MOST_USERS, "minimum_users": gate.MINIMUM_USERS}
        run.log_params(
            {**parameters, "minimum_gain": gate.MINIMUM_GAIN, "champion": champion.version if champion else "none", **asdict(SEARCH)}
        )
        _log_features(context, run, snapshots, features, day)
        run.log_params({f"density_{name}": value for name, value in asdict(RULE).items()})
        version, metrics = None, {"users": float(users.num_rows)}
        decision = gate.too_few(users.num_rows)
        if decision is None:
            candidate = fit(
                users,
                as_of=day,
                seed=SEED,
                search=SEARCH,
                on_fit=lambda scheme, found: _log_fit(run, scheme, found),
                everybody=features.where(F.col("as_of_date") == F.lit(day)).drop("top_categories"),
            )
            stands = standing(champion, users, SEARCH, beside=candidate.model.taste)
            if champion is not None and stands is not None:
                model, moved = aligned(candidate.model, champion, users)
                candidate, stands = replace(candidate, model=model), replace(stands, moved_share=gate.moved_share(moved))
                metrics |= {f"{scheme}_moved_share": share for scheme, share in moved.items()}
            decision = gate.decide(candidate.behaviour, candidate.taste, stands, SEARCH, has_density=candidate.model.density is not None)
            metrics |= _log_candidate(run, candidate)
            tags = {"run_id": context.run_id} | ({tracking.AWAITS_APPROVAL: decision.reason} if decision.awaits_approval else {})
            version = _register(tracker, run, candidate.model, users, tags)
            if decision.is_promoted:
                tracker.set_champion(serving.FAMILY, version, decision.reason)
        run.tag({"decision": _word(decision), "reason": decision.reason, tracking.RIVAL: _version(champion) or tracking.NO_VERSION})
    served = version if decision.is_promoted else _version(champion)
    row = decisions.decision(
        serving.FAMILY,
        day,
        candidate=version,
        champion=served,
        is_promoted=decision.is_promoted,
        reason=decision.reason,
        metrics=metrics,
    )
    context.lake.append_rows(decisions.DECISIONS, [row])
    result = {
        "decision": _word(decision),
        "reason": decision.reason,
        "candidate_version": version,
        "champion_version": served,
        "metrics": metrics,
    }
    if version and decision.awaits_approval:
        result |= {
            "awaits_approval": version,
            "question": approval.question(version, tracker.name(serving.FAMILY), day),
            "report": _report(decision, metrics, run),
        }
    return result


_LOOKED_BACK_AT = (EVENTS, ORDER_LINES, ITEM_OBSERVATIONS)
"""What features of earlier days are made of."""


def _log_features(context: Context, run: tracking.Run, snapshots: Mapping[str, int], features: DataFrame, day: date) -> None:
    """Log which features tell what users do next; they as they were known a week ago, what happened as it is known today."""
    if not all(table.name in snapshots for table in _LOOKED_BACK_AT):
        run.tag({"features": "no report: the set has no silver tables"})
        return
    events, order_lines, observations = (context.lake.read(table, snapshots[table.name]) for table in _LOOKED_BACK_AT)
    drawn = feature_sample.draw(events, order_lines, observations, features, as_of=day, seed=SEED)
    figures, outcomes = feature_sample.split(drawn)
    if figures.num_rows < gate.MINIMUM_USERS:
        run.tag({"features": f"no report: {figures.num_rows} users were known a week ago, fewer than {gate.MINIMUM_USERS}"})
        return
    found = feature_report.examine(figures, outcomes, seed=SEED)
    run.log_text(feature_report.table(found), "features/report.csv")
    for name, plot in (("telling", feature_plots.telling), ("missing", feature_plots.missing), ("alike", feature_plots.alike)):
        run.log_figure(plot(found), f"features_{name}")
    kept = [one.name for one in found.features if one.verdict == feature_report.KEPT]
    run.tag({"features": f"{len(kept)} of {len(found.features)} are worth keeping: {', '.join(kept)}"})


def _word(decision: gate.Decision) -> str:
    return "promoted" if decision.is_promoted else "awaits approval" if decision.awaits_approval else "refused"


def _version(champion: SegmentModel | None) -> str | None:
    return champion.version if champion else None


def _report(decision: gate.Decision, metrics: Mapping[str, float], run: tracking.Run) -> str:
    """What a person reads before the answer, as Markdown."""
    lines = [f"| {name} | {value:.4g} |" for name, value in sorted(metrics.items())]
    address = [f"The run in MLflow, with the names and meanings of its segments: {run.address}"] if run.address else []
    return "\n".join([decision.reason, "", "| figure | candidate |", "| --- | --- |", *lines, "", *address])


def fit(
    users: pa.Table,
    *,
    as_of: date,
    seed: int,
    search: Search,
    on_fit: Callable[[str, Fit], None] = lambda _scheme, _fit: None,
    everybody: DataFrame | None = None,
) -> Candidate:
    """Fit the schemes on a sample in hash order; ``on_fit`` hears of every k. The same sample and seed give the same candidate.

    Dense groups are those of ``everybody``, whom the sample is drawn from; without that of the sample itself.
    """
    fits: dict[str, list[Fit]] = {}

    def search_k(scheme: str, points: Matrix) -> Fit:
        distinct, tried = len(np.unique(points, axis=0)), fits.setdefault(scheme, [])
        for k in search.ks:
            if k <= distinct // 2:
                tried.append(fit_k(points, k, seed=seed, search=search))
                on_fit(scheme, tried[-1])
        return choose(tried, search)

    basis, unit = typical_order(users)
    raw = behaviour_matrix(users, BEHAVIOUR_FEATURES, monetary_basis=basis, monetary_unit=unit)
    varies, mean, scale = standardise(raw)
    features = tuple(name for name, kept in zip(BEHAVIOUR_FEATURES, varies, strict=True) if kept)
    points = (raw[:, varies] - mean) / scale
    behaviour = search_k("behaviour", points)
    frozen_mean, frozen_scale = tuple(map(float, mean)), tuple(map(float, scale))
    labels = behaviour_labels(features, behaviour.centroids, frozen_mean, frozen_scale)
    found_again = stability(points, behaviour.centroids, seed=seed, search=search)
    model = Behaviour(features, basis, unit, frozen_mean, frozen_scale, centroids=behaviour.centroids, labels=labels, stability=found_again)

    liked = tastes.fit(users, search_k, seed=seed, search=search)
    dense, groups, density_remark = _dense_groups(points, model, seed=seed, everybody=everybody)
    segments = SegmentModel(as_of.isoformat(), seed, model, liked.taste, density=groups)
    return Candidate(segments, fits, behaviour, liked.fit, liked.remark, dense, density_remark)


def _dense_groups(
    points: Matrix, behaviour: Behaviour, *, seed: int, everybody: DataFrame | None
) -> tuple[density.DensityFit | None, Density | None, str]:
    """What was found, what serves of it, and a remark."""
    population = None if everybody is None else partial(micro_clusters.of_frame, everybody, behaviour.points, points.shape[1])
    found = density.fit(points, rule=RULE, seed=seed, population=population)
    if found is None:
        return None, None, "no dense groups: most users are at the same point as many others"
    if wrong := density.faults(found, RULE):
        return found, None, f"no dense groups serve: {'; '.join(wrong)}"
    labels = behaviour_labels(behaviour.features, found.centroids, behaviour.mean, behaviour.scale)
    groups = Density(found.eps, found.cells, found.cell_clusters, centroids=found.centroids, labels=labels, stability=found.stability)
    return found, groups, "dense groups serve"


def standing(champion: SegmentModel | None, users: pa.Table, search: Search, beside: Taste | None = None) -> gate.Standing | None:
    """How the champion does on today's sample; None without one. Its tastes are judged by the points of those ``beside`` it, or its own."""
    if champion is None:
        return None
    points = champion.behaviour.points(users)
    clusters = nearest(points, champion.behaviour.centroids)
    taste_silhouette = None
    if champion.taste:
        points_of_taste, events = (beside or champion.taste).points(users)
        tastes_of = champion.taste.assign(users)
        is_known = (events >= champion.taste.minimum_events) & (tastes_of != NO_CLUSTER)
        taste_silhouette = _silhouette(points_of_taste[is_known], tastes_of[is_known], search)
    return gate.Standing(
        version=champion.version or "unknown",
        behaviour_silhouette=_silhouette(points, clusters, search),
        behaviour_smallest_share=float(np.bincount(clusters, minlength=len(champion.behaviour.centroids)).min() / len(points)),
        has_taste=champion.taste is not None,
        has_density=champion.density is not None,
        taste_silhouette=taste_silhouette,
    )


def _silhouette(points: Matrix, clusters: Ids, search: Search) -> float:
    part = slice(0, search.silhouette_users)
    return float(silhouette_score(points[part], clusters[part])) if 1 < len(np.unique(clusters[part])) < len(clusters[part]) else -1.0


def _log_fit(run: tracking.Run, scheme: str, found: Fit) -> None:
    figures = {name: getattr(found, name) for name in ("silhouette", "stability", "smallest_share", "score", "inertia")}
    with run.child(f"{scheme} k={found.k}") as child:
        child.log_params({"scheme": scheme, "k": found.k, "faults": "; ".join(faults(found, SEARCH)) or "none"})
        child.log_metrics(figures)
    run.log_metrics({f"{scheme}_{name}_by_k": value for name, value in figures.items()}, step=found.k)


def _log_candidate(run: tracking.Run, candidate: Candidate) -> dict[str, float]:
    """Log curves, names and the chosen figures; returns the figures."""
    metrics: dict[str, float] = {}
    for scheme, tried in candidate.fits.items():
        chosen = next((one for one in (candidate.behaviour, candidate.taste) if one in tried), None)
        run.log_figure(fit_plots.by_k(scheme, tried, chosen), f"{scheme}_by_k")
    for scheme, chosen in (("behaviour", candidate.behaviour), ("taste", candidate.taste)):
        if chosen:
            metrics |= {
                f"{scheme}_{name}": float(getattr(chosen, name)) for name in ("k", "silhouette", "stability", "smallest_share", "score")
            }
    if candidate.density:
        metrics |= _density_figures(candidate.density)
        run.log_figure(fit_plots.k_distances(candidate.density), "density_k_distances")
        run.log_figure(fit_plots.sizes(candidate.density), "density_sizes")
    run.log_metrics(metrics)
    model = candidate.model
    labels = [("Behaviour", label) for label in model.behaviour.labels] + [
        ("Taste", label) for label in (model.taste.labels if model.taste else ())
    ]
    labels += [("Density", label) for label in (model.density.labels if model.density else ())]
    lines = [f"- **{label.name}** ({scheme}): {label.meaning} {label.action}" for scheme, label in labels]
    remarks = [candidate.taste_remark, candidate.density_remark]
    run.log_text("\n".join(["# Segments of the candidate", "", *lines, "", *remarks]), "segments.md")
    run.tag({"taste": candidate.taste_remark, "density": candidate.density_remark})
    return metrics


def _density_figures(found: density.DensityFit) -> dict[str, float]:
    measured = {
        "eps": found.eps,
        "min_samples": found.min_samples,
        "clusters": len(found.centroids),
        "noise_share": found.noise_share,
        "grid_cells": found.grid_cells,
        "grid_side": found.side,
        "core_cells": found.core_cells,
        "served_cells": len(found.cells),
        **({"smallest_share": min(found.shares), "stability": min(found.stability)} if found.shares else {}),
    }
    return {f"density_{name}": float(value) for name, value in measured.items()}


def _register(tracker: tracking.Tracker, run: tracking.Run, model: SegmentModel, users: pa.Table, tags: Mapping[str, str]) -> str:
    example = users.select(list(COLUMNS)).slice(0, 5).to_pandas()
    numbers = [name for name in COLUMNS if name != "top_categories"]
    example = example.astype(dict.fromkeys(numbers, "float64"))
    example["top_categories"] = pd.Series([[dict(entry) for entry in entries] for entries in example["top_categories"]], dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / FILE).write_text(model.to_json(), encoding="utf-8")
        uri = tracker.log_model(
            run,
            loader=Path(served_segments.__file__),
            data=Path(folder),
            example=example,
            output=served_segments.ServedSegments(model).predict(example),
            packages=("numpy", "pandas", "pyarrow"),
        )
    return tracker.register(serving.FAMILY, uri, {"as_of_date": model.as_of_date, **tags})
