"""The services that the other integration tests stand on."""

import requests
from pyspark.sql import SparkSession

from jobs.settings import Settings
from jobs.store import Store
from stack.services import Stack


def test_the_lake_role_owns_its_database_and_logs_in_by_password(test_stack: Stack) -> None:
    with test_stack.postgres.connect(test_stack.credentials) as connection:
        rows = connection.execute("SELECT datname, pg_get_userbyid(datdba) FROM pg_database").fetchall()
    owners: dict[str, str] = {row[0]: row[-1] for row in rows}
    assert {name: owners[name] for name in ("airflow", "mlflow", "lake", "mart")} == {
        name: name for name in ("airflow", "mlflow", "lake", "mart")
    }


def test_of_two_creations_of_one_key_one_wins(services: Settings) -> None:
    store = Store.from_settings(services)
    assert store.create("releases/test/000001.json", b"first")
    assert not store.create("releases/test/000001.json", b"second")
    assert store.read("releases/test/000001.json") == b"first"


def test_an_unsigned_request_is_refused(services: Settings) -> None:
    assert services.s3_endpoint is not None
    answer = requests.get(f"{services.s3_endpoint}/{services.bucket}", timeout=10)
    assert answer.status_code in {403, 404}  # without a login the store does not say whose bucket it is
    assert "ListBucketResult" not in answer.text


def test_spark_writes_and_reads_an_iceberg_table(lake_spark: SparkSession) -> None:
    lake_spark.sql("CREATE TABLE lake.stack_test.cups (cup_id BIGINT) USING iceberg")
    lake_spark.sql("INSERT INTO lake.stack_test.cups VALUES (1), (2)")
    assert lake_spark.table("lake.stack_test.cups").count() == 2
    lake_spark.sql("DROP TABLE lake.stack_test.cups PURGE")
