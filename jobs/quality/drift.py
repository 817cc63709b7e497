"""Whether a feature's values are spread as they were: PSI and KS between two quantile grids. Pure; warnings only.

Population stability index (Siddiqi 2006, Credit Risk Scorecards): over the reference's tenths, the sum of (p - q) ln(p / q); below 0.1
nothing has moved, above 0.25 much has. Kolmogorov-Smirnov statistic: the greatest distance between the two distribution functions.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from jobs.quality.rules import Anomaly

STEPS = 200
RANKS = tuple(step / STEPS for step in range(STEPS + 1))
"""Ranks at which a distribution is read: half a percent apart, finer than the sketch is exact."""

BINS = 10
FEWEST_VALUES = 500
"""Values below which tenths are chance: PSI of two samples of one shop is then some 2 * 9 / 500 = 0.04 by itself."""

MOST_PSI = 0.25
MOST_KS = 0.2
"""A fifth of the users elsewhere than before. Tests of significance are no help: with thousands of users every difference is one."""

REFERENCE_DAYS = (7, 28)
"""Days before at which the same features are looked at: a week and four, so that the weekday is the same."""

FULL_WINDOW_DAYS = 30
"""Age that a shop must have had on the reference day: windows of 30 days were not full before, and grew by themselves."""


@dataclass(frozen=True)
class Grid:
    """A distribution: its values at ``RANKS``, and how many values there were."""

    quantiles: Sequence[float]
    count: int

    def share_up_to(self, value: float) -> float:
        """Share of the values that are at most ``value``, to half a percent.

        >>> Grid([*range(201)], 1_000).share_up_to(100)
        0.5
        """
        return max(0.0, (bisect_right(self.quantiles, value) - 1) / STEPS)


def edges(reference: Grid) -> list[float]:
    """Upper bounds of the reference's tenths, the last left open; fewer where many values are equal, as with counts that are mostly 0."""
    tenths = {reference.quantiles[round(STEPS * tenth / BINS)] for tenth in range(1, BINS)}
    return sorted(edge for edge in tenths if edge < reference.quantiles[-1])


def psi(reference: Grid, now: Grid) -> float:
    """Population stability index of ``now`` against ``reference``; each share counts as at least half a step of the grid.

    >>> same = Grid([*range(201)], 1_000)
    >>> psi(same, same)
    0.0
    """
    bounds = edges(reference)
    return sum((p - q) * math.log(p / q) for q, p in zip(_shares(reference, bounds), _shares(now, bounds), strict=True))


def ks(reference: Grid, now: Grid) -> float:
    """Kolmogorov-Smirnov statistic, in [0, 1].

    >>> ks(Grid([0.0] * 201, 1_000), Grid([1.0] * 201, 1_000))
    1.0
    """
    points = {*reference.quantiles, *now.quantiles}
    return max(abs(reference.share_up_to(point) - now.share_up_to(point)) for point in points)


def drifted(table: str, day: date, column: str, *, now: Grid, reference: Grid, reference_day: date) -> Anomaly | None:
    """A warning when the column's distribution has moved since the reference day; None when it has not, or for too few values."""
    if min(now.count, reference.count) < FEWEST_VALUES:
        return None
    index, distance = psi(reference, now), ks(reference, now)
    if index <= MOST_PSI and distance <= MOST_KS:
        return None
    age = (day - reference_day).days
    medians = (reference.quantiles[STEPS // 2], now.quantiles[STEPS // 2])
    compared = {
        "reference_date": str(reference_day),
        "psi": round(index, 4),
        "ks": round(distance, 4),
        "medians": [round(value, 6) for value in medians],
        "values": [reference.count, now.count],
    }
    sentence = (
        f"{table} on {day:%A} {day}: {column} is spread otherwise than {age} days before: PSI {index:.2f}, KS {distance:.2f}, "
        f"median {medians[0]:g} then and {medians[1]:g} now."
    )
    return Anomaly(
        table,
        day,
        "drift",
        f"{column} against {age} days before",
        "warning",
        f"PSI at most {MOST_PSI}, KS at most {MOST_KS}",
        f"PSI {index:.2f}, KS {distance:.2f}",
        json.dumps(compared, sort_keys=True),
        sentence,
    )


def _shares(grid: Grid, bounds: Sequence[float]) -> list[float]:
    """Shares between the bounds, the open ends included; none is nothing, so that its logarithm exists."""
    up_to = [0.0, *(grid.share_up_to(bound) for bound in bounds), 1.0]
    return [max(after - before, 0.5 / STEPS) for before, after in pairwise(up_to)]
