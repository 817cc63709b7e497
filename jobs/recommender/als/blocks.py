"""From signals to blocks: a user or item is the hash of its id, a block a range of hashes, a row the place of the hash in its block.

So the rows are numbered without a sort of all ids, a task knows which block a row is of without asking anybody, and neither the number of
partitions nor the order of the input shows in what is learnt. Hashes are Spark's xxhash64. Two items with one hash are found before
anything is built, and all are hashed anew with another salt. Two users with one hash (in a shop of two million with a probability of
1e-7) are one user to the training; lists are made from histories, so that nobody sees the other's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import SignalsError
from jobs.recommender.als.store import ArrayStore
from jobs.recommender.histories import valid, whole_column

USERS, ITEMS = 0, 1
"""The two sides of the matrix."""

PAIRS_A_BLOCK = 700_000
"""Blocks grow with the data, never with the cluster: the bits of a fit depend on its blocks."""

MOST_BLOCKS = 4096

PAIRS_A_CHUNK = 4_000_000
"""Pairs that a task of the first pass splits at a time: 80 MB."""

MOST_CONFIDENCE = 1e12
"""Beyond it the sums of a row, 32 bits a figure, say nothing about the other entries."""

PIECE_FRAME = "key int, own binary, other binary, weight binary"
BUILT_FRAME = "key int, rows bigint, entries bigint"

ENTRY = np.dtype([("other", np.uint64), ("row", np.int32), ("weight", np.float32)])
"""Hash of the other side, row of this one, weight. One array: a task that is done again may find the entries in another order."""

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Extent:
    """What there is to learn from: ``item_ids`` in order with their ``hashes`` (made with ``salt``), and how many pairs.

    ``fingerprint`` says which pairs they are: the same rows have the same, in any order.
    """

    item_ids: pa.Array
    hashes: Hashes
    salt: int
    pairs: int
    fingerprint: int

    @property
    def blocks(self) -> int:
        """Blocks of each side: a power of two."""
        wanted = min(MOST_BLOCKS, max(1, -(-self.pairs // PAIRS_A_BLOCK)))
        return 1 << (wanted - 1).bit_length()

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """Where the item of each row stands among ``item_ids``."""
        return np.argsort(self.hashes)


def extent(signals: DataFrame, alpha: float) -> Extent:
    """Look at all rows once: one row an item on the driver.

    Raises SignalsError where a weight is no number, below zero, or so large that ``alpha`` times it exceeds ``MOST_CONFIDENCE``. Rows
    without user, item or weight, and those of weight 0, are left out, as ``histories.valid`` does.
    """
    weight = F.col("weight").cast("double")
    is_odd = F.isnan(weight) | (weight < 0) | (weight * F.lit(abs(alpha)) > MOST_CONFIDENCE)
    known = signals.where("user_id IS NOT NULL AND item_id IS NOT NULL AND (weight > 0 OR weight < 0)")
    rows = known.groupBy("item_id").agg(
        F.count(F.lit(1)).alias("pairs"),
        F.count_if(is_odd).alias("odd"),
        F.min(F.when(is_odd, weight)).alias("example"),
        F.bit_xor(F.xxhash64("user_id", "item_id", weight)).alias("mark"),
        F.min(F.xxhash64(F.lit(0), "item_id")).alias("hash"),
    )
    found = rows.toArrow().sort_by("item_id")
    odd = int(found["odd"].to_numpy().sum())
    if odd:
        example = min(value for value in found["example"].to_pylist() if value is not None)
        raise SignalsError(
            "signals",
            expected=f"weights from 0 to {MOST_CONFIDENCE / max(abs(alpha), 1e-300):.3g}",
            found=f"{odd:,} others, {example} among them",
            advice="Mend what the weights are made of.",
        )
    item_ids, hashes, salt = whole_column(found, "item_id"), _unsigned(found["hash"].to_numpy()), 0
    while len(np.unique(hashes)) < len(hashes):
        salt += 1
        again = known.select("item_id").distinct().select("item_id", F.xxhash64(F.lit(salt), "item_id").alias("hash"))
        hashes = _unsigned(again.toArrow().sort_by("item_id")["hash"].to_numpy())
    mark = int(np.bitwise_xor.reduce(found["mark"].to_numpy(), initial=0))
    return Extent(item_ids, hashes, salt, int(found["pairs"].to_numpy().sum()), mark)


def build(signals: DataFrame, found: Extent, store: ArrayStore) -> list[list[int]]:
    """Leave the blocks of both sides in the store, and return how many rows each has: of the users, of the items.

    A block holds the ``hashes`` of its rows in order, and its ``entries`` (``ENTRY``) in no order yet: ``arrange`` makes one.
    """
    user, item = (F.xxhash64(F.lit(found.salt), column).alias(short) for column, short in (("user_id", "user"), ("item_id", "item")))
    pairs = valid(signals).select(user, item, F.col("weight").cast("float").alias("weight"))
    blocks = found.blocks
    pieces = pairs.mapInArrow(partial(_split, blocks=blocks), PIECE_FRAME)
    built = pieces.repartitionById(2 * blocks, F.col("key")).mapInArrow(partial(_build, blocks=blocks, store=store), BUILT_FRAME)
    rows = {row["key"]: row["rows"] for row in built.collect()}
    return [[rows.get(side * blocks + block, 0) for block in range(blocks)] for side in (USERS, ITEMS)]


def name(side: int, block: int, what: str) -> str:
    """What an array of a block is called."""
    return f"{'users' if side == USERS else 'items'}-{block:04}-{what}"


def block_of(hashes: Hashes, blocks: int) -> npt.NDArray[np.uint16]:
    """The block of each hash: the order of blocks and of rows within them is the order of the hashes."""
    shift = 64 - (blocks.bit_length() - 1)
    return (hashes >> np.uint64(shift)).astype(np.uint16) if blocks > 1 else np.zeros(len(hashes), np.uint16)


def arrange(store: ArrayStore, side: int, block: int, blocks: int, alpha: float) -> None:
    """Put the entries of a block in order: ``starts``, ``neighbours`` (rows of the whole other side) and ``confidences``.

    A pair that comes more than once counts once, with the sum of its weights. Where there are ``starts`` it is done.
    """
    entries = store.read(name(side, block, "entries"))
    row, weight = entries["row"], entries["weight"]
    hashes = np.concatenate([store.read(name(1 - side, one, "hashes")) for one in range(blocks)])
    neighbours = np.searchsorted(hashes, entries["other"])
    code = (row.astype(np.int64) << 32) | neighbours
    order = np.argsort(code)
    code, weight = code[order], weight[order].astype(np.float64)
    first = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]])) if len(code) else np.zeros(0, np.int64)
    if len(first) < len(code):
        order = np.lexsort((weight, code))
        code, weight = code[first], np.add.reduceat(weight[order], first)
    rows = len(store.read(name(side, block, "hashes")))
    starts = np.concatenate([[0], np.cumsum(np.bincount(code >> 32, minlength=rows))]).astype(np.int64)
    store.write(name(side, block, "neighbours"), (code & 0xFFFFFFFF).astype(np.int32))
    store.write(name(side, block, "confidences"), (weight * alpha).astype(np.float32))
    store.write(name(side, block, "starts"), starts)
    store.remove([name(side, block, "entries")])


def _unsigned(hashes: npt.NDArray[Any]) -> Hashes:
    return hashes.astype(np.int64).view(np.uint64)


def _split(batches: Iterator[pa.RecordBatch], blocks: int) -> Iterator[pa.RecordBatch]:
    """Pairs of hashes -> for each side and block its entries, as bytes."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        if count >= PAIRS_A_CHUNK:
            yield _pieces(waiting, blocks)
            waiting, count = [], 0
    if count:
        yield _pieces(waiting, blocks)


def _pieces(batches: list[pa.RecordBatch], blocks: int) -> pa.RecordBatch:
    table = pa.Table.from_batches(batches)
    sides = [_unsigned(table[column].to_numpy()) for column in ("user", "item")]
    weight = table["weight"].to_numpy()
    keys: list[int] = []
    parts: list[tuple[bytes, ...]] = []
    for side in (USERS, ITEMS):
        block = block_of(sides[side], blocks)
        order = np.argsort(block, kind="stable")
        ends = np.cumsum(np.bincount(block, minlength=blocks))
        columns = [column[order] for column in (sides[side], sides[1 - side], weight)]
        for one in range(blocks):
            inside = slice(int(ends[one - 1]) if one else 0, int(ends[one]))
            keys.append(side * blocks + one)
            parts.append(tuple(column[inside].tobytes() for column in columns))
    arrays = [pa.array(keys, pa.int32()), *(pa.array(list(part), pa.binary()) for part in zip(*parts, strict=True))]
    return pa.RecordBatch.from_arrays(arrays, ["key", "own", "other", "weight"])


def _build(batches: Iterator[pa.RecordBatch], blocks: int, store: ArrayStore) -> Iterator[pa.RecordBatch]:
    pieces: dict[int, list[tuple[bytes, bytes, bytes]]] = {}
    for batch in batches:
        for key, *parts in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            pieces.setdefault(key, []).append((parts[0], parts[1], parts[2]))
    for key, found in pieces.items():
        side, block = divmod(key, blocks)
        own, other, weight = (
            np.frombuffer(b"".join(one[place] for one in found), kind) for place, kind in enumerate((np.uint64, np.uint64, np.float32))
        )
        hashes = np.unique(own)
        entries = np.empty(len(own), ENTRY)
        entries["other"], entries["row"], entries["weight"] = other, np.searchsorted(hashes, own), weight
        store.write(name(side, block, "hashes"), hashes)
        store.write(name(side, block, "entries"), entries)
        yield pa.RecordBatch.from_pydict({"key": pa.array([key], pa.int32()), "rows": [len(hashes)], "entries": [len(own)]})
