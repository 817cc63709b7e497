"""What the demonstration does with the days that have landed, and what it may reuse of an earlier time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jobs.interval import Interval
from stack.errors import StackError

RECORD = "demo.json"


@dataclass(frozen=True)
class Plan:
    """The days before the last as one history (None where there is but one day), and the last one for the scheduler."""

    history: Interval | None
    last_day: date

    @classmethod
    def of_days(cls, landed: Sequence[date], through: date | None = None) -> "Plan":
        """Plan for the landed days up to ``through``; raises StackError when there is none.

        >>> str(Plan.of_days([date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)]).history)
        '[2026-01-01, 2026-01-03)'
        >>> Plan.of_days([date(2017, 11, 26)]).history is None
        True
        """
        days = sorted(day for day in landed if through is None or day <= through)
        if not days:
            until = f" up to {through}" if through else ""
            raise StackError(
                f"No day has landed{until}.", advice="Check --input and --through: a day counts when all its feeds have landed."
            )
        history = Interval(days[0], days[-1]) if len(days) > 1 else None
        return cls(history, days[-1])


@dataclass(frozen=True)
class Landing:
    """Which input lies in the landing zone, and how many inputs have lain there: runs of the scheduler are named after that number."""

    number: int
    fingerprint: str

    @classmethod
    def recorded(cls, state: Path) -> "Landing":
        """The last one that was completed; number 0 before the first."""
        record = state / RECORD
        if not record.exists():
            return cls(0, "")
        known = json.loads(record.read_text(encoding="utf-8"))
        return cls(int(known["number"]), str(known["fingerprint"]))

    def save(self, state: Path) -> None:
        """Write down that the input has landed."""
        (state / RECORD).write_text(json.dumps({"number": self.number, "fingerprint": self.fingerprint}) + "\n", encoding="utf-8")

    def next(self, fingerprint: str) -> "Landing":
        """The landing that holds ``fingerprint``: this one, or a new one when the input has changed."""
        return self if fingerprint == self.fingerprint else Landing(self.number + 1, fingerprint)

    def run_id(self, what: str) -> str:
        """Name of a run over this landing: the same one on a second call, so that it is found and not started again."""
        return f"demo_{self.number}__{what}"


def fingerprint(arguments: Mapping[str, Any], place: Path | None) -> str:
    """What was asked for: the arguments, and of each input file its name, size and time of change."""
    files: list[tuple[str, int, int]] = []
    if place is not None:
        if not place.exists():
            raise StackError(f"There is no {place}.", advice="Correct --input: a file, or a folder of files.")
        found = sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]
        files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in found]
    text = json.dumps({"arguments": dict(arguments), "files": files}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
