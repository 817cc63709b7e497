"""The end of a refined day: its set."""

import logging
from typing import Any

from jobs.catalog import SET_TABLES
from jobs.context import Context
from jobs.shell import step_of

LOG = logging.getLogger("tradewind")


def record(context: Context) -> dict[str, Any]:
    """Name the snapshots that belong together for the interval's last day; returns the set's id and how many tables it names."""
    tables = [write.table for name in SET_TABLES for write in step_of(name).writes]
    day_set = context.lake.record_set(context.interval.last_day, tables)
    LOG.info("set %s: %d tables", day_set.set_id, len(day_set.snapshots))
    return {"set_id": day_set.set_id, "tables": len(day_set.snapshots)}
