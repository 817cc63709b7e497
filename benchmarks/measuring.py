"""What benchmarks share: a session of two cores without a lake, and a stopwatch."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

CORES = 2


@contextmanager
def timed(into: dict[str, float], what: str) -> Iterator[None]:
    """Note the seconds that the block takes."""
    began = time.perf_counter()
    yield
    into[what] = time.perf_counter() - began


def session(scratch: Path, *, memory: str = "6g", partitions: int = 4) -> SparkSession:
    """Two cores, in UTC, with the daemon of the jobs; checkpoints and what Spark spills go below ``scratch``."""
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(f"local[{CORES}]").config("spark.driver.memory", memory).config("spark.ui.enabled", "false")
    builder = builder.config("spark.python.daemon.module", "jobs.worker_daemon").config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.sql.session.timeZone", "UTC").config("spark.local.dir", str(scratch))
    spark = builder.config("spark.sql.shuffle.partitions", str(partitions)).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.setCheckpointDir(str(scratch / "checkpoints"))
    return spark
