"""Segments by rule: named cells with bounds, of which the first that holds is the user's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F


@dataclass(frozen=True)
class Segment:
    """A named cell: what it means in one line, what to do about it, and its bounds (column -> lowest and highest value, both inside)."""

    name: str
    meaning: str
    action: str
    bounds: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)

    def holds(self, user: Mapping[str, int]) -> bool:
        """Whether a user's figures lie within all bounds."""
        return all(low <= user[column] <= high for column, (low, high) in self.bounds.items())

    def condition(self) -> Column:
        """The same as a Spark condition."""
        return reduce(lambda both, one: both & one, (F.col(c).between(low, high) for c, (low, high) in self.bounds.items()), F.lit(True))


def first_that_holds(segments: Sequence[Segment]) -> Column:
    """Name of the first segment that holds, over columns of the bounds' names."""
    return F.coalesce(*[F.when(segment.condition(), F.lit(segment.name)) for segment in segments])
