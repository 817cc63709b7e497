"""SASRec: what comes next after a sequence, by self-attention (Kang & McAuley 2018), learnt on JAX, scored in NumPy.

Its loss is the cross-entropy over all items, not the published one over a single item drawn by chance: with that SASRec is as good as its
successors (Klenitskiy & Vasilev 2023, "Turning Dross Into Gold Loss"; Petrov & Macdonald 2023, "gSASRec").
"""

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.errors import MissingExtraError
from jobs.recommender.histories import Histories, catalogue, histories, valid, whole
from jobs.recommender.ranker import NOTHING, Scores, nearest
from jobs.recommender.size import require
from jobs.recommender.transformer import Network, states

EXTRA = "requirements-sequence.txt"
PACKAGES = ("jax", "optax")

MOST_PAIRS, MOST_ITEMS = 1_000_000, 20_000
"""Pairs of user and item, and items, that it is meant for: a step scores all items for each entry of a batch, 0.4 GB, and a training on
two cores takes hours at that size.
"""

USERS_A_STEP = 128
"""Users whose sequences are held at a time."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sasrec:
    """The arrays of a ``Network``. A user's last items, as many as there are ``places``, are the sequence; weights say nothing."""

    item_ids: pa.Array
    embeddings: Floats
    places: Floats
    attention: Floats
    feed: Floats
    biases: Floats
    norms: Floats
    heads: int
    name: str = "sasrec"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: ln p(next item) but for a constant a user; nothing for somebody without a history."""
        found = np.full((histories.users, len(self.item_ids)), NOTHING)
        rows = np.flatnonzero(np.diff(histories.indptr))
        for start in range(0, len(rows), USERS_A_STEP):
            step = rows[start : start + USERS_A_STEP]
            found[step] = self._last(histories, step) @ self._network.embeddings.T
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: by how much the entry raised the score when it came, from 0 before the first of the sequence."""
        own = histories.positions[histories.of(row)]
        found = np.zeros((len(positions), len(own)))
        sequence = own[-len(self.places) :]
        if len(sequence):
            after = states(np, self._network, sequence[None, :], self.heads)[0] @ self._network.embeddings[positions].T
            found[:, len(own) - len(sequence) :] = np.diff(after, axis=0, prepend=0.0).T
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` items by the cosine of the embeddings, ties in the order of the ids; nothing for an unknown item."""
        return nearest(self.item_ids, self.embeddings, item_id, k)

    @cached_property
    def _network(self) -> Network:
        arrays = (self.embeddings, self.places, self.attention, self.feed, self.biases, self.norms)
        return Network(*(values.astype(np.float64) for values in arrays))

    def _last(self, histories: Histories, rows: npt.NDArray[np.int64]) -> Scores:
        """Users x size: what is known after the last item of each of these users."""
        ends = histories.indptr[rows + 1]
        lengths = np.minimum(ends - histories.indptr[rows], len(self.places))
        entries = np.arange(int(lengths.max()))
        sequences = histories.positions[np.where(entries < lengths[:, None], (ends - lengths)[:, None] + entries, 0)]
        found: Scores = states(np, self._network, sequences, self.heads)[np.arange(len(rows)), lengths - 1]
        return found


@dataclass(frozen=True)
class SasrecTrainer:
    """``longest``: items of a sequence, longer histories are cut into several; ``size`` is a multiple of ``heads``."""

    size: int = 64
    blocks: int = 2
    heads: int = 2
    longest: int = 50
    dropout: float = 0.3
    learning_rate: float = 0.001
    epochs: int = 60
    batch: int = 64
    seed: int = 17
    name: str = "sasrec"

    @staticmethod
    def is_available() -> bool:
        """Whether the packages of the extra are installed."""
        return not _missing()

    def require_packages(self) -> None:
        """Raise MissingExtraError where they are not."""
        if missing := _missing():
            raise MissingExtraError(
                self.name,
                expected=f"the packages of {EXTRA}",
                found=f"no {' and no '.join(missing)}",
                advice=f"Install them: pip install --require-hashes -r {EXTRA}. Scoring needs none of them.",
            )

    def fit(self, signals: DataFrame) -> Sasrec:
        """As ``Trainer.fit``. Learns on the driver; raises MissingExtraError where JAX or optax is not installed."""
        self.require_packages()
        from jobs.recommender.sequence_training import Course, trained  # noqa: PLC0415 - an extra

        require(self.name, "pairs of user and item", valid(signals).count(), MOST_PAIRS)
        item_ids = catalogue(signals)
        require(self.name, "items", len(item_ids), MOST_ITEMS)
        windows = windowed(whole(histories(signals), item_ids, ("user_id", "ascending")), self.longest)
        course = Course(
            self.size, self.blocks, self.heads, self.dropout, self.learning_rate, self.epochs if len(windows) else 0, self.batch, self.seed
        )
        return Sasrec(item_ids, *trained(windows, len(item_ids), course), self.heads, self.name)


def _missing() -> list[str]:
    return [package for package in PACKAGES if not find_spec(package)]


def windowed(known: Histories, longest: int) -> npt.NDArray[np.int32]:
    """Windows x (``longest`` + 1): each history cut from its end, a window beginning with the last item of the one before; -1 fills up.

    Together the windows ask once for each item but the first of a history.
    """
    found: list[npt.NDArray[np.int64]] = []
    for row in range(known.users):
        own = known.positions[known.of(row)]
        found += [own[max(0, end - longest - 1) : end] for end in range(len(own), 1, -longest)]
    windows = np.full((len(found), longest + 1), -1, dtype=np.int32)
    for row, window in enumerate(found):
        windows[row, : len(window)] = window
    return windows
