"""Branches of attempts that died: nobody reads them, and nobody will publish them."""

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import SparkSession

from jobs.catalog import LAKE
from jobs.maintenance.going import Going
from jobs.maintenance.history import MAIN, History, Reference

PART = "branches"
ATTEMPT = "run_"
"""How the branch of an attempt begins (``jobs.lake.Attempt.branch``)."""


def plan(histories: Sequence[History], older_than: datetime) -> list[Going]:
    """The attempts' branches that were last written before ``older_than``.

    A running attempt holds the pool of the lake's writers, so none is there while this runs; the age is a second lock. A branch to which
    nothing was ever written has no age of its own, only that it was made before ``main`` moved on; while it has not, it stays: it costs
    nothing, and its owner may be computing.
    """
    found = []
    for history in histories:
        names = [ref.name for ref in history.references if _is_stale(history, ref, older_than)]
        if names:
            found.append(
                Going(PART, history.table, "branch", tuple(names), f"of attempts that died before {older_than:%Y-%m-%d %H:%M} UTC")
            )
    return found


def _is_stale(history: History, ref: Reference, older_than: datetime) -> bool:
    if not ref.is_branch or ref.name == MAIN or not ref.name.startswith(ATTEMPT):
        return False
    head, published = history.snapshots[ref.snapshot_id], list(history.ancestors(history.head()))
    if head not in published:
        return head.committed_at < older_than
    after_it = published[: published.index(head)]
    return bool(after_it) and after_it[-1].committed_at < older_than


def execute(spark: SparkSession, plan: Sequence[Going]) -> None:
    """Drop the branches; one that is gone already is no error."""
    for going in plan:
        for name in going.names:
            spark.sql(f"ALTER TABLE {LAKE}.{going.subject} DROP BRANCH IF EXISTS `{name}`")
