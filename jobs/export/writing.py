"""One export of one release: files, read back, then the manifest, then ``_SUCCESS``."""

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.content_hash import content_hash
from jobs.errors import BadDataError
from jobs.export.exports import Export
from jobs.export.files import ExportedFile, verify_files, write_files
from jobs.export.schema import arrow_schema, schema_document
from jobs.store import Store

MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"


@dataclass(frozen=True)
class Provenance:
    """Where an export's rows come from: the release, the table's snapshot, the day's set, the models, what the audits found."""

    release_id: str
    day: date
    snapshot_id: int
    set_snapshots: dict[str, int]
    models: dict[str, dict[str, Any]]
    quality: dict[str, int]


@dataclass(frozen=True)
class Exported:
    """One finished export as a release records it."""

    name: str
    version: int
    prefix: str
    manifest_sha256: str
    content_hash: str
    files: tuple[ExportedFile, ...]

    @property
    def rows(self) -> int:
        """Rows of the export (its Parquet files; the CSV files hold the same)."""
        return sum(file.rows for file in self.files if file.format == "parquet")

    def as_dict(self) -> dict[str, Any]:
        """The export as a release lists it."""
        return {
            "schema_version": self.version,
            "prefix": self.prefix,
            "manifest": f"{self.prefix}{MANIFEST}",
            "manifest_sha256": self.manifest_sha256,
            "rows": self.rows,
            "content_hash": self.content_hash,
            "files": [file.as_dict() for file in self.files],
        }


def rows_of_day(export: Export, df: DataFrame, day: date) -> DataFrame:
    """The rows of the table that a release of ``day`` shows: its ``as_of`` partition, or all of a table without one."""
    column = export.table.partitioned_by
    return df if column is None else df.where(F.col(column) == F.lit(day))


def write_export(export: Export, df: DataFrame, store: Store, provenance: Provenance) -> Exported:
    """Write, verify and describe one export; ``df`` holds the table's rows of the day.

    ``_SUCCESS`` comes last. Raises BadDataError when the written files do not hold every row, TryAgainError when they do not read back.
    """
    prefix = export.prefix(provenance.release_id)
    digest = content_hash(df, export.table)
    rows = int(digest.partition("-")[0])
    files = write_files(
        df,
        arrow_schema(export),
        store=store,
        prefix=prefix,
        files=max(1, math.ceil(rows / export.rows_per_file)),
        spread_by=export.spread_by,
        sort_by=export.table.key,
    )
    for kind in ("parquet", "csv"):
        written = sum(file.rows for file in files if file.format == kind)
        if written != rows:
            raise BadDataError(
                f"export {export.name}",
                expected=f"{rows} rows as {kind}",
                found=str(written),
                advice="The source changed while it was read.",
            )
    verify_files(files, store)
    manifest = json.dumps(_manifest(export, provenance, rows, digest, files), indent=2, ensure_ascii=False).encode()
    store.write(f"{prefix}{MANIFEST}", manifest)
    store.write(f"{prefix}{SUCCESS}", b"")
    return Exported(export.name, export.version, prefix, hashlib.sha256(manifest).hexdigest(), digest, tuple(files))


def _manifest(export: Export, provenance: Provenance, rows: int, digest: str, files: list[ExportedFile]) -> dict[str, Any]:
    return {
        "format": 1,
        "export": export.name,
        "release": provenance.release_id,
        "day": provenance.day.isoformat(),
        "schema": schema_document(export),
        "rows": rows,
        "content_hash": digest,
        "source": {"table": export.table.name, "snapshot_id": str(provenance.snapshot_id)},
        "set": {name: str(snapshot_id) for name, snapshot_id in sorted(provenance.set_snapshots.items())},
        "models": provenance.models,
        "quality": provenance.quality,
        "files": [file.as_dict() for file in files],
    }
