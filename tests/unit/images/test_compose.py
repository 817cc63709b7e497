"""The compose file and the Dockerfile keep what they promise: pinned, without secrets, each container with its own secrets alone."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
EXAMPLE = (ROOT / "docker" / ".env.example").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")

GIVEN = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))
SECRETS = {name for name, value in GIVEN.items() if not value}

JOBS = {
    "S3_LAKE_ACCESS_KEY", "S3_LAKE_SECRET_KEY", "S3_EXPORTS_ACCESS_KEY", "S3_EXPORTS_SECRET_KEY", "LAKE_DB_PASSWORD", "MART_DB_PASSWORD",
    "MLFLOW_JOBS_PASSWORD", "PSEUDONYM_KEY", "SPARK_AUTH_SECRET",
}  # fmt: skip
AIRFLOW = {"AIRFLOW_DB_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_SECRET_KEY"}
DATABASES = {f"{role}_DB_PASSWORD" for role in ("LAKE", "MART", "MART_READER", "MLFLOW", "AIRFLOW")}
KNOWN_TO = {
    "postgres": {"POSTGRES_PASSWORD"},
    "databases": {"POSTGRES_PASSWORD"} | DATABASES,
    "object-store": {name for name in SECRETS if name.startswith("S3_")},
    "mlflow": {
        "MLFLOW_DB_PASSWORD",
        "S3_MODELS_ACCESS_KEY",
        "S3_MODELS_SECRET_KEY",
        "MLFLOW_ADMIN_PASSWORD",
        "MLFLOW_FLASK_SERVER_SECRET_KEY",
    },
    "mlflow-users": {"MLFLOW_ADMIN_PASSWORD", "MLFLOW_JOBS_PASSWORD", "MLFLOW_VIEWER_PASSWORD"},
    "pages": {"S3_EXPORT_READER_ACCESS_KEY", "S3_EXPORT_READER_SECRET_KEY", "PAGES_PASSWORD"},
    "spark-master": {"SPARK_AUTH_SECRET"},
    "spark-worker-1": {"SPARK_AUTH_SECRET"},
    "spark-worker-2": {"SPARK_AUTH_SECRET"},
    "airflow-database": AIRFLOW | {"AIRFLOW_ADMIN_PASSWORD", "AIRFLOW_OPERATOR_PASSWORD", "AIRFLOW_VIEWER_PASSWORD"},
    "airflow-api-server": AIRFLOW,
    "airflow-dag-processor": AIRFLOW,
    "airflow-triggerer": AIRFLOW,
    "airflow-scheduler": AIRFLOW | JOBS,
    "demo": JOBS | {"AIRFLOW_OPERATOR_PASSWORD"},
}
"""Which secrets each container is given. Postgres' password of the administrator stays with the two that make databases."""


def asked(value: object) -> set[str]:
    """The variables that a part of the file asks for."""
    return set(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", yaml.safe_dump(value)))


def test_every_setting_is_explained_and_every_explained_one_is_used() -> None:
    assert asked(COMPOSE) == set(GIVEN)
    before = [line for number, line in enumerate(EXAMPLE.splitlines()) if number and "=" in line and not line.startswith("#")]
    assert len(before) == len(GIVEN)


def test_a_secret_has_no_default_and_is_missed_by_name() -> None:
    for name in SECRETS:
        assert set(re.findall(rf"\$\{{{name}(.*?)\}}", TEXT)) == {":?is not set, run make compose-env"}, name


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_knows_its_own_secrets_alone(service: str) -> None:
    assert asked(SERVICES[service]) & SECRETS == KNOWN_TO[service]


@pytest.mark.parametrize("service", sorted(SERVICES.keys() - {"postgres", "demo"}))
def test_our_containers_may_do_nothing_that_they_need_not(service: str) -> None:
    assert SERVICES[service]["cap_drop"] == ["ALL"]
    assert SERVICES[service]["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_pinned_and_ports_are_open_to_this_machine_only(service: str) -> None:
    image = SERVICES[service]["image"]
    assert image.endswith(":${TAG:-dev}") or re.search(r":\d+\.\d+", image), image
    assert all(port.startswith("${BIND:-127.0.0.1}:") for port in SERVICES[service].get("ports", []))


def test_what_others_wait_for_says_when_it_is_healthy() -> None:
    for name, service in SERVICES.items():
        for other, wish in service.get("depends_on", {}).items():
            has_check = "healthcheck" in SERVICES[other]
            assert has_check == (wish["condition"] == "service_healthy"), f"{name} waits for {other}"


def test_no_layer_holds_a_secret_and_nobody_is_root() -> None:
    assert not re.findall(r"^(?:ARG|ENV)\b.*(?:PASSWORD|SECRET|TOKEN|_KEY)", DOCKERFILE, re.MULTILINE)
    targets = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.DOTALL | re.MULTILINE))
    for name in ("spark", "airflow", "scheduler", "mlflow", "object-store"):
        assert re.findall(r"^USER (\S+)", targets[name], re.MULTILINE)[-1] == "tradewind", name
        assert "org.opencontainers.image.title" in targets[name], name
    assert re.search(r"^ARG PYTHON_IMAGE=\S+:\d+\.\d+\.\d+-", DOCKERFILE, re.MULTILINE)
    assert not re.findall(r"\bpip install\b(?!.*--require-hashes)", DOCKERFILE.replace("\\\n", " "))


def test_images_take_named_code_and_never_the_file_of_settings() -> None:
    copied = {source for line in re.findall(r"^COPY (?!--from)(?:--\S+ )*(.*) \S+$", DOCKERFILE, re.MULTILINE) for source in line.split()}
    assert copied, "sources of COPY"
    assert not copied & {".", "./", "docker", "docker/", "*"}
    ignored = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert ignored[0] == "*", "nothing goes to the engine that is not named"
    assert ignored.index("docker/.env") > ignored.index("!docker"), "the last line that matches decides"


def test_the_makefile_builds_every_image_that_the_file_asks_for() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    built = set(re.findall(r"^IMAGES\s*:=\s*(.*)$", makefile, re.MULTILINE)[0].split())
    assert {match for service in SERVICES.values() for match in re.findall(r"^tradewind-([a-z-]+):", service["image"])} == built
