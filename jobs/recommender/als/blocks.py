"""From signals to blocks: a user or item is the hash of its id, a block a range of hashes, a row the place of the hash in its block.

So the rows are numbered without a sort of all ids, a task knows which block a row is of without asking anybody, and neither the number of
partitions nor the order of the input shows in what is learnt. Hashes are Spark's xxhash64. Two items with one hash are found before
anything is built, and all are hashed anew with another salt. Two users with one hash (in a shop of two million with a probability of
1e-7) are one user to the training; lists are made from histories, so that nobody sees the other's.

The rows are read once, while nobody knows how many there are and so how many blocks there will be: what is read lies in pieces, in the
order of the first bits of the hash, so that a block of any size is one part of each piece.
"""

import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import RDD, SparkContext
from pyspark.serializers import NoOpSerializer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import SignalsError
from jobs.recommender.als.store import ArrayStore
from jobs.recommender.histories import whole_column

USERS, ITEMS = 0, 1
"""The two sides of the matrix."""

PAIRS_A_BLOCK = 700_000
"""Blocks grow with the data, never with the cluster: the bits of a fit depend on its blocks."""

MOST_BLOCKS = 4096
"""A power of two. Pieces are in the order of as many ranges of hashes."""

PAIRS_A_PIECE = 2_000_000
"""Pairs that a task of the first pass puts in order at a time: 160 MB."""

BLOCKS_TOGETHER = 8
"""Neighbouring blocks for which a task fetches its part of each piece at once. A power of two."""

MOST_CONFIDENCE = 1e12
"""Beyond it the sums of a row, 32 bits a figure, say nothing about the other entries."""

PAIR = np.dtype([("own", "<u8"), ("other", "<u8"), ("weight", "<f4")])
"""A row of a piece: the hash of this side, that of the other."""

SCANNED = pa.schema({"user": pa.int64(), "item": pa.int64(), "weight": pa.float64()})
"""What the tasks of the first pass get."""

ENTRY = np.dtype([("other", np.uint64), ("row", np.int32), ("weight", np.float32)])
"""Hash of the other side, row of this one, weight. One array: a task that is done again may find the entries in another order."""

_MIXERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))

Hashes = npt.NDArray[np.uint64]
T = TypeVar("T")


@dataclass(frozen=True)
class Piece:
    """What there is to say of a piece: ``odd`` counts weights that nothing can be learnt from, the least of them is the ``example``."""

    name: str
    pairs: int
    mark: int
    odd: int
    example: float | None


@dataclass(frozen=True)
class Extent:
    """What there is to learn from: ``item_ids`` in order with their ``hashes`` (made with ``salt``), and how many pairs.

    ``fingerprint`` says which pairs they are: the same rows have the same, in any order. The pairs lie in ``pieces``.
    """

    item_ids: pa.Array
    hashes: Hashes
    salt: int
    pairs: int
    fingerprint: int
    pieces: tuple[str, ...] = ()

    @property
    def blocks(self) -> int:
        """Blocks of each side: a power of two."""
        wanted = min(MOST_BLOCKS, max(1, -(-self.pairs // PAIRS_A_BLOCK)))
        return 1 << (wanted - 1).bit_length()

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        """Where the item of each row stands among ``item_ids``."""
        return np.argsort(self.hashes)


def extent(signals: DataFrame, alpha: float, pieces: ArrayStore) -> Extent:
    """Read all rows once and leave them in ``pieces``; one row an item comes to the driver.

    Raises SignalsError where a weight is no number, below zero, or so large that ``alpha`` times it exceeds ``MOST_CONFIDENCE``. Rows
    without user, item or weight, and those of weight 0, are left out, as ``histories.valid`` does.
    """
    known = signals.where("user_id IS NOT NULL AND item_id IS NOT NULL AND (weight > 0 OR weight < 0)")
    most = MOST_CONFIDENCE / max(abs(alpha), 1e-300)
    with ThreadPoolExecutor(1, thread_name_prefix="items") as beside:
        items = beside.submit(_items, known)
        found = _pieces(known, 0, most, pieces)
        item_ids, hashes, salt = items.result()
    if salt:
        found = _pieces(known, salt, most, pieces)
    if odd := sum(piece.odd for piece in found):
        raise SignalsError(
            "signals",
            expected=f"weights from 0 to {most:.3g}",
            found=f"{odd:,} others, {min(piece.example for piece in found if piece.example is not None)} among them",
            advice="Mend what the weights are made of.",
        )
    mark, names = sum(piece.mark for piece in found) % 2**64, tuple(piece.name for piece in found)
    return Extent(item_ids, hashes, salt, sum(piece.pairs for piece in found), mark, names)


def _pieces(known: DataFrame, salt: int, most: float, pieces: ArrayStore) -> list[Piece]:
    user, item = (F.xxhash64(F.lit(salt), column).alias(short) for column, short in (("user_id", "user"), ("item_id", "item")))
    pairs = known.select(user, item, F.col("weight").cast("double").alias("weight"))
    return _arrow_batches(pairs).mapPartitions(partial(_scan, most=most, pieces=pieces)).collect()


def _arrow_batches(frame: DataFrame) -> RDD[bytes]:
    """The frame as Arrow's messages, made where its rows are.

    ``mapInArrow`` hands over the same, at more than twice the time: every row goes through a queue of its own.
    """
    context = frame.sparkSession.sparkContext
    return RDD(frame._jdf.toArrowBatchRdd().toJavaRDD(), context, NoOpSerializer())


def _items(known: DataFrame) -> tuple[pa.Array, Hashes, int]:
    """The items' ids in order, their hashes, no two the same, and with which salt these are made."""
    for salt in itertools.count():
        rows = known.select("item_id").distinct().select("item_id", F.xxhash64(F.lit(salt), "item_id").alias("hash"))
        found = rows.toArrow().sort_by("item_id")
        hashes = _unsigned(found["hash"].to_numpy())
        if len(np.unique(hashes)) == len(hashes):
            break
    return whole_column(found, "item_id"), hashes, salt


def build(context: SparkContext, found: Extent, pieces: ArrayStore, store: ArrayStore) -> list[list[int]]:
    """Make the blocks of both sides from the pieces, and return how many rows each has: of the users, of the items.

    A block holds the ``hashes`` of its rows in order, and its ``entries`` (``ENTRY``) in no order yet: ``arrange`` makes one.
    """
    make = partial(assemble, blocks=found.blocks, names=found.pieces, pieces=pieces, store=store)
    rows = dict(spread(context, 2 * found.blocks // together(found.blocks), make))
    return [[rows[side, block] for block in range(found.blocks)] for side in (USERS, ITEMS)]


def name(side: int, block: int, what: str) -> str:
    """What an array of a block is called."""
    return f"{'users' if side == USERS else 'items'}-{block:04}-{what}"


def block_of(hashes: Hashes, blocks: int) -> npt.NDArray[np.uint16]:
    """The block of each hash: the order of blocks and of rows within them is the order of the hashes."""
    shift = 64 - (blocks.bit_length() - 1)
    return (hashes >> np.uint64(shift)).astype(np.uint16) if blocks > 1 else np.zeros(len(hashes), np.uint16)


def together(blocks: int) -> int:
    """How many neighbouring blocks of a side are made together."""
    return min(BLOCKS_TOGETHER, blocks)


def assemble(
    groups: Iterable[int], blocks: int, names: Sequence[str], pieces: ArrayStore, store: ArrayStore
) -> Iterator[tuple[tuple[int, int], int]]:
    """Make groups of blocks (first those of the users, in order, then those of the items); what a task of ``build`` does.

    Returns side and block of each with the number of its rows.
    """
    from jobs.recommender.als import order  # noqa: PLC0415  (only the tasks of a training need Numba)

    width, count = MOST_BLOCKS // blocks, together(blocks)
    for group in groups:
        side, first = divmod(group * count, blocks)
        parts = [_part(pieces, piece, side, np.arange(first, first + count + 1) * width) for piece in names]
        for at in range(count):
            mine = [np.zeros(0, PAIR), *(pairs[ends[at] : ends[at + 1]] for pairs, ends in parts)]
            own, other, weight = (np.concatenate([pairs[column] for pairs in mine]) for column in PAIR.names or ())
            hashes: Hashes = np.sort(pc.unique(pa.array(own)).to_numpy())
            entries = np.empty(len(own), ENTRY)
            entries["other"], entries["row"], entries["weight"] = other, order.places(hashes, own), weight
            store.write(name(side, first + at, "hashes"), hashes)
            store.write(name(side, first + at, "entries"), entries)
            yield (side, first + at), len(hashes)


def arrange(store: ArrayStore, side: int, block: int, blocks: int, alpha: float) -> None:
    """Put the entries of a block in order: ``starts``, ``neighbours`` (rows of the whole other side) and ``confidences``.

    A pair that comes more than once counts once, with the sum of its weights. Where there are ``starts`` it is done.
    """
    from jobs.recommender.als import order  # noqa: PLC0415  (only the tasks of a training need Numba)

    entries = store.read(name(side, block, "entries"))
    row, weight = np.ascontiguousarray(entries["row"]), entries["weight"]
    hashes = np.concatenate([store.read(name(1 - side, one, "hashes")) for one in range(blocks)])
    neighbours = order.places(hashes, np.ascontiguousarray(entries["other"]))
    rows = len(store.read(name(side, block, "hashes")))
    places = order.by_row_and_neighbour(row, neighbours, rows)
    row, neighbours, weight = row[places], neighbours[places], weight[places]
    is_first = np.ones(len(row), np.bool_)
    is_first[1:] = (row[1:] != row[:-1]) | (neighbours[1:] != neighbours[:-1])
    if not is_first.all():
        first = np.flatnonzero(is_first)
        weight = np.add.reduceat(weight[np.lexsort((weight, neighbours, row))].astype(np.float64), first)
        row, neighbours = row[first], neighbours[first]
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))]).astype(np.int64)
    store.write(name(side, block, "neighbours"), neighbours)
    store.write(name(side, block, "confidences"), (weight.astype(np.float64) * alpha).astype(np.float32))
    store.write(name(side, block, "starts"), starts)
    store.remove([name(side, block, "entries")])


def spread(context: SparkContext, count: int, do: Callable[[Iterable[int]], Iterator[T]], *, tasks: int | None = None) -> list[T]:
    """Do something for the numbers below ``count``, as a job of so many ``tasks``: else one a number, on one machine one a core."""
    tasks = tasks or (min(count, context.defaultParallelism) if is_local(context) else count)
    return context.parallelize(range(count), tasks).mapPartitions(do).collect()


def is_local(context: SparkContext) -> bool:
    """Whether the tasks run in the driver's own process."""
    return context.master is not None and context.master.startswith("local")


def _unsigned(hashes: npt.NDArray[Any]) -> Hashes:
    return hashes.astype(np.int64).view(np.uint64)


def _piece(piece: str, side: int, what: str) -> str:
    return f"{piece}-{'users' if side == USERS else 'items'}-{what}"


def _part(pieces: ArrayStore, piece: str, side: int, bounds: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """The pairs of a piece from the first to the last of ``bounds``, which are ranges of hashes, and where each of these begins in them."""
    ends = pieces.read(_piece(piece, side, "cuts"))[bounds]
    return pieces.part(_piece(piece, side, "pairs"), int(ends[0]), int(ends[-1])), ends - ends[0]


def _scan(messages: Iterable[bytes], most: float, pieces: ArrayStore) -> Iterator[Piece]:
    """Pairs of hashes -> pieces in the store, under names that only this attempt has."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for message in messages:
        waiting.append(pa.ipc.read_record_batch(pa.py_buffer(message), SCANNED))
        count += waiting[-1].num_rows
        if count >= PAIRS_A_PIECE:
            yield _written(waiting, most, pieces)
            waiting, count = [], 0
    if count:
        yield _written(waiting, most, pieces)


def _written(batches: list[pa.RecordBatch], most: float, pieces: ArrayStore) -> Piece:
    table = pa.Table.from_batches(batches)
    sides = [_unsigned(table[column].to_numpy()) for column in ("user", "item")]
    weight, piece = table["weight"].to_numpy(), uuid.uuid4().hex
    for side in (USERS, ITEMS):
        span = block_of(sides[side], MOST_BLOCKS)
        order = np.argsort(span, kind="stable")
        pairs = np.empty(len(order), PAIR)
        for column, values in zip(PAIR.names or (), (sides[side], sides[1 - side], weight), strict=True):
            pairs[column] = values[order]
        pieces.write(_piece(piece, side, "pairs"), pairs)
        pieces.write(_piece(piece, side, "cuts"), np.concatenate([[0], np.cumsum(np.bincount(span, minlength=MOST_BLOCKS))]))
    odd = np.sort(weight[~((weight >= 0) & (weight <= most))])
    return Piece(piece, len(weight), _mark(sides[USERS], sides[ITEMS], weight), len(odd), float(odd[0]) if len(odd) else None)


def _mark(users: Hashes, items: Hashes, weights: npt.NDArray[np.float64]) -> int:
    """A sum over the pairs that no order changes: of a number a pair, mixed as splitmix64 does (Steele, Lea & Flood 2014)."""
    mixed = users ^ (items * _MIXERS[0]) ^ (weights.view(np.uint64) * _MIXERS[1])
    for shift, mixer in ((30, _MIXERS[1]), (27, _MIXERS[2])):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * mixer
    return int(mixed.sum(dtype=np.uint64))
