"""Run whole DAGs in this process, in Airflow's environment: ``python run_dag.py DAGS_FOLDER DAY DAG_ID...``; exit 0 when all succeeded."""

import sys
from pathlib import Path

from airflow.dag_processing.dagbag import BundleDagBag


def main(folder: str, day: str, *dag_ids: str) -> int:
    """Run the DAGs for a day, one after the other; returns 1 when a task did not succeed, and what would follow does not run."""
    bag = BundleDagBag(dag_folder=folder, bundle_path=Path(folder), bundle_name="dags-folder")
    for dag_id in dag_ids:
        dag = bag.dags[dag_id]
        dag.deadline = None  # in Airflow 3.3.2 a test run looks the deadline up by its definition instead of its id, and fails at its end
        run = dag.test(logical_date=None, run_conf={"day": day})
        sys.stdout.write(f"{dag_id} {day}: {run.state}\n")
        if str(run.state) != "success":
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
