"""A container starts with all its secrets, each of them hard to guess, or says by name which is not."""

from pathlib import Path

import pytest

from jobs.strength import weak, weakness
from stack.images import environment, object_store
from stack.images.airflow_database import USERS as AIRFLOW_USERS
from stack.images.given import secrets, setting
from stack.images.mlflow_server import login_settings

GOOD = {"ONE": "9b1c4e7d20f35a68", "TWO": "68a53f02d7e4c1b9"}


def test_a_secret_comes_by_environment_or_by_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{GOOD['ONE']}\n", encoding="utf-8")
    assert secrets(("ONE", "TWO"), {"ONE_FILE": str(file), "TWO": GOOD["TWO"]}) == GOOD


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"TWO": GOOD["TWO"]}, "ONE is not set"),
        (GOOD | {"ONE": ""}, "ONE is not set"),
        (GOOD | {"ONE": "postgres"}, "ONE is a word that everybody tries"),
        (GOOD | {"ONE": "short-but-odd-1"}, "ONE is shorter than 16 characters"),
        (GOOD | {"ONE": GOOD["TWO"]}, "TWO is the same as ONE"),
    ],
)
def test_a_missing_or_weak_secret_ends_the_start_by_name_and_is_not_shown(
    given: dict[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        secrets(("ONE", "TWO"), given)
    told = capsys.readouterr().err
    assert (ended.value.code, said in told) == (65, True)
    assert not [value for value in given.values() if value and len(value) > 8 and value in told]


def test_what_is_no_secret_may_have_a_default() -> None:
    assert (setting("PORT", "5432", {}), setting("PORT", "5432", {"PORT": "1"})) == ("5432", "1")


@pytest.mark.parametrize(
    "secret", ["admin", "PASSWORD", "changeme!", "minio123", "airflow-airflow-1", "postgres_postgres", "0123456789abcde", "a1" * 20]
)
def test_what_anybody_tries_first_is_weak(secret: str) -> None:
    assert weakness(secret) is not None


def test_the_made_file_has_good_secrets_and_a_second_making_changes_none() -> None:
    example = environment.EXAMPLE.read_text(encoding="utf-8")
    made = environment.completed(example)
    values = dict(line.split("=", 1) for line in made.splitlines() if line and not line.startswith("#"))
    asked = {line[:-1] for line in example.splitlines() if line.endswith("=") and not line.startswith("#")}
    assert weak({name: values[name] for name in asked}) == []
    assert environment.completed(example, made) == made
    assert {variable for _, variable in AIRFLOW_USERS.values()} | set(object_store.names()) <= asked


def test_a_setting_of_ones_own_stays_and_one_that_is_new_is_added() -> None:
    assert environment.completed("A=1\nB=2\n", "A=5\nMINE=3\n") == "A=5\nB=2\nMINE=3\n"


def test_a_password_with_a_percent_sign_reaches_mlflow_as_it_is(tmp_path: Path) -> None:
    auth = pytest.importorskip("mlflow.server.auth.config", reason="needs mlflow[auth]")
    file = tmp_path / "auth.ini"
    file.write_text(login_settings("postgresql+psycopg://u:p%40ss@h/d", "100%(sure)s"), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_AUTH_CONFIG_PATH", str(file))
        read = auth.read_auth_config()
    assert (read.database_uri, read.admin_password) == ("postgresql+psycopg://u:p%40ss@h/d", "100%(sure)s")
