"""Where hashes stand and how entries are put in order, in machine code."""

import numpy as np
import numpy.typing as npt

from jobs.recommender.als.machine_code import compiled

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]

DIGIT = 1 << 16
"""Entries are put in the order of 16 bits of a number at a time."""

_HASHES, _POSITIONS = (f"Array({kind}, 1, 'C', readonly=True)" for kind in ("uint64", "int32"))


def places(hashes: Hashes, wanted: Hashes) -> Positions:
    """Where each of ``wanted`` stands among ``hashes``, which are in order, different and hold them all."""
    found = np.empty(len(wanted), np.int32)
    if len(wanted):
        low = hashes[0]
        bits = max(1, len(hashes) - 1).bit_length()
        shift = max(0, int(hashes[-1] - low).bit_length() - bits)
        firsts = np.searchsorted((hashes - low) >> np.uint64(shift), np.arange((1 << bits) + 1, dtype=np.uint64)).astype(np.int64)
        _find(hashes, wanted, (low, np.uint64(shift)), firsts, found)
    return found


@compiled(f"void({_HASHES}, {_HASHES}, UniTuple(uint64, 2), int64[::1], int32[::1])")
def _find(hashes: Hashes, wanted: Hashes, ranges: tuple[np.uint64, np.uint64], firsts: Integers, found: Positions) -> None:
    """Hashes are spread evenly: of those that have the first bits in common with a wanted one there are one or two."""
    low, shift = ranges
    for at in range(len(wanted)):
        span = np.int64((wanted[at] - low) >> shift)
        begin, end = firsts[span], firsts[span + 1]
        while end - begin > 1:
            middle = (begin + end) >> 1
            if hashes[middle] <= wanted[at]:
                begin = middle
            else:
                end = middle
        found[at] = begin


def by_row_and_neighbour(rows: Positions, neighbours: Positions, row_count: int) -> Positions:
    """The entries in the order of their rows (below ``row_count``), then of their neighbours, then as they come."""
    order = np.arange(len(rows), dtype=np.int32)
    most = int(neighbours.max(initial=0))
    for column, shift, values in ((neighbours, 0, min(DIGIT, most + 1)), (neighbours, 16, (most >> 16) + 1), (rows, 0, row_count)):
        if values > 1:
            after = np.empty_like(order)
            mask = DIGIT - 1 if column is neighbours else -1
            _deal(order, column, (shift, mask), np.zeros(values + 1, np.int64), after)
            order = after
    return order


@compiled(f"void({_POSITIONS}, {_POSITIONS}, UniTuple(int64, 2), int64[::1], int32[::1])")
def _deal(order: Positions, column: Positions, digit: tuple[int, int], starts: Integers, after: Positions) -> None:
    """Write ``order`` into ``after``, in the order of some bits of ``column``, where these are the same as it was."""
    shift, mask = digit
    for at in range(len(order)):
        starts[((column[at] >> shift) & mask) + 1] += 1
    for value in range(1, len(starts)):
        starts[value] += starts[value - 1]
    for at in range(len(order)):
        value = (column[order[at]] >> shift) & mask
        after[starts[value]] = order[at]
        starts[value] += 1
