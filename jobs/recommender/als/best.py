"""The best items of many users by the product of factors, without computing every product: exact, seen items left out.

The items lie in the order of falling length, so a user is done as soon as the length of the next items times the user's own cannot reach
what the user has (Cauchy-Schwarz; Teflioudi, Gemulla & Mykytiuk 2015). Products are computed in tiles in single precision; of a few more
items than were asked for they are computed again in double precision, and those decide, by the rule of ``slates.best``: rounded scores,
ties to the lower position. Where the few more do not prove that nothing else belongs to the best, all products of that user are computed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from jobs.recommender.ranker import NOTHING, Scores
from jobs.recommender.slates import LeftOut, Slates, to_unit, unit_of
from jobs.recommender.slates import best as best_of_scores

MORE = 12
"""Places beyond those asked for that are looked at in double precision."""

USERS_A_TILE, ITEMS_A_TILE = 256, 512

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ordered:
    """Items (items x rank, a position each) in the order of falling length."""

    items: Scores

    @cached_property
    def _order(self) -> Integers:
        return np.argsort(-np.linalg.norm(self.items, axis=1), kind="stable")

    @cached_property
    def _place(self) -> npt.NDArray[np.int32]:
        found = np.empty(len(self.items), np.int32)
        found[self._order] = np.arange(len(found), dtype=np.int32)
        return found

    @cached_property
    def _exact(self) -> Scores:
        return np.ascontiguousarray(self.items[self._order], np.float64)

    @cached_property
    def _single(self) -> npt.NDArray[np.float32]:
        return self._exact.astype(np.float32)

    @cached_property
    def _lengths(self) -> npt.NDArray[np.float64]:
        found: npt.NDArray[np.float64] = np.linalg.norm(self._exact, axis=1)
        return found

    def best(self, users: Scores, left_out: LeftOut, k: int) -> Slates:
        """The ``k`` best of each of ``users`` (users x rank), as ``slates.best`` finds them among all products without what is left out."""
        width = min(k, len(self.items))
        slates = Slates.empty(len(users), width)
        if not width:
            return slates
        for begin in range(0, len(users), USERS_A_TILE):
            end = min(begin + USERS_A_TILE, len(users))
            inside = left_out.rows(begin, end)
            doubtful = self._fill(slates, begin, np.ascontiguousarray(users[begin:end], np.float64), inside)
            if len(doubtful):
                found = users[begin + doubtful] @ self.items.T
                for row, user in enumerate(doubtful):
                    found[row, inside.positions[inside.starts[user] : inside.starts[user + 1]]] = NOTHING
                exact = best_of_scores(found, width)
                rows = begin + doubtful
                slates.positions[rows], slates.scores[rows], slates.filled[rows] = exact.positions, exact.scores, exact.filled
        return slates

    def _fill(self, slates: Slates, begin: int, users: Scores, left_out: LeftOut) -> Integers:
        """Write the lists of some users; returns those for whom they are not proved."""
        from jobs.recommender.als import tiles  # noqa: PLC0415  (only who makes lists needs Numba)

        width = slates.positions.shape[1]
        values = np.full((len(users), min(width + MORE, len(self.items))), -np.inf, np.float32)
        found, largest = np.zeros(values.shape, np.int32), np.zeros(len(users), np.float32)
        lengths = np.linalg.norm(users, axis=1)
        unseen = np.ascontiguousarray(self._place[left_out.positions])
        for active, first, scores in self._tiles(users, lengths, values):
            tiles.scan((scores, active, first), (left_out.starts, unseen), (values, found, largest))
        exact = np.empty(values.shape)
        tiles.score_again(users, self._exact, found, values, exact)
        error = lengths * self._lengths[0] * users.shape[1] * 2.0**-23
        unit = unit_of(largest)
        figures = to_unit(exact, unit[:, None])
        positions = self._order[found]
        order = np.lexsort((positions, -figures))[:, :width]
        figures, positions = np.take_along_axis(figures, order, 1), np.take_along_axis(positions, order, 1)
        filled = (figures > NOTHING).sum(axis=1)
        rows = slice(begin, begin + len(users))
        slates.positions[rows], slates.scores[rows], slates.filled[rows] = (
            np.where(figures > NOTHING, positions, 0),
            np.where(figures > NOTHING, figures, 0.0),
            filled,
        )
        return np.flatnonzero(~self._proved(values, figures[:, -1], (largest, error, unit)))

    def _tiles(
        self, users: Scores, lengths: npt.NDArray[np.float64], values: npt.NDArray[np.float32]
    ) -> Iterator[tuple[Integers, int, npt.NDArray[np.float32]]]:
        """The users who are not done yet, the first item of a tile, and their products."""
        active, rows = np.arange(len(users)), users.astype(np.float32)
        for first in range(0, len(self.items), ITEMS_A_TILE):
            is_open = lengths[active] * self._lengths[first] * 1.0001 >= values[active, -1]
            if not is_open.all():
                active, rows = active[is_open], rows[is_open]
            if not len(active):
                return
            yield active, first, rows @ self._single[first : first + ITEMS_A_TILE].T

    def _proved(
        self, values: npt.NDArray[np.float32], last: npt.NDArray[np.float64], bounds: tuple[npt.NDArray[np.float32], Scores, Scores]
    ) -> npt.NDArray[np.bool_]:
        """Whether nothing outside of what was looked at can round to the ``last`` of a list, and the unit of the rounding is sure."""
        largest, error, unit = bounds
        everything = values[:, -1] == -np.inf
        beyond = values[:, -1] + error + unit < last
        with np.errstate(divide="ignore"):
            sure = np.ceil(np.log2(np.maximum(largest - error, 0.0))) == np.ceil(np.log2(largest + error))
        if values.shape[1] == len(self.items):
            everything[:] = True
        found: npt.NDArray[np.bool_] = (everything | beyond) & sure
        return found
