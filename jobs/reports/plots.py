"""Small plots as inline SVG: pure functions from numbers to markup, drawn by the page's stylesheet in light and dark.

A plot is stretched to the width that it finds, so its words stand beside it as HTML and keep their size on a phone. Each says in a title
and a description what it shows; each mark says its own figures.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from markupsafe import Markup, escape

SERIES = 7
"""Hues that are told apart by people who see few colours (Okabe and Ito 2008); the stylesheet names them ``s0`` to ``s6``."""

STEP = 10.0
HEIGHT = 100.0


@dataclass(frozen=True)
class Days:
    """The horizontal axis: one step a day, both ends included."""

    first: date
    last: date

    @property
    def count(self) -> int:
        """Days on the axis."""
        return (self.last - self.first).days + 1

    def start(self, day: date) -> float:
        """Where a day begins, in steps of the drawing."""
        return (day - self.first).days * STEP

    def middle(self, day: date) -> float:
        """The middle of a day."""
        return self.start(day) + STEP / 2

    def share(self, day: date) -> float:
        """The middle of a day in percent of the width."""
        return round(100 * self.middle(day) / (self.count * STEP), 2)

    def ticks(self) -> list[date]:
        """At most four days that are written below."""
        gaps = min(3, self.count - 1)
        return (
            sorted({self.first + timedelta(days=round(place * (self.count - 1) / gaps)) for place in range(gaps + 1)})
            if gaps
            else [self.first]
        )


def bars(days: Days, values: Mapping[date, int], *, title: str, unit: str, median: float | None, marks: Mapping[date, str]) -> Markup:
    """One bar a day with the median as a line; ``marks`` are days that stand out, with what is to be said of them."""
    top = nice_ceiling(max([*values.values(), median or 0]))
    drawn = [
        f'<rect class="{"bar marked" if day in marks else "bar"}" x="{days.start(day) + 1:g}" y="{HEIGHT - HEIGHT * value / top:.2f}" '
        f'width="{STEP - 2:g}" height="{HEIGHT * value / top:.2f}"><title>{day}: {value:,} {escape(unit)}'
        f"{escape(': ' + marks[day]) if day in marks else ''}</title></rect>"
        for day, value in sorted(values.items())
        if days.first <= day <= days.last
    ]
    line = ""
    if median is not None:
        y = HEIGHT - HEIGHT * median / top
        line = (
            f'<line class="median" x1="0" x2="{days.count * STEP:g}" y1="{y:.2f}" y2="{y:.2f}"><title>median: {median:,.0f}</title></line>'
        )
    told = f"{len(drawn)} days from {days.first} to {days.last}"
    if values:
        newest = max(values)
        told += f"; {newest}: {values[newest]:,} {unit}" + (f"; median {median:,.0f}" if median is not None else "")
    if marks:
        told += "; standing out: " + ", ".join(str(day) for day in sorted(marks))
    return _frame(days, "".join(drawn) + line, title=title, told=told, top=f"{top:,}", marks=marks)


@dataclass(frozen=True)
class Stack:
    """One stacked bar over the landing days ``start <= day < end``: series -> height, and what it says of itself."""

    start: date
    end: date
    parts: Mapping[str, float]
    told: str


def stacks(days: Days, drawn: Sequence[Stack], names: Sequence[str], *, title: str, unit: str) -> Markup:
    """Stacked bars; a bar is as wide as its interval. ``names`` fixes the order and so the colours; others are left out."""
    top = nice_ceiling(max((sum(stack.parts.values()) for stack in drawn), default=0))
    marks = []
    for stack in drawn:
        left, right = max(days.start(stack.start), 0.0), min(days.start(stack.end), days.count * STEP)
        floor = HEIGHT
        for place, name in enumerate(names):
            height = HEIGHT * stack.parts.get(name, 0) / top
            if height > 0 and right > left:
                floor -= height
                marks.append(
                    f'<rect class="s{place % SERIES}" x="{left + 1:g}" y="{floor:.2f}" width="{right - left - 2:g}" height="{height:.2f}">'
                    f"<title>{escape(stack.told)}: {escape(name)} {stack.parts[name]:,.3g} {escape(unit)}</title></rect>"
                )
    told = f"{len(drawn)} landing intervals from {days.first} to {days.last}, by {', '.join(names) if names else 'no reason'}"
    return _frame(days, "".join(marks), title=title, told=told, top=f"{top:,g}", marks={})


def line(days: Days, values: Mapping[date, float], *, title: str, marks: Mapping[date, str], share: bool) -> Markup:
    """One line over the days, from zero; a share says so in percent."""
    top = nice_share(max(values.values(), default=0)) if share else float(nice_ceiling(max(values.values(), default=0)))
    text = percent if share else number
    known = sorted((day, value) for day, value in values.items() if days.first <= day <= days.last)
    points = [(days.middle(day), HEIGHT - HEIGHT * value / top) for day, value in known]
    markup = _path(points, "line") + "".join(_spot(days, day, f"{day}: {text(value)}") for day, value in known)
    told = (
        f"{text(known[-1][1])} on {known[-1][0]}, from {text(min(values.values()))} to {text(max(values.values()))}" if known else "no days"
    )
    return _frame(days, markup, title=title, told=told, top=percent(top) if share else number(top), marks=marks, small=True)


def band(days: Days, values: Mapping[date, Sequence[float]], *, title: str, marks: Mapping[date, str]) -> Markup:
    """The 10th to the 90th percentile as a band, the median as a line; the axis spans what is shown."""
    known = [(day, values[day]) for day in sorted(values) if days.first <= day <= days.last]
    low = min((q[0] for _, q in known), default=0.0)
    high = max((q[-1] for _, q in known), default=1.0)
    low, high = (low, high) if high > low else (low - 1, high + 1)

    def y(value: float) -> float:
        return HEIGHT - HEIGHT * (value - low) / (high - low)

    upper = [(days.middle(day), y(q[-1])) for day, q in known]
    lower = [(days.middle(day), y(q[0])) for day, q in known]
    area = " ".join(f"{x:g},{at:.2f}" for x, at in (*upper, *reversed(lower)))
    middle = _path([(days.middle(day), y(q[len(q) // 2])) for day, q in known], "line")
    spots = "".join(
        _spot(days, day, f"{day}: 10% {number(q[0])}, median {number(q[len(q) // 2])}, 90% {number(q[-1])}") for day, q in known
    )
    told = "no days"
    if known:
        day, q = known[-1]
        told = f"on {day} the median is {number(q[len(q) // 2])}, 80% lie between {number(q[0])} and {number(q[-1])}"
    markup = f'<polygon class="band" points="{area}"/>' + middle + spots
    return _frame(days, markup, title=title, told=told, top=number(high), bottom=number(low), marks=marks, small=True)


def shares(
    days: Days, values: Mapping[date, Mapping[str, float]], names: Sequence[str], *, title: str, marks: Mapping[date, str]
) -> Markup:
    """The share of each value a day, stacked to one."""
    drawn = []
    for day in sorted(values):
        floor = HEIGHT
        for place, name in enumerate(names):
            height = HEIGHT * values[day].get(name, 0.0)
            if height > 0 and days.first <= day <= days.last:
                floor -= height
                drawn.append(
                    f'<rect class="s{place % SERIES}" x="{days.start(day):g}" y="{floor:.2f}" width="{STEP:g}" height="{height:.2f}">'
                    f"<title>{day}: {escape(name)} {values[day][name]:.1%}</title></rect>"
                )
    told = "no days"
    if values:
        newest = max(values)
        told = f"on {newest}: " + ", ".join(f"{name} {values[newest].get(name, 0):.1%}" for name in names)
    return _frame(days, "".join(drawn), title=title, told=told, top="100%", marks=marks, small=True)


def spark(days: Days, values: Mapping[date, int], *, title: str) -> Markup:
    """Bars without axes, for a cell."""
    top = max([1, *values.values()])
    drawn = "".join(
        f'<rect class="bar" x="{days.start(day) + 1:g}" y="{HEIGHT - HEIGHT * value / top:.1f}" width="{STEP - 2:g}" '
        f'height="{HEIGHT * value / top:.1f}"/>'
        for day, value in sorted(values.items())
        if days.first <= day <= days.last
    )
    box = f'viewBox="0 0 {days.count * STEP:g} {HEIGHT:g}" preserveAspectRatio="none"'
    return Markup(f'<svg class="spark" {box} role="img" aria-label="{escape(title)}">{drawn}</svg>')  # noqa: S704  (numbers, and escaped text)  # nosec B704


def nice_ceiling(value: float) -> int:
    """The least of 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten that is not below ``value``; at least 1.

    >>> [nice_ceiling(value) for value in (0, 1, 7, 1100, 1201, 98000)]
    [1, 1, 8, 1200, 1500, 100000]
    """
    if value <= 1:
        return 1
    power = 10.0 ** math.floor(math.log10(value))
    return math.ceil(next(power * factor for factor in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if power * factor >= value - 1e-9))


def nice_share(value: float) -> float:
    """The top of an axis of shares: a thousandth at least, one at most.

    >>> [nice_share(value) for value in (0, 0.0004, 0.013, 0.6, 1.0)]
    [0.001, 0.001, 0.02, 1.0, 1.0]
    """
    return next((top for top in (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if top >= value), 1.0)


def number(value: float) -> str:
    """A figure for a person: at most four digits that matter.

    >>> [number(value) for value in (0.0, 12.0, 0.12345, 1234.5, 1299000.0)]
    ['0', '12', '0.1235', '1,234', '1,299,000']
    """
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def percent(share: float) -> str:
    """A share for a person, to a hundredth of a percent.

    >>> [percent(share) for share in (0.0, 0.001, 0.0823, 0.5, 1.0)]
    ['0%', '0.1%', '8.23%', '50%', '100%']
    """
    return f"{round(100 * share, 2):g}%"


def _path(points: Sequence[tuple[float, float]], name: str) -> str:
    if len(points) == 1:
        x, y = points[0]
        points = [(x - STEP / 2, y), (x + STEP / 2, y)]
    return f'<polyline class="{name}" points="{" ".join(f"{x:g},{y:.2f}" for x, y in points)}"/>'


def _spot(days: Days, day: date, told: str) -> str:
    return f'<rect class="spot" x="{days.start(day):g}" y="0" width="{STEP:g}" height="{HEIGHT:g}"><title>{escape(told)}</title></rect>'


def _frame(
    days: Days,
    markup: str,
    *,
    title: str,
    told: str,
    top: str,
    marks: Mapping[date, str],
    bottom: str = "0",
    small: bool = False,
) -> Markup:
    """The drawing with its axes; the words of the axes are HTML beside it."""
    width = days.count * STEP
    flags = "".join(
        f'<span class="flag" style="left:{days.share(day)}%" title="{escape(f"{day}: {said}")}">▼</span>'
        for day, said in sorted(marks.items())
        if days.first <= day <= days.last
    )
    ticks = "".join(f'<span style="left:{days.share(day)}%">{day:%b} {day.day}</span>' for day in days.ticks())
    grid = "".join(f'<line class="grid" x1="0" x2="{width:g}" y1="{y}" y2="{y}"/>' for y in ("0", "50", "100"))
    return Markup(  # noqa: S704  (every part is a number of ours or escaped)  # nosec B704
        f'<div class="plot{" small" if small else ""}"><div class="axis"><span>{escape(top)}</span><span>{escape(bottom)}</span></div>'
        f'<div class="area"><div class="flags" aria-hidden="true">{flags}</div>'
        f'<svg viewBox="0 0 {width:g} {HEIGHT:g}" preserveAspectRatio="none" role="img"><title>{escape(title)}</title>'
        f"<desc>{escape(told)}</desc>{grid}{markup}</svg>"
        f'<div class="ticks" aria-hidden="true">{ticks}</div></div></div>'
    )
