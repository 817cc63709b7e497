"""Secrets are made once and stay private."""

import json
import stat
from pathlib import Path

from stack.credentials import Credentials, write_private


def test_the_second_reading_gives_the_same_secrets(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    assert Credentials.made_once(path) == Credentials.made_once(path)


def test_two_shops_share_no_secret(tmp_path: Path) -> None:
    one, other = (Credentials.made_once(tmp_path / name) for name in ("a.json", "b.json"))
    assert one.pseudonym_key != other.pseudonym_key
    assert set(one.postgres_roles.values()).isdisjoint(other.postgres_roles.values())


def test_a_secret_that_an_older_file_lacks_is_added_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    before = Credentials.made_once(path)
    known = json.loads(path.read_text(encoding="utf-8"))
    del known["airflow_jwt_secret"]
    path.write_text(json.dumps(known), encoding="utf-8")
    after = Credentials.made_once(path)
    assert after.pseudonym_key == before.pseudonym_key
    assert len(after.airflow_jwt_secret) >= 64
    assert Credentials.made_once(path) == after


def test_only_the_owner_reads_a_private_file_even_when_it_was_open_before(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.touch(mode=0o644)
    write_private(path, "x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_are_not_in_the_representation() -> None:
    credentials = Credentials()
    kept = (credentials.s3_secret_keys, credentials.airflow_passwords, credentials.postgres_roles)
    assert not [secret for secrets in kept for secret in secrets.values() if secret in repr(credentials)]
