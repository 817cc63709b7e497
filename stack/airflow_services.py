"""Airflow on this machine: api-server, scheduler, dag-processor and triggerer over Postgres, tasks in processes of the scheduler."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from stack import java
from stack.credentials import AIRFLOW_USERS, Credentials, write_private
from stack.errors import StackError
from stack.images.airflow_database import pools
from stack.settings import CHECKOUT, Ports, StackSettings
from stack.submission import FOLDER_VARIABLE, IDLE_VARIABLE
from stack.supervision import Program

USER = "admin"
PARTS = {"api-server": (), "scheduler": ("--skip-serve-logs",), "dag-processor": (), "triggerer": ("--skip-serve-logs",)}
"""The services and their options; the api-server reads task logs from the same disk, so nobody needs to serve them."""
PASSED_ON = ("TRADEWIND_DAGS_ALERT_", "TRADEWIND_DAGS_APPROVAL", "TRADEWIND_DAGS_RUNBOOK_", "TRADEWIND_DAGS_QUALITY_", "AIRFLOW_CONN_")
"""Beginnings of the variables that tell Airflow whom to alert or ask and how to log in there: taken over from who starts the stack."""
DRIVERS = "drivers"
"""The folder, below a shop's state, in which drivers wait for their next task."""
HEALTH_KEYS = {"airflow-scheduler": "scheduler", "airflow-dag-processor": "dag_processor", "airflow-triggerer": "triggerer"}


@dataclass(frozen=True)
class AirflowServices:
    """The four services of one state folder."""

    state: Path
    ports: Ports
    settings: StackSettings
    env_file: Path
    jobs_env: Path
    airflow_env: Path

    @property
    def url(self) -> str:
        """The address of page and API."""
        return f"http://127.0.0.1:{self.ports.airflow}"

    @property
    def passwords_file(self) -> Path:
        """The simple auth manager's file of passwords."""
        return self.state / "conf" / "airflow-passwords.json"

    def environment(self, credentials: Credentials) -> dict[str, str]:
        """All that Airflow and its tasks are told; secrets included, so it never goes onto a command line."""
        database = f"airflow:{credentials.postgres_roles['airflow']}@127.0.0.1:{self.ports.postgres}/airflow"
        connection = {"conn_type": "spark", "host": self.settings.spark_master}
        alerts = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        return alerts | {
            "AIRFLOW_HOME": str(self.state / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(self.settings.parallelism),
            "AIRFLOW__CORE__FERNET_KEY": credentials.airflow_fernet_key,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in AIRFLOW_USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.passwords_file),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{database}",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.ports.airflow),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": credentials.airflow_secret_key,
            "AIRFLOW__API_AUTH__JWT_SECRET": credentials.airflow_jwt_secret,
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            # A file that changes is read at the next refresh. One that does not, which takes a second of a core, is read again before it
            # counts as gone (600 s), not every half minute.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "240",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.state / "logs" / "airflow"),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.state / "logs" / "airflow" / "dag_processor"),
            # A task whose process is gone is found within a minute, not within five.
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(connection),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYSPARK_PYTHON": str(self.jobs_env / "bin" / "python"),
            "SPARK_CONF_DIR": str(self.state / "conf" / "spark"),
            "JAVA_HOME": str(java.home(java.require())),
            "NO_PROXY": "127.0.0.1,localhost",
            "TRADEWIND_ENV_FILE": str(self.env_file),
            "TRADEWIND_DAGS_CRON": self.settings.cron,
            "TRADEWIND_DAGS_RETRY_SECONDS": str(self.settings.retry_seconds),
            "TRADEWIND_DAGS_NOT_YET_SECONDS": str(self.settings.not_yet_seconds),
            "TWSTACK_HOME": str(CHECKOUT),
            "TWSTACK_STATE": str(self.state),
            "TWSTACK_JOBS_PYTHON": str(self.jobs_env / "bin" / "python"),
            "TWSTACK_SPARK_SUBMIT": str(CHECKOUT / "bin" / "submit.py"),
            FOLDER_VARIABLE: str(self.state / DRIVERS),
            IDLE_VARIABLE: str(self.settings.driver_idle_seconds),
        }

    def programs(self, credentials: Credentials) -> list[Program]:
        """The services as the supervisor runs them."""
        binary = str(self.airflow_env / "bin" / "airflow")
        path = {"PATH": f"{self.airflow_env / 'bin'}:/usr/local/bin:/usr/bin:/bin"}
        environment = self.environment(credentials) | path
        return [
            Program(f"airflow-{part}", (binary, part, *options), environment, directory=self.state, clean_start=True)
            for part, options in PARTS.items()
        ]

    def prepare(self, credentials: Credentials) -> None:
        """Bring the database to this version and make the pools; raises ``StackError`` with what Airflow said."""
        (self.state / "airflow").mkdir(parents=True, exist_ok=True)
        write_private(self.passwords_file, json.dumps(credentials.airflow_passwords) + "\n")
        self.run(credentials, "db", "migrate")
        file = self.state / "airflow" / "pools.json"
        file.write_text(pools(), encoding="utf-8")
        self.run(credentials, "pools", "import", str(file))

    def run(self, credentials: Credentials, *arguments: str) -> str:
        """What an ``airflow`` command prints; raises ``StackError`` when it fails."""
        command = [str(self.airflow_env / "bin" / "airflow"), *arguments]
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.state / "airflow")} | self.environment(credentials)
        done = subprocess.run(command, env=environment, cwd=self.state, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            tail = "\n".join(done.stderr.splitlines()[-20:])
            raise StackError(f"airflow {' '.join(arguments[:2])} failed:\n{tail}\n", advice="make logs S=airflow-scheduler may say more.")
        return done.stdout

    def health(self) -> Mapping[str, Any]:
        """What the api-server says of itself and the others; raises ``requests.RequestException`` when it does not answer."""
        response = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5)
        response.raise_for_status()
        answer: Mapping[str, Any] = response.json()
        return answer

    def ailment(self, name: str) -> str | None:
        """Why the named service is not healthy, or None when it is."""
        try:
            health = self.health()
        except requests.RequestException as error:
            return type(error).__name__
        status = (health.get(HEALTH_KEYS.get(name, "metadatabase")) or {}).get("status")
        return None if status == "healthy" else f"status {status}"
