"""The one writer of the lake: stage on a branch, audit what was written, fast-forward all tables of a task together.

Nobody sees a staged table before ``publish``. A crash leaves a branch behind that nobody reads; the next attempt starts over under a branch
of its own, and ``maintain_weekly`` sweeps what is stale.
"""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs.catalog import LAKE
from jobs.contract import Table, conform
from jobs.errors import BadDataError, ContractError, LostRaceError
from jobs.interval import Interval
from jobs.ops.sets import SETS

PROPERTY = "tradewind."
"""Prefix of what a snapshot's summary says about the run that wrote it."""

TAG_RETENTION_DAYS, DAY_MS = 400, 86_400_000
SET_TAG, RELEASE_TAG = "set_", "release_"
"""How the tags of a set and of a release begin; the id follows."""

REJECTED = "_rejected"
"""How the name of a table of rejected lines ends."""

MOST_VALUES_ASKED = 100
"""Values that a condition on a key lists at most; Iceberg looks no further than 200 in one."""


MOST_OPEN_PARTITIONS = 8
"""Partitions of which a task may hold a file open each, so that rows need no shuffle and no sort before they are written.

Only where adaptive execution has made the tasks as large as their rows ask for: a handful of fixed ones would leave as many small files a
partition.
"""


@dataclass(frozen=True)
class Attempt:
    """Who writes: the run, its attempt, the landing interval, the version of the code."""

    run_id: str
    attempt: int
    interval: Interval
    code_version: str

    @property
    def branch(self) -> str:
        """Name of the branch on which this attempt stages; legal as an Iceberg reference."""
        return f"run_{re.sub(r'[^A-Za-z0-9]+', '_', self.run_id)}_{self.attempt}".lower()


@dataclass(frozen=True)
class Staged:
    """A table written on the attempt's branch: the snapshot to audit, and the rows that were replaced."""

    table: Table
    snapshot_id: int
    condition: str


@dataclass(frozen=True)
class DaySet:
    """The snapshots that belong together for a day: table name -> snapshot id."""

    set_id: str
    day: date
    snapshots: Mapping[str, int]


@dataclass
class Lake:
    """The tables, as one attempt sees them: what it has staged itself, otherwise what is published."""

    spark: SparkSession
    attempt: Attempt
    _staged: dict[str, Staged] = field(default_factory=dict)
    _read: dict[str, int] = field(default_factory=dict)
    _pinned: dict[str, int] = field(default_factory=dict)
    _named: dict[str, int] = field(default_factory=dict)
    _existing: set[str] = field(default_factory=set)
    _creating: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    # reading

    def exists(self, table: Table) -> bool:
        """Whether the table has been created."""
        if table.name not in self._existing and self.spark.catalog.tableExists(_full(table.name)):
            self._existing.add(table.name)
        return table.name in self._existing

    def read(self, table: Table, snapshot_id: int | None = None) -> DataFrame:
        """All rows: of one snapshot, or as this attempt sees the table. A table that was never written is empty."""
        if snapshot_id is not None:
            self._named[table.name] = snapshot_id
            return self.spark.read.option("versionAsOf", snapshot_id).table(_full(table.name))
        if table.name in self._staged:
            return self.spark.read.option("branch", self.attempt.branch).table(_full(table.name))
        current = self._pinned.get(table.name) or self.snapshot_id(table)
        if current is None:
            return self.spark.createDataFrame([], table.struct())
        self._read[table.name] = current
        return self.spark.read.option("versionAsOf", current).table(_full(table.name))

    def read_before(self, table: Table) -> DataFrame:
        """All rows as they were published before this run wrote the table for the first time; none when nothing was, or it has expired."""
        snapshot_id = self._before_run(table.name) if self.exists(table) else None
        if snapshot_id is None:
            return self.spark.createDataFrame([], table.struct())
        return self.spark.read.option("versionAsOf", snapshot_id).table(_full(table.name))

    @property
    def taken(self) -> dict[str, int]:
        """Table name -> snapshot id of what this attempt has read so far: as it sees the table, or by name."""
        return {**self._read, **self._named}

    def pin(self, day_set: DaySet) -> None:
        """From now on read the tables of a set at its snapshots, not where ``main`` has moved to since."""
        self._pinned.update(day_set.snapshots)

    def snapshot_id(self, table: Table) -> int | None:
        """The published snapshot; None before the first."""
        return self._reference(table.name, "main") if self.exists(table) else None

    def written_snapshot(self, table: Table) -> int | None:
        """The published snapshot that a run wrote last; None before the first.

        Compaction moves ``main`` and leaves the rows as they are: what was audited, and what a set names, is the snapshot before it.
        """
        if not self.exists(table):
            return None
        loaded = self._metadata(table.name)
        snapshot = loaded.snapshot("main")
        written = _written(loaded, snapshot) or snapshot
        return int(written.snapshotId()) if written is not None else None

    def has_snapshot(self, name: str, snapshot_id: int) -> bool:
        """Whether a snapshot of an existing table can still be read, or has expired."""
        return self._metadata(name).snapshot(snapshot_id) is not None

    def location(self, name: str) -> str:
        """The address of a table's folder."""
        return str(self._metadata(name).location())

    def property_of(self, table: Table, name: str) -> str | None:
        """One property of the table; None where it is not set, or the table does not exist yet."""
        value = self._metadata(table.name).properties().get(name) if self.exists(table) else None
        return None if value is None else str(value)

    def set_property(self, table: Table, name: str, value: str) -> None:
        """Set one property of an existing table, at once and for everybody."""
        self.spark.sql(f"ALTER TABLE {_full(table.name)} SET TBLPROPERTIES ('{name}'='{_quoted(value)}')")

    def run_snapshot(self, table: Table, run_id: str) -> int | None:
        """The newest published snapshot that ``run_id`` wrote; None when it wrote none."""
        if not self.exists(table):
            return None
        mine = self.spark.table(f"{_full(table.name)}.snapshots").where(F.col("summary")[f"{PROPERTY}run_id"] == run_id)
        published = self.spark.table(f"{_full(table.name)}.history").where("is_current_ancestor").select("snapshot_id")
        row = mine.join(published, "snapshot_id").orderBy(F.desc("committed_at"), "snapshot_id").first()
        return int(row["snapshot_id"]) if row else None

    def read_set(self, day: date) -> DaySet:
        """The newest set of a day; raises BadDataError when the day has none, or its snapshots have expired.

        Rejected lines go when their raw text does: a set whose rejected twins have expired comes without them.
        """
        rows = self.read(SETS).where(F.col("day") == F.lit(day)).orderBy(F.desc("sequence"), "table_name").collect()
        if not rows:
            raise BadDataError(
                "ops.sets", expected=f"a set for {day}", found="none", advice=f"Run refine_daily for {day} first; it records the set."
            )
        newest = [row for row in rows if row["sequence"] == rows[0]["sequence"]]
        snapshots = {row["table_name"]: row["snapshot_id"] for row in newest}
        expired = [name for name, snapshot_id in snapshots.items() if not self.has_snapshot(name, snapshot_id)]
        lost = [name for name in expired if not name.endswith(REJECTED)]
        if lost:
            raise BadDataError(
                f"set {newest[0]['set_id']}",
                expected="snapshots that can be read",
                found=f"expired ones of {', '.join(lost)}",
                advice=f"Run refine_daily for {day} again; it records a new set.",
            )
        return DaySet(newest[0]["set_id"], day, {name: snapshot_id for name, snapshot_id in snapshots.items() if name not in expired})

    # writing

    def ensure(self, table: Table) -> None:
        """Create the table, or add the columns that its contract has gained; raises ContractError for any other change."""
        with self._creating:  # two threads that make the namespace at once would collide
            self._ensure(table)

    def _ensure(self, table: Table) -> None:
        name = _full(table.name)
        if not self.exists(table):
            self.spark.sql(f"CREATE NAMESPACE IF NOT EXISTS {LAKE}.{table.layer}")
            fields = ", ".join(f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'} COMMENT '{_quoted(c.doc)}'" for c in table.columns)
            partitions = f"PARTITIONED BY ({table.partitioned_by})" if table.partitioned_by else ""
            self.spark.sql(
                f"CREATE TABLE IF NOT EXISTS {name} ({fields}) USING iceberg {partitions} COMMENT '{_quoted(table.doc)}' "
                "TBLPROPERTIES ('format-version'='2', 'write.spark.accept-any-schema'='false', 'commit.retry.num-retries'='8', "
                "'write.metadata.delete-after-commit.enabled'='true', 'write.metadata.previous-versions-max'='50')"
            )
            return
        found = {f.name: f.dataType.simpleString() for f in self.spark.table(name).schema.fields}
        wanted = {f.name: f.dataType.simpleString() for f in table.struct().fields}
        added = [c for c in table.columns if c.name not in found]
        wrong = [f"{n} is {kind} in the lake" for n, kind in found.items() if wanted.get(n) != kind]
        wrong += [f"{c.name} is new and not nullable" for c in added if not c.nullable]
        if wrong:
            raise ContractError(
                table.name,
                expected="the columns of its contract, with nullable additions at most",
                found="; ".join(wrong),
                advice="Publish the change as a new version of the table.",
            )
        for column in added:
            self.spark.sql(f"ALTER TABLE {name} ADD COLUMN `{column.name}` {column.type} COMMENT '{_quoted(column.doc)}'")

    def stage(
        self, table: Table, df: DataFrame, condition: str, notes: Mapping[str, str] | None = None, *, partitions: int | None = None
    ) -> Staged:
        """Replace the rows that meet ``condition`` by ``df``, on this attempt's branch; ``notes`` go into the snapshot's summary too.

        ``partitions`` is how many the rows may be of, where that is known: few of them are written from where they are.

        No rows replace by nothing: an empty day becomes empty. Raises ContractError when the columns differ from the contract or a row of
        ``df`` does not meet the condition; nothing is visible either way.
        """
        self.ensure(table)
        name, branch = _full(table.name), self.attempt.branch
        if table.name not in self._staged:
            self._begin_branch(table.name)
        stray = F.raise_error(F.lit(f"{table.name}: a row outside of {condition}"))
        checked = conform(df, table).where(
            F.when(F.coalesce(F.expr(condition), F.lit(False)), F.lit(True)).otherwise(stray.cast("boolean"))
        )
        writer = checked.writeTo(f"{name}.branch_{branch}")
        for key, value in (self._summary(condition) | dict(notes or {})).items():
            writer = writer.option(f"snapshot-property.{PROPERTY}{key}", value)
        if partitions is not None and partitions <= MOST_OPEN_PARTITIONS and self.spark.conf.get("spark.sql.adaptive.enabled") == "true":
            writer = writer.option("distribution-mode", "none").option("fanout-enabled", "true")
        try:
            writer.overwrite(F.expr(condition))
        except PySparkException as error:
            if "USER_RAISED_EXCEPTION" in str(error) and "a row outside of" in str(error):
                raise ContractError(
                    table.name, expected=f"rows within {condition}", found="a stray row", advice="Mend the build, or widen its scope."
                ) from error
            raise
        snapshot_id = self._reference(table.name, branch)
        if snapshot_id is None:
            message = f"{table.name}: the write left no snapshot on branch {branch}"
            raise RuntimeError(message)
        staged = Staged(table, snapshot_id, condition)
        self._staged[table.name] = staged
        return staged

    def replaced_rows(self, staged: Staged) -> DataFrame:
        """The rows that were written, read back from the staged snapshot."""
        return self.read(staged.table, staged.snapshot_id).where(staged.condition)

    def publish(self) -> dict[str, int]:
        """Fast-forward every staged table to its audited snapshot; returns table name -> snapshot id.

        Raises LostRaceError when a branch is no longer what was audited, or ``main`` has moved since it was made.
        """
        branch = self.attempt.branch
        for staged in self._staged.values():
            head = self._reference(staged.table.name, branch)
            if head != staged.snapshot_id:
                raise _lost(staged.table.name, f"the audited snapshot {staged.snapshot_id} on branch {branch}", f"snapshot {head}")
        published = {}
        for staged in self._staged.values():
            try:
                # One commit for both, without a query: a query for each cost a task of six tables some seconds.
                self._metadata(staged.table.name).manageSnapshots().fastForwardBranch("main", branch).removeBranch(branch).commit()
            except (Py4JJavaError, PySparkException) as error:
                if "not an ancestor" in str(error):
                    raise _lost(staged.table.name, "main unchanged since the branch was made", "a newer snapshot on main") from error
                raise
            published[staged.table.name] = staged.snapshot_id
        self._staged.clear()
        return published

    def discard(self) -> None:
        """Drop this attempt's branches; what was not published is gone."""
        for name in list(self._staged):
            self.spark.sql(f"ALTER TABLE {_full(name)} DROP BRANCH IF EXISTS `{self.attempt.branch}`")
            del self._staged[name]

    def append_rows(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Record rows in an ``ops`` table at once, outside of any branch; a row with the same key is replaced.

        ``run_id`` and ``attempt`` are filled in. New keys, the rule, are appended: appends of two tasks never conflict.
        """
        if not rows:
            return
        self.ensure(table)
        who = {"run_id": self.attempt.run_id, "attempt": self.attempt.attempt}
        frame = self.spark.createDataFrame(
            [Row(**{c: ({**row, **who}).get(c) for c in table.column_names}) for row in rows], table.struct()
        ).coalesce(1)
        keys = list(table.key)
        known = self.read(table)
        for key in keys:
            values = {value for row in rows if (value := {**row, **who}.get(key)) is not None}
            # Plain conditions let Iceberg skip the files of other runs and days, so that recording costs the same after years.
            if 1 <= len(values) <= MOST_VALUES_ASKED:
                known = known.where(F.col(key).isin(*values))
        if known.join(F.broadcast(frame.select(keys)), keys, "left_semi").isEmpty():
            frame.writeTo(_full(table.name)).append()
            return
        view = f"_{table.name.replace('.', '_')}_rows"
        frame.createOrReplaceTempView(view)
        matches = " AND ".join(f"t.`{key}` = s.`{key}`" for key in keys)
        self.spark.sql(
            f"MERGE INTO {_full(table.name)} t USING {view} s ON {matches} WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"  # nosec B608
        )
        self.spark.catalog.dropTempView(view)

    def record_set(self, day: date, tables: Iterable[Table]) -> DaySet:
        """Name the published snapshots of ``tables`` as the day's newest set, and tag each so that expiry spares it."""
        taken = self.read(SETS).where(F.col("day") == F.lit(day)).agg(F.max("sequence").alias("sequence")).first()
        sequence = int(taken["sequence"] or 0) + 1 if taken else 1
        set_id = f"{day}-{sequence:06d}"
        snapshots = {table.name: snapshot for table in tables if (snapshot := self.written_snapshot(table)) is not None}
        for name, snapshot_id in snapshots.items():
            self.tag(name, tag_of(SET_TAG, set_id), snapshot_id, retain_days=TAG_RETENTION_DAYS)
        self.append_rows(
            SETS,
            [
                {"set_id": set_id, "day": day, "sequence": sequence, "table_name": name, "snapshot_id": snapshot_id}
                for name, snapshot_id in snapshots.items()
            ],
        )
        return DaySet(set_id, day, snapshots)

    def tag(self, name: str, tag: str, snapshot_id: int, *, retain_days: int | None = None) -> None:
        """Name a snapshot of a table, so that expiry spares it; without ``retain_days`` until the tag is dropped."""
        table = self._metadata(name)
        references = table.manageSnapshots()
        named = references.replaceTag(tag, snapshot_id) if tag in table.refs() else references.createTag(tag, snapshot_id)
        (named.setMaxRefAgeMs(tag, retain_days * DAY_MS) if retain_days else named).commit()

    def drop_tag(self, name: str, tag: str) -> None:
        """Drop a tag; one that is gone already is no error."""
        self.spark.sql(f"ALTER TABLE {_full(name)} DROP TAG IF EXISTS `{tag}`")

    # inside

    def _begin_branch(self, name: str) -> None:
        """This attempt's branch, at what is published; one that an attempt of its name has left begins anew."""
        table, branch = self._metadata(name), self.attempt.branch
        if branch in table.refs():
            table.manageSnapshots().removeBranch(branch).commit()
        table.manageSnapshots().createBranch(branch).commit()

    def _reference(self, name: str, reference: str) -> int | None:
        """Head of a branch or tag, from the table's metadata alone: asked a few dozen times a task, a Spark query each was seconds."""
        snapshot = self._metadata(name).snapshot(reference)
        return int(snapshot.snapshotId()) if snapshot is not None else None

    def _before_run(self, name: str) -> int | None:
        """The newest published snapshot without what this run wrote, whatever attempts of it have published and compaction has joined."""
        table = self._metadata(name)
        snapshot = table.snapshot("main")
        while snapshot is not None:
            written = _written(table, snapshot)
            if written is None or written.summary().get(f"{PROPERTY}run_id") != self.attempt.run_id:
                return int(snapshot.snapshotId())
            snapshot = _parent(table, written)
        return None

    def _metadata(self, name: str) -> Any:
        spark: Any = self.spark
        return spark.sparkContext._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, _full(name))

    def _summary(self, condition: str) -> dict[str, str]:
        return {
            "run_id": self.attempt.run_id,
            "attempt": str(self.attempt.attempt),
            "code_version": self.attempt.code_version,
            "interval": str(self.attempt.interval),
            "condition": condition,
            "read": ",".join(f"{name}@{snapshot_id}" for name, snapshot_id in sorted(dict(self._read).items())),
        }


def tag_of(kind: str, identifier: str) -> str:
    """The tag of a set or a release.

    >>> tag_of(RELEASE_TAG, "2026-06-30-000001")
    'release_2026_06_30_000001'
    """
    return f"{kind}{identifier.replace('-', '_')}"


def days_condition(column: str, days: Iterable[date]) -> str:
    """SQL that holds for rows whose ``column`` is one of ``days``; runs of days become half-open ranges. ``false`` for no days.

    >>> days_condition("day", [date(2013, 7, 1), date(2013, 7, 2), date(2013, 7, 9)])
    "(day >= DATE'2013-07-01' AND day < DATE'2013-07-03') OR (day >= DATE'2013-07-09' AND day < DATE'2013-07-10')"
    """
    ranges: list[Interval] = []
    for day in sorted(set(days)):
        alone = Interval(day, date.fromordinal(day.toordinal() + 1))
        if ranges and ranges[-1].end == day:
            alone = Interval(ranges.pop().start, alone.end)
        ranges.append(alone)
    return " OR ".join(f"({column} >= DATE'{r.start}' AND {column} < DATE'{r.end}')" for r in ranges) or "false"


def _written(table: Any, snapshot: Any) -> Any:
    """The snapshot in which a run wrote what ``snapshot`` shows, from before any compaction; None when that has expired."""
    while snapshot is not None and snapshot.operation() == "replace":
        snapshot = _parent(table, snapshot)
    return snapshot


def _parent(table: Any, snapshot: Any) -> Any:
    parent = snapshot.parentId()
    return table.snapshot(parent) if parent is not None else None


def _full(name: str) -> str:
    return f"{LAKE}.{name}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _lost(name: str, expected: str, found: str) -> LostRaceError:
    return LostRaceError(
        name, expected=expected, found=found, advice="Another run published first; this one stages anew on its next attempt."
    )
