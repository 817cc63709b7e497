"""What jobs are given: the shop's env file, Spark's defaults and its logging."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.class_archive import ClassArchive
from stack.credentials import MART_READER, Credentials, write_private
from stack.object_store import REGION
from stack.s3proxy import BUCKET, EXPORT_BUCKET, EXPORT_READER, EXPORTS, LAKE
from stack.settings import Ports, StackSettings

LOG4J = Path(__file__).with_name("log4j2.properties")
"""What Spark logs; the images have it too."""


def job_settings(
    *, shop: str, source: str, ports: Ports, credentials: Credentials, jars_dir: Path, scratch_dir: Path, settings: StackSettings
) -> dict[str, str]:
    """Every ``TRADEWIND_`` variable of a shop on this machine's services, secrets included."""
    return {
        "TRADEWIND_SHOP": shop,
        "TRADEWIND_SOURCE": source,
        "TRADEWIND_BUCKET": BUCKET,
        "TRADEWIND_S3_ENDPOINT": f"http://127.0.0.1:{ports.s3}",
        "TRADEWIND_S3_REGION": REGION,
        "TRADEWIND_S3_ACCESS_KEY": credentials.s3_access_keys[LAKE],
        "TRADEWIND_S3_SECRET_KEY": credentials.s3_secret_keys[LAKE],
        "TRADEWIND_EXPORT_BUCKET": EXPORT_BUCKET,
        "TRADEWIND_EXPORT_S3_ACCESS_KEY": credentials.s3_access_keys[EXPORTS],
        "TRADEWIND_EXPORT_S3_SECRET_KEY": credentials.s3_secret_keys[EXPORTS],
        "TRADEWIND_CATALOG_URI": f"jdbc:postgresql://127.0.0.1:{ports.postgres}/lake",
        "TRADEWIND_CATALOG_USER": "lake",
        "TRADEWIND_CATALOG_PASSWORD": credentials.postgres_roles["lake"],
        "TRADEWIND_MART_URI": f"postgresql://127.0.0.1:{ports.postgres}/mart",
        "TRADEWIND_MART_USER": "mart",
        "TRADEWIND_MART_PASSWORD": credentials.postgres_roles["mart"],
        "TRADEWIND_MART_READER": MART_READER,
        "TRADEWIND_MLFLOW_TRACKING_URI": f"http://127.0.0.1:{ports.mlflow}",
        "TRADEWIND_PAGES_URL": f"http://127.0.0.1:{ports.pages}",
        "TRADEWIND_PSEUDONYM_KEY": credentials.pseudonym_key,
        "TRADEWIND_SPARK_MASTER": settings.spark_master,
        "TRADEWIND_SPARK_DRIVER_MEMORY": settings.spark_driver_memory,
        "TRADEWIND_SPARK_SHUFFLE_PARTITIONS": str(settings.spark_shuffle_partitions),
        "TRADEWIND_JARS_DIR": str(jars_dir),
        "TRADEWIND_SCRATCH_URI": str(scratch_dir),
        "TRADEWIND_DAGS_CRON": settings.cron,
    }


def reader_settings(ports: Ports, credentials: Credentials) -> dict[str, str]:
    """What an analyst is given: the bucket of exports and the mart, to be read and not written; in the names that clients know."""
    return {
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports.s3}",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": credentials.s3_access_keys[EXPORT_READER],
        "AWS_SECRET_ACCESS_KEY": credentials.s3_secret_keys[EXPORT_READER],
        "EXPORT_BUCKET": EXPORT_BUCKET,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(ports.postgres),
        "PGDATABASE": "mart",
        "PGUSER": MART_READER,
        "PGPASSWORD": credentials.postgres_roles[MART_READER],
    }


def write_env_file(path: Path, values: Mapping[str, str]) -> None:
    """Write the variables, mode 0600."""
    write_private(path, "".join(f"{name}={value}\n" for name, value in values.items()))


def write_spark_conf(folder: Path, *, jars: Sequence[Path], driver_memory: str, scratch_dir: Path, archive: ClassArchive | None) -> None:
    """Write ``spark-defaults.conf`` and ``log4j2.properties``; the jobs add the lake's settings themselves.

    With a class archive (tasks run in the driver) the jars go onto the class path, where an archive can hold their classes; and adaptive
    execution, which joins none of a handful of partitions and makes a job of every stage, is off.
    """
    found = {"spark.jars": ",".join(map(str, jars))}
    if archive:
        found = {"spark.driver.extraClassPath": archive.class_path, "spark.sql.adaptive.enabled": "false"}
    defaults = found | {
        "spark.driver.memory": driver_memory,
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(scratch_dir / "spark"),
        "spark.sql.warehouse.dir": str(scratch_dir / "warehouse"),
        "spark.sql.inMemoryColumnarStorage.compressed": "false",  # kept rows are read a few times and dropped
        "spark.driver.extraJavaOptions": f"-Duser.timezone=UTC {archive.driver_options if archive else ''}".rstrip(),
        "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
    }
    write_private(folder / "spark-defaults.conf", "".join(f"{name} {value}\n" for name, value in defaults.items()))
    write_private(folder / "log4j2.properties", LOG4J.read_text(encoding="utf-8"))
