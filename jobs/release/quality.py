"""What the audits found in exactly the snapshots that a release shows."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.errors import BadDataError


def verdicts(results: DataFrame, snapshots: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """Table -> expectations ``evaluated``, ``critical_failed`` and ``warnings``, counted over ``ops.quality_results`` of those snapshots.

    A run that failed once and passed when tried again left results of both attempts; the snapshot tells them apart. A table without a suite
    (bronze) is absent.
    """
    shown = F.lit(False)
    for name, snapshot_id in sorted(snapshots.items()):
        shown |= (F.col("table_name") == name) & (F.col("snapshot_id") == snapshot_id)
    is_critical = F.col("severity") == "critical"
    counts = (
        results.where(shown)
        .groupBy("table_name")
        .agg(
            F.count("*").alias("evaluated"),
            F.count_if(is_critical & ~F.col("is_met")).alias("critical_failed"),
            F.count_if(~is_critical & ~F.col("is_met")).alias("warnings"),
        )
        .orderBy("table_name")
    )
    return {row["table_name"]: {name: int(row[name]) for name in ("evaluated", "critical_failed", "warnings")} for row in counts.collect()}


def require_passed(tables: Mapping[str, int], found: Mapping[str, Mapping[str, int]]) -> None:
    """Raise BadDataError unless each of ``tables`` was audited and met every critical expectation."""
    unaudited = [name for name in tables if found.get(name, {}).get("evaluated", 0) == 0]
    failed = [f"{name} ({found[name]['critical_failed']} critical)" for name in tables if found.get(name, {}).get("critical_failed", 0)]
    if unaudited or failed:
        raise BadDataError(
            "release",
            expected="audited tables that meet every critical expectation",
            found="; ".join([*(f"{name} was never audited" for name in unaudited), *failed]),
            advice="Build the tables again with their suites; nothing was released.",
        )
