"""Micro-clusters: users as cells of a grid, each with the number of its users and the sum of their points.

All is in whole numbers (points in units of ``1 / UNIT``), so that neither order nor partitioning changes a bit, and a grid of twice the
side is the same grid with cells put together. Only cells leave Spark's tasks, and no more of them than asked for.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.segmentation.served_segments import Matrix, Rows

UNIT = 1 << 20
MOST_CELLS = 200_000
ROWS_HELD = 200_000
"""Rows of a task that wait to be put together before they go on to the shuffle."""

Places = npt.NDArray[np.int32]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cells:
    """Row i is a cell, in the order of ``places`` (cells x dimensions, steps of ``side`` units); ``weights`` are its users.

    ``sums`` are the sums of their points, in units.
    """

    side: int
    places: Places
    weights: Counts
    sums: Counts

    @property
    def centres(self) -> Matrix:
        """Cells x dimensions: the means of their users."""
        return self.sums / (self.weights[:, None] * float(UNIT))

    def __len__(self) -> int:
        return len(self.weights)


def of_points(points: Matrix, side: int) -> Cells:
    """The cells of points.

    >>> of_points(np.array([[0.1], [0.2], [0.9]]), UNIT // 2).weights.tolist()
    [2, 1]
    """
    units = np.rint(points * UNIT).astype(np.int64)
    return gathered(side, (units // side).astype(np.int32), np.ones(len(units), np.int64), units)


def coarser(cells: Cells) -> Cells:
    """The same users on a grid of twice the side."""
    return gathered(2 * cells.side, cells.places >> 1, cells.weights, cells.sums)


def gathered(side: int, places: Places, weights: Counts, sums: Counts) -> Cells:
    """Rows of the same place put together."""
    if not len(places):
        return Cells(side, places, weights, sums)
    order = np.lexsort(places.T[::-1])
    sorted_places = places[order]
    starts = np.flatnonzero(np.concatenate([[True], (sorted_places[1:] != sorted_places[:-1]).any(axis=1)]))
    return Cells(side, sorted_places[starts], np.add.reduceat(weights[order], starts), np.add.reduceat(sums[order], starts, axis=0))


def of_frame(rows: DataFrame, points_of: Callable[[Rows], Matrix], dimensions: int, side: int, most: int = MOST_CELLS) -> Cells:
    """The cells of all rows on the finest grid of side ``side``, twice that, and so on, that has at most ``most`` of them.

    ``points_of`` makes points of an Arrow batch, each row for itself; it runs in the tasks.
    """
    places, sums = [f"place_{number}" for number in range(dimensions)], [f"sum_{number}" for number in range(dimensions)]
    fields = [*((name, pa.int32()) for name in places), ("users", pa.int64()), *((name, pa.int64()) for name in sums)]
    schema = ", ".join(f"{name} {'int' if kind == pa.int32() else 'bigint'}" for name, kind in fields)

    def summarised(held: list[Cells]) -> pa.RecordBatch:
        found = gathered(
            side,
            np.concatenate([one.places for one in held]),
            np.concatenate([one.weights for one in held]),
            np.concatenate([one.sums for one in held]),
        )
        columns = [*found.places.T, found.weights, *found.sums.T]
        arrays = [pa.array(np.ascontiguousarray(column), kind) for column, (_, kind) in zip(columns, fields, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, names=[name for name, _ in fields])

    def summarise(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        held: list[Cells] = []
        for batch in batches:
            held.append(of_points(points_of(batch), side))
            if sum(map(len, held)) >= ROWS_HELD:
                yield summarised(held)
                held = []
        if held:
            yield summarised(held)

    totals = [F.sum(name).alias(name) for name in ("users", *sums)]
    finest = rows.mapInArrow(summarise, schema).groupBy(*places).agg(*totals).persist()
    try:
        step, found = 0, finest
        while found.count() > most:
            step += 1
            found = finest.groupBy(*[F.shiftright(name, step).alias(name) for name in places]).agg(*totals)
        table = found.select(*places, "users", *sums).toArrow()
    finally:
        finest.unpersist()
    columns = [column.to_numpy() for column in table.columns]
    found_places, users, found_sums = columns[:dimensions], columns[dimensions], columns[dimensions + 1 :]
    return gathered(side << step, np.column_stack(found_places), users, np.column_stack(found_sums))
