"""Whether a candidate may serve. Pure: figures in, a decision and its reason in words out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.estimate import Estimate

LEAST_GROUP = 100
"""Users from which a group of users counts as large and has a say of its own."""

CHAMPION_COVERAGE_SHARE = 0.5
"""Share of the champion's coverage that a candidate must keep."""


@dataclass(frozen=True)
class Group:
    """A group of test users, and the candidate's lead over popularity within it."""

    users: int
    lead: Estimate


@dataclass(frozen=True)
class Evidence:
    """What the gate looks at. Leads are paired differences of ndcg_at_10 over the same users; ``None`` where there is no champion."""

    users: int
    ndcg_at_10: Estimate
    lead_over_popularity: Estimate
    coverage_at_10: float
    popularity_coverage_at_10: float
    champion_version: str | None = None
    lead_over_champion: Estimate | None = None
    champion_coverage_at_10: float | None = None
    groups: Mapping[str, Group] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """Whether the candidate becomes champion, and why, as a sentence for the registry."""

    is_promoted: bool
    reason: str


def decide(evidence: Evidence) -> Decision:
    """Promote a candidate that is surely better than popularity and than the champion, and harms neither coverage nor a large group.

    Surely: the lower bound of the paired bootstrap interval of the difference in ndcg_at_10 lies above zero.
    """
    objections = _objections(evidence)
    lead = f"ndcg_at_10 {evidence.ndcg_at_10} over {evidence.users} users, {evidence.lead_over_popularity.signed()} against popularity"
    if evidence.lead_over_champion is not None:
        lead += f" and {evidence.lead_over_champion.signed()} against champion version {evidence.champion_version}"
    lead += f"; coverage_at_10 {evidence.coverage_at_10:.3f}"
    if not objections:
        first = "" if evidence.lead_over_champion is not None else "There was no champion. "
        return Decision(True, f"Promoted: {lead}. {first}Every guard-rail holds.")
    serving = f"champion version {evidence.champion_version} goes on serving" if evidence.champion_version else "popularity serves"
    return Decision(False, f"Not promoted, {serving}: {'; '.join(objections)}. The candidate had {lead}.")


def _objections(evidence: Evidence) -> list[str]:
    found = []
    if evidence.lead_over_popularity.low <= 0:
        found.append("it is not surely better than popularity")
    if evidence.lead_over_champion is not None and evidence.lead_over_champion.low <= 0:
        found.append("it is not surely better than the champion")
    if evidence.coverage_at_10 < evidence.popularity_coverage_at_10:
        found.append(f"it covers less of the catalogue than popularity ({evidence.popularity_coverage_at_10:.3f})")
    champion_coverage = evidence.champion_coverage_at_10
    if champion_coverage is not None and evidence.coverage_at_10 < CHAMPION_COVERAGE_SHARE * champion_coverage:
        found.append(f"it covers less than half of what the champion covers ({champion_coverage:.3f})")
    for name, group in sorted(evidence.groups.items()):
        if group.users >= LEAST_GROUP and group.lead.high < 0:
            found.append(f"it is surely worse than popularity for {group.users} users with {name} ({group.lead.signed()})")
    return found
