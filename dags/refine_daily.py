"""Refine one landing day: what has landed becomes audited bronze, silver and gold tables, and the day's set is recorded.

**What it does.** `bronze` keeps what has landed, after checking each feed's marker; `silver` parses, rejects, deduplicates and
pseudonymises; `gold` builds interactions, statistics, funnels and user features, and ends by recording the day's *set* (table ->
snapshot) and drawing the *quality page*, to which the task's button "Quality page" leads. Each task publishes all its tables together,
after every audit has passed, or none. The set starts `release_daily`.

**The day** is the run's partition key, `YYYY-MM-DD`: midnight UTC starts the day that has just ended. By hand: trigger with the day as
*partition key*. A run that has only `{"day": "YYYY-MM-DD"}` as its configuration refines too, but starts no release; a run with neither
fails at once. Many days: `airflow backfill create --dag-id refine_daily --from-date ... --to-date ...` (days may run in any order).

**Is a re-run safe?** Yes. Whole partitions are replaced; the same files give the same tables, hash for hash. Clear the run, or trigger
the same key again; both lead to a new release of that day.

**When it fails.**

- *Waits in `up_for_retry`, "not yet" in the log*: a feed's marker is missing. It tries again every few minutes for half a day, and an
  alert is logged when the run takes six hours longer than usual. Ask whoever delivers the feed.
- *Failed without a retry, "Bad data"*: the message says table, expected, found; the log has the address of the audit's Data Docs. The
  failing layer, all below it and the current release are unchanged. Mend the files or the rule, land the day again, clear the failed task.
- *Failed after three retries*: the machine, the object store or the database. Look at the last attempt's log; clear the task.
"""

from airflow.sdk import DAG

from jobs.catalog import REFINE
from orchestration.alerts import deadline
from orchestration.assets import GOLD
from orchestration.defaults import DAG_DEFAULTS, DAILY, DAILY_UNTIL
from orchestration.operator import DAY, DAY_AFTER, submit_in_order

with DAG(
    dag_id="refine_daily",
    doc_md=__doc__,
    schedule=DAILY,
    end_date=DAILY_UNTIL,
    deadline=deadline("refine_daily"),
    **DAG_DEFAULTS,
):
    submit_in_order(REFINE, start=DAY, end=DAY_AFTER, outlet=GOLD)
