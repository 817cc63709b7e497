"""Half a step of ALS for the rows of a block, in machine code.

A row's factors x minimise x'(G + Y'CY + r n I)x - 2 x'Y'(1 + c) over its n entries, with Y the factors of the other side, G = Y'Y and
C the confidences c beyond 1 (Hu, Koren & Volinsky 2008, eq. 4; r n as MLlib scales it). Both sides are turned into the basis of the
eigenvectors of G. There G + r n I is a diagonal, so that a product with the row's matrix takes 2 n K operations instead of K^2 more, and
that diagonal is the preconditioner of a few steps of conjugate gradients (Takács, Pilászy & Tikk 2011) from where the last
iteration left the row.
"""

import numpy as np
import numpy.typing as npt

from jobs.recommender.als.machine_code import compiled

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Positions = npt.NDArray[np.int32]

GATHERED = 512
"""Rows of the other side that are copied together before they are computed with: at rank 64 they fill 128 kB, half of most caches."""

FACTORS, DIAGONAL, WISH, RESIDUAL, DIRECTION, IMAGE = range(6)
PARTS = 6
"""The vectors that a row is solved with, each a row of one matrix."""

Entries = tuple[Integers, Positions, Floats]
Row = tuple[Positions, Floats]
Solver = tuple[np.float32, np.float32, int]

_VECTOR, MATRIX = "float32[::1]", "float32[:, ::1]"
_READ_MATRIX = "Array(float32, 2, 'C', readonly=True)"
_STARTS, _NEIGHBOURS, _CONFIDENCES = (f"Array({kind}, 1, 'C', readonly=True)" for kind in ("int64", "int32", "float32"))
_ROW, ENTRIES = f"Tuple(({_NEIGHBOURS}, {_CONFIDENCES}))", f"Tuple(({_STARTS}, {_NEIGHBOURS}, {_CONFIDENCES}))"
SOLVER = "Tuple((float32, float32, int64))"


@compiled(f"void({_READ_MATRIX}, {MATRIX}, {MATRIX})")
def turn(rows: Floats, basis: Floats, turned: Floats) -> None:
    """Write ``rows @ basis`` into ``turned``; the bits of a row depend on nothing but that row."""
    for row in range(rows.shape[0]):
        turned[row] = 0
        for source in range(0, rows.shape[1], 4):
            a, b, c, d = rows[row, source], rows[row, source + 1], rows[row, source + 2], rows[row, source + 3]
            for column in range(basis.shape[1]):
                near, far = a * basis[source, column] + b * basis[source + 1, column], c * basis[source + 2, column]
                turned[row, column] += near + (far + d * basis[source + 3, column])


@compiled(f"void({MATRIX}, {_NEIGHBOURS}, {MATRIX})")
def _gather(fixed: Floats, neighbours: Positions, near: Floats) -> None:
    for at in range(len(neighbours)):
        source = neighbours[at]
        for column in range(fixed.shape[1]):
            near[at, column] = fixed[source, column]


@compiled(f"void({MATRIX}, {_CONFIDENCES}, {_VECTOR}, {_VECTOR})")
def _add_products(near: Floats, confidences: Floats, along: Floats, total: Floats) -> None:
    """``total`` += near' C near ``along``, four rows at a time."""
    columns, count = near.shape[1], len(confidences)
    whole = count - count % 4
    for at in range(0, whole, 4):
        a = b = c = d = np.float32(0)
        for column in range(columns):
            value = along[column]
            a += near[at, column] * value
            b += near[at + 1, column] * value
            c += near[at + 2, column] * value
            d += near[at + 3, column] * value
        a *= confidences[at]
        b *= confidences[at + 1]
        c *= confidences[at + 2]
        d *= confidences[at + 3]
        for column in range(columns):
            total[column] += (a * near[at, column] + b * near[at + 1, column]) + (c * near[at + 2, column] + d * near[at + 3, column])
    for at in range(whole, count):
        a = np.float32(0)
        for column in range(columns):
            a += near[at, column] * along[column]
        a *= confidences[at]
        for column in range(columns):
            total[column] += a * near[at, column]


@compiled(f"void({MATRIX}, {_CONFIDENCES}, {_VECTOR})")
def _add_wishes(near: Floats, confidences: Floats, total: Floats) -> None:
    """``total`` += near' (1 + c)."""
    for at in range(len(confidences)):
        wish = np.float32(1) + confidences[at]
        for column in range(near.shape[1]):
            total[column] += wish * near[at, column]


@compiled(f"void({_ROW}, {MATRIX}, {MATRIX}, {MATRIX})")
def _begin(entries: Row, fixed: Floats, near: Floats, work: Floats) -> None:
    """From the row's factors: its wish Y'(1 + c), what is missing of it, and the first direction."""
    neighbours, confidences = entries
    work[WISH] = 0
    for column in range(work.shape[1]):
        work[IMAGE, column] = work[DIAGONAL, column] * work[FACTORS, column]
    for part in range(0, len(neighbours), GATHERED):
        weights = confidences[part : part + GATHERED]
        _gather(fixed, neighbours[part : part + GATHERED], near)
        _add_products(near, weights, work[FACTORS], work[IMAGE])
        _add_wishes(near, weights, work[WISH])
    for column in range(work.shape[1]):
        work[RESIDUAL, column] = work[WISH, column] - work[IMAGE, column]
        work[DIRECTION, column] = work[RESIDUAL, column] / work[DIAGONAL, column]


@compiled(f"void({_ROW}, {MATRIX}, {MATRIX}, {MATRIX}, Tuple((float32, int64)))")
def _improve(entries: Row, fixed: Floats, near: Floats, work: Floats, limits: tuple[np.float32, int]) -> None:
    """Preconditioned conjugate gradients, until little is left of the wish, or up to so many steps."""
    neighbours, confidences = entries
    enough, steps = limits
    columns, left, least = work.shape[1], np.float32(0), np.float32(0)
    for column in range(columns):
        left += work[RESIDUAL, column] * work[DIRECTION, column]
        least += enough * work[WISH, column] * work[WISH, column] / work[DIAGONAL, column]
    for _ in range(steps):
        if left <= least:
            break
        for column in range(columns):
            work[IMAGE, column] = work[DIAGONAL, column] * work[DIRECTION, column]
        for part in range(0, len(neighbours), GATHERED):
            if len(neighbours) > GATHERED:
                _gather(fixed, neighbours[part : part + GATHERED], near)
            _add_products(near, confidences[part : part + GATHERED], work[DIRECTION], work[IMAGE])
        bend, after = np.float32(0), np.float32(0)
        for column in range(columns):
            bend += work[DIRECTION, column] * work[IMAGE, column]
        length = left / bend
        for column in range(columns):
            work[FACTORS, column] += length * work[DIRECTION, column]
            work[RESIDUAL, column] -= length * work[IMAGE, column]
            after += work[RESIDUAL, column] * work[RESIDUAL, column] / work[DIAGONAL, column]
        for column in range(columns):
            work[DIRECTION, column] = work[RESIDUAL, column] / work[DIAGONAL, column] + (after / left) * work[DIRECTION, column]
        left = after


@compiled(f"UniTuple(float64, 2)({ENTRIES}, {MATRIX}, {_VECTOR}, {SOLVER}, {MATRIX})")
def solve(entries: Entries, fixed: Floats, spectrum: Floats, solver: Solver, rows: Floats) -> tuple[float, float]:
    """Improve ``rows`` (rows x K) in place; returns the objective without the other side's part, and this side's own part in it.

    Row ``r`` has the ``entries`` from ``starts[r]`` to ``starts[r + 1]``: rows of ``fixed``, and confidences. ``fixed`` and ``rows`` are in
    the basis in which the Gramian is the diagonal ``spectrum``. ``solver`` says what the squared length of a row is multiplied by, an
    entry; of which share of the right side (both squared, and divided by the diagonal) no more has to be solved; and how many steps a row
    takes at most. Of what is returned the first is everything that the rows are fitted to, summed; the
    second is only the part of their lengths.
    """
    starts, neighbours, confidences = entries
    shrinkage, enough, steps = solver
    columns = rows.shape[1]
    near, work = np.empty((GATHERED, columns), np.float32), np.empty((PARTS, columns), np.float32)
    objective = lengths = 0.0
    for row in range(len(starts) - 1):
        begin, end = starts[row], starts[row + 1]
        mine = (neighbours[begin:end], confidences[begin:end])
        own = shrinkage * np.float32(end - begin)
        work[FACTORS] = rows[row]
        for column in range(columns):
            work[DIAGONAL, column] = spectrum[column] + own
        _begin(mine, fixed, near, work)
        _improve(mine, fixed, near, work, (enough, steps))
        fit = square = np.float32(0)
        for column in range(columns):
            factor = work[FACTORS, column]
            fit += factor * (work[WISH, column] + work[RESIDUAL, column])
            square += factor * factor
            rows[row, column] = factor
        for at in range(begin, end):
            objective += 1.0 + confidences[at]
        objective -= float(fit)
        lengths += float(own * square)
    return objective, lengths
