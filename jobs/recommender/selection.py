"""Search, test, gate: from the rows of a set to a verdict, logged to the training's run as it goes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
from pyspark.sql import DataFrame

from jobs.estimate import Estimate, flat
from jobs.interval import Interval
from jobs.recommender import als, evaluation, plots
from jobs.recommender.als import AlsParameters, Filled, Ratings
from jobs.recommender.artifacts import ChampionModel
from jobs.recommender.bootstrap import paired_difference
from jobs.recommender.cut import LEAST_DAYS, Cut
from jobs.recommender.evaluation import Exam, Result
from jobs.recommender.gate import Decision, Evidence, Group, decide
from jobs.recommender.model import Recommender
from jobs.recommender.popularity import Popular, PopularityTrainer
from jobs.tracking import Run

LEAST_USERS = 50
"""Users with a right answer below which a window says nothing."""

SEED = 17
"""Of every bootstrap."""

CANDIDATES = (
    AlsParameters(rank=16, regularisation=0.1, alpha=10.0),
    AlsParameters(rank=32, regularisation=0.1, alpha=10.0),
    AlsParameters(rank=32, regularisation=0.1, alpha=40.0),
    AlsParameters(rank=64, regularisation=0.05, alpha=40.0),
)
"""The declared search. The best on the validation days, by ndcg_at_10, goes on."""

ACTIVITY = ((0, "no earlier event"), (1, "1 to 4 earlier events"), (5, "5 to 19 earlier events"), (20, "20 earlier events or more"))
"""Groups of test users, from this many events before the cut, that the gate looks at one by one."""

ALS, POPULARITY, CHAMPION = "als", "popularity", "champion"


@dataclass(frozen=True)
class Inputs:
    """The rows of one set that a training reads."""

    interactions: DataFrame
    order_lines: DataFrame
    items: DataFrame


@dataclass(frozen=True)
class Verdict:
    """The decision, the parameters that won the search (None when there was none), and the figures of the test."""

    decision: Decision
    parameters: AlsParameters | None
    metrics: Mapping[str, float]


def judge(
    run: Run, inputs: Inputs, times: Cut | None, serving: ChampionModel | None, candidates: Sequence[AlsParameters] = CANDIDATES
) -> Verdict:
    """Choose on the validation days, judge on the test days; the days before each are all that a candidate learns from."""
    if times is None:
        return _too_little(serving, f"the history is shorter than {LEAST_DAYS} days", {})
    test = evaluation.prepare(inputs.interactions, inputs.order_lines, inputs.items, times.test)
    counts = test.counts.as_metrics()
    run.log_params({name: str(getattr(times, name)) for name in ("train", "validation", "test")})
    if test.counts.users < LEAST_USERS:
        return _too_little(serving, f"{test.counts.users} users have a relevant item in {times.test}, fewer than {LEAST_USERS}", counts)
    validation = evaluation.prepare(inputs.interactions, inputs.order_lines, inputs.items, times.validation)
    if validation.counts.users < LEAST_USERS:
        found = f"{validation.counts.users} users have a relevant item in {times.validation}, fewer than {LEAST_USERS}"
        return _too_little(serving, found, counts)
    parameters = _search(run, inputs, validation, times.validation, candidates)
    run.log_params(_flat_params(parameters))
    results = _test(inputs, test, times.test, parameters, serving)
    summaries = {name: result.summary(SEED) for name, result in results.items()}
    leads = {f"lead_over_{name}": _lead(results[ALS], results[name]) for name in (POPULARITY, CHAMPION) if name in results}
    run.log_figure(plots.comparison(summaries), "comparison")
    run.log_figure(plots.popularity_calibration(results, test.knowledge), "popularity_calibration")
    figures = {**summaries[ALS], **leads, **counts}
    for name in (POPULARITY, CHAMPION):
        figures |= {f"{name}_{metric}": value for metric, value in summaries.get(name, {}).items()}
    return Verdict(decide(_evidence(results, leads, serving)), parameters, flat(figures))


def _too_little(serving: ChampionModel | None, why: str, counts: Mapping[str, float]) -> Verdict:
    stays = f"champion version {serving.version} goes on serving" if serving else "popularity serves"
    return Verdict(Decision(False, f"No candidate was trained, {stays}: {why}."), None, counts)


def _search(run: Run, inputs: Inputs, exam: Exam, window: Interval, candidates: Sequence[AlsParameters]) -> AlsParameters:
    day = _day_before(window)
    popular = PopularityTrainer().fit(inputs.interactions, day)
    rated = {weighting: als.ratings(inputs.interactions, weighting, day) for weighting in {c.weighting for c in candidates}}
    searched = _searched(candidates)
    found: list[tuple[str, Estimate, AlsParameters]] = []
    for parameters in candidates:
        name = f"als rank={parameters.rank} reg={parameters.regularisation:g} alpha={parameters.alpha:g}"
        with run.child(name) as child:
            began = time.monotonic()
            summary = evaluation.sit(exam, _filled(rated[parameters.weighting], parameters, popular)).summary(SEED)
            child.log_params({name: value for name, value in _flat_params(parameters).items() if name in searched})
            child.log_metrics({**summary, "seconds": time.monotonic() - began})
        found.append((name, summary["ndcg_at_10"], parameters))
    with run.child(POPULARITY) as child:
        child.log_metrics(evaluation.sit(exam, popular).summary(SEED))
    run.log_figure(plots.search([name for name, *_ in found], [estimate for _, estimate, _ in found]), "search")
    return max(found, key=lambda candidate: candidate[1].mean)[2]


def _searched(candidates: Sequence[AlsParameters]) -> set[str]:
    """Names of the parameters that differ between candidates; the others stand in the parent run, so that a comparison shows only these."""
    flat_params = [_flat_params(parameters) for parameters in candidates]
    return {name for name in flat_params[0] if len({str(values[name]) for values in flat_params}) > 1}


def _test(inputs: Inputs, exam: Exam, window: Interval, parameters: AlsParameters, serving: ChampionModel | None) -> dict[str, Result]:
    day = _day_before(window)
    popular = PopularityTrainer().fit(inputs.interactions, day)
    rated = als.ratings(inputs.interactions, parameters.weighting, day)
    rivals: dict[str, Recommender] = {ALS: _filled(rated, parameters, popular), POPULARITY: popular}
    if serving is not None:
        rivals[CHAMPION] = _as_it_would_have_served(serving, inputs, popular, day)
    return {name: evaluation.sit(exam, rival) for name, rival in rivals.items()}


def _as_it_would_have_served(serving: ChampionModel, inputs: Inputs, popular: Popular, day: date) -> Filled:
    """The champion with the factors that it has; one that has seen test days is fitted anew without them, by its own parameters."""
    kept = serving.artifacts
    if date.fromisoformat(kept.as_of_date) <= day:
        return Filled(kept.personal, popular.scores)
    return _filled(als.ratings(inputs.interactions, kept.parameters.weighting, day), kept.parameters, popular)


def _filled(rated: Ratings, parameters: AlsParameters, popular: Popular) -> Filled:
    return Filled(als.fit(rated, parameters), popular.scores)


def _evidence(results: Mapping[str, Result], leads: Mapping[str, Estimate], serving: ChampionModel | None) -> Evidence:
    ours, theirs = results[ALS], results[POPULARITY]
    history = ours.per_user["history_count"]
    ends = [start for start, _ in ACTIVITY[1:]] + [None]
    groups = {}
    for (start, name), end in zip(ACTIVITY, ends, strict=True):
        inside = ((history >= start) & (history < end)) if end is not None else history >= start
        if inside.any():
            groups[name] = Group(int(inside.sum()), _lead(ours, theirs, inside.to_numpy(dtype=np.bool_)))
    return Evidence(
        users=len(ours.per_user),
        ndcg_at_10=ours.summary(SEED)["ndcg_at_10"],
        lead_over_popularity=leads[f"lead_over_{POPULARITY}"],
        coverage_at_10=ours.coverage,
        popularity_coverage_at_10=theirs.coverage,
        champion_version=serving.version if serving else None,
        lead_over_champion=leads.get(f"lead_over_{CHAMPION}"),
        champion_coverage_at_10=results[CHAMPION].coverage if CHAMPION in results else None,
        groups=groups,
    )


def _lead(ours: Result, theirs: Result, inside: slice | npt.NDArray[np.bool_] = slice(None)) -> Estimate:
    if list(ours.per_user["user_id"]) != list(theirs.per_user["user_id"]):
        message = "a paired comparison needs the same users in the same order"
        raise ValueError(message)
    mine, other = (result.per_user["ndcg_at_10"].to_numpy(dtype="float64")[inside] for result in (ours, theirs))
    return paired_difference(mine, other, seed=SEED)


def _flat_params(parameters: AlsParameters) -> dict[str, object]:
    plain = parameters.as_dict()
    weighting = plain.pop("weighting")
    weights = {f"weight_{event_type}": weight for event_type, weight in weighting["event_weights"].items()}
    return {**plain, "half_life_days": weighting["half_life_days"], **weights}


def _day_before(window: Interval) -> date:
    return window.start - timedelta(days=1)
