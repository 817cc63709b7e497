"""The plan of a backfill, from facts alone: nothing is read here, and nothing is written anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from jobs.backfill.scope import in_words, replaced_days
from jobs.backfill.timing import Pace, Seconds
from jobs.interval import Interval
from jobs.raw_retention import expired_of
from jobs.step import AsOf, Scope


@dataclass(frozen=True)
class Size:
    """Rows, bytes and files of one partition, or of several."""

    rows: int = 0
    bytes: int = 0
    files: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(self.rows + other.rows, self.bytes + other.bytes, self.files + other.files)


@dataclass(frozen=True)
class TableFacts:
    """One table as it is: its task, scope, partitions by day (key None: a table without), and how fast it was built so far."""

    name: str
    task: str
    scope: Scope
    partitions: Mapping[date | None, Size]
    pace: Pace | None = None

    @property
    def days(self) -> list[date]:
        """The days that exist, in order."""
        return sorted(day for day in self.partitions if day is not None)


@dataclass(frozen=True)
class LandedDay:
    """One feed's day as its marker says; no marker where ``rows`` is None, and why in ``fault`` when it cannot be read."""

    feed: str
    day: date
    rows: int | None
    files: int = 0
    bytes: int = 0
    fault: str | None = None


@dataclass(frozen=True)
class Facts:
    """Everything that a plan is made from. ``expired_before`` is the first landed day whose raw text is kept; None where all is."""

    tables: Sequence[TableFacts]
    landed: Sequence[LandedDay]
    lines: Mapping[date, int]
    """Landed lines a day that bronze holds: by them the rows of days that are not there yet are guessed."""
    sets: Mapping[date, str]
    releases: Sequence[tuple[str, date]]
    expired_before: date | None
    max_lateness_days: int
    between_tasks: Pace | None = None


@dataclass(frozen=True)
class TablePlan:
    """What a backfill does to one table: partitions that exist and are replaced, those that come new, rows to write in each way."""

    name: str
    task: str
    scope: str
    first: date | None
    last: date | None
    replaced: int
    new: int
    now: Size
    rows_in_one_go: int
    rows_day_by_day: int
    in_one_go: Seconds
    day_by_day: Seconds
    history: str


@dataclass(frozen=True)
class Plan:
    """The whole plan. ``refused`` stops a run at once (65), ``waiting`` makes it wait (75), ``doubts`` may stop it."""

    interval: Interval
    landed: tuple[LandedDay, ...]
    tables: tuple[TablePlan, ...]
    in_one_go: Seconds
    day_by_day: Seconds
    sets: tuple[str, ...]
    releases_inside: tuple[str, ...]
    releases_after: tuple[str, ...]
    refused: tuple[str, ...]
    waiting: tuple[str, ...]
    doubts: tuple[str, ...]
    commands: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``; days become ISO text when it is written."""
        return asdict(self)


def make_plan(interval: Interval, facts: Facts) -> Plan:
    """Plan a backfill of the landing days of ``interval``, in one go (``load_history``) and day by day (``refine_daily``)."""
    lines = dict(facts.lines)
    for day in interval.days():
        landed = [one.rows for one in facts.landed if one.day == day and one.rows is not None]
        if landed:
            lines[day] = sum(landed)
    tables = tuple(_table(one, interval, facts, lines) for one in facts.tables)
    start = facts.between_tasks.seconds(0) if facts.between_tasks else Seconds(0, 0, is_known=False)
    tasks = len({one.task for one in facts.tables}) + 1  # publishing a release has no table of its own
    days = len(list(interval.days()))
    refused, waiting, doubts = _obstacles(interval, facts)
    return Plan(
        interval=interval,
        landed=tuple(facts.landed),
        tables=tables,
        in_one_go=Seconds.total([one.in_one_go for one in tables]) + start.times(tasks),
        day_by_day=Seconds.total([one.day_by_day for one in tables]) + start.times(tasks * days),
        sets=tuple(facts.sets[day] for day in sorted(facts.sets) if day >= interval.start),
        releases_inside=tuple(name for name, day in facts.releases if day in interval),
        releases_after=tuple(name for name, day in facts.releases if day >= interval.end),
        refused=refused,
        waiting=waiting,
        doubts=doubts,
        commands=commands(interval),
    )


def _table(table: TableFacts, interval: Interval, facts: Facts, lines: Mapping[date, int]) -> TablePlan:
    wanted = replaced_days(table.scope, interval, table.days, facts.max_lateness_days)
    existing: set[date | None] = {day for day in table.partitions if wanted is None or day in wanted}
    coming = _coming(table, wanted, lines, existing)
    each = [Interval(day, day + timedelta(days=1)) for day in interval.days()]
    one_go = _rows(table, wanted, lines)
    daily = [_rows(table, replaced_days(table.scope, day, table.days, facts.max_lateness_days), lines) for day in each]
    days = sorted(day for day in {*existing, *coming} if day is not None)
    unknown = Seconds(0, 0, is_known=False)
    return TablePlan(
        name=table.name,
        task=table.task,
        scope=in_words(table.scope),
        first=days[0] if days else None,
        last=days[-1] if days else None,
        replaced=len(existing),
        new=len(coming),
        now=sum((table.partitions[day] for day in existing), Size()),
        rows_in_one_go=one_go,
        rows_day_by_day=sum(daily),
        in_one_go=table.pace.seconds(one_go) if table.pace else unknown,
        day_by_day=Seconds.total([table.pace.seconds(rows) for rows in daily]) if table.pace else unknown,
        history=_history(table.pace, one_go),
    )


def _coming(table: TableFacts, wanted: frozenset[date] | None, lines: Mapping[date, int], existing: set[date | None]) -> set[date]:
    """Partitions that do not exist yet and will: the as-of day, otherwise the days on which lines landed."""
    missing = {day for day in wanted or () if day not in existing}
    return missing if isinstance(table.scope, AsOf) else {day for day in missing if day in lines}


def _rows(table: TableFacts, wanted: frozenset[date] | None, lines: Mapping[date, int]) -> int:
    """Rows that a run writes: those that its partitions hold, and for new days as many a landed line as the table has had so far."""
    if wanted is None:
        return sum(size.rows for size in table.partitions.values())
    typical = table.partitions[table.days[-1]].rows if table.days else 0
    total = 0.0
    for day in wanted:
        if day in table.partitions:
            total += table.partitions[day].rows
        elif isinstance(table.scope, AsOf):
            total += typical
        else:
            total += lines.get(day, 0) * _rows_a_line(table, lines)
    return round(total)


def _rows_a_line(table: TableFacts, lines: Mapping[date, int]) -> float:
    known = [day for day in table.days if lines.get(day)]
    return sum(table.partitions[day].rows for day in known) / sum(lines[day] for day in known) if known else 1.0


def _history(pace: Pace | None, rows: int) -> str:
    if pace is None:
        return "never run: cannot tell"
    sure = f"{pace.runs} runs, {pace.error:.0%} off"
    return f"{sure}; {rows / pace.most_rows:.0f} times the largest" if pace.most_rows and rows > 1.5 * pace.most_rows else sure


def _obstacles(interval: Interval, facts: Facts) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What refuses the range, what it would wait for, what may refuse a part of it."""
    refused = [f"feed {one.feed} on {one.day}: {one.fault}" for one in facts.landed if one.fault is not None]
    waiting, doubts = [], []
    for feed in dict.fromkeys(one.feed for one in facts.landed):
        missing = [str(one.day) for one in facts.landed if one.feed == feed and one.rows is None and one.fault is None]
        if missing:
            waiting.append(f"feed {feed} has no marker on {_listed(missing)}")
    reach = facts.max_lateness_days + 1
    if gone := expired_of(interval, facts.expired_before):
        refused.append(f"the raw lines that landed in {gone} have expired, so that bronze cannot be rebuilt; begin at {gone.end}")
    elif gone := expired_of(interval.widened(before=reach, after=0), facts.expired_before):
        doubts.append(
            f"event days up to {gone.end} need raw lines of {gone}, which have expired: a late row of theirs in the range stops silver"
            f" (exit 65). From {gone.end + timedelta(days=reach)} on nothing can"
        )
    return tuple(refused), tuple(waiting), tuple(doubts)


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more days" if len(names) > most else "")


def commands(interval: Interval) -> dict[str, str]:
    """What starts either way, on Airflow's command line and over its REST API; ``$AIRFLOW`` is the server's address, ``$TOKEN`` a login."""
    first, last, end = interval.start, interval.last_day, interval.end
    post = 'curl -X POST "$AIRFLOW/api/v2/{path}" -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d \'{body}\''
    history = f'{{"start": "{first}", "end": "{end}"}}'
    again = (
        f'{{"dag_id": "refine_daily", "from_date": "{first}T00:00:00Z", "to_date": "{last}T00:00:00Z", '
        '"reprocess_behavior": "completed", "max_active_runs": 1}'
    )
    return {
        "in one go": f"airflow dags trigger load_history --conf '{history}'",
        "in one go, REST": post.format(path="dags/load_history/dagRuns", body=f'{{"logical_date": null, "conf": {history}}}'),
        "then release once": post.format(path="dags/release_daily/dagRuns", body=f'{{"logical_date": null, "partition_key": "{last}"}}'),
        "day by day": f"airflow backfill create --dag-id refine_daily --from-date {first} --to-date {last} --reprocess-behavior completed "
        "--max-active-runs 1",
        "day by day, REST": post.format(path="backfills", body=again),
    }
