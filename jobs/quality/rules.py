"""Rules that hold a day against its own history. Pure: small values in, findings out; the same for any order of runs.

A rule speaks only when two things come together: the day is far outside of what its history lets expect, measured in that history's own
usual misses, and the difference is large enough for a shop to care. Counts and means are compared as logarithms, since they vary by
factors; shares as they are.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any, Literal, Protocol

from jobs.quality.baseline import NEEDED_DAYS, NEEDED_SAME_WEEKDAYS, WINDOW_DAYS, Baseline, baseline
from jobs.quality.day_state import DayState, History

Severity = Literal["warning", "critical"]

WARNING_DEVIATIONS = 5.0
"""Usual misses from which a day is unlike its history. 3.5 is usual for one test (Iglewicz & Hoaglin 1993); a shop makes some 20 a day,
7,000 a year, on a spread that is itself estimated from four weeks."""

CRITICAL_DEVIATIONS = 10.0
"""Usual misses from which a day may be kept from readers: twice the above, since stopping a good day costs more than one warning."""

RECORD_DEVIATIONS = 3.5
"""Usual misses from which a day is unlike its history that is also lower than every day of it: two thin reasons are as good as one."""

FEWEST_ROWS = 50
"""Rows below which a day has no shares or means worth comparing, and half of them is chance."""


@dataclass(frozen=True)
class Anomaly:
    """One finding: the fields of ``ops.anomalies`` without the run."""

    table_name: str
    partition_date: date
    rule: str
    subject: str
    severity: Severity
    expected: str
    found: str
    history: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.severity} {self.rule}: {self.sentence}"


class Rule(Protocol):
    """Judges one day of one table."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns whose states it looks at."""

    def judge(self, table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
        """What is wrong with ``day`` of ``table``; ``days`` holds the days of every table that is known, that day among them."""


@dataclass(frozen=True)
class Volume:
    """The number of rows. Counts rows that had landed by the end of their own day, so that late rows make no difference.

    A rise is never critical: a sale is the best day of the year. A drop is, to a third and below: a feed, not the weather. In a shop whose
    days vary by themselves half a day is no five usual misses away: there the fewest rows of the window, at most 0.6 times the expected,
    are worth a look from ``RECORD_DEVIATIONS``.
    """

    columns: tuple[str, ...] = ()

    def judge(self, table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
        """At most one finding, without a subject."""
        found = days[table][day].timely
        before = {one.day: one.timely for one in _before(days[table], day)}
        base = baseline({one: math.log1p(rows) for one, rows in before.items()}, day)
        if base is None:
            return []
        expected = math.expm1(base.nearest(math.log1p(found)))
        floor = max(0.05, 1 / math.sqrt(max(expected, 1.0)))  # 5 % is no news, nor is what chance does to a count
        off, ratio = base.deviations(math.log1p(found), floor), (found + 1) / (expected + 1)
        severity = _severity(off, warning=ratio >= 1.5) or _severity(-off, warning=ratio <= 0.7, critical=ratio <= 1 / 3)
        is_record = -off >= RECORD_DEVIATIONS and ratio <= 0.6 and found < min(before.values()) and expected >= FEWEST_ROWS
        if severity is None and not is_record:
            return []
        return [
            _anomaly(
                Place(table, day, "volume", ""),
                severity or "warning",
                expected=f"{expected:,.0f} rows",
                found=f"{found:,} rows",
                compared=_compared(base, math.expm1),
                words=f"{found:,} rows, {_times(ratio)} the {expected:,.0f} that {_reason(base, math.expm1)} let expect",
            )
        ]


@dataclass(frozen=True)
class NullShare:
    """The share of rows without a value in a column; only a rise counts. Half of all rows more without a value is critical."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Its column."""
        return (self.column,)

    def judge(self, table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
        """At most one finding, on the column."""
        shares = {
            one.day: one.columns[self.column].nulls / one.rows
            for one in _through(days[table], day)
            if self.column in one.columns and one.rows >= FEWEST_ROWS
        }
        found = shares.pop(day, None)
        base = baseline(shares, day)
        if found is None or base is None:
            return []
        expected = base.nearest(found)
        more = found - expected
        off = base.deviations(found, _share_floor(expected, days[table][day].rows))
        severity = _severity(off, warning=more >= 0.05, critical=more >= 0.5)
        if severity is None:
            return []
        return [
            _anomaly(
                Place(table, day, "null_share", self.column),
                severity,
                expected=f"{expected:.1%} NULL",
                found=f"{found:.1%} NULL",
                compared=_compared(base),
                words=f"{self.column} is missing in {found:.1%} of the rows, where {_reason(base, form='.1%')} let expect {expected:.1%}",
            )
        ]


@dataclass(frozen=True)
class MeanOf:
    """The mean of a positive number such as a price.

    Half as much again, or two thirds, is worth a look; five times, or a fifth, is another unit and not another assortment: critical.
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Its column."""
        return (self.column,)

    def judge(self, table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
        """At most one finding, on the column."""
        means = {}
        for one in _through(days[table], day):
            known, total = one.known(self.column), one.columns[self.column].total if self.column in one.columns else None
            if total is not None and total > 0 and known >= FEWEST_ROWS:
                means[one.day] = math.log(total / known)
        found = means.pop(day, None)
        base = baseline(means, day)
        if found is None or base is None:
            return []
        factor, off = math.exp(abs(base.deviation(found))), abs(base.deviations(found, 0.05))
        severity = _severity(off, warning=factor >= 1.5, critical=factor >= 5)
        if severity is None:
            return []
        mean, expected = math.exp(found), math.exp(base.nearest(found))
        reason = _reason(base, math.exp, ",.2f")
        return [
            _anomaly(
                Place(table, day, "mean_of", self.column),
                severity,
                expected=f"mean {expected:,.2f}",
                found=f"mean {mean:,.2f}",
                compared=_compared(base, math.exp),
                words=f"the mean {self.column} is {mean:,.2f}, {_times(mean / expected)} the {expected:,.2f} that {reason} let expect",
            )
        ]


@dataclass(frozen=True)
class ValueVanished:
    """A value that was there every day of the window is gone, or all but gone (a twentieth is left).

    Expected is the smaller of two figures: the median of the same weekdays, and the value's usual odds against the rows without it, so that
    a day that is short of everything does not seem to miss each small value too. From 20 expected rows chance is no explanation
    (2e-9 for independent rows). A value that makes up a tenth of the rows is critical: whole reports hang on it.
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Its column."""
        return (self.column,)

    def judge(self, table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
        """One finding a value, the one with most expected rows first."""
        today = days[table][day]
        before = [one for one in _before(days[table], day) if one.rows >= FEWEST_ROWS and self.column in one.columns]
        same = [one for one in before if one.day.weekday() == day.weekday()]
        if len(before) < NEEDED_DAYS or len(same) < NEEDED_SAME_WEEKDAYS or self.column not in today.columns:
            return []
        steady = set.intersection(*[{value for value, rows in self._values(one).items() if rows > 0} for one in before])
        gone = []
        for value in sorted(steady):
            share = median(self._values(one)[value] / one.rows for one in before)
            left, usual = self._values(today).get(value, 0), median(self._values(one)[value] for one in same)
            expected = min(usual, share / (1 - share) * (today.rows - left)) if share < 1 else usual
            severity = _severity(math.inf, warning=expected >= 20 and left <= expected / 20, critical=expected >= 50 and share >= 0.1)
            if severity is not None:
                counts = {str(one.day): self._values(one)[value] for one in same}
                anomaly = _anomaly(
                    Place(table, day, "value_vanished", f"{self.column}={value}"),
                    severity,
                    expected=f"{expected:,.0f} rows",
                    found=f"{left:,} rows",
                    compared={"same_weekdays": counts, "median_share": round(share, 6), "days": len(before)},
                    words=f"{self.column} '{value}' has {left:,} rows, where about {expected:,.0f} were due; it was {share:.1%} of a day",
                )
                gone.append((-expected, anomaly))
        return [anomaly for _, anomaly in sorted(gone, key=lambda pair: (pair[0], pair[1].subject))]

    def _values(self, one: DayState) -> Mapping[str, int]:
        return one.columns[self.column].values


@dataclass(frozen=True)
class Concentration:
    """Activity in few hands: the busiest one's share of the rows, or the rows a different one. A storm of bots raises one of them.

    The busiest one counts only when its own rows exceed every day of the window: its share also rises when everybody else stays away.
    Where bots are at home shares vary by factors, and nothing is far outside: there half as much again as on any day of the window, and a
    tenth of all rows more than expected, is worth a look too.
    Critical is half of all rows by one, or three times the rows each: then every count and every model speaks of bots.
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Its column."""
        return (self.column,)

    def judge(self, table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
        """At most one finding, the more severe of the two."""
        before = [one for one in _before(days[table], day) if one.known(self.column) >= FEWEST_ROWS]
        today = days[table][day]
        if today.known(self.column) < FEWEST_ROWS:
            return []
        found = [*self._busiest(table, today, before), *self._rows_each(table, today, before)]
        return sorted(found, key=lambda anomaly: anomaly.severity != "critical")[:1]

    def _busiest(self, table: str, today: DayState, before: list[DayState]) -> list[Anomaly]:
        top = today.columns[self.column].top
        tops = {one.day: rows for one in before if (rows := one.columns[self.column].top)}
        base = baseline({one.day: math.log(tops[one.day] / one.known(self.column)) for one in before if one.day in tops}, today.day)
        if base is None or not top or top <= max(tops.values()):
            return []
        share = top / today.known(self.column)
        expected = math.exp(base.nearest(math.log(share)))
        off = base.deviations(math.log(share), 0.25)  # one visitor's day is erratic: a quarter more is no news
        severity = _severity(off, warning=share >= 2 * expected and share - expected >= 0.05, critical=share >= 0.5)
        highest = max(tops[one.day] / one.known(self.column) for one in before if one.day in tops)
        if severity is None and (share < 1.5 * highest or share - expected < 0.1):
            return []
        reason = _reason(base, math.exp, ".1%")
        return [
            _anomaly(
                Place(table, today.day, "concentration", self.column),
                severity or "warning",
                expected=f"{expected:.1%} by the busiest",
                found=f"{share:.1%} by the busiest",
                compared=_compared(base, math.exp),
                words=f"the busiest {self.column} made {share:.1%} of the rows ({top:,}), where {reason} let expect {expected:.1%}",
            )
        ]

    def _rows_each(self, table: str, today: DayState, before: list[DayState]) -> list[Anomaly]:
        each = {one.day: math.log(one.known(self.column) / distinct) for one in before if (distinct := one.columns[self.column].distinct)}
        base, different = baseline(each, today.day), today.columns[self.column].distinct
        if base is None or not different:
            return []
        rows = today.known(self.column) / different
        expected = math.exp(base.nearest(math.log(rows)))
        severity = _severity(base.deviations(math.log(rows), 0.05), warning=rows >= 1.5 * expected, critical=rows >= 3 * expected)
        if severity is None:
            return []
        return [
            _anomaly(
                Place(table, today.day, "concentration", self.column),
                severity,
                expected=f"{expected:.1f} rows each",
                found=f"{rows:.1f} rows each",
                compared=_compared(base, math.exp),
                words=f"{rows:.1f} rows a different {self.column}, where {_reason(base, math.exp, '.1f')} let expect {expected:.1f}",
            )
        ]


@dataclass(frozen=True)
class RejectShare:
    """The rejected twin's share of all that it and ``main`` got. Never critical: the table's own limit stops a task, by the lines read."""

    main: str

    @property
    def columns(self) -> tuple[str, ...]:
        """None: rows alone."""
        return ()

    def judge(self, table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
        """At most one finding, without a subject."""
        kept = days.get(self.main, {})
        lines = {one.day: one.rows + kept[one.day].timely for one in _through(days[table], day) if one.day in kept}
        shares = {one: days[table][one].rows / count for one, count in lines.items() if count >= FEWEST_ROWS}
        found = shares.pop(day, None)
        base = baseline(shares, day)
        if found is None or base is None:
            return []
        expected = base.nearest(found)
        severity = _severity(base.deviations(found, _share_floor(expected, lines[day])), warning=found - expected >= 0.01)
        if severity is None:
            return []
        return [
            _anomaly(
                Place(table, day, "reject_share", ""),
                severity,
                expected=f"{expected:.1%} rejected",
                found=f"{found:.1%} rejected",
                compared=_compared(base),
                words=f"{found:.1%} of the lines were rejected, where {_reason(base, form='.1%')} let expect {expected:.1%}",
            )
        ]


def judged(rules: tuple[Rule, ...], table: str, day: date, days: Mapping[str, History]) -> list[Anomaly]:
    """What all rules find, in their order. Days after ``day`` are not looked at, so that the verdict is the same in any order of runs."""
    return [anomaly for rule in rules for anomaly in rule.judge(table, day, days)]


@dataclass(frozen=True)
class Place:
    """What a finding is about."""

    table: str
    day: date
    rule: str
    subject: str


def _anomaly(place: Place, severity: Severity, *, expected: str, found: str, compared: Mapping[str, Any], words: str) -> Anomaly:
    sentence = f"{place.table} on {place.day:%A} {place.day}: {words}."
    history = json.dumps(compared, sort_keys=True)
    return Anomaly(place.table, place.day, place.rule, place.subject, severity, expected, found, history, sentence)


def _before(history: History, day: date) -> list[DayState]:
    return [history[one] for one in sorted(history) if day - timedelta(days=WINDOW_DAYS) <= one < day]


def _through(history: History, day: date) -> list[DayState]:
    return [*_before(history, day), history[day]]


def _severity(off: float, *, warning: bool, critical: bool = False) -> Severity | None:
    """How grave: ``off`` in usual misses; ``warning`` and ``critical`` say whether the size of the effect deserves them."""
    if not warning or off < WARNING_DEVIATIONS:
        return None
    return "critical" if critical and off >= CRITICAL_DEVIATIONS else "warning"


def _share_floor(expected: float, rows: int) -> float:
    """Least usual miss of a share: a point, or what chance does to that many rows."""
    return max(0.01, math.sqrt(max(expected * (1 - expected), 0.0) / max(rows, 1)))


def _same(value: float) -> float:
    return value


def _reason(base: Baseline, back: Callable[[float], float] = _same, form: str = ",.0f") -> str:
    days = sorted(base.same_weekdays)
    return f"the {len(days)} {days[0]:%A}s before ({', '.join(format(back(base.same_weekdays[day]), form) for day in days)})"


def _times(ratio: float) -> str:
    return f"{ratio:.2f} times" if 0.01 <= ratio < 100 else f"{ratio:.2g} times"


def _compared(base: Baseline, back: Callable[[float], float] = _same) -> dict[str, Any]:
    return {
        "same_weekdays": {str(day): round(back(value), 6) for day, value in sorted(base.same_weekdays.items())},
        "low": round(back(base.low), 6),
        "high": round(back(base.high), 6),
        "spread": round(base.spread, 6),
        "days": base.days,
    }
