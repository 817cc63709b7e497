"""What reads like what a user has: TF-IDF of the items' own words, cosine profiles (Salton & Buckley 1988; Pazzani & Billsus 2007).

The one model that can speak for an item that nobody has touched yet.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pyspark.sql import DataFrame

from jobs.errors import BadDataError
from jobs.recommender import shelf
from jobs.recommender.histories import Histories
from jobs.recommender.ranker import NOTHING, Scores

ITEM_ID = "item_id"
ATTRIBUTES = ("name", "category_id", "brand")
"""Columns of ``silver.items`` that say what an item is."""
WORD = r"(?u)\w+"


@dataclass(frozen=True)
class Content:
    """``vectors`` (items x words, rows of length 1, or 0 where an item says nothing) of all items of the catalogue."""

    item_ids: pa.Array
    vectors: sp.csr_matrix
    name: str = "content"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: the product with the weighted sum of the history's vectors; nothing where no word is shared."""
        return self.likeness(histories, slice(None))

    def likeness(self, histories: Histories, positions: slice | npt.NDArray[np.int64]) -> Scores:
        """The scores of the items at ``positions``: users x positions."""
        found = np.asarray(((histories.matrix() @ self.vectors) @ self.vectors[positions].T).todense(), dtype=np.float64)
        found[found == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: npt.NDArray[np.int64]) -> Scores:
        """As ``Explaining.contributions``: weight of the entry times the cosine of both items."""
        own = histories.of(row)
        cosines = (self.vectors[positions] @ self.vectors[histories.positions[own]].T).toarray()
        found: Scores = cosines * histories.weights[own]
        return found

    def similar_items(self, item_id: str, k: int) -> list[tuple[str, float]]:
        """Up to ``k`` other items that share a word, by cosine, ties in the order of the ids; nothing for an unknown item."""
        place = self.item_ids.index(item_id).as_py()
        if place < 0:
            return []
        cosines = np.round((self.vectors @ self.vectors[place].T).toarray().ravel(), 6)
        cosines[place] = 0.0
        order = np.lexsort((np.arange(len(cosines)), -cosines))[:k]
        return [(self.item_ids[int(at)].as_py(), float(cosines[at])) for at in order if cosines[at] > 0]


@dataclass(frozen=True)
class ContentTrainer:
    """``items``: one row an item, ``item_id`` and columns of words, such as name, category and brand; it stays on the driver.

    Every column has words and rarities of its own, and as much to say as another: the cosine of two items is the mean of their columns'
    where both have them all, so a long name does not drown the brand.
    """

    items: pa.Table = field(repr=False)
    name: str = "content"

    @classmethod
    def of_catalogue(cls, items: DataFrame, day: date) -> Self:
        """From ``silver.items`` as it was on a day: name, category and brand."""
        return cls(items.where(shelf.held_on(day)).select(ITEM_ID, *ATTRIBUTES).toArrow())

    def fit(self, signals: DataFrame) -> Content:  # noqa: ARG002 - a trainer's signature
        """As ``Trainer.fit``, from ``items`` alone. Raises BadDataError where an item has two rows, or an empty id."""
        rows = self.items.sort_by(ITEM_ID)
        ids = pa.array(rows[ITEM_ID].to_pylist(), pa.string())
        twice = len(ids) - ids.null_count - pc.count_distinct(ids).as_py()
        if twice or ids.null_count:
            raise BadDataError(
                self.name, expected="one row an item", found=f"{twice} more, {ids.null_count} without an id", advice="Drop those."
            )
        columns = [_column(rows[name]) for name in sorted(set(rows.column_names) - {ITEM_ID})]
        joined = sp.hstack([sp.csr_matrix((len(ids), 0)), *columns], format="csr")
        filled = sum((column.getnnz(axis=1) > 0 for column in columns), start=np.zeros(len(ids)))
        return Content(ids, sp.csr_matrix(sp.diags(1 / np.sqrt(np.maximum(filled, 1))) @ joined), self.name)


def _column(values: pa.ChunkedArray) -> sp.csr_matrix:
    """Items x words of a column, rows of length 1; tf as 1 + ln, idf as ln((1 + items) / (1 + items with the word)) + 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  (only a training needs it, not who serves)

    texts = [value or "" for value in pc.cast(values, pa.string()).to_pylist()]
    words = TfidfVectorizer(token_pattern=WORD, sublinear_tf=True, norm="l2")
    if not any(words.build_analyzer()(text) for text in texts):
        return sp.csr_matrix((len(texts), 0))
    return sp.csr_matrix(words.fit_transform(texts))
