"""Raw text whose retention has ended: bronze partitions, the text of rejected lines, landed files.

The retention counts from the newest landed day that bronze holds, not from the clock: a shop that has closed keeps what it has. The order
is such that a crash leaves nothing that the next run does not mend: the cutoff is written down on each bronze table (from then on a replay
that needs an earlier day is refused), the rows go from all tables together, the landed files go. The snapshots from before hold the text
too and go with the expiry that follows. Of a rejected line its place and its reasons stay, and of a landed day its marker: how much there
was and why it was refused can be told for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import functions as F

from jobs.catalog import LAKE, REFINE
from jobs.context import Context
from jobs.contract import Table
from jobs.lake import REJECTED, Lake, days_condition
from jobs.landing import MARKER
from jobs.maintenance.going import Going
from jobs.maintenance.history import History, Snapshot
from jobs.raw_retention import EXPIRED_BEFORE, expired_before
from jobs.store import Store
from jobs.tables import contract_of, contracts

PART = "raw text"
PARTITION, TEXT, FILE = "partition", "day of rejected lines", "landed file"


@dataclass(frozen=True)
class Cutoff:
    """The first landed day that is kept, and whether each bronze table says so already."""

    day: date
    unmarked: tuple[Table, ...]


def bronze_tables() -> tuple[Table, ...]:
    """The tables of landed lines."""
    return tuple(contract_of(name) for task in REFINE for name in task.tables if name.startswith("bronze."))


def rejected_tables() -> tuple[Table, ...]:
    """The tables of rejected lines."""
    return tuple(table for name, table in contracts("silver").items() if name.endswith(REJECTED))


def cutoff_day(newest: date | None, keep_days: int | None, recorded: Sequence[date | None]) -> date | None:
    """The first landed day whose raw text is kept; None when all is. What was expired once stays expired.

    >>> cutoff_day(date(2026, 6, 30), 7, [None, date(2026, 6, 1)]), cutoff_day(date(2026, 6, 30), 7, [date(2026, 6, 28)])
    (datetime.date(2026, 6, 24), datetime.date(2026, 6, 28))
    """
    if newest is None or keep_days is None:
        return None
    return max([newest - timedelta(days=keep_days - 1), *(day for day in recorded if day is not None)])


def cutoff(lake: Lake, keep_days: int | None) -> Cutoff | None:
    """The cutoff of the lake as it stands; None when nothing expires."""
    existing = [table for table in bronze_tables() if lake.exists(table)]
    recorded = {table.name: expired_before(lake, table) for table in existing}
    newest = max((day for table in existing for day in _partitions(lake, table)), default=None)
    day = cutoff_day(newest, keep_days, list(recorded.values()))
    return None if day is None else Cutoff(day, tuple(table for table in existing if recorded[table.name] != day))


def plan(context: Context, found: Cutoff | None) -> list[Going]:
    """What lies before the cutoff."""
    if found is None:
        return []
    reason, going = f"landed before {found.day}", []
    for table in bronze_tables():
        expired = {day: size for day, size in _partitions(context.lake, table).items() if day < found.day}
        if expired:
            going.append(Going(PART, table.name, PARTITION, tuple(map(str, sorted(expired))), reason, sum(expired.values())))
    for table in rejected_tables():
        if context.lake.exists(table):
            text = context.lake.read(table).where((F.col("landed_date") < F.lit(found.day)) & (F.col("raw_line") != ""))
            rows = text.groupBy("landed_date").agg(F.sum(F.octet_length("raw_line")).alias("bytes")).orderBy("landed_date").collect()
            if rows:
                days, size = tuple(str(row["landed_date"]) for row in rows), sum(row["bytes"] for row in rows)
                going.append(Going(PART, table.name, TEXT, days, f"{reason}; reasons and places stay", size))
    return going + _landed(context.store, context.source.name, found.day, reason)


def execute(context: Context, found: Cutoff | None, plan: Sequence[Going]) -> None:
    """Write the cutoff down, then take out exactly what was planned."""
    if found is None:
        return
    for table in found.unmarked:
        context.lake.set_property(table, EXPIRED_BEFORE, str(found.day))
    notes = {EXPIRED_BEFORE.partition(".")[2]: str(found.day)}
    for going in plan:
        if going.kind == FILE:
            continue
        table = contract_of(going.subject)
        days = days_condition(str(table.partitioned_by), map(date.fromisoformat, going.names))
        kept = context.lake.read(table).where("false" if going.kind == PARTITION else days)
        context.lake.stage(table, kept.withColumn("raw_line", F.lit("")), days, notes)
    context.lake.publish()
    for going in plan:
        if going.kind == FILE:
            context.store.delete(going.names)


def floor_of(history: History) -> Snapshot | None:
    """The newest published snapshot that took expired raw text out of a table: those before it still hold that text."""
    return next((one for one in history.ancestors(history.head()) if EXPIRED_BEFORE in one.summary), None)


def floors_of(histories: Sequence[History], planned: Sequence[Going]) -> Mapping[str, Snapshot]:
    """Table -> floor. ``planned`` is what a dry run would have taken out: then the head of today stands for the snapshot to come."""
    touched = {going.subject for going in planned}
    found = {history.table: history.head() if history.table in touched else floor_of(history) for history in histories}
    return {table: floor for table, floor in found.items() if floor is not None}


def _partitions(lake: Lake, table: Table) -> dict[date, int]:
    """Landed day -> bytes, from the table's metadata."""
    if not lake.exists(table):
        return {}
    rows = lake.spark.table(f"{LAKE}.{table.name}.partitions").select("partition.*", "total_data_file_size_in_bytes").collect()
    return {row["landed_date"]: row["total_data_file_size_in_bytes"] for row in rows}


def _landed(store: Store, source: str, cutoff_day: date, reason: str) -> list[Going]:
    """The landed files before the cutoff, by feed; markers stay."""
    found = []
    for feed in store.folders(f"landing/{source}/"):
        prefix = f"landing/{source}/{feed}/"
        days = [day for day in store.folders(prefix) if day < str(cutoff_day)]
        files = [entry for day in days for entry in store.list(f"{prefix}{day}/") if not entry.key.endswith(f"/{MARKER}")]
        if files:
            names = tuple(entry.key for entry in files)
            found.append(Going(PART, prefix, FILE, names, f"{reason}; markers stay", sum(entry.size for entry in files)))
    return found
