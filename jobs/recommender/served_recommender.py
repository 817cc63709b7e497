"""The recommender as MLflow serves it: what a user has done in, the best items out."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from jobs.recommender.artifacts import Artifacts
from jobs.recommender.chain import slate_batch

K = 20

ASKED = pa.schema(
    [
        ("user_id", pa.string()),
        ("items", pa.list_(pa.string())),
        ("weights", pa.list_(pa.float64())),
        ("times", pa.list_(pa.int64())),
        ("excluded", pa.list_(pa.string())),
    ]
)
"""One row a user: the history, oldest first (``items``, their ``weights`` > 0, their ``times`` in microseconds), and what not to show."""


class ServedRecommender:
    """The model below ``place``.

    It keeps no user: whoever asks says what the user has done; somebody without a history gets what is popular.
    """

    def __init__(self, place: Path) -> None:
        kept = Artifacts.read(place)
        self.rankers = (kept.personal, kept.popular)
        self.item_ids = pa.array(sorted({*kept.personal.item_ids.to_pylist(), *kept.popular.item_ids.to_pylist()}), pa.string())

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row a user and rank (1 to 20): ``user_id, rank, item_id, score, model``; users in the order in which they came."""
        rows = pa.RecordBatch.from_pydict({field.name: _lists(frame[field.name]) for field in ASKED}, schema=ASKED)
        slates = slate_batch(rows, self.rankers, self.item_ids, K)
        found: pd.DataFrame = slates.select(["user_id", "rank", "item_id", "score", "model"]).to_pandas()
        return found


def _lists(column: pd.Series) -> list[object]:
    return [list(value) if isinstance(value, (list, tuple, np.ndarray)) else value for value in column]


def _load_pyfunc(path: str) -> ServedRecommender:
    return ServedRecommender(Path(path))
