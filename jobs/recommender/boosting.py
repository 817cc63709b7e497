"""Boosted trees that order what was proposed to each user (LambdaMART, Burges 2010, "From RankNet to LambdaRank to LambdaMART").

By XGBoost, on one thread: the same rows give the same trees. It is imported where it is used, for that takes seconds, and only tasks that
rank by trees need it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]

START = 2.0
"""Weight of the leading member's score (1 for the user's best, 0 for the last one proposed), where the first tree begins."""


@dataclass(frozen=True)
class Boosting:
    """Parameters of the trees; ``shrinkage`` is the L2 penalty of their leaves."""

    rounds: int = 40
    depth: int = 4
    learning_rate: float = 0.1
    shrinkage: float = 10.0
    pairs: int = 20
    seed: int = 17

    def learn(self, features: Features, labels: npt.NDArray[np.int8], groups: npt.NDArray[np.int64], leading: Features) -> str:
        """Trees as JSON that put label 1 before 0 within each group, by ndcg; rows in the order of ``groups``, ``leading`` as ``START``."""
        import xgboost  # noqa: PLC0415  (see above)

        rows = xgboost.DMatrix(features, label=labels, qid=groups, base_margin=_start(leading), nthread=1)
        parameters = {
            "objective": "rank:ndcg",
            "lambdarank_pair_method": "topk",
            "lambdarank_num_pair_per_sample": self.pairs,
            "tree_method": "hist",
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "reg_lambda": self.shrinkage,
            "seed": self.seed,
            "nthread": 1,
        }
        trees = xgboost.train(parameters, rows, num_boost_round=self.rounds)
        return str(trees.save_raw("json").decode())


def ordered(trees: str, features: Features, leading: Features) -> npt.NDArray[np.float64]:
    """A score for each row by which groups are to be ordered; without trees the order is the leading member's."""
    if not (trees and len(features)):
        return _start(leading).astype(np.float64)
    import xgboost  # noqa: PLC0415  (see above)

    rows = xgboost.DMatrix(features, base_margin=_start(leading), nthread=1)
    return np.asarray(_booster(trees).predict(rows, output_margin=True), dtype=np.float64)


def _start(leading: Features) -> Features:
    """Clipped, so that what the leader thinks little of can still rise; without its opinion a row begins at the bottom."""
    start: Features = START * np.clip(np.nan_to_num(leading, nan=-1.0), -1.0, 1.0).astype(np.float32)
    return start


@lru_cache(maxsize=4)
def _booster(trees: str) -> Any:
    import xgboost  # noqa: PLC0415  (see above)

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(trees, "utf-8"))
    return booster
