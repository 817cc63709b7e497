"""Load a long interval of landed days in one go: the same jobs as `refine_daily`, once over all days.

**What it does.** `bronze`, `silver` and `gold` over the landing days from `start` up to, but not including, `end`. Ninety days loaded
here equal the same days refined one by one, hash for hash, and take minutes instead of hours. The set of the last day is recorded, so
that models can be trained on it. It starts no release: run `refine_daily` for the next day, or trigger `release_daily` for the last one.

**Parameters.** `start` and `end`, days `YYYY-MM-DD`, half-open: `{"start": "2026-01-01", "end": "2026-02-01"}` loads January. The shop and
its source are those of the deployment. Land the files first: `python -m jobs.land --source ... --input ...`.

**Is a re-run safe?** Yes. Whole partitions are replaced, also those that daily runs have written. Loading a part of a history again
rebuilds what depends on it.

**When it fails.**

- *Waits in `up_for_retry`*: a day of the interval has no marker. Land it, or choose a shorter interval.
- *Bad data, no retry*: the message names table, expected and found; nothing of the failed layer was published, for any day.
- *Out of memory or disk*: load the history in pieces; the order does not matter.
"""

from airflow.sdk import DAG, Param

from jobs.catalog import REFINE
from orchestration.defaults import DAG_DEFAULTS
from orchestration.operator import submit_in_order

DAYS = {
    "start": Param(type="string", format="date", description="First landing day to load, YYYY-MM-DD."),
    "end": Param(type="string", format="date", description="The day after the last one, YYYY-MM-DD."),
}

with DAG(dag_id="load_history", doc_md=__doc__, schedule=None, params=DAYS, **DAG_DEFAULTS):
    submit_in_order(REFINE, start="{{ params.start }}", end="{{ params.end }}")
