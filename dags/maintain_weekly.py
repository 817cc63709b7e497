"""Maintain the lake: what has had its time goes, what a release names stays.

**What it does.** One task, in this order, each part with its plan in the log before it acts: raw text whose retention has ended (bronze,
the text of rejected lines, landed files); tags and snapshots that no release, no recent set and no branch needs; branches of attempts that
died; small files and manifests are joined; files that no snapshot names; exports and uploads that were never finished. Every committed
release stays readable, by tags that have no end.

**Nothing is deleted unless told.** `dry_run` is true by default: the run prints what would go. Look at the table in the log, then trigger
again with `{"dry_run": false}`. For a weekly run (Sundays at 03:00 UTC) that acts by itself set `TRADEWIND_DAGS_MAINTENANCE_ACTS=on`.
How long things are kept are settings: [docs/maintenance.md](maintenance.md).

**Is a re-run safe?** Yes. What is gone is not planned again, and a run that was stopped is finished by the next. Contents do not change:
tables have the same content hashes before and after, except for raw text whose retention has ended. That does not come back.

**When it fails.**

- *Failed after three retries*: the object store or the catalog. Clear the task; each part picks up where it was.
- *A replay is refused afterwards, "have expired"*: it needs a raw day that is gone. The error names the first day that can be replayed.
- *A writer says that it lost a race*: it ran outside of the pool `lake_writer` while files were joined; its next attempt succeeds.
"""

from airflow.sdk import DAG

from jobs.catalog import MAINTAIN
from orchestration.defaults import DAG_DEFAULTS, MAINTENANCE_PARAMS, weekly
from orchestration.operator import DRY_RUN, RUN_DAY, RUN_DAY_AFTER, submit_in_order

with DAG(dag_id="maintain_weekly", doc_md=__doc__, schedule=weekly("0 3 * * 0"), params=MAINTENANCE_PARAMS, **DAG_DEFAULTS):
    submit_in_order([MAINTAIN], start=RUN_DAY, end=RUN_DAY_AFTER, options=(DRY_RUN,))
