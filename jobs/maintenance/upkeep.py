"""The weekly maintenance: each part says what goes, then, unless it is a dry run, exactly that goes.

Every part can be run again and stopped anywhere: what is gone is not planned again, what is left is. It runs as one of the lake's writers.
"""

import io
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import functions as F
from rich.console import Console

from jobs.context import Context
from jobs.lake import Lake
from jobs.maintenance import branches, compaction, expiry, orphans, retention, tags, unfinished
from jobs.maintenance.going import Done, Going, as_result, as_table
from jobs.maintenance.history import History, read_history, tables_of
from jobs.ops.decisions import DECISIONS
from jobs.ops.sets import SETS
from jobs.release.releases import read_all
from jobs.release.sweep import DAY

LOG = logging.getLogger("tradewind")
WIDTH = 160


def maintain(context: Context) -> dict[str, Any]:
    """Maintain the whole lake as of now; returns what went, or would go, by part."""
    tables, now = tables_of(context.spark), datetime.now(UTC)
    parts = [
        *expire_raw_text(context, tables, now),
        sweep_branches(context, tables, now),
        compact(context, tables),
        sweep_orphans(context, tables, now),
        sweep_unfinished(context, now),
    ]
    out = io.StringIO()
    Console(file=out, width=WIDTH).print(as_table(parts, dry_run=context.dry_run))
    LOG.info("maintenance of %d tables\n%s", len(tables), out.getvalue())
    return {"dry_run": context.dry_run, "tables": len(tables), **as_result(parts)}


def expire_raw_text(context: Context, tables: Sequence[str], now: datetime) -> list[Done]:
    """Take out raw text whose retention has ended, then expire tags and snapshots: the older ones hold that text too."""
    cutoff = retention.cutoff(context.lake, context.settings.raw_retention_days)
    plan = retention.plan(context, cutoff)
    if not context.dry_run:
        retention.execute(context, cutoff, plan)
    freed = sum(going.bytes or 0 for going in plan if going.kind == retention.FILE)
    planned = plan if context.dry_run else []
    return [_done(context, retention.PART, plan, freed), *expire_snapshots(context, tables, now, planned)]


def expire_snapshots(context: Context, tables: Sequence[str], now: datetime, raw: Sequence[Going] = ()) -> list[Done]:
    """Tag what committed releases name, drop tags that have had their time, expire what nothing names any more.

    ``raw`` is what a dry run would have taken out of the tables.
    """
    histories = _histories(context, tables)
    floors = retention.floors_of(histories, raw)
    named = tags.Named.of(read_all(context.store), champion_sets(context.lake), unfinished.publishing(context.store, now - DAY))
    added = {history.table: tags.missing(history, named, floors.get(history.table)) for history in histories}
    going = tags.plan(histories, named, now - timedelta(days=context.settings.set_retention_days), floors)
    if context.dry_run:
        histories = [tags.after(history, going, added[history.table]) for history in histories]
    else:
        tags.execute(context.lake, going, added)
        histories = _histories(context, tables)
    plan = expiry.plan(histories, now - timedelta(days=context.settings.snapshot_retention_days), floors)
    before = _sizes(context, plan)
    if not context.dry_run:
        expiry.execute(context.spark, plan)
    return [_done(context, tags.PART, going, 0), _done(context, expiry.PART, plan, before - _sizes(context, plan))]


def sweep_branches(context: Context, tables: Sequence[str], now: datetime) -> Done:
    """Drop the branches of attempts that died; what they alone hold expires with the next maintenance."""
    plan = branches.plan(_histories(context, tables), now - timedelta(hours=context.settings.stale_branch_hours))
    if not context.dry_run:
        branches.execute(context.spark, plan)
    return _done(context, branches.PART, plan, 0)


def compact(context: Context, tables: Sequence[str]) -> Done:
    """Join small files and manifests."""
    plan = compaction.plan(context.spark, tables, context.settings.compact_min_files)
    if not context.dry_run:
        compaction.execute(context.spark, plan)
    return _done(context, compaction.PART, plan, 0)


def sweep_orphans(context: Context, tables: Sequence[str], now: datetime) -> Done:
    """Remove old files that no snapshot names."""
    older_than = now - timedelta(days=context.settings.orphan_days)
    plan = orphans.plan(context.spark, context.store, tables, older_than)
    before = _sizes(context, plan)
    if not context.dry_run:
        orphans.execute(context.spark, plan, older_than)
    return _done(context, orphans.PART, plan, before - _sizes(context, plan))


def sweep_unfinished(context: Context, now: datetime) -> Done:
    """Delete exports and reservations without a release, uploads that were cut off, and what killed fits have left."""
    settings = context.settings
    plan = unfinished.plan(context.store, now, timedelta(days=settings.orphan_days), settings.scratch_folder)
    if not context.dry_run:
        unfinished.execute(context.store, plan)
    return _done(context, unfinished.PART, plan, sum(going.bytes or 0 for going in plan))


def champion_sets(lake: Lake) -> set[str]:
    """Ids of the sets that a promoted model was trained on (every set of that day): its training can be repeated."""
    promoted = lake.read(DECISIONS).where("is_promoted").select(F.col("as_of_date").alias("day")).distinct()
    return {row["set_id"] for row in lake.read(SETS).join(F.broadcast(promoted), "day", "left_semi").select("set_id").distinct().collect()}


def _histories(context: Context, tables: Sequence[str]) -> list[History]:
    return [read_history(context.spark, table) for table in tables]


def _done(context: Context, part: str, plan: Sequence[Going], freed: int) -> Done:
    return Done(part, tuple(plan), None if context.dry_run else freed)


def _sizes(context: Context, plan: Sequence[Going]) -> int:
    """Bytes that the tables of a plan take up in the object store; nothing is asked in a dry run."""
    if context.dry_run:
        return 0
    places = {orphans.key_of(context.lake.location(going.subject)) for going in plan}
    return sum(entry.size for place in sorted(places) for entry in context.store.list(f"{place}/"))
