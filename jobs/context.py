"""What a task has at hand."""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from pyspark.sql import SparkSession

from jobs.interval import Interval
from jobs.lake import Attempt, Lake
from jobs.lineage import Lineage
from jobs.quality.inspection import Inspection
from jobs.recommender.als.object_arrays import ObjectArrays
from jobs.recommender.als.place import SHARED
from jobs.session import spark_session
from jobs.settings import Settings
from jobs.sources.source import Source, load
from jobs.store import Store

VERSION = "0.1.0"
CODE = Path(__file__).resolve().parents[1]
"""The checkout, or an image's code."""


@dataclass(frozen=True)
class Context:
    """The settings, session, store and lake of one attempt, over a half-open interval of landing days.

    ``models`` says what scores a day that has been released before: the versions that its release recorded, or today's champions.
    ``dry_run`` is for work that deletes: it says what would go and leaves everything.
    ``hold`` is for a training of the recommender: what passes the gate is registered, and serves once a person has approved it.
    """

    settings: Settings
    spark: SparkSession
    store: Store
    lake: Lake
    source: Source
    interval: Interval
    run_id: str
    attempt: int
    models: Literal["recorded", "champion"] = "recorded"
    dry_run: bool = True
    hold: bool = False

    @classmethod
    def create(
        cls,
        settings: Settings,
        interval: Interval,
        *,
        run_id: str,
        attempt: int,
        models: Literal["recorded", "champion"] = "recorded",
        dry_run: bool = True,
        hold: bool = False,
    ) -> "Context":
        """Open the session and the lake for one attempt.

        The object store is asked first: Iceberg asks one that refuses a login twenty times, for minutes, before it says so.
        """
        store = Store.from_settings(settings)
        store.knock()
        spark = spark_session(settings, f"tradewind {settings.shop} {interval}")
        if not settings.scratch_is_in_store:  # Spark itself writes nothing there, and would ask Hadoop for a file system
            spark.sparkContext.setCheckpointDir(f"{settings.scratch_uri}/checkpoints")
        SHARED.set(partial(ObjectArrays, store))
        lake = Lake(spark, Attempt(run_id=run_id, attempt=attempt, interval=interval, code_version=code_version()))
        source = load(settings.source, settings.optional_feeds)
        return cls(settings, spark, store, lake, source, interval, run_id, attempt, models, dry_run, hold)

    @cached_property
    def code_version(self) -> str:
        """Version of the code that runs."""
        return self.lake.attempt.code_version

    @cached_property
    def lineage(self) -> Lineage:
        """To whom the attempt tells what it reads and writes; to nobody unless the deployment names a transport."""
        return Lineage(self)

    @cached_property
    def inspection(self) -> Inspection:
        """The attempt's quality pass over what it writes."""
        return Inspection(self.lake, self.interval)


def code_version(code: Path = CODE) -> str:
    """The release of the package, with the commit: an image has it in a file beside the code, a checkout asks git, where there is one."""
    told = code / "COMMIT"
    if told.exists():
        return f"{VERSION}+{told.read_text(encoding='utf-8').strip()}"
    git = shutil.which("git")
    if git is None:
        return VERSION
    result = subprocess.run([git, "-C", str(code), "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return f"{VERSION}+{result.stdout.strip()}" if result.returncode == 0 else VERSION
