"""Whether new segments may replace the ones that serve. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from jobs.segmentation.fitting import Fit, Search, faults
from jobs.waiting import AWAITS, PROMOTED

MINIMUM_USERS = 200
"""Users below which no clusters are fitted: their quintiles and cells say as much."""

MINIMUM_GAIN = 0.02
"""Silhouette by which a candidate must beat the champion on the day's users: names that marketers know are not changed for less."""


@dataclass(frozen=True)
class Standing:
    """How the champion does on the candidate's users: silhouettes in [-1, 1], share of users in its smallest cluster.

    ``moved_share`` of the users would come into another segment with the candidate, after its labels are aligned with the champion's.
    """

    version: str
    behaviour_silhouette: float
    behaviour_smallest_share: float
    has_taste: bool
    taste_silhouette: float | None = None
    moved_share: float = 0.0
    has_density: bool = False


MOST_MOVED = 0.2
"""Share of the users beyond which a retrain that moves them into other segments waits for a person."""


def moved_share(moved: Mapping[str, float]) -> float:
    """The greatest share that moves in a scheme, density aside: its groups hold up nothing."""
    return max(share for scheme, share in moved.items() if scheme != "density")


@dataclass(frozen=True)
class Decision:
    """The verdict and its reason, a sentence with figures; what ``awaits_approval`` is not promoted before a person says so."""

    is_promoted: bool
    reason: str
    awaits_approval: bool = False


def too_few(users: int) -> Decision | None:
    """The refusal when there are too few users to fit anything, otherwise None."""
    if users >= MINIMUM_USERS:
        return None
    return Decision(is_promoted=False, reason=f"Refused: {users} users, fewer than {MINIMUM_USERS}; RFM segments serve.")


def decide(behaviour: Fit, taste: Fit | None, champion: Standing | None, search: Search, *, has_density: bool = False) -> Decision:
    """Promote the first model without faults; later ones when they gain, when the champion has decayed, or when taste or density is new.

    ``taste`` is None where a shop has no categories, or where its clusters have faults: behaviour can serve without it, unless the champion
    knows taste. Density never speaks against a model.
    """
    figures = f"{behaviour.k} behaviour clusters, silhouette {behaviour.silhouette:.2f}, stability {behaviour.stability:.2f}"
    figures += f", {taste.k} taste clusters, silhouette {taste.silhouette:.2f}" if taste else ", no taste clusters"
    if found := faults(behaviour, search):
        return Decision(is_promoted=False, reason=f"Refused: {figures}: {'; '.join(found)}.")
    if champion is None:
        return Decision(is_promoted=True, reason=f"Promoted as the first champion: {figures}.")
    found_better = _against(champion, figures, behaviour, taste, search, has_density=has_density)
    if found_better.is_promoted and champion.moved_share > MOST_MOVED:
        moved = f"{champion.moved_share:.0%} of the users would come into another segment, more than {MOST_MOVED:.0%}"
        return Decision(is_promoted=False, reason=f"{AWAITS}{found_better.reason.removeprefix(PROMOTED)} {moved}.", awaits_approval=True)
    return found_better


def _against(champion: Standing, figures: str, behaviour: Fit, taste: Fit | None, search: Search, *, has_density: bool) -> Decision:
    if champion.has_taste and taste is None:
        return Decision(is_promoted=False, reason=f"Refused: {figures}, while champion {champion.version} knows taste.")
    if champion.behaviour_smallest_share < search.minimum_share:
        why = f"a cluster of champion {champion.version} has shrunk to {champion.behaviour_smallest_share:.1%} of the users"
        return Decision(is_promoted=True, reason=f"{PROMOTED}{figures}; {why}.")
    if taste and not champion.has_taste:
        return Decision(is_promoted=True, reason=f"{PROMOTED}{figures}; champion {champion.version} has no taste clusters.")
    gains = [behaviour.silhouette - champion.behaviour_silhouette]
    if taste and champion.taste_silhouette is not None:
        gains.append(taste.silhouette - champion.taste_silhouette)
    against = f"gains in silhouette over champion {champion.version} on the same users: {', '.join(f'{gain:+.3f}' for gain in gains)}"
    if max(gains) >= MINIMUM_GAIN and min(gains) >= -MINIMUM_GAIN:
        return Decision(is_promoted=True, reason=f"{PROMOTED}{figures}; {against}.")
    if has_density and not champion.has_density and min(gains) >= -MINIMUM_GAIN:
        why = f"champion {champion.version} has no dense groups"
        return Decision(is_promoted=True, reason=f"{PROMOTED}{figures}; {why}; {against}.")
    return Decision(
        is_promoted=False, reason=f"Kept the champion, whose names are known: {figures}; {against}, asked for {MINIMUM_GAIN:+.2f}."
    )
