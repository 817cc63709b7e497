"""A plan for people."""

from collections.abc import Iterator, Sequence
from datetime import date

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from jobs.backfill.plan import Plan
from jobs.backfill.timing import Seconds


def as_pages(plan: Plan) -> Iterator[RenderableType]:
    """What has landed, what is replaced, how long it takes, who is concerned, what stands in the way, what to type."""
    days = len(list(plan.interval.days()))
    yield Text(f"Backfill of the {days} landing days {plan.interval.start} to {plan.interval.last_day}. Nothing has been written.")
    yield _landed(plan)
    yield _tables(plan)
    yield _ways(plan, days)
    yield _concerned(plan)
    yield from _obstacles(plan)
    for way, command in plan.commands.items():
        yield Text(f"\n{way}:", style="bold")
        yield Text(command, overflow="fold")


def minutes(seconds: Seconds) -> str:
    """A span in minutes.

    >>> minutes(Seconds(90, 250)), minutes(Seconds(58, 62)), minutes(Seconds(30, 30, is_known=False))
    ('1.5 to 4.2', '1.0', 'at least 0.5')
    """
    low, high = f"{seconds.low / 60:.1f}", f"{seconds.high / 60:.1f}"
    if not seconds.is_known:
        return f"at least {low}" if seconds.low else "unknown"
    return low if low == high else f"{low} to {high}"


def _landed(plan: Plan) -> Table:
    table = Table("feed", "days with a marker", "without", "files", "lines", "bytes", title="Landed")
    for feed in dict.fromkeys(one.feed for one in plan.landed):
        ours = [one for one in plan.landed if one.feed == feed]
        there = [one for one in ours if one.rows is not None]
        sums = [sum(figures) for figures in zip(*((one.files, one.rows or 0, one.bytes) for one in there), strict=True)] or [0, 0, 0]
        table.add_row(feed, str(len(there)), str(len(ours) - len(there)), *(f"{figure:,}" for figure in sums))
    return table


def _tables(plan: Plan) -> Table:
    table = Table("task", "table", "replaces", "days", "replaced", "new", "rows now", "bytes now", "minutes", title="Partitions, at most")
    for one in plan.tables:
        span = f"{_day(one.first)} to {_day(one.last)}" if one.first else ""
        sizes = [f"{figure:,}" for figure in (one.replaced, one.new, one.now.rows, one.now.bytes)]
        table.add_row(one.task, one.name, one.scope, span, *sizes, minutes(one.in_one_go) if one.in_one_go.high else "")
    return table


def _day(day: date | None) -> str:
    return str(day or "")


def _ways(plan: Plan, days: int) -> Table:
    table = Table("way", "runs", "rows written", "minutes", "how sure", title="Two ways, each with its release")
    for way, runs, rows, seconds in (
        ("in one go: load_history", "1", sum(one.rows_in_one_go for one in plan.tables), plan.in_one_go),
        ("day by day: refine_daily", f"{days}", sum(one.rows_day_by_day for one in plan.tables), plan.day_by_day),
    ):
        table.add_row(way, runs, f"{rows:,}", minutes(seconds), _sureness(plan, seconds))
    return table


def _sureness(plan: Plan, seconds: Seconds) -> str:
    unknown = [one.name for one in plan.tables if not one.in_one_go.is_known]
    if unknown:
        return f"no run so far of {_few(unknown)}"
    if not seconds.is_known:
        return "no run so far of several tasks: without Spark's starts"
    slowest = max(plan.tables, key=lambda one: one.in_one_go.high)
    return f"by {slowest.name}: {slowest.history}"


def _concerned(plan: Plan) -> Table:
    table = Table("what", "number", "which", title="Recorded before, and made from what is replaced")
    for what, names in (
        ("sets of these days and later; they keep their snapshots", plan.sets),
        ("releases in the range: day by day makes each anew", plan.releases_inside),
        ("releases after the range: as they are until released again", plan.releases_after),
    ):
        table.add_row(what, str(len(names)), _few(names))
    return table


def _obstacles(plan: Plan) -> Iterator[RenderableType]:
    for kind, style, lines in (
        ("Refused (exit 65)", "red", plan.refused),
        ("Would wait (exit 75)", "yellow", plan.waiting),
        ("May be refused", "yellow", plan.doubts),
    ):
        for line in lines:
            yield Text(f"{kind}: {line}", style=style)


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{names[0]}, {names[1]} ... {names[-1]}"
