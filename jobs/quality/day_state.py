"""One day of one table in small Python values: what the rules look at. No Spark in here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class ColumnState:
    """What is known of one column on one day; None for what is not kept of it.

    ``total`` is the sum of its values, ``distinct`` an estimate, ``top`` the rows of its most frequent value.
    """

    nulls: int = 0
    total: float | None = None
    distinct: int | None = None
    top: int | None = None
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DayState:
    """One partition day: its rows, those that were there by the end of that day (None where unknown), its columns."""

    day: date
    rows: int
    on_time: int | None = None
    columns: Mapping[str, ColumnState] = field(default_factory=dict)

    @property
    def timely(self) -> int:
        """Rows by the end of the day itself; all rows where the table does not know when they landed.

        A day goes on growing while late rows land. Counting these alone makes an old day comparable with one that has just ended, and a
        replayed day with its first run.
        """
        return self.rows if self.on_time is None else self.on_time

    def known(self, column: str) -> int:
        """Rows with a value in ``column``."""
        return self.rows - self.columns[column].nulls if column in self.columns else 0


History = Mapping[date, DayState]
"""The days of one table."""
