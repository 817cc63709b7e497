"""What Airflow is told about alerts and approval comes from whoever starts the stack; nothing else does."""

from dataclasses import replace
from pathlib import Path

import pytest

from stack import java
from stack.airflow_services import AirflowServices
from stack.credentials import Credentials
from stack.settings import Ports, StackSettings


def test_alerts_approval_and_connections_are_handed_on_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "require", lambda: tmp_path / "bin" / "java")
    monkeypatch.setattr(java, "home", lambda _: tmp_path)
    given = {
        "TRADEWIND_DAGS_ALERT_EMAIL_TO": "data@shop.example",
        "TRADEWIND_DAGS_APPROVAL": "on",
        "TRADEWIND_DAGS_APPROVAL_DAYS": "3",
        "AIRFLOW_CONN_SMTP_DEFAULT": "smtp://mail.shop.example:465",
        "AIRFLOW_CONN_SPARK_DEFAULT": "spark://elsewhere",
        "TRADEWIND_DAGS_RETRY_SECONDS": "1",
        "AIRFLOW__CORE__PARALLELISM": "64",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = replace(StackSettings(), local_dir=tmp_path)
    services = AirflowServices(tmp_path, Ports(), settings, tmp_path / "env", jobs_env=tmp_path, airflow_env=tmp_path)
    told = services.environment(Credentials())
    assert {name: told.get(name) for name in given} == {
        "TRADEWIND_DAGS_ALERT_EMAIL_TO": "data@shop.example",
        "TRADEWIND_DAGS_APPROVAL": "on",
        "TRADEWIND_DAGS_APPROVAL_DAYS": "3",
        "AIRFLOW_CONN_SMTP_DEFAULT": "smtp://mail.shop.example:465",
        "AIRFLOW_CONN_SPARK_DEFAULT": '{"conn_type": "spark", "host": "local[2]"}',
        "TRADEWIND_DAGS_RETRY_SECONDS": "60",
        "AIRFLOW__CORE__PARALLELISM": "3",
    }
