"""Snapshots that nobody needs: not a branch, not a tag, not whoever reads ``main`` as it was a few days ago."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pyspark.sql import SparkSession

from jobs.catalog import LAKE
from jobs.maintenance.going import Going
from jobs.maintenance.history import History, Snapshot
from jobs.maintenance.tags import is_below

PART = "snapshots"
_NEVER = "TIMESTAMP '1970-01-01 00:00:00'"


def plan(histories: Sequence[History], older_than: datetime, floors: Mapping[str, Snapshot]) -> list[Going]:
    """The snapshots that may go, oldest first, a line for each reason."""
    found = []
    for history in histories:
        floor = floors.get(history.table)
        going = expirable(history, older_than, floor)
        raw = [snapshot for snapshot in going if is_below(snapshot, floor)]
        old = [snapshot for snapshot in going if snapshot not in raw]
        for snapshots, reason in (
            (old, f"older than {older_than:%Y-%m-%d %H:%M} UTC and named by nothing"),
            (raw, "they hold raw text whose retention has ended"),
        ):
            if snapshots:
                names = tuple(str(snapshot.id) for snapshot in snapshots)
                found.append(Going(PART, history.table, "snapshot", names, reason, sum(held_by(history, one) for one in snapshots)))
    return found


def expirable(history: History, older_than: datetime, floor: Snapshot | None = None) -> list[Snapshot]:
    """The snapshots that no reference points to and that were not current on any branch since ``older_than``, oldest first.

    The one that was current at ``older_than`` itself stays, so that every instant since then can be read. A snapshot below the floor goes
    however young it is: it holds raw text that has expired.
    """
    heads = {ref.snapshot_id for ref in history.references}
    kept = heads | {snapshot.id for snapshot in history.snapshots.values() if snapshot.committed_at >= older_than}
    for ref in history.references:
        if ref.is_branch:
            before = (one for one in history.ancestors(history.snapshots[ref.snapshot_id]) if one.committed_at < older_than)
            kept |= {one.id for one in (next(before, None),) if one is not None}
    going = [one for one in history.snapshots.values() if one.id not in kept or (one.id not in heads and is_below(one, floor))]
    return sorted(going, key=lambda one: (one.committed_at, one.id))


def held_by(history: History, snapshot: Snapshot) -> int:
    """Bytes of data files that may go with a snapshot: those that the one after it removed, or that it alone has added.

    An upper bound: a file that a tag of an older snapshot holds stays.
    """
    after = [one for one in history.snapshots.values() if one.parent_id == snapshot.id]
    return sum(one.number("removed-files-size") for one in after) if after else snapshot.number("added-files-size")


def execute(spark: SparkSession, plan: Sequence[Going]) -> None:
    """Expire exactly the planned snapshots, with the files that no other snapshot names.

    ``older_than`` is set to a time before all of them, because the procedure would expire by its own default age as well. A snapshot that
    a crashed execution has expired already is not planned again.
    """
    for table in dict.fromkeys(going.subject for going in plan):
        ids = ", ".join(name for going in plan if going.subject == table for name in going.names)
        arguments = f"table => '{table}', older_than => {_NEVER}, snapshot_ids => array({ids})"
        spark.sql(f"CALL {LAKE}.system.expire_snapshots({arguments})").collect()
