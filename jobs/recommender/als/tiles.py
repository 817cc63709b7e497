"""The best of a tile of scores, in machine code: what ``best.py`` does for every user and item."""

import numpy as np
import numpy.typing as npt

from jobs.recommender.als.machine_code import compiled

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]

Scores = npt.NDArray[np.float64]

NOTHING = np.float32(-np.inf)

RUN = 32
"""Scores that are looked at together: most runs hold nothing that is good enough."""


Tile = tuple[Floats, Integers, int]
LeftOut = tuple[Integers, Places]
Lists = tuple[Floats, Places, Floats]

_TILE = "Tuple((float32[:, ::1], int64[::1], int64))"
_LEFT_OUT = "Tuple((Array(int64, 1, 'C', readonly=True), Array(int32, 1, 'C', readonly=True)))"
_LISTS = "Tuple((float32[:, ::1], int32[:, ::1], float32[::1]))"
_MATRIX = "float64[:, ::1]"


@compiled("UniTuple(float32, 2)(float32[::1])")
def _extremes(scores: Floats) -> tuple[np.float32, np.float32]:
    """The highest, and the lowest of those that are not minus infinity."""
    high, low = NOTHING, -NOTHING
    for score in scores:
        high = max(high, score)
        low = min(low, score if score > NOTHING else -NOTHING)
    return high, low


@compiled("void(float32[::1], int32[::1], float32, int32)")
def _insert(values: Floats, found: Places, score: np.float32, place: np.int32) -> None:
    at = len(values) - 1
    while at > 0 and values[at - 1] < score:
        values[at] = values[at - 1]
        found[at] = found[at - 1]
        at -= 1
    values[at] = score
    found[at] = place


@compiled(f"void({_TILE}, {_LEFT_OUT}, {_LISTS})")
def scan(tile: Tile, left_out: LeftOut, lists: Lists) -> None:
    """Put what is better than the last of a user's ``lists`` into its place.

    ``tile``: scores (rows x items, overwritten), the user of each row, the place of the first item. ``left_out``: where the places of each
    user's begin, and these. ``lists``: scores (users x length, falling), places of the items, and the largest absolute score that a
    user's rows have shown.
    """
    scores, users, first = tile
    starts, places = left_out
    values, found, largest = lists
    items, last = scores.shape[1], values.shape[1] - 1
    for row in range(len(users)):
        user, mine = users[row], scores[row]
        for place in places[starts[user] : starts[user + 1]]:
            if 0 <= place - first < items:
                mine[place - first] = NOTHING
        for begin in range(0, items, RUN):
            end = min(begin + RUN, items)
            high, low = _extremes(mine[begin:end])
            if high > NOTHING:
                largest[user] = max(largest[user], high, -low)
            if high <= values[user, last]:
                continue
            for at in range(begin, end):
                if mine[at] > values[user, last]:
                    _insert(values[user], found[user], mine[at], np.int32(first + at))


@compiled(f"void({_MATRIX}, {_MATRIX}, int32[:, ::1], float32[:, ::1], {_MATRIX})")
def score_again(users: Scores, items: Scores, found: Places, values: Floats, scores: Scores) -> None:
    """``scores`` (users x places): the products in double precision where ``values`` has one, else minus infinity."""
    for user in range(len(found)):
        for place in range(found.shape[1]):
            if values[user, place] == NOTHING:
                scores[user, place] = NOTHING
                continue
            item, total = found[user, place], 0.0
            for column in range(users.shape[1]):
                total += users[user, column] * items[item, column]
            scores[user, place] = total
