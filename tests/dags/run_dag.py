"""Run one whole DAG in this process, in Airflow's environment: ``python run_dag.py DAGS_FOLDER DAG_ID DAY``; exit 0 when it succeeded."""

import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag


def main(folder: str, dag_id: str, day: str) -> int:
    """Run the DAG for a day; returns 1 when a task did not succeed."""
    bag = BundleDagBag(dag_folder=folder, bundle_path=Path(folder), bundle_name="dags-folder")
    dag = bag.dags[dag_id]
    dag.deadline = None  # in Airflow 3.3.2 a test run looks the deadline up by its definition instead of its id, and fails at its end
    run = dag.test(logical_date=None, run_conf={"day": day})
    sys.stdout.write(f"{dag_id} {day}: {run.state}\n")
    return 0 if str(run.state) == "success" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
