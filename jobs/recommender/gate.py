"""Whether a candidate may serve. Pure: figures in, a decision and its reason in words out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.estimate import Estimate
from jobs.waiting import AWAITS, PROMOTED

POPULARITY = "popularity"


@dataclass(frozen=True)
class Rails:
    """What the gate insists on; all differences are of ndcg_at_10 unless another figure is named.

    ``least_lead``: the lower bound of the interval of each lead must lie above it. ``coverage_share``: of the champion's coverage that must
    be kept. ``novelty_loss``: bits by which lists may get less novel than a rival's. ``popularity_gain``: by which the share of places that
    goes to the best known tenth of the items may exceed a rival's. ``large_group``: users from which a group has a say of its own;
    ``group_loss``: the mean that such a group may lose while it is not sure that it loses anything.
    """

    least_lead: float = 0.001
    coverage_share: float = 0.5
    novelty_loss: float = 1.0
    popularity_gain: float = 0.1
    large_group: int = 100
    group_loss: float = 0.01


@dataclass(frozen=True)
class Lists:
    """What is true of all lists of a recommender together, at 10."""

    coverage: float
    novelty: float
    popularity_share: float


@dataclass(frozen=True)
class Rival:
    """Who must be beaten: how it is called in a sentence, its lists, the candidate's lead over it, over all and within groups of users.

    A group's lead stands with the number of its users.
    """

    label: str
    lists: Lists
    lead: Estimate
    groups: Mapping[str, tuple[int, Estimate]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What the gate looks at. ``rivals`` are popularity and, where one serves, the champion of ``champion_version``."""

    model: str
    users: int
    ndcg_at_10: Estimate
    lists: Lists
    rivals: tuple[Rival, ...]
    champion_version: str | None = None

    def leads(self, rival: Rival) -> list[tuple[str, int, Estimate]]:
        """The lead over a rival, over all users and then within each group: name, users, lead."""
        groups = [(name, users, lead) for name, (users, lead) in sorted(rival.groups.items())]
        return [("all users", self.users, rival.lead), *groups]


@dataclass(frozen=True)
class Decision:
    """Whether the candidate becomes champion, and why, as a sentence for the registry.

    One that ``awaits_approval`` has passed the gate and becomes champion when a person says so.
    """

    is_promoted: bool
    reason: str
    awaits_approval: bool = False


def decide(evidence: Evidence, rails: Rails = Rails(), *, hold: bool = False) -> Decision:
    """Promote a candidate that is surely better than popularity and than the champion, and harms neither the lists nor a large group.

    With ``hold`` such a candidate awaits a person's approval instead.

    Surely: the lower bound of the paired bootstrap interval of the difference in ndcg_at_10 lies above ``rails.least_lead``.
    """
    objections = [objection for rival in evidence.rivals for objection in _objections(evidence, rival, rails)]
    leads = " and ".join(f"{rival.lead.signed()} against {rival.label}" for rival in evidence.rivals)
    figures = (
        f"ndcg_at_10 {evidence.ndcg_at_10} over {evidence.users} users, {leads}; coverage_at_10 {evidence.lists.coverage:.3f}, "
        f"novelty_at_10 {evidence.lists.novelty:.2f} bits, {evidence.lists.popularity_share:.0%} of the places for the best known tenth"
    )
    if not objections:
        first = "" if evidence.champion_version else " There was no champion."
        passed = f"{evidence.model} has {figures}.{first} Every guard-rail holds."
        return Decision(not hold, f"{AWAITS if hold else PROMOTED}{passed}", awaits_approval=hold)
    serving = f"champion version {evidence.champion_version} goes on serving" if evidence.champion_version else "popularity serves"
    return Decision(False, f"Not promoted, {serving}: {'; '.join(objections)}. The candidate, {evidence.model}, had {figures}.")


def _objections(evidence: Evidence, rival: Rival, rails: Rails) -> list[str]:
    found, ours, theirs = [], evidence.lists, rival.lists
    if rival.lead.low <= rails.least_lead:
        found.append(f"it is not surely better than {rival.label} by more than {rails.least_lead:g}")
    if rival.label == POPULARITY:
        if ours.coverage < theirs.coverage:
            found.append(f"it covers less of the catalogue than popularity ({theirs.coverage:.3f})")
    elif ours.coverage < rails.coverage_share * theirs.coverage:
        found.append(f"it covers less than {rails.coverage_share:.0%} of what {rival.label} covers ({theirs.coverage:.3f})")
    if ours.novelty < theirs.novelty - rails.novelty_loss:
        found.append(f"its lists are more than {rails.novelty_loss:g} bits less novel than those of {rival.label} ({theirs.novelty:.2f})")
    if ours.popularity_share > theirs.popularity_share + rails.popularity_gain:
        found.append(
            f"it gives the best known tenth over {rails.popularity_gain:.0%} more places than {rival.label} ({theirs.popularity_share:.0%})"
        )
    for name, (users, lead) in sorted(rival.groups.items()):
        if users >= rails.large_group and (lead.high < 0 or lead.mean < -rails.group_loss):
            sure = "surely worse" if lead.high < 0 else f"worse by more than {rails.group_loss:g} on average"
            found.append(f"it is {sure} than {rival.label} for the {users} users of group '{name}' ({lead.signed()})")
    return found
