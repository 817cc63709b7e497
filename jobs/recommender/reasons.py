"""Why an item is on a list: the past items that contributed most to its score, with their share.

Where a ranker delegates, the score is that of the member which speaks for the item.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.recommender import histories
from jobs.recommender.histories import Histories
from jobs.recommender.ranker import Delegating, Explaining, Ranker

MOST = 3
"""Reasons a place."""

REASONS = pa.list_(pa.struct([("item_id", pa.string()), ("share", pa.float64())]))
REASONS_FRAME = "because array<struct<item_id: string, share: double>>"
"""Up to ``MOST`` past items a place, the strongest first; ``share`` in (0, 1] of all that spoke for it. Empty where nothing did."""

Integers = npt.NDArray[np.int64]


def because(block: pa.RecordBatch, rankers: Sequence[Ranker], item_ids: pa.Array, places: tuple[Integers, Integers, Integers]) -> pa.Array:
    """The reasons of each place: ``places`` are row of the block, position in ``item_ids`` and link of the chain, place by place."""
    rows, positions, links = places
    found: list[list[dict[str, object]]] = [[] for _ in rows]
    for link, ranker in enumerate(rankers):
        mine = np.flatnonzero(links == link)
        if not len(mine) or not isinstance(ranker, Explaining | Delegating):
            continue
        known = Histories.of_batch(block, ranker.item_ids)
        own_positions = histories.places(item_ids, ranker.item_ids)
        for row in np.unique(rows[mine]):
            at = mine[rows[mine] == row]
            asked = known, int(row), own_positions[positions[at]]
            parts = ranker.contributions(*asked) if isinstance(ranker, Explaining) else ranker.advocates(*asked)[1]
            for place, entries in zip(at, parts, strict=True):
                found[place] = _strongest(entries, ranker.item_ids.take(pa.array(known.positions[known.of(int(row))])))
    return pa.array(found, REASONS)


def _strongest(entries: npt.NDArray[np.float64], items: pa.Array) -> list[dict[str, object]]:
    spoke = np.maximum(entries, 0.0)
    total = spoke.sum()
    if total <= 0:
        return []
    shares = np.round(spoke / total, 6)
    names = np.asarray(items.to_pylist(), dtype=object)
    order = np.lexsort((names.astype(str), -shares))[:MOST]
    return [{"item_id": str(names[at]), "share": float(shares[at])} for at in order if shares[at] > 0]
