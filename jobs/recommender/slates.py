"""Lists of places: the best of a block of scores, by the scores alone or under a shop's rules."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.recommender.histories import Histories, numbered, whole_column
from jobs.recommender.house_rules import HouseRules
from jobs.recommender.ranker import NOTHING, Scores

SCORE_DIGITS = 6
"""Significant digits of a score that count: the last bits of a sum cannot reorder a list; what is equal so far falls to the lower id."""


@dataclass(frozen=True)
class Slates:
    """The best items of a block of users. ``positions``, ``scores`` and ``links`` are users x k; ``filled`` says how many count a user."""

    positions: npt.NDArray[np.int64]
    scores: Scores
    links: npt.NDArray[np.int64]
    filled: npt.NDArray[np.int64]

    @classmethod
    def empty(cls, users: int, width: int) -> "Slates":
        """Lists of up to ``width`` places in which nothing stands yet."""
        places = (users, width)
        return cls(np.zeros(places, np.int64), np.zeros(places), np.zeros(places, np.int64), np.zeros(users, np.int64))

    def of(self, rows: npt.NDArray[np.int64]) -> "Slates":
        """The lists of some of the users."""
        return Slates(self.positions[rows], self.scores[rows], self.links[rows], self.filled[rows])

    @property
    def given(self) -> npt.NDArray[np.bool_]:
        """Users x k: which places count."""
        found: npt.NDArray[np.bool_] = np.arange(self.positions.shape[1])[None, :] < self.filled[:, None]
        return found


@dataclass(frozen=True)
class LeftOut:
    """What must not be on a list: of the user ``row`` the ``positions`` from ``starts[row]`` to ``starts[row + 1]``."""

    starts: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]

    @classmethod
    def of_pairs(cls, users: int, rows: npt.NDArray[np.int64], positions: npt.NDArray[np.int64]) -> "LeftOut":
        """Of pairs of a row and a position, in any order."""
        order = np.argsort(rows, kind="stable")
        return cls(np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=users))]).astype(np.int64), positions[order])

    def rows(self, begin: int, end: int) -> "LeftOut":
        """What is left out of the users ``begin <= row < end``."""
        first, last = self.starts[begin], self.starts[end]
        return LeftOut(self.starts[begin : end + 1] - first, self.positions[first:last])


@runtime_checkable
class Finding(Protocol):
    """A ranker that finds the best items of many users without a score for every one."""

    @property
    def item_ids(self) -> pa.Array:
        """The items that it knows, in the order of their ids."""
        ...

    def best(self, histories: Histories, among: npt.NDArray[np.int64], left_out: LeftOut, k: int) -> Slates:
        """What ``best`` finds in the ranker's scores of the positions ``among`` (rising) without what is left out.

        Positions, those left out included, are places in ``among``.
        """
        ...


def best(scores: Scores, k: int) -> Slates:
    """The ``k`` best of each row, by score, then by position; what is ``NOTHING`` is left out.

    >>> found = best(np.array([[0.5, 2.0, 0.5, NOTHING]]), k=3)
    >>> found.positions.tolist(), found.filled.tolist()
    ([[1, 0, 2]], [3])
    """
    users, items = scores.shape
    width = min(k, items)
    figures = rounded(scores)
    if width < items:
        # a partition may cut through equal scores: all of the k-th score stay in, and the sort below decides by position
        threshold = -np.partition(-figures, width - 1, axis=1)[:, width - 1 : width] if width else np.zeros((users, 1))
        rows, columns = np.nonzero((figures >= threshold) & (figures > NOTHING))
    else:
        rows, columns = np.nonzero(figures > NOTHING)
    values = figures[rows, columns]
    order = np.lexsort((columns, -values, rows))
    rows, columns, values = rows[order], columns[order], values[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, np.arange(users))[rows]
    kept = place < width
    positions, found = np.zeros((users, width), dtype=np.int64), np.zeros((users, width))
    positions[rows[kept], place[kept]], found[rows[kept], place[kept]] = columns[kept], values[kept]
    filled = np.minimum(np.bincount(rows, minlength=users), width).astype(np.int64)
    return Slates(positions, found, np.zeros((users, width), dtype=np.int64), filled)


def best_of_shared(scores: npt.NDArray[np.float64], left_out: LeftOut, k: int) -> Slates:
    """What ``best`` finds where all users have the same ``scores``, a figure an item, without what is left out of each.

    One list serves everybody of whom nothing on it is left out; a look further down the same order serves the others. Never users x items.

    >>> found = best_of_shared(np.array([1.0, 3.0, 2.0]), LeftOut.of_pairs(2, np.array([1]), np.array([1])), k=2)
    >>> found.positions.tolist(), found.scores.tolist()
    ([[1, 2], [2, 0]], [[3.0, 2.0], [2.0, 1.0]])
    """
    users, width = len(left_out.starts) - 1, min(k, len(scores))
    slates = Slates.empty(users, width)
    sizes = np.where(np.isfinite(scores), np.abs(scores), 0.0)
    by_size = np.argsort(-sizes, kind="stable")
    orders: dict[float, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}

    def order(out: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """All that has a score, the best first, with its figures, which hang on the largest that is left."""
        head = by_size[: len(out) + 1]
        unit = float(unit_of(sizes[head[~np.isin(head, out)]].max(initial=0.0)))
        if unit not in orders:
            figures = to_unit(scores, unit)
            found = np.lexsort((np.arange(len(figures)), -figures))
            found = found[figures[found] > NOTHING]
            orders[unit] = found, figures[found]
        return orders[unit]

    def fill(rows: npt.NDArray[np.int64] | slice, out: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        positions, figures = order(out)
        kept = np.flatnonzero(~np.isin(positions[: width + len(out)], out))[:width]
        slates.positions[rows, : len(kept)], slates.scores[rows, : len(kept)] = positions[kept], figures[kept]
        slates.filled[rows] = len(kept)
        return positions[kept]

    deciding = np.append(fill(slice(None), left_out.positions[:0]), by_size[:1])
    rows = np.repeat(np.arange(users), np.diff(left_out.starts))
    for row in np.unique(rows[np.isin(left_out.positions, deciding)]):
        slates.positions[row], slates.scores[row] = 0, 0.0
        fill(np.array([row]), left_out.positions[left_out.starts[row] : left_out.starts[row + 1]])
    return slates


def rounded(scores: Scores) -> Scores:
    """Scores to ``SCORE_DIGITS`` significant digits of the largest of their row."""
    finite = np.where(np.isfinite(scores), np.abs(scores), 0.0)
    return to_unit(scores, unit_of(finite.max(axis=1, keepdims=True, initial=0.0)))


def unit_of(largest: Any) -> Any:
    """What scores of which the ``largest`` is such are rounded to multiples of: a power of two, so that scaling is exact."""
    exponent = np.ceil(np.log2(np.where(largest > 0, largest, 1.0)))
    return np.exp2(exponent - np.ceil(SCORE_DIGITS * np.log2(10)))


def to_unit(scores: Scores, unit: Any) -> Scores:
    """Scores as multiples of ``unit``, a figure or one a row; ``NOTHING`` where there is none."""
    with np.errstate(invalid="ignore"):
        found: Scores = np.where(np.isfinite(scores), np.rint(scores / unit) * unit, NOTHING)
    return found


@dataclass(frozen=True)
class Arrangement:
    """What rules say of the candidates: of each its category, numbered from 0, -1 for none, and what its relevance is multiplied by."""

    categories: npt.NDArray[np.int64]
    factors: npt.NDArray[np.float64]
    most_a_category: int | None = None
    relevance_share: float = 1.0

    @classmethod
    def of(cls, shelf: pa.Table, rules: HouseRules) -> "Arrangement | None":
        """Of the rows of a shelf (``SHELF_FRAME``), in their order; None where the scores alone decide."""
        factors = shelf["factor"].to_numpy().astype(np.float64)
        if rules.most_a_category is None and rules.relevance_share == 1 and (factors == 1).all():
            return None
        return cls(numbered(whole_column(shelf, "category_id")), factors, rules.most_a_category, rules.relevance_share)

    def shown(self, before: Slates) -> npt.NDArray[np.int64]:
        """Users x categories: places that ``before`` has given to each."""
        counts = np.zeros((len(before.filled), int(self.categories.max(initial=-1)) + 1), dtype=np.int64)
        rows, places = np.nonzero(before.given)
        categories = self.categories[before.positions[rows, places]]
        np.add.at(counts, (rows[categories >= 0], categories[categories >= 0]), 1)
        return counts

    def best(self, scores: Scores, k: int, before: Slates) -> Slates:
        """The ``k`` best of each row, place by place, given what ``before`` (the same rows) holds already.

        With a cap alone a score is the ranker's own. With boosts or a ``relevance_share`` below 1 it is the marginal relevance: the share
        of the relevance, which is the score scaled to 0..1 within its row and multiplied by the item's factor, less the rest of 1 where the
        category has a place (Carbonell & Goldstein 1998, with categories for likeness). Either way scores fall with the ranks.

        >>> tea_tea_mug = Arrangement(np.array([0, 0, 1]), np.ones(3), most_a_category=1)
        >>> found = tea_tea_mug.best(np.array([[3.0, 2.0, 1.0]]), 3, Slates.empty(1, 3))
        >>> found.positions[0, : found.filled[0]].tolist()
        [0, 2]
        """
        users, width = len(scores), min(k, scores.shape[1])
        counts = self.shown(before)
        values = self._values(rounded(scores), counts)
        slates, rows = Slates.empty(users, width), np.arange(users)
        for place in range(width):
            at = values.argmax(axis=1)
            found = values[rows, at]
            has = rows[found > NOTHING]
            slates.positions[has, place], slates.scores[has, place] = at[has], found[has]
            slates.filled[has] += 1
            values[has, at[has]] = NOTHING
            self._taken(values, counts, has, self.categories[at[has]])
        return slates

    def _values(self, figures: Scores, counts: npt.NDArray[np.int64]) -> Scores:
        """What each item is worth for the first place."""
        values = figures
        if self.relevance_share < 1 or (self.factors != 1).any():
            values = self.relevance_share * relevance(figures) * self.factors
        for category in np.flatnonzero(counts.any(axis=0)):
            inside = np.flatnonzero(self.categories == category)
            self._less(values, np.flatnonzero(counts[:, category] > 0), inside)
            self._closed(values, counts, np.arange(len(values)), int(category), inside)
        return values

    def _taken(self, values: Scores, counts: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], categories: npt.NDArray[np.int64]) -> None:
        """Each of ``rows`` has given a place to its one of ``categories``: what is the rest worth now?"""
        for category in np.unique(categories[categories >= 0]):
            here, inside = rows[categories == category], np.flatnonzero(self.categories == category)
            self._less(values, here[counts[here, category] == 0], inside)
            counts[here, category] += 1
            self._closed(values, counts, here, int(category), inside)

    def _less(self, values: Scores, rows: npt.NDArray[np.int64], inside: npt.NDArray[np.int64]) -> None:
        if self.relevance_share < 1:
            values[np.ix_(rows, inside)] -= 1 - self.relevance_share

    def _closed(
        self, values: Scores, counts: npt.NDArray[np.int64], rows: npt.NDArray[np.int64], category: int, inside: npt.NDArray[np.int64]
    ) -> None:
        if self.most_a_category is not None:
            values[np.ix_(rows[counts[rows, category] >= self.most_a_category], inside)] = NOTHING


def relevance(figures: Scores) -> Scores:
    """Scores scaled within their row: 0 the least, 1 the most, 1 where all are equal; ``NOTHING`` stays.

    >>> relevance(np.array([[2.0, 4.0, 3.0, NOTHING], [5.0, 5.0, NOTHING, NOTHING]])).tolist()
    [[0.0, 1.0, 0.5, -inf], [1.0, 1.0, -inf, -inf]]
    """
    finite = np.isfinite(figures)
    least = np.where(finite, figures, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    most = np.where(finite, figures, NOTHING).max(axis=1, keepdims=True, initial=NOTHING)
    flat = ~(most > least)
    width = np.where(flat, 1.0, most - np.where(flat, 0.0, least))
    with np.errstate(invalid="ignore"):
        found: Scores = np.where(finite, np.where(flat, 1.0, (figures - np.where(flat, 0.0, least)) / width), NOTHING)
    return found
