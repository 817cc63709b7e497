"""The Spark session of a task."""

import gc
import logging
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.catalog import LAKE
from jobs.settings import Settings

_ICEBERG_JARS = ("iceberg-spark-runtime-*.jar", "iceberg-aws-bundle-*.jar", "postgresql-*.jar")


def spark_session(settings: Settings, app_name: str) -> SparkSession:
    """Start or reuse the session; the lake is its catalog ``lake``.

    Secrets are set after the JVM has started: what the builder takes ends up on the JVM's command line, which everyone can read.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName(app_name)
    if "SPARK_ENV_LOADED" not in os.environ:  # spark-submit has chosen master and memory already
        builder = builder.master(settings.spark_master).config("spark.driver.memory", settings.spark_driver_memory)
        if settings.jars_dir is not None:
            builder = builder.config("spark.jars", ",".join(jar_paths(settings.jars_dir)))
    for name, value in static_conf(settings).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    for name, value in secret_conf(settings).items():
        session.conf.set(name, value)
    session.sparkContext.setLogLevel("WARN")
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)  # repeats, as one line of JSON, what the exception says
    return session


def stop_session() -> None:
    """Stop the session, if there is one, with its context and its connections; what the JVM has loaded and compiled stays."""
    session = SparkSession.getActiveSession()
    if session is not None:
        session.stop()
    gc.collect()  # frames of the task that has ended, before another one needs the memory


def jar_paths(jars_dir: Path) -> list[str]:
    """The jars that a driver needs, in a fixed order; raises FileNotFoundError that names the missing one."""
    found = []
    for pattern in _ICEBERG_JARS:
        matches = sorted(jars_dir.glob(pattern))
        if not matches:
            message = f"no {pattern} in {jars_dir}; fetch the jars first (make up)"
            raise FileNotFoundError(message)
        found.append(str(matches[-1]))
    return found


def static_conf(settings: Settings) -> dict[str, str]:
    """What a session needs to know before its JVM starts; nothing secret."""
    catalog = f"spark.sql.catalog.{LAKE}"
    conf = {
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.showConsoleProgress": "false",
        "spark.python.daemon.module": "jobs.worker_daemon",
        "spark.sql.shuffle.partitions": str(settings.spark_shuffle_partitions),
        # Sets of so many groups are gathered by hash in a task before it sorts its rows instead; 128 by default, fewer than a shop's users.
        "spark.sql.objectHashAggregate.sortBased.fallbackThreshold": "10000",
        "spark.sql.codegen.cache.maxEntries": "5000",  # a task has some 500 pieces of generated code, a quarter of them more than once
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Where in Python a column was made: some eight questions to the JVM for each, and a traceback says it too.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        "spark.sql.sources.partitionOverwriteMode": "dynamic",
        "spark.redaction.regex": "(?i)secret|password|passwd|token|access[.-]?key|credential",  # not shown by Spark's pages and event logs
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        **{f"{catalog}.{name}": value for name, value in _kind_of_catalog(settings).items()},
        f"{catalog}.warehouse": f"s3://{settings.bucket}/warehouse",
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{catalog}.s3.path-style-access": "true",
        f"{catalog}.client.region": settings.s3_region,
        f"{catalog}.cache-enabled": "false",
    }
    if settings.s3_endpoint:
        conf[f"{catalog}.s3.endpoint"] = settings.s3_endpoint
    return conf | {f"{catalog}.{name}": value for name, value in settings.catalog_properties.items()}


def _kind_of_catalog(settings: Settings) -> dict[str, str]:
    """What tells one kind of catalog from another, as Iceberg names it."""
    if settings.catalog_uri == "glue":
        return {"type": "glue"}
    if settings.catalog_uri.startswith("jdbc:"):
        return {"type": "jdbc", "uri": settings.catalog_uri, "jdbc.user": settings.catalog_user or "", "jdbc.schema-version": "V1"}
    return {"type": "rest", "uri": settings.catalog_uri}


def secret_conf(settings: Settings) -> dict[str, str]:
    """What the catalog needs to log in; set at run time, before the catalog is first used."""
    catalog = f"spark.sql.catalog.{LAKE}"
    conf = {}
    if settings.catalog_password:
        password = settings.catalog_password.get_secret_value()
        if settings.catalog_uri.startswith("jdbc:"):
            conf[f"{catalog}.jdbc.password"] = password
        else:
            conf[f"{catalog}.credential"] = f"{settings.catalog_user}:{password}"
    if settings.s3_access_key and settings.s3_secret_key:
        conf[f"{catalog}.s3.access-key-id"] = settings.s3_access_key.get_secret_value()
        conf[f"{catalog}.s3.secret-access-key"] = settings.s3_secret_key.get_secret_value()
    return conf
