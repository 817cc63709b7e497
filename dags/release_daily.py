"""Release one day: from the day's recorded set to segments, recommendations, exports and one committed release.

**What it does.** `score` reads the set that `refine_daily` recorded, never a moving table, and builds segments, their profiles, who
changed, tags and recommendations with the champions of the model registry (popularity serves until a model has passed its gate).
`publish` exports the scored tables, reads every file back, draws the report of the release, to which the task's button leads, and
commits the release last, by creating one object. Readers see all of it or yesterday's. `mart` loads the current release into the BI
mart in one transaction, where the shop has one.

**The day** is the partition key, which comes from the gold asset of `refine_daily`. By hand: trigger with the day as partition key, or
with `{"day": "YYYY-MM-DD"}`. Days may be released in any order: the current release is that of the latest day.

**Is a re-run safe?** Yes. It makes a further release of the same day, with the same content and the model versions that the day's
release recorded; `{"day": "YYYY-MM-DD", "models": "champion"}` scores it with today's champions. The older release stays as it was.

**When it fails.**

- *Bad data, no retry*: an audit of a scored table, or an export that does not read back as it was written. Nothing was released; the
  message says what was expected and found. Mend it and clear the failed task.
- *No set for the day*: `refine_daily` has not finished that day. Run it with that key; this DAG follows by itself.
- *The mart*: `mart` failed; the release stands. Clear `mart` alone: it loads whatever release is current.
- *A release must go*: `python -m jobs.release withdraw` publishes a new release with older content; nothing is deleted.
"""

from airflow.sdk import DAG, PartitionedAssetTimetable

from jobs.catalog import RELEASE
from orchestration.assets import GOLD
from orchestration.defaults import DAG_DEFAULTS
from orchestration.operator import DAY, DAY_AFTER, MODELS, submit_in_order

with DAG(dag_id="release_daily", doc_md=__doc__, schedule=PartitionedAssetTimetable(assets=GOLD), **DAG_DEFAULTS):
    submit_in_order(RELEASE, start=DAY, end=DAY_AFTER, options=("--models", MODELS))
