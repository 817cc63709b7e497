"""What test modules that share a lake take away, so that none of them sees what another has left: which modules share one is chance."""

from pyspark.sql import SparkSession

from jobs.store import Store


def drop_tables(spark: SparkSession) -> None:
    """Drop every table of the catalog ``lake``."""
    for namespace in spark.sql("SHOW NAMESPACES IN lake").collect():
        for row in spark.sql(f"SHOW TABLES IN lake.{namespace['namespace']}").collect():
            spark.sql(f"DROP TABLE lake.{row['namespace']}.{row['tableName']}")


def delete_releases(store: Store) -> None:
    """Delete every release, every reserved number and everything exported."""
    for prefix in ("releases/", "reservations/", "exports/"):
        store.delete([entry.key for entry in store.list(prefix)])
