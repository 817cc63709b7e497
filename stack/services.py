"""One shop's services: start them, find them running, stop them. One stack at a time has the ports."""

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Self

import psutil

from jobs.settings import Settings
from stack import jars, java, job_conf, machine
from stack.airflow_services import DRIVERS, PARTS, USER, AirflowServices
from stack.class_archive import ClassArchive
from stack.credentials import Credentials, write_private
from stack.errors import StackError
from stack.health import Ailment, await_healthy
from stack.mlflow_server import NAME as MLFLOW
from stack.mlflow_server import MlflowServer
from stack.object_store import NAME as OBJECT_STORE
from stack.object_store import ObjectStore
from stack.page_server import NAME as PAGES
from stack.page_server import PageServer
from stack.postgres import NAME as POSTGRES
from stack.postgres import Postgres
from stack.settings import CHECKOUT, Ports, StackSettings
from stack.supervision import ProgramState, Supervisor
from stack.system_user import fallback_folder

BASE = (POSTGRES, OBJECT_STORE)
AIRFLOW = tuple(f"airflow-{part}" for part in PARTS)
ALL = (*BASE, MLFLOW, PAGES, *AIRFLOW)
RECORD = "stack.json"

Report = Callable[[str], None]


def silent(_: str) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Stack:
    """The services of one shop, running or not; everything that others need to use them."""

    shop: str
    source: str
    state: Path
    ports: Ports
    settings: StackSettings

    @classmethod
    def load(cls, shop: str, settings: StackSettings | None = None) -> Self:
        """The stack that was made for a shop; raises ``StackError`` when there is none."""
        settings = settings or StackSettings.from_environment()
        state = settings.local_dir / "shops" / shop
        record = state / RECORD
        if not record.exists():
            raise StackError(f"There is no stack for shop {shop}.", advice=f"Run: make up SHOP={shop}")
        known = json.loads(record.read_text(encoding="utf-8"))
        return cls(known["shop"], known["source"], state, Ports(**known["ports"]), settings)

    def save(self) -> None:
        """Write down what ``load`` reads."""
        record = {"shop": self.shop, "source": self.source, "ports": asdict(self.ports)}
        write_private(self.state / RECORD, json.dumps(record, indent=1) + "\n")

    @property
    def env_file(self) -> Path:
        """The shop's ``TRADEWIND_`` settings, with secrets, mode 0600."""
        return self.state / "tradewind.env"

    @property
    def reader_file(self) -> Path:
        """What an analyst may have: where exports and mart are, and logins that read them; mode 0600."""
        return self.state / "reader.env"

    @property
    def airflow_url(self) -> str:
        """Address of Airflow's page and API."""
        return self.airflow.url

    @property
    def airflow_user(self) -> str:
        """Who logs in to Airflow."""
        return USER

    @property
    def airflow_password(self) -> str:
        """That user's password."""
        return self.credentials.airflow_passwords[USER]

    @property
    def mlflow_url(self) -> str:
        """Address of MLflow's page and API."""
        return self.mlflow.url

    @property
    def pages_url(self) -> str:
        """Address of the quality pages and Data Docs."""
        return self.pages.url

    @property
    def s3_endpoint(self) -> str:
        """Address of the object store."""
        return self.object_store.endpoint

    @property
    def credentials_file(self) -> Path:
        """The logins, mode 0600."""
        return self.state / "credentials.json"

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of the services."""
        return Supervisor(self.state)

    @cached_property
    def credentials(self) -> Credentials:
        """The shop's secrets, made at first use."""
        return Credentials.made_once(self.credentials_file)

    @cached_property
    def postgres(self) -> Postgres:
        """The database server."""
        return Postgres.in_folder(self.state, self.ports.postgres)

    @cached_property
    def object_store(self) -> ObjectStore:
        """The object store."""
        jar = jars.object_store_jar(self.settings.jars_dir)
        return ObjectStore(self.state, self.ports.s3, java.require(), jar, Path(sys.executable))

    @property
    def mlflow(self) -> MlflowServer:
        """The MLflow server."""
        return MlflowServer(self.state, self.ports)

    @property
    def pages(self) -> PageServer:
        """The server of the pages."""
        return PageServer(self.state, self.ports.pages, self.env_file)

    @property
    def airflow(self) -> AirflowServices:
        """The four services of Airflow."""
        return AirflowServices(
            self.state, self.ports, self.settings, self.env_file, jobs_env=Path(sys.prefix), airflow_env=self.settings.airflow_env
        )

    def job_settings(self) -> dict[str, str]:
        """The ``TRADEWIND_`` variables of the shop, as the env file holds them."""
        return job_conf.job_settings(
            shop=self.shop,
            source=self.source,
            ports=self.ports,
            credentials=self.credentials,
            jars_dir=self.settings.jars_dir,
            scratch_dir=self.state / "scratch",
            settings=self.settings,
        )

    def job_settings_read(self) -> Settings:
        """The same, as the jobs read them."""
        return Settings.from_environment({"TRADEWIND_ENV_FILE": str(self.env_file)})

    def logins(self) -> Mapping[str, str]:
        """What to say of the logins: to Airflow, and to what an analyst reads."""
        airflow = f"{self.airflow_user} / {self.airflow_password}"
        return {"airflow": airflow, "reader": f"an analyst's logins: {self.reader_file}"}

    def environment(self) -> dict[str, str]:
        """The environment for a subprocess that runs the jobs' Python: the caller's, with the shop's settings and nobody else's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TRADEWIND_")}
        return kept | {
            "TRADEWIND_ENV_FILE": str(self.env_file),
            "SPARK_CONF_DIR": str(self.state / "conf" / "spark"),
            "PYSPARK_PYTHON": sys.executable,
            "JAVA_HOME": str(java.home(java.require())),
            "PYTHONPATH": str(CHECKOUT),
        }

    def airflow_environment(self) -> dict[str, str]:
        """The environment for a subprocess that runs Airflow's Python on this stack's database."""
        return {"PATH": os.environ.get("PATH", os.defpath)} | self.airflow.environment(self.credentials)

    def prepare(self) -> None:
        """Write settings, credentials and configuration; make Postgres' data folder."""
        self.state.mkdir(parents=True, exist_ok=True)
        for folder in ("logs", "run", "conf/spark", "scratch/spark"):
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        self.save()
        job_conf.write_env_file(self.env_file, self.job_settings())
        job_conf.write_env_file(self.reader_file, job_conf.reader_settings(self.ports, self.credentials))
        job_conf.write_spark_conf(
            self.state / "conf" / "spark",
            jars=jars.spark_jars(self.settings.jars_dir),
            driver_memory=self.settings.spark_driver_memory,
            scratch_dir=self.state / "scratch",
            archive=ClassArchive.of(self.settings),
        )
        self.postgres.initialise(self.credentials)
        self.object_store.prepare(self.credentials)

    def start(self, report: Report = silent, names: Sequence[str] = ALL) -> None:
        """Start the named services and wait until they are healthy; what runs already is left alone. Raises ``StackError``."""
        supervisor = self.supervisor
        if not supervisor.is_running():
            self.prepare()
            programs = [self.postgres.program, self.object_store.program, self.mlflow.program(self.credentials), self.pages.program]
            supervisor.launch([*programs, *self.airflow.programs(self.credentials)])
        self._start_group([name for name in BASE if name in names], report)
        if set(BASE) <= set(names):
            self.postgres.create_databases(self.credentials)
        if MLFLOW in names:
            supervisor.start(MLFLOW)  # takes its time while Airflow's database is brought up to date
        if set(AIRFLOW) & set(names):
            report("preparing Airflow's database")
            self.airflow.prepare(self.credentials)
        self._start_group([name for name in names if name not in BASE], report)

    def _start_group(self, names: Sequence[str], report: Report) -> None:
        for name in names:
            self.supervisor.start(name)
        checks = {name: check for name, check in self.ailments().items() if name in names}
        await_healthy(self.supervisor, checks, timeout_seconds=self.settings.start_timeout_seconds, report=report)

    def ailments(self) -> Mapping[str, Ailment]:
        """For each service, the question why it is not healthy."""
        checks: dict[str, Ailment] = {
            POSTGRES: partial(self.postgres.ailment, self.credentials),
            OBJECT_STORE: self.object_store.ailment,
            MLFLOW: self.mlflow.ailment,
            PAGES: self.pages.ailment,
        }
        return checks | {name: partial(self.airflow.ailment, name) for name in AIRFLOW}

    def unhealthy(self) -> dict[str, str]:
        """The services that are not healthy now, each with its reason."""
        states: Mapping[str, ProgramState] = self.supervisor.states()
        found = {}
        for name, ailment in self.ailments().items():
            state = states.get(name)
            reason = ailment() if state and state.state == "RUNNING" else (state.state.lower() if state else "stopped")
            if reason:
                found[name] = reason
        return found

    def stop(self) -> None:
        """Stop everything; nothing to stop is no error. A driver that waits leaves when it finds its socket gone."""
        self.supervisor.stop()
        for file in (self.state / DRIVERS).glob("*"):
            file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop everything and delete the shop's data, wherever it lies."""
        self.stop()
        for folder in (fallback_folder(self.state / "postgres"), self.state):
            shutil.rmtree(folder, ignore_errors=True)


def shops(settings: StackSettings) -> Iterator[Stack]:
    """Every stack that has been made."""
    for record in sorted((settings.local_dir / "shops").glob(f"*/{RECORD}")):
        yield Stack.load(record.parent.name, settings)


def running(settings: StackSettings | None = None) -> Stack | None:
    """The stack that runs now, or None."""
    settings = settings or StackSettings.from_environment()
    return next((stack for stack in shops(settings) if stack.supervisor.is_running()), None)


def up(shop: str, source: str, report: Report = print, *, names: Sequence[str] = ALL) -> Stack:
    """Start a shop's services, or those of ``names``, or find them running; raises ``StackError`` with what to do."""
    settings = StackSettings.from_environment()
    with _one_at_a_time(settings):
        current = running(settings)
        if current and current.shop != shop:
            raise StackError(f"The stack of shop {current.shop} is running.", advice=f"Stop it first: make down SHOP={current.shop}")
        if current:
            return _already_up(current, source, report)
        stack = Stack(shop, source, settings.local_dir / "shops" / shop, settings.ports, settings)
        if (stack.state / RECORD).exists():
            _require_same_source(Stack.load(shop, settings), source)
        settings.local_dir.mkdir(parents=True, exist_ok=True)
        stack.supervisor.stop()  # clears what a hard stop of the machine or of the supervisor left behind
        machine.require_disk(settings.local_dir, settings.min_disk_gb)
        machine.require_memory(settings.min_memory_gb)
        machine.require_free_ports(settings.ports.by_variable())
        report(f"starting the stack of shop {shop}; its state is {stack.state}")
        try:
            stack.start(report, names)
        except BaseException:
            report("stopping what was started")
            stack.stop()
            raise
        return stack


def down(shop: str | None = None, report: Report = print) -> None:
    """Stop a shop's services, or those that run; nothing to stop is no error."""
    settings = StackSettings.from_environment()
    with _one_at_a_time(settings):
        stack = Stack.load(shop, settings) if shop else running(settings)
        if stack is None:
            report("nothing is running")
            return
        stack.stop()
        report(f"the stack of shop {stack.shop} is stopped")


def switch_to(shop: str, source: str, report: Report = print) -> Stack:
    """Stop the stack of another shop, if one runs, and start this one's."""
    current = running()
    if current and current.shop != shop:
        report(f"stopping the stack of shop {current.shop}: one stack at a time has the ports")
        down(current.shop, report)
    return up(shop, source, report)


def temporary(state: Path, settings: StackSettings | None = None, *, shop: str = "synthetic", source: str = "synthetic") -> Stack:
    """A stack on free ports with its own state folder, for tests; nothing is started yet."""
    settings = settings or StackSettings.from_environment()
    return Stack(shop, source, state, Ports.free(), replace(settings, spark_shuffle_partitions=2, spark_driver_memory="2g"))


def sweep(folder: Path) -> None:
    """Stop and delete the temporary stacks whose process was killed; a folder's name begins with that process's id."""
    for state in folder.glob("*-*") if folder.is_dir() else ():
        pid = state.name.partition("-")[0]
        if not pid.isdigit() or not psutil.pid_exists(int(pid)):
            Supervisor(state).stop()
            for left in (fallback_folder(state / "postgres"), state):
                shutil.rmtree(left, ignore_errors=True)


def _already_up(stack: Stack, source: str, report: Report) -> Stack:
    _require_same_source(stack, source)
    sick = stack.unhealthy()
    if sick:
        report(f"the stack of shop {stack.shop} is up, but not healthy yet: {', '.join(f'{name} ({why})' for name, why in sick.items())}")
        stack.start(report)
    report(f"the stack of shop {stack.shop} is already up")
    return stack


def _require_same_source(stack: Stack, source: str) -> None:
    if stack.source != source:
        raise StackError(
            f"Shop {stack.shop} gets its files from source {stack.source}, not {source}.",
            advice=f"Name another shop: make up SHOP={source} SOURCE={source}",
        )


@contextmanager
def _one_at_a_time(settings: StackSettings) -> Iterator[None]:
    settings.local_dir.mkdir(parents=True, exist_ok=True)
    with (settings.local_dir / "stack.lock").open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError("Another command is starting or stopping the stack.", advice="Wait for it, then try again.") from None
        yield
