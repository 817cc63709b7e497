"""Fixtures of all tests."""

import os
import sys
from collections.abc import Iterator

import pytest
from pyspark import SparkContext
from pyspark.sql import SparkSession

from jobs.session import secret_conf, static_conf
from jobs.settings import Settings
from jobs.store import Store
from stack import jars, java
from stack.class_archive import JVM_OPTIONS
from stack.settings import StackSettings
from tests.clearing import delete_releases, drop_tables
from tests.stack_fixtures import airflow_environment, mlflow_server, services, test_stack
from tests.tracking_fixtures import tracking_settings

__all__ = ["airflow_environment", "empty_lake", "lake_spark", "mlflow_server", "services", "spark", "test_stack", "tracking_settings"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are named by their argument: what is in them may differ between the two workers, who must collect the same tests."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One small local Spark session in UTC with Iceberg's jars, shared by all tests that need Spark."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ.setdefault("JAVA_HOME", str(java.home(java.require())))
    session = (
        SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.jars", ",".join(map(str, jars.spark_jars(StackSettings.from_environment().jars_dir))))
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.python.sql.dataFrameDebugging.enabled", "false")  # asks the JVM six things more for every column that is named
        .config("spark.sql.adaptive.enabled", "false")
        # A few rows cost less to interpret than their code costs to compile; the drivers of the e2e test run generated code.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.driver.extraJavaOptions", JVM_OPTIONS)
        .config("spark.python.daemon.module", "jobs.worker_daemon")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="module", autouse=True)
def _shared_session_is_active(request: pytest.FixtureRequest) -> None:
    """A module with sessions of its own leaves the last of them active, and Spark asks the active one's catalog."""
    if SparkContext._active_spark_context is not None:
        request.getfixturevalue("spark").createDataFrame([(1,)], "one int")


@pytest.fixture(scope="session")
def lake_spark(spark: SparkSession, services: Settings) -> SparkSession:
    """The same session with the catalog ``lake`` on the real Postgres and object store of ``services``."""
    for name, value in (static_conf(services) | secret_conf(services)).items():
        if name.startswith("spark.sql.catalog."):
            spark.conf.set(name, value)
    return spark


@pytest.fixture(scope="module")
def empty_lake(lake_spark: SparkSession, services: Settings) -> Iterator[SparkSession]:
    """The lake without a table and the bucket without a release, before a module and after it."""
    store = Store.from_settings(services)
    drop_tables(lake_spark)
    delete_releases(store)
    yield lake_spark
    drop_tables(lake_spark)
    delete_releases(store)
