"""Lakes of their own on the same services: the same landed days can be loaded in several ways and compared."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg
from psycopg import sql
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.catalog import REFINE
from jobs.content_hash import content_hash
from jobs.context import Context
from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.session import secret_conf, static_conf
from jobs.settings import Settings
from jobs.shell import build_tables
from jobs.sources.source import FeedName, load
from jobs.store import Store
from jobs.tables import contract_of, contracts
from tests.stack_fixtures import ONE_BUCKET

CATALOG = """
CREATE TABLE IF NOT EXISTS iceberg_tables (catalog_name varchar(255), table_namespace varchar(255), table_name varchar(255),
    metadata_location varchar(1000), previous_metadata_location varchar(1000), iceberg_type varchar(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name));
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (catalog_name varchar(255), namespace varchar(255), property_key varchar(255),
    property_value varchar(1000), PRIMARY KEY (catalog_name, namespace, property_key))
"""
"""What Iceberg's JDBC catalog makes for itself (schema version V1), unless another schema of the database has it already.

Then the lake that all tests share would have none, where the first test makes a world.
"""

TASKS = {task.name: tuple(name for name in task.tables if not name.startswith("ops.")) for task in REFINE}


@dataclass(frozen=True)
class World:
    """A shop's own bucket and catalog, and a Spark session that sees them."""

    settings: Settings
    spark: SparkSession

    @property
    def store(self) -> Store:
        """Its bucket."""
        return Store.from_settings(self.settings)

    def run(self, interval: Interval, run_id: str, tasks: Iterable[Sequence[str]] = tuple(TASKS.values()), attempt: int = 1) -> None:
        """Refine the landing days of an interval, task by task, as the DAG does; a task is the names of its tables."""
        for names in tasks:
            lake = Lake(self.spark, Attempt(run_id=run_id, attempt=attempt, interval=interval, code_version="test"))
            source = load(self.settings.source, self.settings.optional_feeds)
            build_tables(Context(self.settings, self.spark, self.store, lake, source, interval, run_id, attempt), names)

    def run_days(self, days: Iterable[date]) -> None:
        """Refine each day by itself, in the order given."""
        for day in days:
            self.run(Interval(day, day + timedelta(days=1)), f"day-{day}")

    def hashes(self, as_of_days: Sequence[date] | None = None) -> Mapping[str, str]:
        """Content hash of every table that depends on data alone; of those by as-of day only ``as_of_days`` where they are given."""
        lake = Lake(self.spark, Attempt(run_id="look", attempt=1, interval=Interval.parse("2000-01-01", "2000-01-02"), code_version="test"))
        built = {name for names in TASKS.values() for name in names}
        found = {}
        for name in contracts("bronze", "silver", "gold"):
            if name.removesuffix("_rejected") in built:
                rows = lake.read(contract_of(name))
                if as_of_days is not None and contract_of(name).partitioned_by == "as_of_date":
                    rows = rows.where(F.col("as_of_date").isin(*as_of_days))
                found[name] = content_hash(rows, contract_of(name))
        return found


def world(
    services: Settings, spark: SparkSession, name: str, source: str = "native", optional_feeds: Mapping[FeedName, date] | None = None
) -> World:
    """An empty world on the services of the tests; ``spark`` lends its JVM."""
    own = {"bucket": f"world-{name}", **ONE_BUCKET, "catalog_uri": f"{services.catalog_uri}?currentSchema={name}"}
    settings = services.model_copy(update={**own, "source": source, "optional_feeds": dict(optional_feeds or {})})
    host, port, database = re.findall(r"//([^:]+):(\d+)/(\w+)", services.catalog_uri)[0]
    password = services.catalog_password.get_secret_value() if services.catalog_password else None
    with psycopg.connect(host=host, port=port, dbname=database, user=services.catalog_user, password=password) as connection:
        connection.execute(CATALOG)
        connection.execute(sql.SQL("CREATE SCHEMA {0}; SET search_path TO {0}").format(sql.Identifier(name)))
        connection.execute(CATALOG)
    Store.from_settings(settings).client.create_bucket(Bucket=settings.bucket)
    session = spark.newSession()
    for key, value in (static_conf(settings) | secret_conf(settings)).items():
        if key.startswith("spark.sql.catalog.") or key == "spark.sql.session.timeZone":
            session.conf.set(key, value)
    session.conf.set("spark.sql.shuffle.partitions", "2")
    return World(settings, session)
