"""Training of the segments: scaling, k by a declared criterion, gate, champion; all of it in MLflow."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure
from sklearn.metrics import silhouette_score

from jobs import tracking
from jobs.context import Context
from jobs.gold.user_features import USER_FEATURES
from jobs.ops import decisions
from jobs.segmentation import champion as serving
from jobs.segmentation import gate, sample, served_segments
from jobs.segmentation.fitting import Fit, Search, choose, faults, fit_k, standardise
from jobs.segmentation.naming import behaviour_labels, taste_labels
from jobs.segmentation.served_segments import (
    BEHAVIOUR_FEATURES,
    COLUMNS,
    FILE,
    Behaviour,
    Ids,
    Matrix,
    SegmentModel,
    Taste,
    behaviour_matrix,
    leading_categories,
    nearest,
    taste_matrix,
    typical_order,
)

SEED = 20_240_701
MOST_CATEGORIES = 60
"""Categories that taste looks at: those with most events."""
MINIMUM_TASTE_EVENTS = 3
SEARCH = Search()


@dataclass(frozen=True)
class Candidate:
    """What one training found: the model, the fits of every k by scheme, the chosen ones, and why taste is left out if it is."""

    model: SegmentModel
    fits: dict[str, list[Fit]]
    behaviour: Fit
    taste: Fit | None
    taste_remark: str


def train(context: Context) -> dict[str, Any]:
    """Fit on the set of the interval's last day, pass the gate, record the decision; returns decision, reason, versions, figures.

    Raises BadDataError when the day has no set.
    """
    day = context.interval.last_day
    snapshots = {USER_FEATURES.name: context.lake.read_set(day).snapshots[USER_FEATURES.name]}
    users = sample.draw(context.lake.read(USER_FEATURES, snapshots[USER_FEATURES.name]), as_of=day, seed=SEED)
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
        version, metrics = None, {"users": float(users.num_rows)}
        decision = gate.too_few(users.num_rows)
        if decision is None:
            candidate = fit(users, as_of=day, seed=SEED, search=SEARCH, on_fit=lambda scheme, found: _log_fit(run, scheme, found))
            decision = gate.decide(candidate.behaviour, candidate.taste, standing(champion, users, SEARCH), SEARCH)
            metrics |= _log_candidate(run, candidate)
            version = _register(tracker, run, candidate.model, users)
            if decision.is_promoted:
                tracker.set_champion(serving.FAMILY, version, decision.reason)
        run.tag({"decision": "promoted" if decision.is_promoted else "refused", "reason": decision.reason})
    served = version if decision.is_promoted else champion.version if champion else None
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
    return {
        "decision": "promoted" if decision.is_promoted else "refused",
        "reason": decision.reason,
        "candidate_version": version,
        "champion_version": served,
        "metrics": metrics,
    }


def fit(
    users: pa.Table, *, as_of: date, seed: int, search: Search, on_fit: Callable[[str, Fit], None] = lambda _scheme, _fit: None
) -> Candidate:
    """Fit both schemes on a sample in hash order; ``on_fit`` hears of every k. The same sample and seed give the same candidate."""
    fits: dict[str, list[Fit]] = {"behaviour": [], "taste": []}

    def search_k(scheme: str, points: Matrix) -> Fit:
        distinct = len(np.unique(points, axis=0))
        for k in search.ks:
            if k <= distinct // 2:
                fits[scheme].append(fit_k(points, k, seed=seed, search=search))
                on_fit(scheme, fits[scheme][-1])
        return choose(fits[scheme], search)

    basis, unit = typical_order(users)
    raw = behaviour_matrix(users, BEHAVIOUR_FEATURES, monetary_basis=basis, monetary_unit=unit)
    varies, mean, scale = standardise(raw)
    features = tuple(name for name, kept in zip(BEHAVIOUR_FEATURES, varies, strict=True) if kept)
    behaviour = search_k("behaviour", (raw[:, varies] - mean) / scale)
    frozen_mean, frozen_scale = tuple(map(float, mean)), tuple(map(float, scale))
    labels = behaviour_labels(features, behaviour.centroids, frozen_mean, frozen_scale)
    model = Behaviour(features, basis, unit, frozen_mean, frozen_scale, behaviour.centroids, labels)

    taste, taste_fit, remark = None, None, "taste clusters serve"
    categories = leading_categories(users, MOST_CATEGORIES)
    shares, events = taste_matrix(users, categories)
    points = shares[events >= MINIMUM_TASTE_EVENTS]
    if len(categories) < 2 or len(points) < gate.MINIMUM_USERS:
        remark = f"no taste clusters: {len(categories)} categories, {len(points)} users with {MINIMUM_TASTE_EVENTS} events or more in them"
    else:
        taste_fit = search_k("taste", points)
        if found := faults(taste_fit, search):
            taste_fit, remark = None, f"no taste clusters: {'; '.join(found)}"
        else:
            names = taste_labels(categories, taste_fit.centroids, tuple(map(float, points.mean(axis=0))))
            taste = Taste(categories, MINIMUM_TASTE_EVENTS, taste_fit.centroids, names)
    return Candidate(SegmentModel(as_of.isoformat(), seed, model, taste), fits, behaviour, taste_fit, remark)


def standing(champion: SegmentModel | None, users: pa.Table, search: Search) -> gate.Standing | None:
    """How the champion does on today's sample; None without one."""
    if champion is None:
        return None
    points = champion.behaviour.points(users)
    clusters = nearest(points, champion.behaviour.centroids)
    taste_silhouette = None
    if champion.taste:
        shares, events = taste_matrix(users, champion.taste.categories)
        known = shares[events >= champion.taste.minimum_events]
        taste_silhouette = _silhouette(known, nearest(known, champion.taste.centroids), search)
    return gate.Standing(
        version=champion.version or "unknown",
        behaviour_silhouette=_silhouette(points, clusters, search),
        behaviour_smallest_share=float(np.bincount(clusters, minlength=len(champion.behaviour.centroids)).min() / len(points)),
        has_taste=champion.taste is not None,
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
    for scheme, chosen in (("behaviour", candidate.behaviour), ("taste", candidate.taste)):
        if candidate.fits[scheme]:
            run.log_figure(_curve(scheme, candidate.fits[scheme], chosen), f"{scheme}_by_k")
        if chosen:
            metrics |= {
                f"{scheme}_{name}": float(getattr(chosen, name)) for name in ("k", "silhouette", "stability", "smallest_share", "score")
            }
    run.log_metrics(metrics)
    model = candidate.model
    labels = [("Behaviour", label) for label in model.behaviour.labels] + [
        ("Taste", label) for label in (model.taste.labels if model.taste else ())
    ]
    lines = [f"- **{label.name}** ({scheme}): {label.meaning} {label.action}" for scheme, label in labels]
    run.log_text("\n".join(["# Segments of the candidate", "", *lines, "", candidate.taste_remark]), "segments.md")
    run.tag({"taste": candidate.taste_remark})
    return metrics


def _curve(scheme: str, fits: list[Fit], chosen: Fit | None) -> Figure:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name in ("silhouette", "stability", "smallest_share", "score"):
        axes.plot([fit.k for fit in fits], [getattr(fit, name) for fit in fits], marker="o", label=name)
    if chosen:
        axes.axvline(chosen.k, linestyle="--", color="grey", label=f"chosen: {chosen.k}")
    axes.set(title=f"{scheme}: choice of k", xlabel="clusters", ylim=(0, 1.05))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _register(tracker: tracking.Tracker, run: tracking.Run, model: SegmentModel, users: pa.Table) -> str:
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
    return tracker.register(serving.FAMILY, uri, {"as_of_date": model.as_of_date})
