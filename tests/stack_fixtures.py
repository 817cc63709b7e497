"""Real services for tests: Postgres and the object store on free ports, MLflow and Airflow's database when a test asks for them."""

import os
import secrets
from collections.abc import Iterator

import pytest

from jobs.settings import Settings
from stack.services import BASE, Stack, sweep, temporary
from stack.settings import StackSettings

FOLDER = "test-stacks"

ONE_BUCKET = {"export_bucket": None, "export_s3_access_key": None, "export_s3_secret_key": None}
"""Settings of a shop that keeps what it exports in its own bucket."""


@pytest.fixture(scope="session")
def test_stack() -> Iterator[Stack]:
    """A stack whose Postgres and object store are healthy; everything of it is gone when the session ends."""
    folder = StackSettings.from_environment().local_dir / FOLDER
    sweep(folder)
    stack = temporary(folder / f"{os.getpid()}-{secrets.token_hex(3)}")
    try:
        stack.start(names=BASE)
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="session")
def services(test_stack: Stack) -> Settings:
    """The jobs' settings for a real lake: catalog in Postgres, bucket in the object store; MLflow's address, where nobody listens yet."""
    return test_stack.job_settings_read()


@pytest.fixture(scope="session")
def mlflow_server(test_stack: Stack) -> str:
    """The address of a healthy MLflow server, the one that ``services`` names; started when the first test asks for it (20-45 s)."""
    test_stack.start(names=("mlflow",))
    return test_stack.mlflow_url


@pytest.fixture(scope="session")
def airflow_environment(test_stack: Stack) -> dict[str, str]:
    """The environment for a subprocess of Airflow's Python; its database is migrated and its pool exists, no service of it runs."""
    test_stack.airflow.prepare(test_stack.credentials)
    return test_stack.airflow_environment()
