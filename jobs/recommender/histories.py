"""What users have done so far, in blocks: the one thing about a user that a ranker needs to know."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

SIGNALS_FRAME = "user_id string, item_id string, weight double, last_at timestamp"
"""What every model learns from: one row a user and item; ``weight`` > 0 says how much, ``last_at`` (UTC, may be NULL) when last."""

HISTORIES_FRAME = "user_id string, items array<string>, weights array<double>, times array<bigint>"
"""One row a user: the items in the order of time, then of their ids; ``times`` in microseconds, 0 where unknown."""

CELLS_A_BATCH = 500_000
"""Figures of the users' items that a model which solves a system a user holds at a time, 4 MB."""


@dataclass(frozen=True)
class Histories:
    """The histories of a block of users, over a catalogue of ``items`` items.

    User ``row`` has the entries ``indptr[row]`` to ``indptr[row + 1]`` of ``positions`` (into the catalogue), ``weights`` and ``times``,
    the oldest first. Items that are not in the catalogue are left out. ``segments`` is what each user belongs to, NULL for none, where
    somebody has said so.
    """

    items: int
    indptr: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    times: npt.NDArray[np.int64]
    segments: pa.Array | None = None

    @property
    def users(self) -> int:
        """Users of the block."""
        return len(self.indptr) - 1

    def of(self, row: int) -> slice:
        """Where the entries of a user lie."""
        return slice(int(self.indptr[row]), int(self.indptr[row + 1]))

    def later(self) -> npt.NDArray[np.int64]:
        """Of each entry how many of the same user came after it: 0 for the last."""
        return np.repeat(self.indptr[1:], np.diff(self.indptr)) - 1 - np.arange(len(self.positions))

    def matrix(self) -> sp.csr_matrix:
        """Users x items, the weights as values; items in the order of the catalogue."""
        found = sp.csr_matrix((self.weights, self.positions, self.indptr), shape=(self.users, self.items))
        return found.sorted_indices()

    def rows(self, start: int, end: int) -> "Histories":
        """The users ``start <= row < end``."""
        first, last = int(self.indptr[start]), int(self.indptr[end])
        inside = slice(first, last)
        indptr, segments = self.indptr[start : end + 1] - first, None if self.segments is None else self.segments[start:end]
        return Histories(self.items, indptr, self.positions[inside], self.weights[inside], self.times[inside], segments)

    def last(self, entries: int) -> "Histories":
        """The same users with the last ``entries`` of their entries."""
        return self._where(self.later() < entries, self.positions, self.items)

    def over(self, places: npt.NDArray[np.int64], items: int) -> "Histories":
        """The same users over another catalogue of ``items`` items: ``places`` says where each item lies there, below 0 if nowhere."""
        positions = places[self.positions]
        return self._where(positions >= 0, positions, items)

    def batches(self, cells: int, columns: int) -> Iterator[npt.NDArray[np.int64]]:
        """Rows with a history, in batches of users with about as many entries each: at most ``cells`` figures, ``columns`` an entry."""
        lengths = np.diff(self.indptr)
        rows = np.argsort(lengths, kind="stable")
        rows = rows[lengths[rows] > 0]
        while len(rows):
            fit = lengths[rows] * np.arange(1, len(rows) + 1) * columns <= cells
            step = max(1, int(fit.sum()))
            yield rows[:step]
            rows = rows[step:]

    def entries(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Where the entries of some users lie, side by side: users x most entries, and which of these places hold one."""
        lengths = np.diff(self.indptr)[rows]
        places = np.arange(int(lengths.max(initial=0)))
        inside = places < lengths[:, None]
        return np.where(inside, self.indptr[rows][:, None] + places, 0), inside

    def _where(self, kept: npt.NDArray[np.bool_], positions: npt.NDArray[np.int64], items: int) -> "Histories":
        indptr = np.concatenate([[0], np.cumsum(kept)])[self.indptr].astype(np.int64)
        return Histories(items, indptr, positions[kept], self.weights[kept], self.times[kept], self.segments)

    @classmethod
    def of_batch(cls, batch: pa.RecordBatch, item_ids: pa.Array) -> "Histories":
        """Read ``items``, ``weights`` and ``times`` of ``HISTORIES_FRAME`` (NULL: nothing yet) over the catalogue ``item_ids``.

        ``segment`` is read too where the batch has it.
        """
        lists = batch.column("items")
        parents = pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
        found = pc.index_in(pc.list_flatten(lists), value_set=item_ids)
        known = pc.is_valid(found).to_numpy(zero_copy_only=False)
        counts = np.bincount(parents[known], minlength=batch.num_rows)

        def flat(name: str) -> Any:
            return pc.list_flatten(batch.column(name)).to_numpy(zero_copy_only=False)[known]

        return cls(
            items=len(item_ids),
            indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            positions=pc.fill_null(found, 0).to_numpy(zero_copy_only=False).astype(np.int64)[known],
            weights=flat("weights").astype(np.float64),
            times=flat("times").astype(np.int64),
            segments=batch.column("segment") if "segment" in batch.schema.names else None,
        )


def histories(signals: DataFrame) -> DataFrame:
    """One row a user of ``SIGNALS_FRAME``, as ``HISTORIES_FRAME``; the same rows give the same lists on any number of partitions."""
    at = F.coalesce(F.unix_micros("last_at"), F.lit(0)).alias("at")
    entries = F.array_sort(F.collect_list(F.struct(at, "item_id", "weight")))
    grouped = valid(signals).groupBy("user_id").agg(entries.alias("_entries"))
    return grouped.select(
        "user_id",
        F.col("_entries.item_id").alias("items"),
        F.col("_entries.weight").alias("weights"),
        F.col("_entries.at").alias("times"),
    )


def whole(frame: DataFrame, item_ids: pa.Array, *order: tuple[str, str]) -> Histories:
    """All of a frame of histories on the driver, sorted by (column, "ascending" or "descending"): for models that say how much that is."""
    rows = frame.toArrow().sort_by(list(order)).combine_chunks()
    return Histories.of_batch(rows.to_batches()[0] if rows.num_rows else pa.RecordBatch.from_pylist([], schema=rows.schema), item_ids)


def catalogue(signals: DataFrame) -> pa.Array:
    """The ids of all items that somebody has touched, in order: one string an item on the driver."""
    return in_order(valid(signals).select("item_id").distinct())


def valid(signals: DataFrame) -> DataFrame:
    """The rows that say something: a user, an item, and a weight above zero."""
    return signals.where("user_id IS NOT NULL AND item_id IS NOT NULL AND weight > 0")


def in_order(item_ids: DataFrame) -> pa.Array:
    """The column ``item_id`` on the driver, sorted by its code points."""
    return whole_column(item_ids.select("item_id").toArrow().sort_by("item_id"), "item_id")


def whole_column(table: pa.Table, name: str) -> pa.Array:
    """A column in one piece."""
    found = table[name].combine_chunks()
    return pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found


def places(of: pa.Array, among: pa.Array) -> npt.NDArray[np.int64]:
    """Where each id of ``of`` stands in ``among``; -1 if nowhere."""
    found: npt.NDArray[np.int64] = pc.fill_null(pc.index_in(of, value_set=among), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def numbered(values: pa.Array) -> npt.NDArray[np.int64]:
    """A number from 0 for each different value, in the order in which they come; -1 for NULL."""
    found: npt.NDArray[np.int64] = pc.fill_null(values.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def sampled(users: DataFrame, count: int, most: int) -> DataFrame:
    """About ``most`` of the ``count`` rows of ``users``, one a user, by the hash of their ids; all of them where they are no more."""
    return users if count <= most else users.where(F.pmod(F.xxhash64("user_id"), F.lit(count)) < most)


def blocks(batches: Iterator[pa.RecordBatch], item_ids: pa.Array) -> Iterator[tuple[pa.RecordBatch, Histories]]:
    """Each batch with its histories: what a task of ``mapInArrow`` begins with."""
    for batch in batches:
        yield batch, Histories.of_batch(batch, item_ids)
