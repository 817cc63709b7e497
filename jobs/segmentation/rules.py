"""What tells the members of a segment from everybody else, as one rule in words: the best leaf of a shallow tree. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier

from jobs.segmentation.served_segments import Matrix

DEPTH = 3
LEAST_MEMBERS = 20
"""Members in the sample below which a rule would be one of chance; as many lie in a leaf at least."""

LEAST_PRECISION = 0.5
"""Share of members among those whom a rule describes below which there is no rule to tell."""

FIGURES: Mapping[str, str] = {
    "recency_days": "days since the last event",
    "tenure_days": "days since the first event",
    "event_count": "events",
    "active_days": "active days",
    "order_count": "orders",
    "units_bought": "pieces bought",
    "add_to_cart_count": "items in carts",
    "spend_minor": "spend in minor units",
}
"""Whole figures of gold.user_features that rules are made of, and how they are called."""


@dataclass(frozen=True)
class Rule:
    """``precision`` of those whom ``text`` describes are in the segment, and it describes ``coverage`` of the segment; both in (0, 1]."""

    text: str
    precision: float
    coverage: float


@dataclass
class _Bounds:
    """Whole values that a path leaves to a figure, both ends included; None is open."""

    least: int | None = None
    most: int | None = None


def rule_of(figures: Matrix, top_category: Sequence[str | None], is_member: npt.NDArray[np.bool_]) -> Rule | None:
    """The rule that tells ``is_member`` apart; None with too few on either side, or when no short rule does.

    ``figures`` are users x FIGURES, whole numbers; a category is asked for by equality, of those that are the top one of enough users.
    A classification tree (Breiman et al. 1984) of depth 3, both sides weighted alike; of its leaves the one with the best F1 as a
    description of the members.
    """
    members = int(is_member.sum())
    if min(members, len(is_member) - members) < LEAST_MEMBERS:
        return None
    categories = _common(top_category)
    codes = np.array([categories.get(one, -1) if one is not None else -1 for one in top_category])
    points = np.column_stack([figures, *[codes == code for code in range(len(categories))]]).astype(np.float64)
    tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=LEAST_MEMBERS, class_weight="balanced", random_state=0)
    leaves = tree.fit(points, is_member).apply(points)
    described, inside = np.bincount(leaves), np.bincount(leaves[is_member], minlength=leaves.max() + 1)
    best = int(np.argmax(2 * inside / np.maximum(described + members, 1)))  # F1, the first of equals
    precision = float(inside[best] / described[best])
    text = _text(tree, best, list(categories))
    if precision < LEAST_PRECISION or not text:
        return None
    return Rule(text, round(precision, 4), round(float(inside[best] / members), 4))


def _common(top_category: Sequence[str | None]) -> dict[str, int]:
    """The categories that are the top one of enough users, by id, each with its place."""
    names, counts = np.unique([one for one in top_category if one is not None], return_counts=True)
    return {str(name): place for place, name in enumerate(names[counts >= LEAST_MEMBERS])}


def _text(tree: DecisionTreeClassifier, leaf: int, categories: Sequence[str]) -> str:
    """The conditions on the way to a leaf, each figure once, in the order of FIGURES; the category first."""
    inner = tree.tree_
    parent = {
        int(child): (node, side)
        for node in range(inner.node_count)
        for side, child in enumerate((inner.children_left[node], inner.children_right[node]))
    }
    names, bounds, node = list(FIGURES), dict[str, _Bounds](), leaf
    asked: dict[bool, set[str]] = {True: set(), False: set()}
    while node:
        node, is_above = parent[node]
        feature, threshold = int(inner.feature[node]), float(inner.threshold[node])
        if feature >= len(names):
            asked[bool(is_above)].add(categories[feature - len(names)])
            continue
        bound, below = bounds.setdefault(names[feature], _Bounds()), int(np.floor(threshold))
        if is_above:
            bound.least = below + 1 if bound.least is None else max(below + 1, bound.least)
        else:
            bound.most = below if bound.most is None else min(below, bound.most)
    liked = [f"top category: {name}" for name in sorted(asked[True])] or [f"top category: not {name}" for name in sorted(asked[False])]
    return ", ".join([*liked, *[_phrase(name, bounds[name]) for name in names if name in bounds]])


def _phrase(name: str, bounds: _Bounds) -> str:
    least, most = bounds.least, bounds.most
    if most is None:
        told = f"{least:,} or more"
    elif least is None:
        told = "none" if most <= 0 else f"at most {most:,}"
    else:
        told = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return f"{FIGURES[name]}: {told}"
