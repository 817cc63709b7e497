"""Names, meanings and actions of clusters, from their centroids alone: the same centroids give the same words."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from jobs.segmentation.served_segments import Label, Matrix

NEW_BELOW, LAPSED_FROM = -0.8, 0.6
"""Standardised differences: tenure that makes a cluster new, recency that makes it lapsed."""
LAPSED_DAYS = 30
"""Days since the last visit from which a cluster is lapsed however long the others have been away."""
TOP_FROM, REGULAR_FROM = 0.8, 0.0
"""Standardised differences of money that tell top, regular and occasional buyers apart."""
BROWSER_BELOW_ORDERS = 0.5
"""Spending, in typical orders, below which a cluster looks around rather than buys."""
SECOND_CATEGORY_FROM = 0.4
"""A category belongs into a taste's name when its excess share is at least so much of the leading one's."""

QUALIFIERS = {
    "recency_days": ("gone longer", "gone less long"),
    "tenure_days": ("known longer", "known less long"),
    "active_span_days": ("with a longer history", "with a shorter history"),
    "active_days": ("visiting more", "visiting less"),
    "add_to_cart_count": ("with fuller carts", "with emptier carts"),
    "monetary": ("spending more", "spending less"),
}
"""How a cluster differs from another one of the same name: more of a feature, less of it."""

ACTIONS = {
    ("New", "buyers"): "Welcome them and help with the next order.",
    ("New", "browsers"): "Show best sellers and a first-order benefit.",
    ("Active", "buyers"): "Keep them: recommend what goes with what they own, show novelties first.",
    ("Active", "browsers"): "Give a reason for the first order in what they view most.",
    ("Lapsed", "buyers"): "Win them back with an offer on what they bought or viewed.",
    ("Lapsed", "browsers"): "One reactivation message at most.",
}


def behaviour_labels(
    features: Sequence[str], centroids: Sequence[Sequence[float]], mean: Sequence[float], scale: Sequence[float]
) -> tuple[Label, ...]:
    """A label a cluster, names unique: state (new, active, lapsed), then what it buys, then what tells it from its namesakes."""
    stands = [dict(zip(features, row, strict=True)) for row in centroids]
    typical = [{f: float(np.expm1(z * s + m)) for f, z, m, s in zip(features, row, mean, scale, strict=True)} for row in centroids]
    states = [_state(z, t) for z, t in zip(stands, typical, strict=True)]
    nouns = [_noun(z, t) for z, t in zip(stands, typical, strict=True)]
    names = [f"{state} {noun}" for state, noun in zip(states, nouns, strict=True)]
    for name in sorted(set(names)):
        namesakes = [i for i, other in enumerate(names) if other == name]
        for index, words in _qualify(namesakes, stands).items():
            names[index] = ", ".join([name, *words])
    return tuple(
        Label(name, _typical_words(t), ACTIONS[state, noun.split()[-1]])
        for name, t, state, noun in zip(names, typical, states, nouns, strict=True)
    )


def taste_labels(categories: Sequence[str], centroids: Sequence[Sequence[float]], mean: Sequence[float]) -> tuple[Label, ...]:
    """A label a cluster, names unique: the categories that it likes more than others do, as many as it takes.

    ``centroids`` and ``mean`` are over square roots of shares.
    """
    excess: Matrix = np.array(centroids) - np.array(mean)
    ranked = [
        [c for _, _, c in sorted((-round(float(e), 9), name, c) for c, (name, e) in enumerate(zip(categories, row, strict=True)))]
        for row in excess
    ]
    lengths = [
        2 if len(categories) > 1 and row[order[1]] >= SECOND_CATEGORY_FROM * row[order[0]] else 1
        for row, order in zip(excess, ranked, strict=True)
    ]
    while True:
        liked = [[categories[c] for c in order[:length]] for order, length in zip(ranked, lengths, strict=True)]
        names = [f"Likes {_joined(words)}" for words in liked]
        clashing = [i for i, name in enumerate(names) if names.count(name) > 1 and lengths[i] < len(categories)]
        if not clashing:
            break
        for i in clashing:
            lengths[i] += 1
    names = [name if names.count(name) == 1 else f"{name} ({i + 1})" for i, name in enumerate(names)]
    return tuple(
        Label(
            name,
            f"Looks at and buys from {_joined(words)} more than others do.",
            f"Lead with {_joined(words)} in messages and on the landing page.",
        )
        for name, words in zip(names, liked, strict=True)
    )


def _state(z: Mapping[str, float], typical: Mapping[str, float]) -> str:
    if z.get("recency_days", 0.0) >= LAPSED_FROM or typical.get("recency_days", 0.0) >= LAPSED_DAYS:
        return "Lapsed"
    return "New" if z.get("tenure_days", 0.0) <= NEW_BELOW else "Active"


def _noun(z: Mapping[str, float], typical: Mapping[str, float]) -> str:
    if typical.get("monetary", 0.0) < BROWSER_BELOW_ORDERS:
        return "browsers"
    money = z.get("monetary", 0.0)
    return "top buyers" if money >= TOP_FROM else "regular buyers" if money >= REGULAR_FROM else "occasional buyers"


def _qualify(namesakes: Sequence[int], stands: Sequence[Mapping[str, float]]) -> dict[int, list[str]]:
    """Split namesakes in two at the widest gap of the feature that spreads them most, until each stands alone."""
    if len(namesakes) < 2:
        return {index: [] for index in namesakes}
    features = list(stands[0])
    spread = {f: max(stands[i][f] for i in namesakes) - min(stands[i][f] for i in namesakes) for f in features}
    feature = max(features, key=lambda f: (round(spread[f], 9), -features.index(f)))
    ordered = sorted(namesakes, key=lambda i: (stands[i][feature], i))
    gaps = [round(stands[high][feature] - stands[low][feature], 9) for low, high in pairwise(ordered)]
    cut = gaps.index(max(gaps)) + 1
    more, less = QUALIFIERS[feature]
    below = {i: [less, *words] for i, words in _qualify(ordered[:cut], stands).items()}
    return below | {i: [more, *words] for i, words in _qualify(ordered[cut:], stands).items()}


def _typical_words(typical: Mapping[str, float]) -> str:
    words: dict[str, Callable[[float], str]] = {
        "recency_days": lambda days: f"last seen {_counted(days, 'day')} ago",
        "tenure_days": lambda days: f"first seen {_counted(days, 'day')} ago",
        "active_days": lambda days: f"{_counted(days, 'day')} with a visit or order",
        "add_to_cart_count": lambda items: f"{_counted(items, 'item')} put into a cart",
        "monetary": lambda orders: f"spend of {orders:.1f} typical orders",
    }
    return "Typically " + ", ".join(say(max(typical[feature], 0.0)) for feature, say in words.items() if feature in typical) + "."


def _counted(number: float, noun: str) -> str:
    """``_counted(1.2, "day")`` is ``1 day``."""
    return f"{number:.0f} {noun}{'' if round(number) == 1 else 's'}"


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
