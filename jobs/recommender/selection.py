"""Search, test, gate: from the rows of a set to a verdict, logged to the training's run as it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.estimate import Estimate, flat
from jobs.interval import Interval
from jobs.recommender import evaluation, plots, search, side_by_side
from jobs.recommender.artifacts import ChampionModel, fingerprint
from jobs.recommender.bootstrap import paired_difference
from jobs.recommender.candidate import Candidate
from jobs.recommender.chain import Chain, Unpersonal
from jobs.recommender.cut import LEAST_DAYS, Cut
from jobs.recommender.evaluation import Exam, Result
from jobs.recommender.gate import POPULARITY, Decision, Evidence, Lists, Rival, decide
from jobs.recommender.house_rules import NO_RULES, HouseRules
from jobs.recommender.models.als import AlsTrainer
from jobs.recommender.models.ease import EaseTrainer
from jobs.recommender.models.item_neighbours import ItemNeighboursTrainer
from jobs.recommender.models.popularity import Popularity
from jobs.recommender.popular import local, popular, segments_on
from jobs.recommender.ranker import Ranker
from jobs.recommender.side_by_side import Training
from jobs.recommender.weights import Weighting
from jobs.tracking import Run

LEAST_USERS = 50
"""Users with a right answer below which a window says nothing."""

SEED = 17
"""Of every bootstrap."""

STARTS = (
    Candidate(AlsTrainer(rank=16, regularisation=0.1, alpha=10.0)),
    Candidate(AlsTrainer(rank=32, regularisation=0.1, alpha=10.0)),
    Candidate(AlsTrainer(rank=32, regularisation=0.1, alpha=40.0)),
    Candidate(EaseTrainer(regularisation=100.0)),
    Candidate(ItemNeighboursTrainer()),
)
"""The candidates that every training tries. The best on the validation days, by ndcg_at_10, goes on."""

ACTIVITY = ((0, "no earlier event"), (1, "1 to 4 earlier events"), (5, "5 to 19 earlier events"), (20, "20 earlier events or more"))
"""Groups of test users, from this many events before the cut, that the gate looks at one by one."""

CANDIDATE, CHAMPION = "candidate", "champion"

SIDE_BY_SIDE = "side_by_side.html"
"""The page of a training, among the artefacts of its run."""


@dataclass(frozen=True)
class Inputs:
    """The rows of one set that a training reads.

    Without ``features`` (``gold.user_features``) nobody has an RFM segment; without ``stock`` and ``consents`` (of silver) everything is
    there, and nobody has been asked.
    """

    interactions: DataFrame
    order_lines: DataFrame
    items: DataFrame
    features: DataFrame | None = None
    rules: HouseRules = NO_RULES
    stock: DataFrame | None = None
    consents: DataFrame | None = None

    def exam(self, window: Interval) -> Exam:
        """The exam of a window, under the rules that will serve."""
        return evaluation.prepare(
            self.interactions, self.order_lines, self.items, window, self.rules, stock=self.stock, consents=self.consents
        )


@dataclass(frozen=True)
class Search:
    """What is tried: ``starts``, and as many more as make ``trials``, proposed by what was found."""

    starts: Sequence[Candidate] = STARTS
    trials: int = len(STARTS)


@dataclass(frozen=True)
class Verdict:
    """The decision, the candidate that won the search (None when there was none), and the figures of the test.

    ``fingerprint`` is that of the model which sat the test.
    """

    decision: Decision
    candidate: Candidate | None
    metrics: Mapping[str, float]
    fingerprint: str | None = None


def judge(
    run: Run, inputs: Inputs, times: Cut | None, serving: ChampionModel | None, search_for: Search = Search(), *, hold: bool = False
) -> Verdict:
    """Choose on the validation days, judge on the test days; the days before each are all that a candidate learns from.

    With ``hold`` a candidate that passes the gate awaits approval.
    """
    if times is None:
        return _too_little(serving, f"the history is shorter than {LEAST_DAYS} days", {})
    test = inputs.exam(times.test)
    counts = test.counts.as_metrics()
    run.log_params({name: str(getattr(times, name)) for name in ("train", "validation", "test")})
    if test.counts.users < LEAST_USERS:
        return _too_little(serving, f"{test.counts.users} users have a relevant item in {times.test}, fewer than {LEAST_USERS}", counts)
    validation = inputs.exam(times.validation)
    if validation.counts.users < LEAST_USERS:
        found = f"{validation.counts.users} users have a relevant item in {times.validation}, fewer than {LEAST_USERS}"
        return _too_little(serving, found, counts)
    chosen = _search(run, Sitting(inputs.interactions, validation, _day_before(times.validation), inputs.features), search_for)
    run.log_params(chosen.params())
    sitting = Sitting(inputs.interactions, test, _day_before(times.test), inputs.features)
    ranker = sitting.fit(chosen)
    chains = {CANDIDATE: sitting.chain(chosen, ranker), POPULARITY: sitting.chain(chosen)}
    if serving is not None:
        chains[CHAMPION] = sitting.chain(serving.artifacts.candidate, _as_it_would_have_served(serving, sitting))
    results = {name: evaluation.sit(test, chain) for name, chain in chains.items()}
    summaries = {name: result.summary(SEED) for name, result in results.items()}
    rivals = [name for name in (POPULARITY, CHAMPION) if name in results]
    leads = {f"lead_over_{name}": _lead(results[CANDIDATE], results[name]) for name in rivals}
    run.log_figure(plots.comparison(summaries), "comparison")
    run.log_figure(plots.popularity_calibration(results, test), "popularity_calibration")
    figures = {**summaries[CANDIDATE], **leads, **counts}
    for name in rivals:
        figures |= {f"{name}_{metric}": value for metric, value in summaries[name].items()}
    evidence = _evidence(results, chosen, serving, _groups(results[CANDIDATE], sitting.segments))
    run.log_figure(plots.leads_by_group(evidence), "leads_by_group")
    decision = decide(evidence, hold=hold)
    shown = side_by_side.samples(test, chains, results, inputs.items)
    sitting.over()
    title = f"{chosen.trainer.name}, judged on {times.test}"
    run.log_text(side_by_side.page(title, Training(decision, evidence, results, summaries, test), shown), SIDE_BY_SIDE)
    return Verdict(decision, chosen, flat(figures), fingerprint(ranker))


def _too_little(serving: ChampionModel | None, why: str, counts: Mapping[str, float]) -> Verdict:
    stays = f"champion version {serving.version} goes on serving" if serving else "popularity serves"
    return Verdict(Decision(False, f"No candidate was trained, {stays}: {why}."), None, counts)


@dataclass(frozen=True)
class Sitting:
    """An exam with what there is to learn from: the interactions up to the end of ``day``. What several candidates need is made once."""

    interactions: DataFrame
    exam: Exam
    day: date
    features: DataFrame | None = None
    _signals: dict[Weighting, DataFrame] = field(default_factory=dict, repr=False)
    _kept: list[DataFrame] = field(default_factory=list, repr=False)

    @cached_property
    def _fallback(self) -> Popularity:
        return popular(self.interactions, self.day, self.exam.candidates)

    @cached_property
    def segments(self) -> DataFrame | None:
        """Of each user, as of the newest day up to ``day`` that has features."""
        found = segments_on(self.features, self.day)
        return None if found is None else self._keep(found)

    @cached_property
    def _local(self) -> tuple[Ranker, ...]:
        return local(self._fallback, self.interactions, self.day, self.exam.candidates, self.segments)

    def _known(self, candidate: Candidate) -> DataFrame:
        if candidate.weighting not in self._signals:
            self._signals[candidate.weighting] = self._keep(candidate.signals(self.interactions, self.day))
        return self._signals[candidate.weighting]

    def fit(self, candidate: Candidate) -> Ranker:
        """Let a candidate learn."""
        return candidate.trainer.fit(self._known(candidate))

    def chain(self, candidate: Candidate, ranker: Ranker | None = None) -> Chain:
        """A ranker as it would serve: what is popular nearby and then in all fills what it leaves; the last is all without a ranker."""
        first, segments = ((ranker, *self._local), self.segments) if ranker else ((), None)
        unpersonal = Unpersonal.of(self.exam.unpersonal, self._fallback)
        return Chain((*first, self._fallback), self._known(candidate), self.exam.rules, segments=segments, unpersonal=unpersonal)

    def part(self, share: float) -> "Sitting":
        """The same with a share of the users."""
        return Sitting(evaluation.part_of(self.interactions, share), evaluation.part(self.exam, share), self.day, self.features)

    def over(self) -> None:
        """Let go of what was kept in memory."""
        for rows in self._kept:
            rows.unpersist()

    def _keep(self, rows: DataFrame) -> DataFrame:
        self._kept.append(rows.persist(StorageLevel.MEMORY_AND_DISK))
        return rows


def _search(run: Run, whole: Sitting, wanted: Search) -> Candidate:
    parts = {1.0: whole}

    def sit(candidate: Candidate, share: float) -> search.Summary:
        if share not in parts:
            parts[share] = whole.part(share)
        sitting = parts[share]
        return evaluation.sit(sitting.exam, sitting.chain(candidate, sitting.fit(candidate))).summary(SEED)

    chosen, tried = search.search(run, wanted.starts, wanted.trials, whole.exam.counts.sampled_users, sit)
    with run.child(POPULARITY) as child:
        child.log_metrics(evaluation.sit(whole.exam, whole.chain(chosen)).summary(SEED))
    complete = [one for one in tried if one.is_complete]
    run.log_figure(plots.search([one.label for one in complete], [one.decisive for one in complete]), "search")
    for part in parts.values():
        part.over()
    return chosen


def _as_it_would_have_served(serving: ChampionModel, sitting: Sitting) -> Ranker:
    """The champion as it is; one that has seen test days is fitted anew without them, by its own parameters."""
    kept = serving.artifacts
    return kept.personal if date.fromisoformat(kept.as_of_date) <= sitting.day else sitting.fit(kept.candidate)


Groups = Mapping[str, npt.NDArray[np.bool_]]
"""Which users of the test belong to a group, by the group's name."""


def _groups(result: Result, segments_of: DataFrame | None) -> Groups:
    """By activity before the cut and, where they are known, by the segments (user_id, segment)."""
    history = result.per_user["history_count"]
    ends = [start for start, _ in ACTIVITY[1:]] + [None]
    groups = {
        name: ((history >= start) & (history < end) if end is not None else history >= start).to_numpy(dtype=np.bool_)
        for (start, name), end in zip(ACTIVITY, ends, strict=True)
    }
    if segments_of is not None:
        sat = segments_of.sparkSession.createDataFrame(result.per_user[["user_id"]])
        of_user = segments_of.join(F.broadcast(sat), "user_id").toPandas().set_index("user_id")["segment"]
        segments = pd.Series(of_user.reindex(result.per_user["user_id"]).to_numpy())
        groups |= {f"segment {name}": (segments == name).to_numpy(dtype=np.bool_) for name in sorted(segments.dropna().unique())}
    return {name: inside for name, inside in groups.items() if inside.any()}


def _evidence(results: Mapping[str, Result], chosen: Candidate, serving: ChampionModel | None, groups: Groups) -> Evidence:
    ours = results[CANDIDATE]
    labels = {POPULARITY: POPULARITY, CHAMPION: f"champion version {serving.version}" if serving else ""}
    rivals = tuple(
        Rival(
            label,
            _lists(results[name]),
            _lead(ours, results[name]),
            {group: (int(inside.sum()), _lead(ours, results[name], inside)) for group, inside in groups.items()},
        )
        for name, label in labels.items()
        if name in results
    )
    ndcg = ours.summary(SEED)["ndcg_at_10"]
    return Evidence(chosen.trainer.name, len(ours.per_user), ndcg, _lists(ours), rivals, serving.version if serving else None)


def _lists(result: Result) -> Lists:
    return Lists(result.coverage, result.novelty, result.popularity_share)


def _lead(ours: Result, theirs: Result, inside: slice | npt.NDArray[np.bool_] = slice(None)) -> Estimate:
    if list(ours.per_user["user_id"]) != list(theirs.per_user["user_id"]):
        message = "a paired comparison needs the same users in the same order"
        raise ValueError(message)
    mine, other = (result.per_user["ndcg_at_10"].to_numpy(dtype="float64")[inside] for result in (ours, theirs))
    return paired_difference(mine, other, seed=SEED)


def _day_before(window: Interval) -> date:
    return window.start - timedelta(days=1)
