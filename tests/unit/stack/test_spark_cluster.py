"""Claims about the cluster of checks: both workers work, in folders of their own, and nothing of it outlives who has started it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from stack.settings import CHECKOUT
from stack.spark_cluster import spark_cluster

SCRIPT = """
import json, os, sys, tempfile, time
from pathlib import Path
from pyspark.sql import SparkSession
from stack.spark_cluster import spark_cluster

def look(_):
    import jobs
    time.sleep(1)
    yield os.environ["SPARK_LOCAL_DIRS"], tempfile.gettempdir(), jobs.__file__, sys.prefix

with spark_cluster(Path(sys.argv[1])) as cluster:
    builder = SparkSession.builder.master(cluster.master).config("spark.ui.enabled", "false")
    spark = builder.config("spark.python.daemon.module", "jobs.worker_daemon").getOrCreate()
    print(json.dumps(spark.sparkContext.parallelize(range(4), 4).mapPartitions(look).collect()), flush=True)
    time.sleep(600)
"""


def test_both_workers_work_and_nothing_outlives_who_has_started_them_and_is_killed(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        found = json.loads(process.stdout.readline())
        alive = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()
    for worker in ("worker-1", "worker-2"):
        assert any(local.startswith(str(tmp_path / worker)) and tmp == str(tmp_path / worker / "tmp") for local, tmp, *_ in found)
    assert {(code, prefix) for *_, code, prefix in found} == {(str(CHECKOUT / "jobs" / "__init__.py"), sys.prefix)}
    assert len(alive) >= 6, "a master, two workers, two executors, a driver's JVM"
    _await_end(alive)


def test_a_cluster_ends_where_its_block_ends(tmp_path: Path) -> None:
    with spark_cluster(tmp_path, workers=0) as cluster:
        masters = [one for one in psutil.Process().children(recursive=True) if str(cluster.port) in _command(one)]
    assert masters
    _await_end(masters)


def _command(process: psutil.Process) -> list[str]:
    """Its command line; nothing of what has ended, which other tests of this process may have left."""
    try:
        return process.cmdline()
    except (psutil.ZombieProcess, psutil.NoSuchProcess):
        return []


def _await_end(processes: list[psutil.Process]) -> None:
    deadline = time.monotonic() + 120
    while left := [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)
