"""Fit the segmentation on one recorded set, and make it champion when it is stable, large enough and well separated.

**What it does.** Scales the user features, fits K-means for each k of a declared range, chooses k by a declared criterion (the curve is
logged), and asks the gate of the segments: stability, size, separation. Everything is in MLflow. Only the gate moves the alias
`champion`, and writes down why. RFM segments need no training and are there in any case.

**Labels keep their meaning.** Clusters of the new model take number and name of the champion's where they are the same (optimal
assignment on the users that both share). A retrain that would move more than a fifth of the users into another segment waits, and the
champion stays. With `TRADEWIND_DAGS_APPROVAL=on` `approve` asks a person, on Airflow's page or over REST, and `promote_segments` lets
serve what was approved; without it `python -m jobs.segmentation approve --run RUN_ID` does.

**The set** is that of the last landing day before the run (Mondays at 06:00 UTC: Sunday's). By hand: `{"day": "YYYY-MM-DD"}`, any day
whose set is recorded.

**Is a re-run safe?** Yes. It makes a new MLflow run with the same seed; the champion changes only if the gate says so. Users keep their
segment until the next release.

**When it fails.** A release never waits for it: the present champion, or RFM alone, goes on serving.

- *Bad data, no retry*: the day has no recorded set. Run `refine_daily` (or `load_history`) for it.
- *Green, but no new champion*: too few users, or the gate said no; the task's result, MLflow and `ops.decisions` say why.
- *Failed after three retries*: memory, or an MLflow server that does not answer.
"""

from airflow.sdk import DAG

from jobs.catalog import PROMOTE_SEGMENTS, TRAIN_SEGMENTS
from orchestration.approval import submit_training
from orchestration.defaults import DAG_DEFAULTS, TRAINING_PARAMS, weekly
from orchestration.operator import TRAINING_DAY, TRAINING_DAY_AFTER

with DAG(dag_id="train_segments_weekly", doc_md=__doc__, schedule=weekly("0 6 * * 1"), params=TRAINING_PARAMS, **DAG_DEFAULTS):
    submit_training(TRAIN_SEGMENTS, PROMOTE_SEGMENTS, start=TRAINING_DAY, end=TRAINING_DAY_AFTER, asks_itself=True)
