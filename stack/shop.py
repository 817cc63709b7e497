"""What commands around a shop need to know of its services, whoever has started them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from jobs.settings import Settings
from jobs.store import Store
from stack.errors import StackError


class Shop(Protocol):
    """A shop whose services run: this machine's own (``stack.services.Stack``), or somebody else's."""

    @property
    def source(self) -> str:
        """The source of its files."""
        ...

    @property
    def airflow_url(self) -> str:
        """Address of Airflow's page and API."""
        ...

    @property
    def airflow_user(self) -> str:
        """Who starts the runs."""
        ...

    @property
    def airflow_password(self) -> str:
        """That user's password."""
        ...

    @property
    def mlflow_url(self) -> str:
        """Address of MLflow's page and API."""
        ...

    @property
    def pages_url(self) -> str:
        """Address of the quality pages and reports."""
        ...

    @property
    def s3_endpoint(self) -> str:
        """Address of the object store."""
        ...

    def job_settings_read(self) -> Settings:
        """The settings of its jobs."""
        ...

    def environment(self) -> dict[str, str]:
        """The environment of a subprocess that runs its jobs' Python."""
        ...

    def logins(self) -> Mapping[str, str]:
        """What to say of the logins: to Airflow, and to what an analyst reads."""
        ...


@dataclass(frozen=True)
class DeployedShop:
    """Services that run already and that this process's environment names: the jobs' own, and Airflow by ``DEMO_AIRFLOW_`` variables."""

    source: str
    airflow_url: str
    airflow_user: str
    airflow_password: str
    mlflow_url: str
    pages_url: str
    s3_endpoint: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read it; raises StackError that names what is missing, and ``SettingsError`` for the jobs' own."""
        names = ("DEMO_AIRFLOW_URL", "DEMO_AIRFLOW_USER", "DEMO_AIRFLOW_PASSWORD")
        missing = [name for name in names if not environ.get(name)]
        if missing:
            raise StackError(f"{', '.join(missing)} is not set.", advice="docker/compose.yaml shows what the demonstration is told.")
        settings = Settings.from_environment(environ)
        url, user, password = (environ[name] for name in names)
        pages = settings.pages_url or ""
        return cls(settings.source, url, user, password, settings.mlflow_tracking_uri, pages, settings.s3_endpoint or "AWS")

    @property
    def state(self) -> Path:
        """Where the demonstration writes down what it has landed."""
        return Path(os.environ.get("DEMO_STATE", "/var/tradewind/demo"))

    def job_settings_read(self) -> Settings:
        """The settings of its jobs."""
        return Settings.from_environment()

    def environment(self) -> dict[str, str]:
        """This process's own."""
        return dict(os.environ)

    def logins(self) -> Mapping[str, str]:
        """Where the logins are: in the file that the services were started with."""
        return {"airflow": f"{self.airflow_user}, and others: docker/.env", "reader": "an analyst's logins: docker/.env"}


def store_of(shop: Shop) -> Store:
    """The shop's buckets: landing zone and lake, and exports."""
    return Store.from_settings(shop.job_settings_read())
