"""What an answer needs to know, read from the lake: bounded rows, at named snapshots, with partition filters where there are partitions."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.catalog import LAKE
from jobs.contract import Table
from jobs.gold.interactions import INTERACTIONS
from jobs.gold.user_features import USER_FEATURES
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.ops.decisions import DECISIONS
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.ops.runs import RUNS
from jobs.ops.sets import SETS
from jobs.release.quality import verdicts
from jobs.settings import Settings
from jobs.shell import step_of
from jobs.silver.events import EVENTS
from jobs.silver.order_lines import ORDER_LINES
from jobs.sources.source import Source
from jobs.tables import contract_of
from jobs.trace.history import RunOfTable, SetOfDay, Snapshot

LINE_TABLES = (EVENTS, ORDER_LINES)
"""Silver tables whose rows belong to a user."""


@dataclass(frozen=True)
class Rows:
    """The first rows of an answer, and how many there are in all."""

    shown: list[dict[str, Any]]
    total: int


@dataclass(frozen=True)
class Fate:
    """What became of a landed file in one silver table: rows kept by day, lines rejected by their reasons."""

    table: str
    kept: Mapping[date, int]
    rejected: Mapping[tuple[str, ...], int]


class Reader:
    """Questions to the lake; each is one small Spark query."""

    def __init__(self, spark: SparkSession, code_version: str) -> None:
        nobody = Interval(date(1970, 1, 1), date(1970, 1, 2))  # a reader writes nothing; a lake wants to know for whom it works
        self.spark = spark
        self.lake = Lake(spark, Attempt(run_id="trace", attempt=1, interval=nobody, code_version=code_version))

    # snapshots, audits, runs, decisions

    def snapshots(self, wanted: Mapping[str, int]) -> dict[str, Snapshot]:
        """Table name -> its named snapshot; a table whose snapshot has been expired is absent."""
        return {found.table: found for found in self._snapshots({name: [snapshot_id] for name, snapshot_id in wanted.items()})}

    def committed(self, table: str, snapshot_ids: Collection[int]) -> dict[int, Snapshot]:
        """Snapshot id -> snapshot, of one table."""
        return {found.snapshot_id: found for found in self._snapshots({table: list(snapshot_ids)})}

    def verdicts(self, snapshots: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """Table -> what the audit of exactly that snapshot found, as a release counts it."""
        return verdicts(self.lake.read(QUALITY_RESULTS), snapshots)

    def decision(self, family: str, version: str) -> dict[str, Any] | None:
        """The gate's decision about a candidate; None when none is on record."""
        rows = self.lake.read(DECISIONS).where((F.col("family") == family) & (F.col("candidate_version") == version))
        found = rows.orderBy(F.desc("as_of_date"), F.desc("run_id"), F.desc("attempt")).first()
        return found.asDict() if found else None

    def runs(self, tables: Collection[str], day: date, limit: int) -> list[RunOfTable]:
        """The newest attempts at some tables over a landing day, newest first."""
        rows = self.lake.read(RUNS).where(
            F.col("table_name").isin(*tables) & (F.col("interval_start") <= F.lit(day)) & (F.col("interval_end") > F.lit(day))
        )
        newest = rows.orderBy(F.desc("started_at"), F.desc("run_id"), F.desc("attempt"), "table_name").limit(limit).collect()
        return [
            RunOfTable(
                r["run_id"],
                r["attempt"],
                r["table_name"],
                Interval(r["interval_start"], r["interval_end"]),
                r["outcome"],
                r["snapshot_id"],
                r["started_at"].astimezone(UTC),
                r["message"],
            )
            for r in newest
        ]

    def sets(self, table: str, day: date, limit: int) -> list[SetOfDay]:
        """The newest sets of ``day`` and later days with their snapshot of ``table``, newest first."""
        rows = self.lake.read(SETS).where((F.col("table_name") == table) & (F.col("day") >= F.lit(day)))
        newest = rows.orderBy(F.desc("day"), F.desc("sequence")).limit(limit).collect()
        return [SetOfDay(r["set_id"], r["day"], r["snapshot_id"]) for r in newest]

    # rows of a user

    def rows_of_user(self, table: Table, snapshot_id: int, day: date, user: str, *, limit: int, item: str | None = None) -> Rows:
        """The user's rows of a table at the end of ``day``, in order of the key; of one item when one is named."""
        wanted = self._of_day(self.lake.read(table, snapshot_id), table, day).where(F.col("user_id") == user)
        if item is not None and "item_id" in table.column_names:
            wanted = wanted.where(F.col("item_id") == item)
        return _first(wanted, [F.col(name) for name in table.key], limit)

    def features_of_user(self, snapshot_id: int, day: date, user: str) -> dict[str, Any] | None:
        """The user's row of gold.user_features; None when there is none."""
        rows = self.rows_of_user(USER_FEATURES, snapshot_id, day, user, limit=1).shown
        return rows[0] if rows else None

    def lines_of_user(self, snapshots: Mapping[str, int], user: str, day: date, limit: int) -> dict[str, Rows]:
        """Silver table -> the user's newest rows that were known at the end of ``day``, with their landed places."""
        found = {}
        for table in LINE_TABLES:
            if table.name in snapshots:
                known = self._of_day(self.lake.read(table, snapshots[table.name]), table, day)
                known = known.where((F.col("user_id") == user) & (F.col("landed_date") <= F.lit(day)))
                newest = [F.desc(str(table.partitioned_by)), F.desc("source_file"), F.desc("line_number")]
                found[table.name] = _first(known, newest, limit)
        return found

    def counts_of_items(self, snapshot_id: int, items: Collection[str], day: date) -> dict[str, dict[str, int]]:
        """Item -> event type -> events of all users up to the end of ``day``."""
        known = self._of_day(self.lake.read(INTERACTIONS, snapshot_id), INTERACTIONS, day).where(F.col("item_id").isin(*items))
        rows = known.groupBy("item_id", "event_type").agg(F.sum("event_count").alias("events")).orderBy("item_id", "event_type").collect()
        counts: dict[str, dict[str, int]] = {item: {} for item in sorted(items)}
        for row in rows:
            counts[row["item_id"]][row["event_type"]] = row["events"]
        return counts

    def interactions_between(self, snapshot_id: int, first: date, last: date) -> int:
        """Rows of gold.interactions of the days ``first`` to ``last``, both inside."""
        window = (F.col("event_date") >= F.lit(first)) & (F.col("event_date") <= F.lit(last))
        return self.lake.read(INTERACTIONS, snapshot_id).where(window).count()

    # landed lines

    def raw_lines(self, snapshots: Mapping[str, int], places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """File and line number -> the line as it landed, from the bronze snapshots (by table name) that the rows were made of.

        A line that is gone (raw text has an end) is absent.
        """
        by_feed: dict[str, set[tuple[str, int]]] = {}
        for file, number in places:
            by_feed.setdefault(_part_of(file, 2), set()).add((file, number))
        found: dict[tuple[str, int], str] = {}
        for feed, wanted in sorted(by_feed.items()):
            bronze = self._bronze(feed, snapshots)
            if bronze is None:
                continue
            days = sorted({date.fromisoformat(_part_of(file, 3)) for file, _ in wanted})
            lines = self.spark.createDataFrame(sorted(wanted), "source_file string, line_number bigint")
            there = bronze.where(F.col("landed_date").isin(*days) & F.col("source_file").isin(*{file for file, _ in wanted}))
            rows = there.join(F.broadcast(lines), ["source_file", "line_number"]).select("source_file", "line_number", "raw_line").collect()
            found |= {(row["source_file"], row["line_number"]): row["raw_line"] for row in rows}
        return found

    def landed_files(self, snapshots: Mapping[str, int], day: date, limit: int) -> Rows:
        """The files that the bronze snapshots (by table name) hold up to ``day`` with their lines, newest first."""
        frames = []
        for name in sorted(name for name in snapshots if name.startswith("bronze.")):
            bronze = self._bronze(name.removeprefix("bronze."), snapshots)
            if bronze is not None:
                frames.append(bronze.where(F.col("landed_date") <= F.lit(day)).select("landed_date", "source_file"))
        if not frames:
            return Rows([], 0)
        together = frames[0]
        for frame in frames[1:]:
            together = together.union(frame)
        files = together.groupBy("landed_date", "source_file").agg(F.count("*").alias("lines"))
        return _first(files, [F.desc("landed_date"), F.col("source_file")], limit)

    def bronze_file(self, feed: str, day: date, key: str, snapshots: Mapping[str, int]) -> dict[str, Any] | None:
        """What bronze holds of a landed file: lines, first and last number, SHA-256 where it keeps one; None when nothing.

        At the snapshot that ``snapshots`` names, or as published now.
        """
        bronze = self._bronze(feed, snapshots)
        if bronze is None:
            return None
        digest = F.max("file_sha256") if "file_sha256" in bronze.columns else F.lit(None).cast("string")
        row = (
            _of_file(bronze, day, key)
            .agg(
                F.count("*").alias("lines"),
                F.min("line_number").alias("first_line"),
                F.max("line_number").alias("last_line"),
                digest.alias("sha256"),
            )
            .first()
        )
        return row.asDict() if row and row["lines"] else None

    def bronze_lines(self, feed: str, day: date, key: str, snapshots: Mapping[str, int]) -> DataFrame:
        """The lines of a landed file as a frame of bronze's columns, read as ``bronze_file`` reads."""
        bronze = self._bronze(feed, snapshots)
        return _of_file(bronze if bronze is not None else self.lake.read(contract_of(f"bronze.{feed}")), day, key)

    def fate(self, table: Table, snapshots: Mapping[str, int], key: str, landed: date, days: Interval) -> Fate:
        """What became of a file's lines in a silver table and its rejected twin; rows can only lie in the event days ``days``."""
        column = str(table.partitioned_by)
        kept = self._at(table, snapshots).where(_within(column, days) & (F.col("source_file") == key))
        by_day = kept.groupBy(F.col(column).alias("day")).agg(F.count("*").alias("rows")).orderBy("day").collect()
        twin = contract_of(f"{table.name}_rejected")
        of_file = self._at(twin, snapshots).where((F.col("landed_date") == F.lit(landed)) & (F.col("source_file") == key))
        rejected = of_file.groupBy("reasons").agg(F.count("*").alias("lines")).collect()
        return Fate(table.name, {r["day"]: r["rows"] for r in by_day}, {tuple(r["reasons"]): r["lines"] for r in rejected})

    def kept_line(self, table: Table, snapshots: Mapping[str, int], key: str, number: int, days: Interval) -> dict[str, Any] | None:
        """The row that a line was kept as; None when it was not."""
        rows = self._at(table, snapshots).where(_within(str(table.partitioned_by), days))
        found = rows.where((F.col("source_file") == key) & (F.col("line_number") == number)).orderBy(*table.key).first()
        return found.asDict() if found else None

    def rejected_line(self, table: Table, snapshots: Mapping[str, int], key: str, number: int, landed: date) -> list[str] | None:
        """The reasons for which a line was rejected; None when it was not."""
        rows = self._at(contract_of(f"{table.name}_rejected"), snapshots).where(F.col("landed_date") == F.lit(landed))
        found = rows.where((F.col("source_file") == key) & (F.col("line_number") == number)).first()
        return list(found["reasons"]) if found else None

    def merged_into(
        self, table: Table, snapshots: Mapping[str, int], lines: DataFrame, number: int, *, source: Source, settings: Settings
    ) -> dict[str, Any] | None:
        """The row that stands for a line which was neither kept nor rejected; None when the line is no record of this table.

        Found by building ``lines`` alone: the one line, or its whole file where an id counts the repeats in a file.
        """
        step = step_of(table.name)
        keywords = {name: value for name, value in (("source", source), ("settings", settings)) if name in step.takes}
        if step.parses is None:
            return None
        marked = step.parses(*[lines for _ in step.reads], **keywords).persist()  # a filter would hold each rule many times
        try:
            built = step.build(marked, **keywords)[0]
            key = built.where(F.col("line_number") == number).select(*table.key).first()
        finally:
            marked.unpersist()
        if key is None:
            return None
        rows = self._at(table, snapshots)
        for name in table.key:
            rows = rows.where(F.col(name) == F.lit(key[name]))
        found = rows.first()
        return found.asDict() if found else None

    def part_of_user(self, user: str, files: int) -> int:
        """Number of the exported file that a user's rows were dealt to, of ``files``, as ``jobs.export.files`` deals them."""
        row = self.spark.range(1).select(F.pmod(F.hash(F.lit(user)), F.lit(files)).alias("part")).first()
        return int(row["part"]) if row else 0

    # inside

    def _snapshots(self, wanted: Mapping[str, Collection[int]]) -> list[Snapshot]:
        queries = [
            self.spark.table(f"{LAKE}.{name}.snapshots")
            .where(F.col("snapshot_id").isin(*ids))
            .select(F.lit(name).alias("table"), "snapshot_id", "committed_at", "summary")
            for name, ids in sorted(wanted.items())
            if ids and self.lake.exists(contract_of(name))
        ]
        if not queries:
            return []
        together = queries[0]
        for query in queries[1:]:
            together = together.union(query)
        return [
            Snapshot.of_summary(r["table"], r["snapshot_id"], r["committed_at"].astimezone(UTC), dict(r["summary"]))
            for r in together.orderBy("table", "snapshot_id").collect()
        ]

    def _bronze(self, feed: str, snapshots: Mapping[str, int]) -> DataFrame | None:
        """A bronze table at its named snapshot; as ``main`` holds it when none is named or expiry took it; None before it was written."""
        table = contract_of(f"bronze.{feed}")
        if not self.lake.exists(table):
            return None
        snapshot_id = snapshots.get(table.name)
        if snapshot_id is not None and self.snapshots({table.name: snapshot_id}):
            return self.lake.read(table, snapshot_id)
        return self.lake.read(table)

    def _at(self, table: Table, snapshots: Mapping[str, int]) -> DataFrame:
        return self.lake.read(table, snapshots.get(table.name))

    @staticmethod
    def _of_day(rows: DataFrame, table: Table, day: date) -> DataFrame:
        column = table.partitioned_by
        if column is None:
            return rows
        return rows.where(F.col(column) == F.lit(day) if column == "as_of_date" else F.col(column) <= F.lit(day))


def _first(rows: DataFrame, order: Sequence[Column], limit: int) -> Rows:
    shown = [row.asDict(recursive=True) for row in rows.orderBy(*order).limit(limit + 1).collect()]
    total = len(shown) if len(shown) <= limit else rows.count()
    return Rows(shown[:limit], total)


def _of_file(bronze: DataFrame, day: date, key: str) -> DataFrame:
    return bronze.where((F.col("landed_date") == F.lit(day)) & (F.col("source_file") == key))


def _within(column: str, days: Interval) -> Column:
    return (F.col(column) >= F.lit(days.start)) & (F.col(column) < F.lit(days.end))


def _part_of(key: str, place: int) -> str:
    """One part of a landed file's key: 2 is the feed, 3 the day."""
    return key.split("/")[place]
