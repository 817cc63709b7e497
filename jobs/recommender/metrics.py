"""What a ranked list is worth to one user. Binary relevance; the first ``k`` items count; every figure lies in [0, 1].

Each function raises ValueError when ``relevant`` is empty: such a user has no right answer, is left out and counted. Lists hold an item
once and are in order; ties were broken by item id before.
"""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence

K = 10


def names(k: int) -> tuple[str, ...]:
    """Names of the figures a user, as in MLflow and the documents.

    >>> names(5)[:2]
    ('ndcg_at_5', 'recall_at_5')
    """
    return tuple(f"{figure}_at_{k}" for figure in ("ndcg", "recall", "precision", "map", "mrr", "hit_rate", "serendipity"))


METRICS = names(K)
"""The figures of a training."""


def hit_ranks(k: int, ranked: Sequence[str], relevant: Collection[str]) -> list[int]:
    """Ranks, from 1, of the relevant items among the first ``k``.

    >>> hit_ranks(3, ["tea", "mug", "pot", "cup"], {"mug", "cup"})
    [2]
    """
    if not relevant:
        message = "a user without relevant items has no ideal order; leave such users out and count them"
        raise ValueError(message)
    return [rank for rank, item in enumerate(ranked[:k], start=1) if item in relevant]


def ideal_gain(k: int, relevant_count: int) -> float:
    """Discounted gain of the best order: sum of 1 / log2(rank + 1) over the first min(k, relevant_count) ranks.

    >>> round(ideal_gain(10, 2), 4)
    1.6309
    """
    return math.fsum(1 / math.log2(rank + 1) for rank in range(1, min(k, relevant_count) + 1))


def ndcg_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Discounted gain of the first ``k`` items as a share of the best order possible.

    Sum of 1 / log2(rank + 1) over hits, by ``ideal_gain`` (Järvelin & Kekäläinen 2002).

    >>> round(ndcg_at(2, ["tea", "mug"], {"mug"}), 4)
    0.6309
    >>> round(ndcg_at(3, ["tea", "mug", "pot"], {"tea", "pot", "cup"}), 4)  # (1 + 1/2) / (1 + 0.6309 + 1/2)
    0.7039
    """
    return math.fsum(1 / math.log2(rank + 1) for rank in hit_ranks(k, ranked, relevant)) / ideal_gain(k, len(relevant))


def recall_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the relevant items that are among the first ``k`` (Manning, Raghavan & Schütze 2008, ch. 8).

    >>> recall_at(2, ["tea", "mug", "pot"], {"mug", "pot"})
    0.5
    """
    return len(hit_ranks(k, ranked, relevant)) / len(relevant)


def precision_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of the ``k`` places that hold a relevant item; an empty place is a miss (Manning et al. 2008, ch. 8).

    >>> precision_at(4, ["tea", "mug"], {"mug"})
    0.25
    """
    return len(hit_ranks(k, ranked, relevant)) / k


def map_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Average precision: precision at each hit, summed, by min(k, relevant items); its mean over users is MAP (Manning et al. 2008, ch. 8).

    >>> round(map_at(3, ["tea", "mug", "pot"], {"tea", "pot"}), 4)  # (1/1 + 2/3) / 2
    0.8333
    """
    ranks = hit_ranks(k, ranked, relevant)
    return math.fsum(count / rank for count, rank in enumerate(ranks, start=1)) / min(k, len(relevant))


def mrr_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """One over the rank of the first hit, 0 without any; its mean over users is the mean reciprocal rank (Voorhees 1999).

    >>> mrr_at(3, ["tea", "mug", "pot"], {"mug", "pot"})
    0.5
    """
    ranks = hit_ranks(k, ranked, relevant)
    return 1 / ranks[0] if ranks else 0.0


def hit_rate_at(k: int, ranked: Sequence[str], relevant: Collection[str]) -> float:
    """1 when one of the first ``k`` items is relevant, otherwise 0 (Deshpande & Karypis 2004).

    >>> hit_rate_at(1, ["tea", "mug"], {"mug"}), hit_rate_at(2, ["tea", "mug"], {"mug"})
    (0.0, 1.0)
    """
    return 1.0 if hit_ranks(k, ranked, relevant) else 0.0


def serendipity_at(k: int, ranked: Sequence[str], relevant: Collection[str], expected: Collection[str]) -> float:
    """Share of the ``k`` places that hold a relevant item that nobody expected (Ge, Delgado-Battenfeld & Jannach 2010, sec. 3).

    ``expected`` is what a primitive recommender shows to everybody: the ``k`` best known items (``best_known``).

    >>> serendipity_at(4, ["tea", "mug", "pot"], {"tea", "pot"}, expected={"tea"})
    0.25
    """
    return sum(ranked[rank - 1] not in expected for rank in hit_ranks(k, ranked, relevant)) / k


def diversity_at(k: int, ranked: Sequence[str], categories: Mapping[str, str]) -> float:
    """Share of the pairs among the first ``k`` items that are of different categories: 1 less the intra-list similarity, by category.

    (Ziegler, McNee, Konstan & Lausen 2005, sec. 3.3, as a mean over pairs.) An item without a category is unlike every other. Raises
    ValueError for a list of fewer than two items, which has no pair.

    >>> round(diversity_at(3, ["tea", "mug", "cup"], {"mug": "crockery", "cup": "crockery"}), 4)
    0.6667
    """
    pairs = list(itertools.combinations(ranked[:k], 2))
    if not pairs:
        message = "a list of fewer than two items has no pair that could be alike"
        raise ValueError(message)
    return sum(first not in categories or categories[first] != categories.get(second) for first, second in pairs) / len(pairs)


def best_known(k: int, user_counts: Mapping[str, int]) -> list[str]:
    """The ``k`` items that most users know, ties by id.

    >>> best_known(2, {"tea": 3, "mug": 3, "pot": 1})
    ['mug', 'tea']
    """
    return sorted(user_counts, key=lambda item: (-user_counts[item], item))[:k]


def coverage(recommended: Collection[str], candidates: Collection[str]) -> float:
    """Share of the items that could be recommended which somebody was recommended (Ge, Delgado-Battenfeld & Jannach 2010).

    Raises ValueError when nothing could be recommended.

    >>> coverage({"tea"}, {"tea", "mug", "pot", "cup"})
    0.25
    """
    if not candidates:
        message = "no item could be recommended, so no share of them"
        raise ValueError(message)
    return len(set(recommended) & set(candidates)) / len(candidates)


def novelty(user_counts: Sequence[int], all_users: int) -> float:
    """Mean self-information of the recommended items in bits: -log2 of the share of users who knew the item (Zhou et al. 2010).

    ``user_counts`` has one entry a recommendation; an item that nobody knew counts as known by one. Not bounded by 1.

    >>> novelty([8, 2], all_users=8)
    1.0
    """
    return math.fsum(-math.log2(max(count, 1) / max(all_users, 1)) for count in user_counts) / len(user_counts)


def gini(shown_counts: Sequence[int], candidates: int) -> float:
    """How unequally the places are shared out among all ``candidates``: 0 each the same, towards 1 one item everything.

    Gini coefficient, sum of (2 j - n - 1) x_j over n sum of x_j, x sorted and filled up with zeros (Gunawardana & Shani 2015, sec. 8.3).
    Raises ValueError when nothing was shown.

    >>> gini([2, 2], candidates=2), gini([4], candidates=2)
    (0.0, 0.5)
    """
    if not sum(shown_counts):
        message = "nothing was shown, so nothing is shared out"
        raise ValueError(message)
    ordered = sorted([*shown_counts, *[0] * (candidates - len(shown_counts))])
    count = len(ordered)
    return math.fsum((2 * place - count - 1) * shown for place, shown in enumerate(ordered, start=1)) / (count * sum(ordered))


HEAD = 0.1
"""Share of the items, the best known ones, that make the head of the catalogue."""


def head(user_counts: Mapping[str, int]) -> frozenset[str]:
    """The best known tenth of the items, at least one, ties by id.

    The share of places that goes to it says how much is left for the others (Abdollahpouri, Burke & Mobasher 2019).

    >>> sorted(head({"tea": 3, "mug": 3, "pot": 1}))
    ['mug']
    """
    return frozenset(best_known(max(1, math.ceil(HEAD * len(user_counts))), user_counts))
