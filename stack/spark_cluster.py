"""A Spark standalone cluster on this machine, from the Spark of the environment that runs this: for checks, not for a shop.

Master and workers are on a leash: however the process ends that has started them, they end, their executors notice and end too. Each
worker has folders of its own, as a machine of its own would have: what executors have in common went through a network.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from stack import java
from stack.errors import StackError
from stack.settings import CHECKOUT, free_ports
from stack.supervision import PASSED_ON

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class SparkCluster:
    """A cluster that runs: ``master`` is its address. What it writes lies in ``folder``."""

    folder: Path
    port: int
    page_port: int

    @property
    def master(self) -> str:
        """What a session is told to connect to."""
        return f"spark://{HOST}:{self.port}"

    def workers(self) -> int:
        """How many workers have told the master that they are there; 0 while nobody answers."""
        try:
            found = requests.get(f"http://{HOST}:{self.page_port}/json/", timeout=5).json()
        except (requests.RequestException, ValueError):
            return 0
        return int(found["aliveworkers"])

    def log(self, name: str) -> Path:
        """The log of the master or of a worker."""
        return self.folder / f"{name}.log"


@contextmanager
def spark_cluster(folder: Path, *, workers: int = 2, memory: str = "1g") -> Iterator[SparkCluster]:
    """Start a master and workers of one core each, and end all of them; raises ``StackError`` when they do not find each other.

    ``memory`` is what executors of a worker may have together; Python's workers, who do most of the work, come on top.
    """
    cluster = SparkCluster(folder, *free_ports(2))
    with ExitStack() as running:
        # fmt: off
        running.enter_context(_process(cluster, "master", (
            "org.apache.spark.deploy.master.Master", "--host", HOST, "--port", str(cluster.port), "--webui-port", str(cluster.page_port),
        )))
        for number in range(1, workers + 1):
            name = f"worker-{number}"
            running.enter_context(_process(cluster, name, (
                "org.apache.spark.deploy.worker.Worker", "--host", HOST, "--cores", "1", "--memory", memory, "--webui-port", "0",
                "--work-dir", str(folder / name / "work"), cluster.master,
            )))
        # fmt: on
        deadline = time.monotonic() + START_SECONDS
        while cluster.workers() < workers:
            if time.monotonic() > deadline:
                raise StackError(f"After {START_SECONDS} s Spark's master has not met {workers} workers.", advice=f"Their logs: {folder}")
            time.sleep(POLL_SECONDS)
        yield cluster


@contextmanager
def _process(cluster: SparkCluster, name: str, words: Sequence[str]) -> Iterator[None]:
    folder = cluster.folder / name
    for part in ("work", "local", "tmp", "conf"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "stack.leashed", str(spark_home() / "bin" / "spark-class"), *words]
    with cluster.log(name).open("ab") as log:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=_environment(folder), stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(folder: Path) -> Mapping[str, str]:
    """What a machine of a cluster gives its worker: the jobs' environment and the code, and places of its own; no shop's settings."""
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "JAVA_HOME": str(java.home(java.require())),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(CHECKOUT),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_LOCAL_IP": HOST,
        "TMPDIR": str(folder / "tmp"),
    }


def spark_home() -> Path:
    """The Spark that PySpark brings; raises ``StackError`` where there is none."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise StackError("PySpark is not installed.", advice="Run: make envs")
    return Path(spec.origin).parent
