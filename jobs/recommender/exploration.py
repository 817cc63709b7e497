"""Places that new items get so that somebody meets them: to whom they read like what there is already, and evenly, by lot.

The lot is the same for the same day and history.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.recommender.histories import Histories, places
from jobs.recommender.models.content import Content
from jobs.recommender.ranker import NOTHING, Scores

EXPLORATION = "exploration"

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Explorer:
    """A ``Ranker`` of the new ones among ``item_ids``: a score is a lot in [0, 1), drawn by item and day (``lots``) and history.

    Every new item has the same chance for everybody, so what is bought there is told apart from what a model would have shown anyway.
    Users without a history draw the same lots.
    """

    item_ids: pa.Array
    is_new: npt.NDArray[np.bool_]
    lots: Hashes
    name: str = EXPLORATION

    @classmethod
    def of(cls, item_ids: pa.Array, is_new: npt.NDArray[np.bool_], day: date) -> "Explorer":
        """The lots of a day."""
        names = [f"{day} {item}".encode() for item in item_ids.to_pylist()]
        digests = b"".join(hashlib.blake2b(name, digest_size=8).digest() for name in names)
        return cls(item_ids, is_new, np.frombuffer(digests, dtype="<u8").astype(np.uint64))

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``."""
        entries = mixed(histories.positions.astype(np.uint64) ^ mixed(histories.times.astype(np.uint64)))
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(entries, dtype=np.uint64)])
        users = mixed(sums[histories.indptr[1:]] - sums[histories.indptr[:-1]])
        found: Scores = np.full((histories.users, len(self.item_ids)), NOTHING)
        drawn = mixed(users[:, None] ^ self.lots[self.is_new][None, :])
        found[:, self.is_new] = (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return found


@dataclass(frozen=True)
class LikeNew:
    """A ``Ranker`` of the new ones among the items of ``content`` (at ``positions``): how much they read like a user's history."""

    content: Content
    positions: npt.NDArray[np.int64]
    name: str = "content"

    @classmethod
    def of(cls, content: Content, item_ids: pa.Array, is_new: npt.NDArray[np.bool_]) -> "LikeNew":
        """The new ones of a shelf that the catalogue of ``content`` knows."""
        found = places(item_ids.filter(pa.array(is_new)), content.item_ids)
        return cls(content, found[found >= 0])

    @property
    def item_ids(self) -> pa.Array:
        """All items of the catalogue: histories are made of them."""
        return self.content.item_ids

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``; no opinion on an item that shares no word with the history."""
        found: Scores = np.full((histories.users, len(self.item_ids)), NOTHING)
        found[:, self.positions] = self.content.likeness(histories, self.positions)
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``, for new items."""
        return self.content.contributions(histories, row, positions)


def mixed(values: Hashes) -> Hashes:
    """The step of SplitMix64 (Steele, Lea & Flood 2014): each bit of the input moves about half of the output's.

    >>> mixed(np.zeros(1, np.uint64)).tolist()  # the first number of the generator with seed 0
    [16294208416658607535]
    """
    found = values + np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed_ones: Hashes = found ^ (found >> np.uint64(31))
    return mixed_ones
