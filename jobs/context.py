"""What a task has at hand."""

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.sources.source import Source, load
from jobs.store import Store

VERSION = "0.1.0"


@dataclass(frozen=True)
class Context:
    """The settings, session, store and lake of one attempt, over a half-open interval of landing days."""

    settings: Settings
    spark: SparkSession
    store: Store
    lake: Lake
    source: Source
    interval: Interval
    run_id: str
    attempt: int

    @classmethod
    def create(cls, settings: Settings, *, interval: Interval, run_id: str, attempt: int, app_name: str) -> "Context":
        """Open the session and the lake for one attempt."""
        spark = spark_session(settings, app_name)
        scratch = f"{settings.scratch_uri}/checkpoints"
        spark.sparkContext.setCheckpointDir(scratch)
        lake = Lake(spark, Attempt(run_id=run_id, attempt=attempt, interval=interval, code_version=code_version()))
        return cls(settings, spark, Store.from_settings(settings), lake, load(settings.source), interval, run_id, attempt)

    @cached_property
    def code_version(self) -> str:
        """Version of the code that runs."""
        return self.lake.attempt.code_version


def code_version() -> str:
    """``TRADEWIND``'s release, with the commit where the code runs from a checkout."""
    if given := os.environ.get("TWSTACK_CODE_VERSION"):
        return given
    here = Path(__file__).resolve().parent
    result = subprocess.run(["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return f"{VERSION}+{result.stdout.strip()}" if result.returncode == 0 else VERSION
