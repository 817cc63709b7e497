"""Half a step of ALS for the rows of a block with no factor below zero, in machine code.

What ``kernel.solve`` does cannot be done here: in the basis of the eigenvectors a bound on one factor is a bound on none. Each row's system
is formed whole, and solved by coordinate descent that stops at zero (Franc, Hlaváč & Navara 2005), from where the last iteration left it.
"""

import numpy as np

from jobs.recommender.als.kernel import ENTRIES, MATRIX, SOLVER, Entries, Floats, Solver
from jobs.recommender.als.machine_code import compiled

SWEEPS_A_STEP = 4
"""Sweeps over the factors of a row for each step that a solver may take; a sweep is cheaper, and gains less."""


@compiled(f"void({MATRIX}, float32[::1], float32[::1], Tuple((float32, int64)))")
def _descend(system: Floats, factors: Floats, residual: Floats, limits: tuple[np.float32, int]) -> None:
    least, sweeps = limits
    for _ in range(sweeps):
        gain = np.float32(0)
        for own in range(len(factors)):
            if system[own, own] <= 0:
                continue
            change = max(-factors[own], residual[own] / system[own, own])
            if change == 0:
                continue
            factors[own] += change
            gain += change * change * system[own, own]
            for other in range(len(factors)):
                residual[other] -= change * system[own, other]
        if gain <= least:
            break


@compiled(f"UniTuple(float64, 2)({ENTRIES}, {MATRIX}, {MATRIX}, {SOLVER}, {MATRIX})")
def solve(entries: Entries, fixed: Floats, gramian: Floats, solver: Solver, rows: Floats) -> tuple[float, float]:
    """As ``kernel.solve``, with ``rows`` (none below zero) and ``fixed`` in a basis that nothing has turned, and the ``gramian``."""
    starts, neighbours, confidences = entries
    shrinkage, enough, steps = solver
    columns = rows.shape[1]
    system, wish, residual = np.empty((columns, columns), np.float32), np.empty(columns, np.float32), np.empty(columns, np.float32)
    objective = lengths = 0.0
    for row in range(len(starts) - 1):
        own = shrinkage * np.float32(starts[row + 1] - starts[row])
        system[:] = gramian
        wish[:] = 0
        for at in range(starts[row], starts[row + 1]):
            near = fixed[neighbours[at]]
            for one in range(columns):
                part = confidences[at] * near[one]
                wish[one] += near[one] + part
                for other in range(columns):
                    system[one, other] += part * near[other]
            objective += 1.0 + confidences[at]
        size = np.float32(0)
        for one in range(columns):
            system[one, one] += own
            missing = wish[one]
            for other in range(columns):
                missing -= system[one, other] * rows[row, other]
            residual[one] = missing
            size += wish[one] * rows[row, one]
        _descend(system, rows[row], residual, (enough * max(size, np.float32(1e-6)), SWEEPS_A_STEP * steps))
        for one in range(columns):
            objective -= rows[row, one] * (wish[one] + residual[one])
            lengths += own * rows[row, one] * rows[row, one]
    return objective, lengths
