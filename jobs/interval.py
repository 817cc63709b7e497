"""Half-open intervals of UTC days; midnight belongs to the day that it begins."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self


@dataclass(frozen=True, order=True)
class Interval:
    """The days ``start <= day < end``; raises ValueError unless ``start < end``.

    >>> [day.isoformat() for day in Interval.parse("2013-07-14", "2013-07-16").days()]
    ['2013-07-14', '2013-07-15']
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            message = f"an interval is half-open and holds at least a day: start {self.start} must lie before end {self.end}"
            raise ValueError(message)

    @classmethod
    def parse(cls, start: str, end: str) -> Self:
        """Read two ISO days; raises ValueError when one is malformed."""
        return cls(date.fromisoformat(start), date.fromisoformat(end))

    @property
    def last_day(self) -> date:
        """The last day inside."""
        return self.end - timedelta(days=1)

    def days(self) -> Iterator[date]:
        """Each day inside, in order."""
        for offset in range((self.end - self.start).days):
            yield self.start + timedelta(days=offset)

    def widened(self, *, before: int, after: int) -> "Interval":
        """The same interval with ``before`` more days in front and ``after`` more behind."""
        return Interval(self.start - timedelta(days=before), self.end + timedelta(days=after))

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def __str__(self) -> str:
        return f"[{self.start}, {self.end})"
