"""Fixtures of the DAG tests. They run in the scheduler's environment: ``python -m pytest -c tests/dags/pytest.ini tests/dags``."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.catalog import POOLS

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import BundleDagBag

CHECKOUT = Path(__file__).parents[2]
DAGS_FOLDER = CHECKOUT / "dags"
HOME = tempfile.mkdtemp(prefix="tradewind-dag-tests-")
FAKE_SPARK_SUBMIT = Path(__file__).parent / "fake_spark_submit.py"

# Airflow reads its configuration when it is first imported, so this comes before any import of it.
for name in [name for name in os.environ if name.startswith(("AIRFLOW", "TRADEWIND_DAGS_"))]:
    del os.environ[name]
os.environ |= {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_FOLDER),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
    "AIRFLOW__API_AUTH__JWT_SECRET": "0" * 64,
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
    "TWSTACK_HOME": "/opt/tradewind",
    "TWSTACK_SPARK_SUBMIT": "/opt/jobs/bin/spark-submit",
    "TWSTACK_JOBS_PYTHON": "/opt/jobs/bin/python",
    "TRADEWIND_DAGS_RETRY_SECONDS": "0",
    "TRADEWIND_DAGS_NOT_YET_SECONDS": "0",
    "PYTHONPATH": str(CHECKOUT),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """The flag that rewrites the reviewed commands."""
    parser.addoption("--update-commands", action="store_true", help="rewrite submit_commands.json instead of comparing with it")


@pytest.fixture(scope="session")
def bag() -> "BundleDagBag":
    """The DAGs as the processor sees them."""
    return _parsed()


@pytest.fixture
def asking_bag(monkeypatch: pytest.MonkeyPatch) -> "BundleDagBag":
    """The DAGs where approval is configured; it is so for the whole test, because a run of a DAG parses its file again."""
    from orchestration import approval  # noqa: PLC0415 - after the environment is set
    from orchestration.settings import DagSettings  # noqa: PLC0415

    monkeypatch.setattr(approval, "SETTINGS", DagSettings.from_environment({"TRADEWIND_DAGS_APPROVAL": "on"}))
    return _parsed()


def _parsed() -> "BundleDagBag":
    from airflow.dag_processing.dagbag import BundleDagBag  # noqa: PLC0415 - after the environment is set

    return BundleDagBag(dag_folder=str(DAGS_FOLDER), bundle_path=DAGS_FOLDER, bundle_name="dags-folder")


@pytest.fixture(scope="session")
def database() -> None:
    """An empty database of the scheduler with the pools."""
    for command in (["db", "migrate"], *[["pools", "set", pool.name, str(pool.slots), pool.doc] for pool in POOLS]):
        subprocess.run([sys.executable, "-m", "airflow", *command], check=True, capture_output=True)


@pytest.fixture
def submitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the fake ``spark-submit`` finds its exit codes (``codes``) and leaves its calls (``calls.jsonl``)."""
    monkeypatch.setenv("TWSTACK_SPARK_SUBMIT", str(FAKE_SPARK_SUBMIT))
    monkeypatch.setenv("FAKE_SPARK_SUBMIT_FOLDER", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return tmp_path
