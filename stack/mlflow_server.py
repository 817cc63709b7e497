"""The MLflow server: runs and models in Postgres, artefacts in the object store through the server, so that clients need no key to it."""

import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from stack.credentials import Credentials
from stack.object_store import REGION
from stack.s3proxy import MODEL_BUCKET, MODELS
from stack.settings import Ports
from stack.supervision import Program

NAME = "mlflow"


@dataclass(frozen=True)
class MlflowServer:
    """One server on a stack's Postgres and object store."""

    state: Path
    ports: Ports

    @property
    def url(self) -> str:
        """The address of page and API."""
        return f"http://127.0.0.1:{self.ports.mlflow}"

    def program(self, credentials: Credentials) -> Program:
        """The server as the supervisor runs it; addresses that hold a password come by environment."""
        command = (
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(self.ports.mlflow)),
            *("--workers", "1", "--artifacts-destination", f"s3://{MODEL_BUCKET}/mlflow"),
        )
        environment = {
            "MLFLOW_BACKEND_STORE_URI": f"postgresql+psycopg://mlflow:{credentials.postgres_roles['mlflow']}@127.0.0.1:{self.ports.postgres}/mlflow",
            "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{self.ports.s3}",
            "AWS_ACCESS_KEY_ID": credentials.s3_access_keys[MODELS],
            "AWS_SECRET_ACCESS_KEY": credentials.s3_secret_keys[MODELS],
            "AWS_DEFAULT_REGION": REGION,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # saves four processes and 0.7 GB
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        }
        return Program(NAME, command, environment, directory=self.state, clean_start=True)

    def ailment(self) -> str | None:
        """Why the server is not healthy, or None when it is."""
        try:
            status = requests.get(f"{self.url}/health", timeout=5).status_code
        except requests.RequestException as error:
            return type(error).__name__
        return None if status == requests.codes.ok else f"/health answered {status}"
