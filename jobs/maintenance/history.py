"""A table's snapshots and references as plain values, so that what may go is decided without Spark."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from jobs.catalog import LAKE
from jobs.tables import LAYERS

MAIN = "main"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """One state of a table: who came before it, when it was committed, by which operation, and what its summary says."""

    id: int
    parent_id: int | None
    committed_at: datetime
    operation: str
    summary: Mapping[str, str]

    def number(self, name: str) -> int:
        """A figure of the summary; 0 where it has none."""
        return int(self.summary.get(name, "0"))


@dataclass(frozen=True)
class Reference:
    """A branch or a tag and the snapshot that it points to."""

    name: str
    is_branch: bool
    snapshot_id: int


@dataclass(frozen=True)
class History:
    """All snapshots and references of one table."""

    table: str
    snapshots: Mapping[int, Snapshot]
    references: tuple[Reference, ...]

    def head(self, name: str = MAIN) -> Snapshot | None:
        """The snapshot of a branch or tag; None when there is no such reference."""
        return next((self.snapshots[ref.snapshot_id] for ref in self.references if ref.name == name), None)

    def ancestors(self, snapshot: Snapshot | None) -> Iterator[Snapshot]:
        """The snapshot and those before it, the newest first, as far back as they have not expired."""
        while snapshot is not None:
            yield snapshot
            snapshot = self.snapshots.get(snapshot.parent_id) if snapshot.parent_id is not None else None

    def tags(self, prefix: str) -> dict[str, int]:
        """Tag -> snapshot id, of the tags that begin with ``prefix``."""
        return {ref.name: ref.snapshot_id for ref in self.references if not ref.is_branch and ref.name.startswith(prefix)}

    def with_tags(self, *, dropped: frozenset[str] = frozenset(), added: Mapping[str, int] | None = None) -> "History":
        """The same history once some tags are dropped and others are there."""
        kept = tuple(ref for ref in self.references if ref.is_branch or ref.name not in dropped)
        return replace(self, references=(*kept, *(Reference(name, False, snapshot) for name, snapshot in (added or {}).items())))


def tables_of(spark: SparkSession) -> tuple[str, ...]:
    """Every table of the lake's layers, ``layer.noun``, whether the code still knows it or not."""
    layers = {row["namespace"] for row in spark.sql(f"SHOW NAMESPACES IN {LAKE}").collect()} & set(LAYERS)
    found = [f"{layer}.{row['tableName']}" for layer in layers for row in spark.sql(f"SHOW TABLES IN {LAKE}.{layer}").collect()]
    return tuple(sorted(found))


def read_history(spark: SparkSession, table: str) -> History:
    """Snapshots and references of one table."""
    columns = ("snapshot_id", "parent_id", "unix_millis(committed_at) AS committed", "operation", "summary")
    snapshots = {
        row["snapshot_id"]: Snapshot(
            row["snapshot_id"],
            row["parent_id"],
            EPOCH + timedelta(milliseconds=row["committed"]),
            row["operation"] or "",
            dict(row["summary"] or {}),
        )
        for row in spark.table(f"{LAKE}.{table}.snapshots").selectExpr(*columns).collect()
    }
    references = tuple(
        Reference(row["name"], row["type"] == "BRANCH", row["snapshot_id"])
        for row in spark.table(f"{LAKE}.{table}.refs").orderBy("name").collect()
    )
    return History(table, snapshots, tuple(ref for ref in references if ref.snapshot_id in snapshots))
