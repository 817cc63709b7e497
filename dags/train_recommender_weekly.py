"""Train the recommender on one recorded set, and make it champion when it is better.

**What it does.** Candidates of a small declared search, evaluation by time with popularity in the same table, a paired bootstrap, and the
gate: better than popularity and than the present champion, with guard-rails on coverage and on every large segment. Everything is in
MLflow: a parent run with a child run a candidate. Only the gate moves the alias `champion`, and writes down why.

**The set** is that of the last landing day before the run (Mondays at 05:00 UTC: Sunday's). By hand: `{"day": "YYYY-MM-DD"}`, any day
whose set is recorded.

**Is a re-run safe?** Yes. It makes a new MLflow run; the champion changes only if the gate says so. Releases are not touched: the next
one uses the champion of its time.

**When it fails.** A release never waits for it: the present champion, or popularity, goes on serving.

- *Bad data, no retry*: the day has no recorded set. Run `refine_daily` (or `load_history`) for it.
- *Green, but no new champion*: the history is too short to evaluate by time, or the gate said no; the task's result, MLflow and
  `ops.decisions` say why.
- *Failed after three retries*: often memory (`TRADEWIND_SPARK_DRIVER_MEMORY`) or an MLflow server that does not answer.
"""

from airflow.sdk import DAG

from jobs.catalog import TRAIN_RECOMMENDER
from orchestration.defaults import DAG_DEFAULTS, TRAINING_PARAMS, weekly
from orchestration.operator import TRAINING_DAY, TRAINING_DAY_AFTER, submit_in_order

with DAG(dag_id="train_recommender_weekly", doc_md=__doc__, schedule=weekly("0 5 * * 1"), params=TRAINING_PARAMS, **DAG_DEFAULTS):
    submit_in_order([TRAIN_RECOMMENDER], start=TRAINING_DAY, end=TRAINING_DAY_AFTER)
