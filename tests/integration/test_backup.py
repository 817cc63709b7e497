"""A shop that was wiped is what it was, once its backup is restored."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from jobs.settings import Settings
from jobs.store import Store
from stack import backup
from stack.backup import MANIFEST, models_of
from stack.errors import StackError
from stack.services import Stack

KEYS = {"mlflow/1/a=b/model.bin": b"\0\1\2", "landing/x/events/2026-05-04/é.gz": b"", "releases/2026-05-04/000001.json": b"{}"}

EXPORTED, MODEL = "exports/backup_test/part.csv", "mlflow/9/backup_test/model.bin"
"""Of other buckets."""


@pytest.fixture
def shop(test_stack: Stack, services: Settings) -> Iterator[Stack]:
    """A shop with rows in two databases and objects in its bucket, beside whatever other tests have left."""
    store = Store.from_settings(services)
    with _of(test_stack, "lake") as lake, _of(test_stack, "mart") as mart:
        lake.execute("CREATE TABLE backup_test (cup int PRIMARY KEY, note text)")
        lake.execute("INSERT INTO backup_test VALUES (1, 'blue'), (2, 'a ''quoted'' one')")
        mart.execute("CREATE SCHEMA backup_test")
        mart.execute("CREATE TABLE backup_test.fact AS SELECT 7 AS seven")
        mart.execute("GRANT USAGE ON SCHEMA backup_test TO mart_reader")
        mart.execute("GRANT SELECT ON backup_test.fact TO mart_reader")
    for key, content in KEYS.items():
        store.write(f"backup_test/{key}", content)
    store.write(EXPORTED, b"exported")
    models_of(test_stack).write(MODEL, b"model")
    yield test_stack
    with _of(test_stack, "lake") as lake, _of(test_stack, "mart") as mart:
        lake.execute("DROP TABLE IF EXISTS backup_test")
        mart.execute("DROP SCHEMA IF EXISTS backup_test CASCADE")
    store.delete([EXPORTED, *(stored.key for stored in store.list("backup_test/"))])
    models_of(test_stack).delete([MODEL])


def _of(stack: Stack, role: str, *, dbname: str | None = None) -> "psycopg.Connection[tuple[object, ...]]":
    port, password = stack.ports.postgres, stack.credentials.postgres_roles[role]
    return psycopg.connect(host="127.0.0.1", port=port, user=role, password=password, dbname=dbname or role, autocommit=True)


def silent(_: str) -> None:
    """Report nothing."""


def test_what_was_wiped_comes_back_and_what_came_after_is_gone(shop: Stack, services: Settings, tmp_path: Path) -> None:
    store, folder = Store.from_settings(services), tmp_path / "kept"
    made = backup.backup(shop, folder, silent)
    store.delete([f"backup_test/{key}" for key in KEYS])
    store.write("backup_test/later", b"later")
    store.delete([EXPORTED])
    models_of(shop).write(MODEL, b"another")
    with _of(shop, "lake") as lake, _of(shop, "mart") as mart:
        lake.execute("DROP TABLE backup_test")
        mart.execute("DROP SCHEMA backup_test CASCADE")
        mart.execute("CREATE TABLE later (one int)")

    assert backup.restore(shop, folder, silent) == made

    assert {stored.key: store.read(stored.key) for stored in store.list("backup_test/")} == {
        f"backup_test/{key}": content for key, content in KEYS.items()
    }
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        _of(shop, "mart_reader", dbname="lake")
    assert (store.read(EXPORTED), models_of(shop).read(MODEL)) == (b"exported", b"model")
    with _of(shop, "lake") as lake, _of(shop, "mart_reader", dbname="mart") as reader:
        assert lake.execute("SELECT * FROM backup_test ORDER BY cup").fetchall() == [(1, "blue"), (2, "a 'quoted' one")]
        lake.execute("INSERT INTO backup_test VALUES (3, 'the role owns it still')")
        assert reader.execute("SELECT seven FROM backup_test.fact").fetchone() == (7,)
        assert reader.execute("SELECT to_regclass('public.later')").fetchone() == (None,)


@pytest.mark.parametrize("harm", ["an object is cut", "an object is missing", "a dump is changed", "it was cut off"])
def test_a_damaged_backup_is_refused_before_anything_is_touched(harm: str, shop: Stack, services: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    backup.backup(shop, folder, silent)
    copy = folder / "objects" / "backup_test" / "mlflow" / "1" / "a=b" / "model.bin"
    match harm:
        case "an object is cut":
            copy.write_bytes(b"\0")
        case "an object is missing":
            copy.unlink()
        case "a dump is changed":
            with (folder / "lake.dump").open("ab") as stream:
                stream.write(b"x")
        case _:
            (folder / MANIFEST).unlink()
    Store.from_settings(services).write("backup_test/later", b"later")
    with pytest.raises(StackError, match=r"is damaged|is no backup"):
        backup.restore(shop, folder, silent)
    assert Store.from_settings(services).read("backup_test/later") == b"later"


def test_a_backup_of_another_shop_and_a_used_folder_are_refused(shop: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    made = backup.backup(shop, folder, silent)
    with pytest.raises(StackError, match="is not empty"):
        backup.backup(shop, folder, silent)
    replace(made, shop="another").write(folder)
    with pytest.raises(StackError, match="of shop another"):
        backup.restore(shop, folder, silent)
    replace(made, pseudonyms="0" * 16).write(folder)
    with pytest.raises(StackError, match="another key of the pseudonyms"):
        backup.restore(shop, folder, silent)


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a/../../outside", "..", "."])
def test_a_key_that_leads_out_of_the_folder_is_refused(key: str, shop: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    made = backup.backup(shop, folder, silent)
    replace(made, objects={key: (0, "0" * 64)}).write(folder)
    with pytest.raises(StackError, match="leads out of"):
        backup.restore(shop, folder, silent)


def test_no_password_is_in_a_backup(shop: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    backup.backup(shop, folder, silent)
    secrets = [shop.credentials.postgres_admin, *shop.credentials.s3_secret_keys.values(), shop.credentials.pseudonym_key]
    texts = [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    assert [secret for secret in secrets for text in texts if secret.encode() in text] == []
    assert oct(folder.stat().st_mode & 0o777) == "0o700"
