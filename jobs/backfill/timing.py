"""How long a table would take, from how long it took: a robust line through the runs so far, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median
from typing import Self

FEWEST_FOR_A_LINE = 5
MOST_POINTS = 200
"""Newest runs that count: older ones may have been another machine's."""


@dataclass(frozen=True)
class Seconds:
    """A span of time that is not known exactly: at least ``low``, at most ``high``; not known at all where a part has no history."""

    low: float
    high: float
    is_known: bool = True

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.low + other.low, self.high + other.high, self.is_known and other.is_known)

    def times(self, number: int) -> "Seconds":
        """The same, ``number`` times one after the other."""
        return Seconds(self.low * number, self.high * number, self.is_known)

    @classmethod
    def total(cls, parts: Sequence["Seconds"]) -> "Seconds":
        """One after the other."""
        return sum(parts, cls(0, 0))


@dataclass(frozen=True)
class Pace:
    """Seconds of one table as ``fixed + per_row * rows``, fitted to ``runs`` published runs of at most ``most_rows`` rows.

    ``error`` is the median distance of a run from the line, as a share of the median run. ``slowest_row`` is the median of seconds a row:
    what a run would take if none of it were fixed. Both make the span.
    """

    fixed: float
    per_row: float
    slowest_row: float
    error: float
    runs: int
    most_rows: int

    @classmethod
    def of(cls, runs: Sequence[tuple[int, float]]) -> Self | None:
        """Fit rows and seconds of runs, the newest last; None without any.

        Theil-Sen (Sen 1968): the median of the slopes of all pairs, which a few runs on a busy machine do not move. With fewer than
        ``FEWEST_FOR_A_LINE`` runs, or always the same rows, there is no line, only the median.

        >>> Pace.of([(100, 2.0), (200, 3.0), (300, 4.0), (400, 5.0), (500, 600.0)]).per_row
        0.01
        """
        points = list(runs)[-MOST_POINTS:]
        if not points:
            return None
        slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2]
        per_row = max(0.0, median(slopes)) if slopes and len(points) >= FEWEST_FOR_A_LINE else 0.0
        fixed = max(0.0, median(y - per_row * x for x, y in points))
        typical = median(y for _, y in points)
        error = median(abs(y - fixed - per_row * x) for x, y in points) / typical if typical else 0.0
        rates = [y / x for x, y in points if x]
        return cls(fixed, per_row, median(rates) if rates else 0.0, error, len(points), max(x for x, _ in points))

    def seconds(self, rows: int) -> Seconds:
        """The span for so many rows; wide where they are more than any run has written."""
        guess = self.fixed + self.per_row * rows
        is_beyond = rows > self.most_rows
        high = max(guess, self.slowest_row * rows) if is_beyond else guess
        return Seconds(guess * (1 - min(self.error, 1.0)), high * (1 + self.error))


def between_tasks(tasks: Sequence[tuple[str, float, float]], longest: float = 900.0) -> Pace | None:
    """What a task costs beside its tables (scheduling, Spark's start, publishing): the median wait from one task of a run to the next.

    ``tasks`` are run, begin and end in seconds, of any order. Waits of more than ``longest`` are a person's or a marker's, and no cost.
    """
    ordered = sorted(tasks, key=lambda task: (task[0], task[1]))
    waits = [later[1] - earlier[2] for earlier, later in pairwise(ordered) if earlier[0] == later[0]]
    return Pace.of([(0, wait) for wait in waits if 0 <= wait <= longest])
