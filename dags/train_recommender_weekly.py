"""Train the recommender on one recorded set, and make it champion when it is better.

**What it does.** Candidates of a small declared search, evaluation by time with popularity in the same table, a paired bootstrap, and the
gate: better than popularity and than the present champion, with guard-rails on coverage and on every large segment. Everything is in
MLflow: a parent run with a child run a candidate. Only the gate moves the alias `champion`, and writes down why.

**With approval** (`TRADEWIND_DAGS_APPROVAL=on`) a person has the last word. `train_recommender` registers what passes the gate and leaves
the champion; `is_there_a_candidate` skips the rest when nothing passed; `approve` waits with the report as its text, to be answered on
Airflow's page or over REST ([runbook](runbook.md#a-recommender-that-waits-for-approval)); `promote_recommender` lets serve what was
approved. A no, or no answer within `TRADEWIND_DAGS_APPROVAL_DAYS` (6), skips it: the champion stays, and the run is a success.

**The set** is that of the last landing day before the run (Mondays at 05:00 UTC: Sunday's). By hand: `{"day": "YYYY-MM-DD"}`, any day
whose set is recorded.

**Is a re-run safe?** Yes. It makes a new MLflow run; the champion changes only if the gate says so. Releases are not touched: the next
one uses the champion of its time. A promotion that was done is not done again; to be asked once more, clear `approve`.

**When it fails.** A release never waits for it: the present champion, or popularity, goes on serving.

- *Bad data, no retry*: the day has no recorded set. Run `refine_daily` (or `load_history`) for it.
- *Green, but no new champion*: the history is too short to evaluate by time, or the gate said no; the task's result, MLflow and
  `ops.decisions` say why. With approval: nobody has approved it.
- *`promote_recommender` fails, "the champion has changed since"*: the report compared the candidate with another one. Train again.
- *Failed after three retries*: often memory (`TRADEWIND_SPARK_DRIVER_MEMORY`) or an MLflow server that does not answer.
"""

from airflow.sdk import DAG

from jobs.catalog import PROMOTE_RECOMMENDER, TRAIN_RECOMMENDER
from orchestration.approval import submit_training
from orchestration.defaults import DAG_DEFAULTS, TRAINING_PARAMS, weekly
from orchestration.operator import TRAINING_DAY, TRAINING_DAY_AFTER

with DAG(dag_id="train_recommender_weekly", doc_md=__doc__, schedule=weekly("0 5 * * 1"), params=TRAINING_PARAMS, **DAG_DEFAULTS):
    submit_training(TRAIN_RECOMMENDER, PROMOTE_RECOMMENDER, start=TRAINING_DAY, end=TRAINING_DAY_AFTER)
