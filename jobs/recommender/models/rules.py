"""Association rules: who has these has that too (Agrawal & Srikant 1994), mined by Spark MLlib's FP-growth (Han, Pei & Yin 2000)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp
from pyspark.ml.fpm import FPGrowth
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.recommender.histories import Histories, catalogue, histories
from jobs.recommender.ranker import NOTHING, Scores

LONGEST_ANTECEDENT = 2
"""Items on the left side of a rule: longer ones are rare, and say little that their parts do not."""

SUREST = 0.999_999
"""Confidence above which a rule counts as this sure."""

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rules:
    """``antecedents`` (rules x items, ones), the ``consequents`` (positions), and of each rule support, confidence and lift.

    A user's last ``basket`` items are what rules are held against.
    """

    item_ids: pa.Array
    antecedents: sp.csr_matrix
    consequents: Integers
    supports: npt.NDArray[np.float64]
    confidences: npt.NDArray[np.float64]
    lifts: npt.NDArray[np.float64]
    basket: int
    name: str = "rules"

    def scores(self, histories: Histories) -> Scores:
        """As ``Ranker.scores``: evidence, the sum of -ln(1 - confidence) over the rules that apply; nothing where none does.

        That orders items like the chance that not all of the rules fail, were they independent: 1 - exp(-evidence).
        """
        found = np.asarray((self._applying(histories) @ self._evidence).todense(), dtype=np.float64)
        found[found == 0] = NOTHING
        return found

    def contributions(self, histories: Histories, row: int, positions: Integers) -> Scores:
        """As ``Explaining.contributions``: the evidence of a rule is shared out equally among the items on its left side."""
        block = histories.rows(row, row + 1)
        rules = self._applying(block).indices
        shares = sp.diags(1 / np.maximum(self.antecedents[rules].getnnz(axis=1), 1)) @ self.antecedents[rules]
        found: Scores = (shares.T @ self._evidence[rules]).tocsr()[block.positions][:, positions].toarray().T
        return found

    def _applying(self, histories: Histories) -> sp.csr_matrix:
        """Users x rules: one where the basket holds the whole left side."""
        recent = (histories.later() < self.basket).astype(np.float64)
        baskets = sp.csr_matrix((recent, histories.positions, histories.indptr), shape=(histories.users, histories.items))
        held = (baskets @ self.antecedents.T).tocsr()
        sizes = self.antecedents.getnnz(axis=1)
        held.data = (held.data == sizes[held.indices]).astype(np.float64)
        held.eliminate_zeros()
        return held

    @cached_property
    def _evidence(self) -> sp.csr_matrix:
        values = -np.log1p(-np.minimum(self.confidences, SUREST))
        shape = (len(self.consequents), len(self.item_ids))
        return sp.csr_matrix((values, (np.arange(len(self.consequents)), self.consequents)), shape=shape)


@dataclass(frozen=True)
class RulesTrainer:
    """``least_support``: share of users, of those with two items or more; ``least_confidence``: share of those who have the left side.

    Rules with a lift of 1 or less say that something goes less well with it than without: they are left out.
    """

    least_support: float = 0.01
    least_confidence: float = 0.1
    basket: int = 30
    name: str = "rules"

    def fit(self, signals: DataFrame) -> Rules:
        """As ``Trainer.fit``. Runs in Spark; the driver gets the rules."""
        item_ids = catalogue(signals)
        recent = F.slice("items", F.greatest(F.size("items") - self.basket, F.lit(0)) + 1, self.basket)
        baskets = histories(signals).where(F.size("items") > 1).select(recent.alias("items"))
        model = FPGrowth(itemsCol="items", minSupport=self.least_support, minConfidence=self.least_confidence).fit(baskets)
        kept = model.associationRules.where(f"size(antecedent) <= {LONGEST_ANTECEDENT} AND lift > 1")
        rows = kept.select(
            F.array_sort("antecedent").alias("left"), F.element_at("consequent", 1).alias("right"), "confidence", "lift", "support"
        )
        found = sorted(rows.collect(), key=lambda row: (row["left"], row["right"]))
        place = {item: at for at, item in enumerate(item_ids.to_pylist())}
        lefts = [[place[item] for item in row["left"]] for row in found]
        ends = np.concatenate([[0], np.cumsum([len(left) for left in lefts])]).astype(np.int64)
        flat = np.asarray([at for left in lefts for at in left], dtype=np.int64)
        antecedents = sp.csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(found), len(item_ids)))
        figures = {name: np.asarray([row[name] for row in found], dtype=np.float64) for name in ("support", "confidence", "lift")}
        consequents = np.asarray([place[row["right"]] for row in found], dtype=np.int64)
        return Rules(item_ids, antecedents, consequents, figures["support"], figures["confidence"], figures["lift"], self.basket, self.name)
