"""Publish a day: from the set and the scored tables of one run to a committed release."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from pyspark.sql import DataFrame

from jobs.content_hash import content_hash
from jobs.context import Context
from jobs.contract import Table
from jobs.errors import BadDataError
from jobs.export.exports import Export, exports
from jobs.export.writing import Exported, Provenance, rows_of_day, write_export
from jobs.lake import RELEASE_TAG, DaySet, tag_of
from jobs.ops.decisions import DECISIONS
from jobs.ops.quality_results import QUALITY_RESULTS
from jobs.ops.releases import RELEASES
from jobs.release.listing import list_releases
from jobs.release.models import ScoredTable, models_served
from jobs.release.quality import require_passed, verdicts
from jobs.release.record import Content, Release, ReleaseKey, SetVersion, TableVersion
from jobs.release.releases import commit, read_all, reserve
from jobs.release.reporting import report
from jobs.shell import step_of
from jobs.tables import contract_of

LOG = logging.getLogger("tradewind")

TABLES_HASHED_AT_A_TIME = 4
"""A small table costs its planning more than its rows, and that leaves the workers idle."""


@dataclass(frozen=True)
class Scored:
    """One scored table of the run: what is exported of it, the snapshot that the run published, its rows of the day."""

    export: Export
    snapshot_id: int
    rows: DataFrame


def publish(context: Context, declared: Sequence[Export] | None = None) -> dict[str, Any]:
    """Export the scored tables of the interval's last day, verify them, commit the release; returns what was done.

    Readers see nothing before the last step. ``declared`` narrows what is exported. Publishing unchanged tables again gives a new release
    with the same content hashes. Raises BadDataError when the day has no set, or a table was not scored by this run or did not pass its
    audit.
    """
    day, created_at = context.interval.last_day, datetime.now(UTC)
    day_set = context.lake.read_set(day)
    scored = [_scored(context, export, day) for export in (exports() if declared is None else declared)]
    snapshots = {one.export.table.name: one.snapshot_id for one in scored}
    quality = verdicts(context.lake.read(QUALITY_RESULTS), {**day_set.snapshots, **snapshots})
    require_passed(snapshots, quality)
    models = models_served(
        [ScoredTable(name, step_of(name).model, one.rows) for name, one in zip(snapshots, scored, strict=True)],
        context.lake.read(DECISIONS),
    )

    who = {"run_id": context.run_id, "attempt": context.attempt, "created_at": created_at.isoformat()}
    key = reserve(context.store, day, who)
    LOG.info("release %s: exporting %s", key.id, ", ".join(snapshots))
    for name, snapshot_id in snapshots.items():  # before the commit: what a committed release names is spared from its first moment
        context.lake.tag(name, tag_of(RELEASE_TAG, key.id), snapshot_id)
    done = [_export(context, one, key=key, day_set=day_set, models=models, quality=quality) for one in scored]

    earlier = read_all(context.store)
    content = Content(
        day=day,
        set=SetVersion(id=day_set.set_id, tables=_set_tables(context, day_set.snapshots, earlier)),
        tables={
            one.export.table.name: TableVersion(snapshot_id=str(one.snapshot_id), content_hash=export.content_hash)
            for one, export in zip(scored, done, strict=True)
        },
        models=models,
        exports={export.name: export.as_dict() for export in done},
        quality=quality,
    )
    release = Release(
        id=key.id,
        day=day,
        sequence=key.sequence,
        run_id=context.run_id,
        attempt=context.attempt,
        code_version=context.code_version,
        created_at=created_at,
        content=content,
    )
    page = report(context, release, day_set, {one.export.table.name: one.rows for one in scored}, earlier)
    is_current = commit(context.store, release)
    LOG.info("release %s committed%s", release.id, "" if is_current else "; a later one stays current")
    releases = read_all(context.store)
    record(context, releases)
    list_releases(context.store, releases)
    LOG.info("report of the release: %s", page)
    return {
        "release": release.id,
        "is_current": is_current,
        "page": page,
        "rows": {export.name: export.rows for export in done},
        "content_hashes": {export.name: export.content_hash for export in done},
        "models": models,
    }


def record(context: Context, releases: Iterable[Release]) -> None:
    """Copy releases that ``ops.releases`` does not list yet: this one, withdrawals, and those of a publisher that died after its commit."""
    listed = {row["release_id"] for row in context.lake.read(RELEASES).select("release_id").collect()}
    rows = [
        {
            "release_id": release.id,
            "day": release.day,
            "sequence": release.sequence,
            "is_withdrawal": release.is_withdrawal,
            "content": release.as_json(),
        }
        for release in releases
        if release.id not in listed
    ]
    context.lake.append_rows(RELEASES, rows)


def _scored(context: Context, export: Export, day: date) -> Scored:
    snapshot_id = context.lake.run_snapshot(export.table, context.run_id)
    if snapshot_id is None:
        raise BadDataError(
            export.table.name,
            expected=f"a snapshot that run {context.run_id} published",
            found="none",
            advice="Run the score task of the same run first; a release never mixes runs.",
        )
    return Scored(export, snapshot_id, rows_of_day(export, context.lake.read(export.table, snapshot_id=snapshot_id), day))


def _export(
    context: Context,
    one: Scored,
    *,
    key: ReleaseKey,
    day_set: DaySet,
    models: dict[str, dict[str, Any]],
    quality: Mapping[str, dict[str, int]],
) -> Exported:
    provenance = Provenance(
        release_id=key.id,
        day=key.day,
        snapshot_id=one.snapshot_id,
        set_snapshots=dict(day_set.snapshots),
        models=models,
        quality=quality[one.export.table.name],
    )
    exported = write_export(one.export, one.rows, context.store, provenance)
    LOG.info("%s: %d rows in %d files, %s", one.export.name, exported.rows, len(exported.files), exported.content_hash)
    return exported


def _set_tables(context: Context, snapshots: Mapping[str, int], earlier: Iterable[Release]) -> dict[str, TableVersion]:
    """Hash each table of the set; a snapshot never changes, so one that an earlier release names is not read again."""
    known = {
        (name, version.snapshot_id): version
        for release in earlier
        for name, version in release.content.set.tables.items()
        if name in snapshots
    }
    unknown = {name: snapshot_id for name, snapshot_id in sorted(snapshots.items()) if (name, str(snapshot_id)) not in known}
    with ThreadPoolExecutor(TABLES_HASHED_AT_A_TIME, thread_name_prefix="hash") as pool:
        hashes = dict(zip(unknown, pool.map(partial(_hash, context), unknown, unknown.values()), strict=True))
    return {
        name: TableVersion(snapshot_id=str(snapshot_id), content_hash=hashes[name]) if name in hashes else known[name, str(snapshot_id)]
        for name, snapshot_id in sorted(snapshots.items())
    }


def _hash(context: Context, name: str, snapshot_id: int) -> str:
    table: Table = contract_of(name)
    return content_hash(context.lake.read(table, snapshot_id=snapshot_id), table)
