"""The logins of one shop's services and the key of its pseudonyms: random, made once, in a file that only its owner can read."""

import base64
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from stack.s3proxy import DOORS

DATABASES = ("airflow", "mlflow", "lake", "mart")
"""The databases; each belongs to a role of the same name."""

MART_READER = "mart_reader"
"""Who may read the mart, and nothing else."""

ROLES = (*DATABASES, MART_READER)

S3_ROLES = tuple(door.role for door in DOORS)
"""Who has keys of the object store."""

AIRFLOW_USERS = {"admin": "admin", "operator": "op", "viewer": "viewer"}
"""Airflow's users and the role of each: an operator starts, stops and repeats runs, a viewer only looks."""


def _token() -> str:
    return secrets.token_hex(24)


def _tokens(names: Iterable[str]) -> dict[str, str]:
    return {name: _token() for name in names}


@dataclass(frozen=True)
class Credentials:
    """One shop's secrets; none of them is ever an argument of a command."""

    postgres_admin: str = field(default_factory=_token, repr=False)
    postgres_roles: Mapping[str, str] = field(default_factory=lambda: _tokens(ROLES), repr=False)
    s3_access_keys: Mapping[str, str] = field(default_factory=lambda: _tokens(S3_ROLES), repr=False)
    s3_secret_keys: Mapping[str, str] = field(default_factory=lambda: _tokens(S3_ROLES), repr=False)
    airflow_passwords: Mapping[str, str] = field(default_factory=lambda: _tokens(AIRFLOW_USERS), repr=False)
    airflow_jwt_secret: str = field(default_factory=lambda: secrets.token_hex(48), repr=False)
    airflow_secret_key: str = field(default_factory=_token, repr=False)
    airflow_fernet_key: str = field(default_factory=lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(), repr=False)
    pseudonym_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)

    @classmethod
    def made_once(cls, path: Path) -> Self:
        """Read the file, or make it with fresh secrets; a secret that an older file lacks is added."""
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        credentials = cls(**{name: value for name, value in known.items() if name in {entry.name for entry in fields(cls)}})
        lacking: dict[str, Any] = {
            name: made | dict(getattr(credentials, name)) for name, made in asdict(cls()).items() if isinstance(made, dict)
        }
        credentials = replace(credentials, **lacking)
        if asdict(credentials) != known:
            write_private(path, json.dumps(asdict(credentials), indent=1) + "\n")
        return credentials


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, atomically: it is never readable by others, and never half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    draft.replace(path)
