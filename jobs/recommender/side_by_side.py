"""The page of a training: figures with intervals, groups of users, where the places go, and two lists next to each other for some users."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.estimate import Estimate
from jobs.recommender.chain import Chain
from jobs.recommender.evaluation import OF_LISTS, Exam, Result, tenths
from jobs.recommender.gate import Decision, Evidence
from jobs.recommender.histories import histories
from jobs.recommender.metrics import METRICS, K
from jobs.reports.templates import ENVIRONMENT, stylesheet

SAMPLED = 4
"""Users of each kind: those for whom the candidate gains most, those for whom it loses most, and some by chance."""

LATEST = 8
"""Items of a history that are shown, the newest first."""


@dataclass(frozen=True)
class Shown:
    """One place of a list: the item, its name where the shop has one, whether the user wanted it, and what spoke for it."""

    item_id: str
    name: str
    is_right: bool
    because: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One user: what was touched before the cut, what was wanted after it, and what each recommender would have shown."""

    user_id: str
    why: str
    before: tuple[Shown, ...]
    after: tuple[Shown, ...]
    lists: Mapping[str, tuple[Shown, ...]]
    ndcg: Mapping[str, float]


@dataclass(frozen=True)
class Interval:
    """An estimate on a line of the forest plot: where its ends and its mean lie, in percent of the width."""

    label: str
    estimate: Estimate
    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Training:
    """What a page tells: the decision and what it rests on. ``results`` and ``summaries`` by name, the candidate first."""

    decision: Decision
    evidence: Evidence
    results: Mapping[str, Result]
    summaries: Mapping[str, Mapping[str, Estimate | float]]
    exam: Exam


def chosen(ours: Result, theirs: Result) -> list[tuple[str, str]]:
    """User and reason: the greatest gains, the greatest losses, and some by the hash of their ids; each user once."""
    users = ours.per_user["user_id"].tolist()
    lead = (ours.per_user["ndcg_at_10"] - theirs.per_user["ndcg_at_10"]).to_numpy(dtype=np.float64)
    by_lead = sorted(range(len(users)), key=lambda row: (-lead[row], users[row]))
    by_chance = sorted(range(len(users)), key=lambda row: hashlib.sha256(users[row].encode()).hexdigest())
    found: dict[str, str] = {}
    for rows, why in (
        ([row for row in by_lead if lead[row] > 0][:SAMPLED], "gains most"),
        ([row for row in reversed(by_lead) if lead[row] < 0][:SAMPLED], "loses most"),
        (by_chance, "by chance"),
    ):
        free = [users[row] for row in rows if users[row] not in found]
        found |= dict.fromkeys(free[:SAMPLED], why)
    return list(found.items())


def samples(exam: Exam, chains: Mapping[str, Chain], results: Mapping[str, Result], items: DataFrame) -> list[Sample]:
    """The users of ``chosen`` with their lists: of the first of ``chains`` and of the last."""
    ours, theirs = next(iter(results)), list(results)[-1]
    who = dict(chosen(results[ours], results[theirs]))
    session = exam.users.sparkSession
    users = F.broadcast(session.createDataFrame([(user,) for user in who], "user_id string"))
    after = _by_user(exam.truth.join(users, "user_id"))
    known = histories(chains[ours].signals.join(users, "user_id")).select("user_id", "items").collect()
    before = {row["user_id"]: list(reversed(row["items"]))[:LATEST] for row in known}
    slates = {name: chains[name].explain(users, K, exam.exclude, exam.candidates).collect() for name in (ours, theirs)}
    touched = {item for found in (after, before) for ids in found.values() for item in ids}
    touched |= {row["item_id"] for rows in slates.values() for row in rows}
    touched |= {reason["item_id"] for rows in slates.values() for row in rows for reason in row["because"] or ()}
    names = _names(items, touched)
    ndcg = {name: results[name].per_user.set_index("user_id")["ndcg_at_10"] for name in (ours, theirs)}

    def shown(item: str, user: str, because: Sequence[str] = ()) -> Shown:
        return Shown(item, names.get(item, ""), item in after.get(user, ()), tuple(names.get(one) or one for one in because))

    return [
        Sample(
            user,
            why,
            tuple(shown(item, user) for item in before.get(user, ())),
            tuple(shown(item, user) for item in after.get(user, ())),
            {
                name: tuple(
                    shown(row["item_id"], user, [reason["item_id"] for reason in row["because"] or ()])
                    for row in sorted(rows, key=lambda one: int(one["rank"]))
                    if row["user_id"] == user
                )
                for name, rows in slates.items()
            },
            {name: float(values[user]) for name, values in ndcg.items()},
        )
        for user, why in who.items()
    ]


def _by_user(pairs: DataFrame) -> dict[str, list[str]]:
    rows = pairs.groupBy("user_id").agg(F.array_sort(F.collect_set("item_id")).alias("items")).collect()
    return {row["user_id"]: list(row["items"]) for row in rows}


def _names(items: DataFrame, wanted: set[str]) -> dict[str, str]:
    if not {"name", "valid_from"} <= set(items.columns) or not wanted:
        return {}
    newest = items.where(F.col("item_id").isin(sorted(wanted))).groupBy("item_id").agg(F.max_by("name", "valid_from").alias("name"))
    return {row["item_id"]: row["name"] for row in newest.collect() if row["name"]}


def page(title: str, told: Training, shown: Sequence[Sample]) -> str:
    """The page as HTML that needs nothing else; the same training gives the same text."""
    results = told.results
    of_lists = [name for figure in OF_LISTS if all((name := f"{figure}_at_{K}") in told.summaries[one] for one in results)]
    return ENVIRONMENT.get_template("side_by_side.html").render(
        stylesheet=stylesheet(),
        title=title,
        decision=told.decision,
        counts=told.exam.counts,
        names=list(results),
        figures=[(metric, [str(told.summaries[name][metric]) for name in results]) for metric in METRICS],
        of_lists=[(name, [f"{told.summaries[one][name]:.3f}" for one in results]) for name in of_lists],
        forest=_forest(told.evidence),
        tenths=[[round(100 * share, 1) for share in tenths(result, told.exam)] for result in results.values()],
        samples=shown,
    )


def _forest(evidence: Evidence) -> list[tuple[str, list[Interval]]]:
    """A line a group and rival, and where zero lies, all on one scale."""
    lines = {rival.label: evidence.leads(rival) for rival in evidence.rivals}
    ends = [end for found in lines.values() for _, _, lead in found for end in (lead.low, lead.high)]
    reach = max([abs(end) for end in ends] or [0.0]) or 1.0

    def at(value: float) -> float:
        return round(50 + 48 * value / reach, 2)

    return [
        (rival, [Interval(f"{name} ({users})", lead, at(lead.low), at(lead.mean), at(lead.high)) for name, users, lead in found])
        for rival, found in lines.items()
    ]
