"""The set-ups of the check: settings that differ, and for each a shop of its own with the same landed files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from psycopg import sql

from jobs.store import Store
from stack import jars, job_conf
from stack.class_archive import ClassArchive
from stack.services import Stack
from stack.shop import store_of
from stack.spark_cluster import HOST

Part = Literal["tables", "fits"]


@dataclass(frozen=True)
class SetUp:
    """One way to run the jobs. ``does`` are the parts of the work; ``loses_an_executor``: one is killed in the middle of a fit."""

    title: str
    master: str
    partitions: int
    has_scratch_in_store: bool = False
    does: Sequence[Part] = ("tables", "fits")
    loses_an_executor: bool = False

    @property
    def name(self) -> str:
        """The title as a bucket may be called.

        >>> SetUp("local[2], 8", "local[2]", 8).name
        'check-local-2-8'
        """
        return "check-" + "-".join(re.findall(r"[a-z0-9]+", self.title.lower()))


def set_ups(cluster: str) -> list[SetUp]:
    """One machine with 1, 2, 4 and 8 partitions, and the ``cluster`` (its master's address), undisturbed and with a loss."""
    there = SetUp("cluster", cluster, 4, has_scratch_in_store=True)
    return [
        *(SetUp(f"local, {partitions}", "local[2]", partitions) for partitions in (1, 2, 4, 8)),
        there,
        replace(there, title="cluster, executor killed", does=("fits",), loses_an_executor=True),
    ]


def shop_of(stack: Stack, set_up: SetUp) -> Mapping[str, str]:
    """Make the set-up's bucket with all that has landed, its catalog, and its settings; the environment of a process that works for it."""
    folder = stack.state / set_up.name
    own = {
        "TRADEWIND_BUCKET": set_up.name,
        "TRADEWIND_CATALOG_URI": f"jdbc:postgresql://{HOST}:{stack.ports.postgres}/{set_up.name}",
        "TRADEWIND_SPARK_MASTER": set_up.master,
        "TRADEWIND_SPARK_SHUFFLE_PARTITIONS": str(set_up.partitions),
        "TRADEWIND_SCRATCH_URI": f"s3://{set_up.name}/scratch" if set_up.has_scratch_in_store else str(folder / "scratch"),
    }
    for part in ("conf", "scratch/spark"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    in_one_bucket = {name: value for name, value in stack.job_settings().items() if not name.startswith("TRADEWIND_EXPORT_")}
    job_conf.write_env_file(folder / "tradewind.env", in_one_bucket | own)
    job_conf.write_spark_conf(
        folder / "conf",
        jars=jars.spark_jars(stack.settings.jars_dir),
        driver_memory=stack.settings.spark_driver_memory,
        scratch_dir=folder / "scratch",
        archive=ClassArchive.of(replace(stack.settings, spark_master=set_up.master)),
    )
    with stack.postgres.connect(stack.credentials) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER lake").format(sql.Identifier(set_up.name)))
    _copy_landing(store_of(stack), set_up.name)
    return stack.environment() | {
        "TRADEWIND_ENV_FILE": str(folder / "tradewind.env"),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_IP": HOST,
    }


def result_of(stack: Stack, set_up: SetUp) -> Path:
    """Where the work leaves its hashes."""
    return stack.state / set_up.name / "hashes.json"


def _copy_landing(landed: Store, bucket: str) -> None:
    landed.client.create_bucket(Bucket=bucket)
    for found in landed.list("landing/"):
        landed.client.copy_object(Bucket=bucket, Key=found.key, CopySource={"Bucket": landed.bucket, "Key": found.key})
