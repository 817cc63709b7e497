"""A release of given rows, exported and committed as the platform does it, without a lake."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import SparkSession

from jobs.export.exports import Export
from jobs.export.writing import Provenance, write_export
from jobs.release.record import Content, Release, SetVersion, TableVersion
from jobs.release.releases import commit, reserve
from jobs.store import Store

RowsOf = Mapping[Export, Sequence[tuple[Any, ...]]]


def released(store: Store, spark: SparkSession, day: date, rows_of: Callable[[int], RowsOf]) -> Release:
    """Reserve a number, export the rows that ``rows_of`` makes of it, commit."""
    key = reserve(store, day, {"created_at": datetime.now(UTC).isoformat()})
    wanted = rows_of(key.sequence)
    done = {
        export.name: write_export(
            export, spark.createDataFrame(list(rows), export.table.struct()), store, Provenance(key.id, day, key.sequence, {}, {}, {})
        )
        for export, rows in wanted.items()
    }
    content = Content(
        day=day,
        set=SetVersion(id=f"{day}-000001", tables={}),
        tables={export.table.name: TableVersion(snapshot_id="1", content_hash="1-0f") for export in wanted},
        models={},
        exports={name: exported.as_dict() for name, exported in done.items()},
        quality={},
    )
    release = Release(
        id=key.id,
        day=day,
        sequence=key.sequence,
        run_id="small",
        attempt=1,
        code_version="0",
        created_at=datetime.now(UTC),
        content=content,
    )
    commit(store, release)
    return release
