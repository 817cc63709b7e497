"""The settings of the services on this machine: ports, places, limits. Variables begin with ``TWSTACK_``. Standard library only."""

import os
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Self

from stack.errors import StackError

PREFIX = "TWSTACK_"
CHECKOUT = Path(__file__).resolve().parent.parent
# What the stack tells DAGs and tasks; these are outputs, so finding them in the environment is no mistake.
GIVEN_TO_TASKS = ("HOME", "JOBS_PYTHON", "SPARK_SUBMIT", "STATE")


@dataclass(frozen=True)
class Ports:
    """The TCP ports of the services, all on 127.0.0.1; each is a setting ``TWSTACK_<NAME>_PORT``."""

    postgres: Annotated[int, "Port of Postgres."] = 25432
    s3: Annotated[int, "Port of the object store."] = 29000
    mlflow: Annotated[int, "Port of MLflow."] = 25000
    airflow: Annotated[int, "Port of Airflow."] = 28080
    pages: Annotated[int, "Port of the pages: quality, releases, Data Docs."] = 28081

    @classmethod
    def free(cls) -> Self:
        """Ports that nothing listens on at this moment, for a stack that lives as long as a test session."""
        return cls(*free_ports(len(fields(cls))))

    def by_variable(self) -> dict[str, int]:
        """Each port under the variable that sets it."""
        return {f"{PREFIX}{name.upper()}_PORT": number for name, number in asdict(self).items()}


@dataclass(frozen=True)
class StackSettings:
    """Everything that can be set about the services."""

    local_dir: Annotated[Path, "Where environments, jars and shops lie; needs a file system with extended attributes."] = (
        CHECKOUT / ".local"
    )
    ports: Ports = field(default_factory=Ports)
    min_disk_gb: Annotated[float, "Least free disk to start."] = 6.0
    min_memory_gb: Annotated[float, "Least available memory to start."] = 6.0
    start_timeout_seconds: Annotated[int, "Longest wait for a healthy service."] = 300
    parallelism: Annotated[int, "Airflow tasks at a time."] = 3
    spark_master: Annotated[str, "Where Spark drivers run."] = "local[2]"
    spark_driver_memory: Annotated[str, "Heap of a driver."] = "3g"
    spark_shuffle_partitions: Annotated[int, "Partitions after a shuffle."] = 4
    driver_idle_seconds: Annotated[
        int, "How long a driver waits for its next task (docs/adr/0009); 0: every task has a driver of its own."
    ] = 120
    cron: Annotated[str, "`on`: DAGs run by the clock; for a shop whose days are past, leave it off."] = "off"
    retry_seconds: Annotated[int, "Wait before the first retry of a task that had bad luck; it doubles."] = 60
    not_yet_seconds: Annotated[int, "Wait of a task whose day has not landed yet."] = 600

    @property
    def jars_dir(self) -> Path:
        """The folder of the jars."""
        return self.local_dir / "jars"

    @property
    def jobs_env(self) -> Path:
        """The environment of jobs, models and services."""
        return self.local_dir / "envs" / "jobs"

    @property
    def airflow_env(self) -> Path:
        """The environment of Airflow."""
        return self.local_dir / "envs" / "airflow"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings; raises ``StackError`` for an unknown ``TWSTACK_`` variable or a value that is not one."""
        env = os.environ if environ is None else environ
        given = {name.removeprefix(PREFIX): value for name, value in env.items() if name.startswith(PREFIX)}
        given = {name: value for name, value in given.items() if name not in GIVEN_TO_TASKS}
        defaults = cls()
        ports = {name: _read(given, f"{name.upper()}_PORT", number) for name, number in asdict(defaults.ports).items()}
        plain = [entry.name for entry in fields(cls) if entry.name != "ports"]
        values = {name: _read(given, name.upper(), getattr(defaults, name)) for name in plain}
        if given:
            known = sorted([*(f"{PREFIX}{name.upper()}" for name in plain), *defaults.ports.by_variable()])
            raise StackError(
                f"Unknown setting {', '.join(f'{PREFIX}{name}' for name in sorted(given))}.", advice=f"The settings are {', '.join(known)}."
            )
        return replace(defaults, ports=Ports(**ports), **values)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nothing listens on at this moment."""
    with ExitStack() as held:
        listeners = [held.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


def _read(given: dict[str, str], name: str, default: Any) -> Any:
    text = given.pop(name, None)
    if text is None:
        return default
    try:
        return Path(text).resolve() if isinstance(default, Path) else type(default)(text)
    except ValueError:
        raise StackError(f"{PREFIX}{name} is {text!r}.", advice=f"Set a {type(default).__name__} such as {default}.") from None
