"""Who may do what in Airflow, in MLflow and on the pages: each user tried at each door, and nobody, and a wrong password."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from jobs import tracking
from jobs.settings import Settings
from jobs.store import Store
from stack.images.mlflow_users import make_users
from stack.page_server import HOST, Login, handler
from stack.s3proxy import EXPORT_READER
from stack.services import Stack
from stack.settings import CHECKOUT, free_ports
from tests.tracking_fixtures import FAMILY, tracked, train

OK, CREATED, UNAUTHORISED, FORBIDDEN = 200, 201, 401, 403

# Airflow


@pytest.fixture(scope="module")
def airflow(test_stack: Stack) -> Stack:
    """Airflow's page and API over its real database; nothing is scheduled."""
    test_stack.airflow.prepare(test_stack.credentials)
    test_stack.supervisor.start("airflow-api-server")
    deadline = time.monotonic() + 240
    while test_stack.airflow.ailment("airflow-api-server") is not None:
        assert time.monotonic() < deadline, "Airflow's API server did not come up"
        time.sleep(1)
    return test_stack


AIRFLOW_DOORS = {
    "read the DAGs": ("GET", "dags", None),
    "read the runs": ("GET", "dags/~/dagRuns", None),
    "start a run": ("POST", "dags/refine_daily/dagRuns", {"dag_run_id": "door", "logical_date": None}),
    "pause a DAG": ("PATCH", "dags/refine_daily", {"is_paused": True}),
    "clear tasks": ("POST", "dags/refine_daily/clearTaskInstances", {"dry_run": True}),
    "read the connections": ("GET", "connections", None),
    "make a connection": ("POST", "connections", {"connection_id": "door", "conn_type": "http"}),
    "write a variable": ("POST", "variables", {"key": "door", "value": "open"}),
    "read the configuration": ("GET", "config", None),
}
LOOKS = {"read the DAGs", "read the runs"}
OPENS = {
    "viewer": LOOKS,
    "operator": AIRFLOW_DOORS.keys() - {"read the configuration"},
    "admin": set(AIRFLOW_DOORS),
}
"""Behind an open door the answer may be that there is no such DAG (404), or that configurations are shown to nobody; it is not 401."""


@pytest.mark.parametrize("door", AIRFLOW_DOORS)
@pytest.mark.parametrize("user", [*OPENS, "nobody", "a token of no one"])
def test_a_user_of_airflow_opens_what_its_role_opens(airflow: Stack, user: str, door: str) -> None:
    method, path, body = AIRFLOW_DOORS[door]
    headers = {}
    if user in OPENS:
        login = {"username": user, "password": airflow.credentials.airflow_passwords[user]}
        headers = {
            "Authorization": f"Bearer {requests.post(f'{airflow.airflow_url}/auth/token', json=login, timeout=30).json()['access_token']}"
        }
    elif user != "nobody":
        headers = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJBRE1JTiJ9."}
    answer = requests.request(method, f"{airflow.airflow_url}/api/v2/{path}", json=body, headers=headers, timeout=30)
    if user not in OPENS:
        assert answer.status_code in {UNAUTHORISED, FORBIDDEN}
    elif door == "read the configuration":
        assert answer.status_code == FORBIDDEN
    elif door in OPENS[user]:
        assert answer.status_code not in {UNAUTHORISED, FORBIDDEN}
    else:
        assert answer.status_code == FORBIDDEN


@pytest.mark.parametrize("password", ["", "admin", "airflow", "viewer"])
@pytest.mark.parametrize("user", ["admin", "operator", "viewer", "nobody"])
def test_a_wrong_password_gets_no_token_of_airflow(airflow: Stack, user: str, password: str) -> None:
    answer = requests.post(f"{airflow.airflow_url}/auth/token", json={"username": user, "password": password}, timeout=30)
    assert answer.status_code in {400, UNAUTHORISED, 422}
    assert "access_token" not in answer.text


# MLflow, as its image starts it

PASSWORDS = {
    "admin": ("MLFLOW_ADMIN_PASSWORD", "9b1c4e7d20f35a68"),
    "jobs": ("MLFLOW_JOBS_PASSWORD", "68a53f02d7e4c1b9"),
    "viewer": ("MLFLOW_VIEWER_PASSWORD", "c1b968a53f02d7e4"),
}


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server behind logins, with an experiment of the jobs."""
    pytest.importorskip("flask_wtf", reason="needs mlflow[auth]")
    folder = tmp_path_factory.mktemp("mlflow")
    (port,) = free_ports(1)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(CHECKOUT),
        "MLFLOW_HOST": "127.0.0.1",
        "MLFLOW_PORT": str(port),
        "MLFLOW_RUN_DIR": str(folder / "run"),
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_ARTIFACTS": str(folder / "artifacts"),
        "MLFLOW_ADMIN_PASSWORD": PASSWORDS["admin"][1],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "d7e4c1b968a53f02",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "stack.images.mlflow_server"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await(address, server, folder / "log")
        make_users(address, dict(PASSWORDS.values()))
        make_users(address, dict(PASSWORDS.values()))  # a second time finds them
        made = _mlflow(address, "jobs", "POST", "experiments/create", {"name": "of the jobs"})
        assert made.status_code == OK
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _await(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 240
    while True:
        try:
            if requests.get(f"{address}/health", timeout=5).status_code == OK:
                return
        except requests.RequestException:
            pass
        assert server.poll() is None, log.read_text(errors="replace")[-2000:]
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(1)


def _mlflow(address: str, user: str, method: str, path: str, body: dict[str, object] | None = None) -> requests.Response:
    login = (user, PASSWORDS[user][1]) if user in PASSWORDS else None
    return requests.request(method, f"{address}/api/2.0/mlflow/{path}", json=body, auth=login, timeout=60)


MLFLOW_DOORS: dict[str, tuple[str, str, dict[str, object] | None]] = {
    "read an experiment of the jobs": ("GET", "experiments/get-by-name?experiment_name=of+the+jobs", None),
    "rename an experiment of the jobs": ("POST", "experiments/update", {"experiment_id": "1", "new_name": "of the jobs"}),
    "log a run of the jobs": ("POST", "runs/create", {"experiment_id": "1"}),
    "make a user": ("POST", "users/create", {"username": "intruder", "password": "intruder-intruder-1"}),
    "give rights away": ("POST", "experiments/permissions/create", {"experiment_id": "1", "username": "viewer", "permission": "MANAGE"}),
}
MLFLOW_OPENS = {
    "viewer": {"read an experiment of the jobs"},
    "jobs": MLFLOW_DOORS.keys() - {"make a user"},
    "nobody": set(),
}


@pytest.mark.parametrize(
    ("user", "door"),
    [(user, door) for user in MLFLOW_OPENS for door in MLFLOW_DOORS if (user, door) != ("jobs", "give rights away")],
)
def test_a_user_of_mlflow_opens_its_own_doors_only(mlflow: str, user: str, door: str) -> None:
    status = _mlflow(mlflow, user, *MLFLOW_DOORS[door]).status_code
    if door in MLFLOW_OPENS[user]:
        assert status == OK
    else:
        assert status == (UNAUTHORISED if user == "nobody" else FORBIDDEN)


@pytest.mark.parametrize("login", [("admin", "password1234"), ("admin", "password"), ("jobs", "wrong"), ("", "")])
def test_a_default_password_opens_nothing_of_mlflow(mlflow: str, login: tuple[str, str]) -> None:
    for path in ("experiments/search?max_results=1", "users/get?username=admin", "registered-models/search"):
        assert requests.get(f"{mlflow}/api/2.0/mlflow/{path}", auth=login, timeout=60).status_code == UNAUTHORISED


def test_a_model_lives_its_whole_life_under_the_login_of_the_jobs_alone(mlflow: str, tmp_path: Path) -> None:
    login = {"MLFLOW_USERNAME": "jobs", "MLFLOW_PASSWORD": PASSWORDS["jobs"][1]}
    with tracked({"MLFLOW_TRACKING_URI": mlflow} | login) as settings:
        tracker = tracking.connect(settings)
        assert tracker.champion(FAMILY) is None, "before there is a model the server refuses to speak of it"
        assert tracker.trained(FAMILY, "1") is None
        _, version = train(settings, tmp_path, "hello")
        tracker.set_champion(FAMILY, version, "It greets.")
        serving = tracker.champion(FAMILY)
        assert serving is not None
        assert (serving.version, serving.reason) == (version, "It greets.")
        name = tracker.name(FAMILY)
        for user, status in (("viewer", FORBIDDEN), ("nobody", UNAUTHORISED)):
            moved = _mlflow(mlflow, user, "POST", "registered-models/alias", {"name": name, "alias": "champion", "version": "1"})
            assert moved.status_code == status
        assert _mlflow(mlflow, "viewer", "GET", f"registered-models/alias?name={name}&alias=champion").status_code == OK
        tracker.no_champion(FAMILY, "It is rude.")
        assert tracker.champion(FAMILY) is None


# the pages


@pytest.fixture(scope="module")
def pages(test_stack: Stack, services: Settings) -> Iterator[int]:
    """The port of the pages behind a login, read with the keys of who may read exports alone."""
    keys = test_stack.credentials
    exports = Store.from_settings(services).of("pages/")
    exports.write("pages/quality/door.html", b"<p>a page</p>")
    reader = replace(exports, access_key=keys.s3_access_keys[EXPORT_READER], secret_key=keys.s3_secret_keys[EXPORT_READER])
    server = ThreadingHTTPServer((HOST, 0), handler(reader, login=Login("viewer", "c1b968a53f02d7e4")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    exports.delete(["pages/quality/door.html"])


@pytest.mark.parametrize(
    ("login", "status"),
    [(("viewer", "c1b968a53f02d7e4"), OK), (("viewer", "wrong"), UNAUTHORISED), (("", ""), UNAUTHORISED), (None, UNAUTHORISED)],
)
def test_the_pages_are_shown_to_who_has_the_login(pages: int, login: tuple[str, str] | None, status: int) -> None:
    answer = requests.get(f"http://{HOST}:{pages}/quality/door.html", auth=login, timeout=30)
    assert (answer.status_code, b"a page" in answer.content) == (status, status == OK)
    assert requests.get(f"http://{HOST}:{pages}/health", timeout=30).status_code == OK
