"""MLflow's container: the server behind logins. Its settings go into a file that only it can read. Standard library only."""

import configparser
import os
import sys
from pathlib import Path

from stack.credentials import write_private
from stack.images.given import secrets, setting

PORT = "5000"
FOLDER = "/run/tradewind"
ADMIN = "admin"
ADMIN_PASSWORD, SIGNING_KEY = "MLFLOW_ADMIN_PASSWORD", "MLFLOW_FLASK_SERVER_SECRET_KEY"


def login_settings(database: str, password: str) -> str:
    """MLflow's own file: who has a login may look, and changes what is his; the administrator is made at the first start."""
    parser = configparser.ConfigParser(interpolation=None)
    told = {
        "default_permission": "READ",
        "database_uri": database,
        "admin_username": ADMIN,
        "admin_password": password,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    parser["mlflow"] = {name: value.replace("%", "%%") for name, value in told.items()}
    lines = [f"{name} = {value}" for name, value in parser["mlflow"].items()]
    return "\n".join(["[mlflow]", *lines, ""])


def main() -> None:
    """Write the file, then become the server."""
    given = secrets((ADMIN_PASSWORD, SIGNING_KEY))
    database, file = setting("MLFLOW_BACKEND_STORE_URI"), Path(setting("MLFLOW_RUN_DIR", FOLDER)) / "auth.ini"
    write_private(file, login_settings(database, given[ADMIN_PASSWORD]))
    environment = os.environ | {
        SIGNING_KEY: given[SIGNING_KEY],
        "MLFLOW_BACKEND_STORE_URI": database,
        "MLFLOW_AUTH_CONFIG_PATH": str(file),
    }
    del environment[ADMIN_PASSWORD]
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth"]
    command += ["--host", setting("MLFLOW_HOST", "0.0.0.0"), "--port", setting("MLFLOW_PORT", PORT)]  # noqa: S104  (of a container)  # nosec B104
    command += ["--workers", setting("MLFLOW_WORKERS", "1"), "--artifacts-destination", setting("MLFLOW_ARTIFACTS")]
    os.execve(sys.executable, command, environment)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
