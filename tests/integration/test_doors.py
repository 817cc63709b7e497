"""Who may do what: each login tried at each door, also at those that are not its own, and nobody at all of them."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import boto3
import psycopg
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from psycopg import sql

from stack.credentials import DATABASES, MART_READER, S3_ROLES
from stack.object_store import REGION
from stack.s3proxy import BUCKET, DOORS, EXPORT_BUCKET, EXPORT_READER, EXPORTS, LAKE, MODEL_BUCKET, MODELS
from stack.services import Stack

KEY = "test_doors/object"

ALL, READ = {"list", "read", "write", "delete"}, {"list", "read"}
STORE: dict[tuple[str, str], set[str]] = {
    (LAKE, BUCKET): ALL,
    (EXPORTS, EXPORT_BUCKET): ALL,
    (EXPORT_READER, EXPORT_BUCKET): READ,
    (MODELS, MODEL_BUCKET): ALL,
}
"""What a login may do in a bucket; in any other nothing."""

Act = Callable[[Any, str], object]
ACTS: dict[str, Act] = {
    "list": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket, MaxKeys=1),
    "read": lambda s3, bucket: s3.get_object(Bucket=bucket, Key=KEY)["Body"].read(),
    "write": lambda s3, bucket: s3.put_object(Bucket=bucket, Key=KEY, Body=b"written"),
    "delete": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=KEY),
}


def s3_of(stack: Stack, access_key: str, secret_key: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=stack.s3_endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


REFUSED = {"AccessDenied", "InvalidAccessKeyId", "NoSuchBucket", "NotImplemented"}
"""Not allowed; not a login of that bucket; not there, for this login; a store that only reads."""


@pytest.fixture(scope="module")
def owners(test_stack: Stack) -> dict[str, Any]:
    """For each bucket a client of the login that it belongs to."""
    keys = test_stack.credentials
    doors = [door for door in DOORS if not door.is_read_only]
    return {door.bucket: s3_of(test_stack, keys.s3_access_keys[door.role], keys.s3_secret_keys[door.role]) for door in doors}


@pytest.fixture
def store(test_stack: Stack, owners: dict[str, Any]) -> Iterator[Stack]:
    """The object store with an object behind every door."""
    for bucket, owner in owners.items():
        owner.put_object(Bucket=bucket, Key=KEY, Body=b"behind the door")
    yield test_stack
    for bucket, owner in owners.items():
        owner.delete_object(Bucket=bucket, Key=KEY)


@pytest.fixture(scope="module")
def databases(test_stack: Stack) -> Iterator[Stack]:
    """Postgres with a table in every database; the reader of the mart may read that one."""
    passwords = test_stack.credentials.postgres_roles
    for name in DATABASES:
        with _connect(test_stack, name, passwords[name], name) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS test_doors")
            connection.execute("CREATE TABLE IF NOT EXISTS test_doors.kept AS SELECT 7 AS seven")
            if name == "mart":
                connection.execute(sql.SQL("GRANT USAGE ON SCHEMA test_doors TO {}").format(sql.Identifier(MART_READER)))
                connection.execute(sql.SQL("GRANT SELECT ON test_doors.kept TO {}").format(sql.Identifier(MART_READER)))
    yield test_stack
    for name in DATABASES:
        with _connect(test_stack, name, passwords[name], name) as connection:
            connection.execute("DROP SCHEMA test_doors CASCADE")


def _connect(stack: Stack, user: str, password: str, database: str) -> "psycopg.Connection[tuple[object, ...]]":
    place = f"host=127.0.0.1 port={stack.ports.postgres} connect_timeout=5"
    return psycopg.connect(place, user=user, password=password, dbname=database, autocommit=True)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("bucket", [BUCKET, EXPORT_BUCKET, MODEL_BUCKET])
@pytest.mark.parametrize("role", S3_ROLES)
def test_a_login_of_the_store_opens_its_own_door_only(store: Stack, owners: dict[str, Any], role: str, bucket: str, act: str) -> None:
    keys = store.credentials
    s3 = s3_of(store, keys.s3_access_keys[role], keys.s3_secret_keys[role])
    if act in STORE.get((role, bucket), set()):
        ACTS[act](s3, bucket)
        return
    if act == "delete":  # a store may say that what is not there, for this login, is deleted
        with suppress(ClientError):
            ACTS[act](s3, bucket)
    else:
        with pytest.raises(ClientError) as refused:
            ACTS[act](s3, bucket)
        assert refused.value.response["Error"]["Code"] in REFUSED
    assert owners[bucket].get_object(Bucket=bucket, Key=KEY)["Body"].read() == b"behind the door"


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("bucket", [BUCKET, EXPORT_BUCKET, MODEL_BUCKET])
@pytest.mark.parametrize("wrong", ["an unknown key", "a wrong secret", "another login's secret"])
def test_nobody_opens_a_door_of_the_store_with_a_wrong_key(store: Stack, bucket: str, act: str, wrong: str) -> None:
    keys = store.credentials
    pair = {
        "an unknown key": ("nobody", keys.s3_secret_keys[LAKE]),
        "a wrong secret": (keys.s3_access_keys[LAKE], "wrong"),
        "another login's secret": (keys.s3_access_keys[LAKE], keys.s3_secret_keys[EXPORT_READER]),
    }[wrong]
    with pytest.raises(ClientError, match=r"InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|403"):
        ACTS[act](s3_of(store, *pair), bucket)


@pytest.mark.parametrize("bucket", ["", BUCKET, EXPORT_BUCKET, MODEL_BUCKET, f"{BUCKET}/{KEY}", f"{EXPORT_BUCKET}/{KEY}"])
def test_a_request_without_a_login_is_refused_by_the_store(store: Stack, bucket: str) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD", "POST"):
        answer = requests.request(method, f"{store.s3_endpoint}/{bucket}", timeout=10)
        assert answer.status_code in {400, 403, 404, 501}, method
        assert b"behind the door" not in answer.content


@dataclass(frozen=True)
class Login:
    """A role of Postgres and the databases that it may open."""

    role: str
    opens: tuple[str, ...]


LOGINS = (*(Login(name, (name,)) for name in DATABASES), Login(MART_READER, ("mart",)))


@pytest.mark.parametrize("database", [*DATABASES, "postgres"])
@pytest.mark.parametrize("login", LOGINS, ids=lambda login: login.role)
def test_a_role_of_postgres_opens_its_own_database_only(databases: Stack, login: Login, database: str) -> None:
    password = databases.credentials.postgres_roles[login.role]
    if database in login.opens:
        with _connect(databases, login.role, password, database) as connection:
            assert connection.execute("SELECT seven FROM test_doors.kept").fetchone() == (7,)
        return
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        _connect(databases, login.role, password, database)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("password", ["", "wrong", "postgres"])
def test_a_wrong_password_opens_no_database(databases: Stack, database: str, password: str) -> None:
    for user in (database, MART_READER, "postgres", "nobody"):
        with pytest.raises(psycopg.OperationalError, match=r"password authentication failed|no password supplied"):
            _connect(databases, user, password, database)


WRITES = (
    "CREATE TABLE test_doors.mine (one int)",
    "CREATE SCHEMA mine",
    "CREATE TEMP TABLE mine (one int)",
    "INSERT INTO test_doors.kept VALUES (8)",
    "UPDATE test_doors.kept SET seven = 8",
    "DELETE FROM test_doors.kept",
    "DROP TABLE test_doors.kept",
    "CREATE ROLE mine",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT pg_read_file('/etc/passwd')",
)


@pytest.mark.parametrize("statement", WRITES)
def test_who_reads_the_mart_changes_nothing_even_where_the_default_is_switched_off(databases: Stack, statement: str) -> None:
    with _connect(databases, MART_READER, databases.credentials.postgres_roles[MART_READER], "mart") as reader:
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.Error, match=r"permission denied|must be owner"):
            reader.execute(statement)
    with _connect(databases, "mart", databases.credentials.postgres_roles["mart"], "mart") as owner:
        assert owner.execute("SELECT array_agg(seven) FROM test_doors.kept").fetchone() == ([7],)
