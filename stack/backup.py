"""Backup of a shop and its way back: the databases, then the buckets, then a manifest that says what there is.

``python -m stack backup --to FOLDER`` and ``python -m stack restore --from FOLDER``. The order makes a backup of a shop that works
consistent: a table's files and a model's artefacts are never changed, only added, so that everything the databases name at their time
is in the buckets afterwards. Only what deletes (``maintain_weekly`` that acts) must not run meanwhile. Logins and the key of the
pseudonyms are not in a backup: keep ``credentials.json`` where secrets are kept.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import sql

from jobs.store import Store
from stack.credentials import DATABASES
from stack.errors import StackError
from stack.jars import sha256_of
from stack.object_store import REGION
from stack.postgres import ADMIN, Postgres
from stack.s3proxy import MODEL_BUCKET, MODELS
from stack.services import BASE, Stack
from stack.shop import store_of

MANIFEST = "manifest.json"
FORMAT = 1
AT_A_TIME = 8
DUMP_SECONDS = 3_600

MODELS_BEGIN = "mlflow/"
"""What the keys of MLflow's artefacts begin with, and no other key does."""

Report = Callable[[str], None]


def models_of(stack: Stack) -> Store:
    """The bucket of MLflow's artefacts."""
    keys = (stack.credentials.s3_access_keys[MODELS], stack.credentials.s3_secret_keys[MODELS])
    return Store(MODEL_BUCKET, stack.s3_endpoint, REGION, *keys)


@dataclass(frozen=True)
class Stores:
    """The buckets of a shop and the one of its models; a key says in which an object lies."""

    shop: Store
    models: Store

    def of(self, key: str) -> Store:
        """Where a key lies."""
        return self.models if key.startswith(MODELS_BEGIN) else self.shop

    def all_keys(self) -> Iterator[str]:
        """Every object of all."""
        for store in (self.shop, self.models):
            yield from (stored.key for stored in store.list("") if self.of(stored.key) is store)


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: of which shop and time (UTC), the sum of each database's dump, the bytes and sum of each object by its key.

    ``pseudonyms`` tells the key of the pseudonyms from others, without telling the key.
    """

    shop: str
    source: str
    began_at: str
    pseudonyms: str
    databases: Mapping[str, str]
    objects: Mapping[str, tuple[int, str]]

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of a folder; raises StackError where there is none, as while a backup is being made, or one of another format."""
        file = folder / MANIFEST
        if not file.exists():
            raise StackError(f"{folder} is no backup: it has no {MANIFEST}.", advice="Name the folder of one that was completed.")
        told = json.loads(file.read_text(encoding="utf-8"))
        if told.get("format") != FORMAT:
            raise StackError(f"{file} has format {told.get('format')}, not {FORMAT}.", advice="Restore it with the version that made it.")
        objects = {key: (int(size), str(sha256)) for key, (size, sha256) in told["objects"].items()}
        return cls(told["shop"], told["source"], told["began_at"], told["pseudonyms"], told["databases"], objects)

    def write(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        told = {"format": FORMAT, **vars(self)}
        draft = folder / f".{MANIFEST}"
        draft.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        draft.replace(folder / MANIFEST)


def backup(stack: Stack, folder: Path, report: Report) -> Manifest:
    """Copy a shop whose services run into ``folder``, which must be empty or new; raises StackError otherwise, or where a part fails."""
    _require_running(stack)
    if folder.exists() and any(folder.iterdir()):
        raise StackError(f"{folder} is not empty.", advice="Name a new folder for each backup.")
    (folder / "objects").mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    databases = {name: _dump(stack, name, folder) for name in DATABASES}
    report(f"dumped the databases {', '.join(databases)}")
    stores = Stores(store_of(stack), models_of(stack))
    keys = list(stores.all_keys())
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="backup") as pool:
        copied = pool.map(lambda key: _fetch(stores.of(key), key, folder), keys)
        objects = {}
        for number, (key, found) in enumerate(zip(keys, copied, strict=True), start=1):
            objects[key] = found
            if number % 1_000 == 0:
                report(f"copied {number:,} of {len(keys):,} objects")
    manifest = Manifest(stack.shop, stack.source, began_at, _pseudonyms(stack), databases, objects)
    manifest.write(folder)
    report(f"copied {len(objects):,} objects, {sum(size for size, _ in objects.values()):,} bytes; the backup {folder} is complete")
    return manifest


def restore(stack: Stack, folder: Path, report: Report) -> Manifest:
    """Make databases and buckets what a backup says, whatever they hold now; everything but these two services must be stopped.

    The backup is read and compared with its manifest before anything is touched. Raises StackError where it is of another shop or
    another key of pseudonyms, damaged or incomplete. A restore that was cut off is done again from its beginning.
    """
    manifest = Manifest.read(folder)
    if (manifest.shop, manifest.source) != (stack.shop, stack.source):
        raise StackError(
            f"{folder} is a backup of shop {manifest.shop}, source {manifest.source}.", advice=f"Restore it with SHOP={manifest.shop}."
        )
    if manifest.pseudonyms != _pseudonyms(stack):
        raise StackError(
            f"{stack.credentials_file} has another key of the pseudonyms than the shop had at the time of {folder}.",
            advice="Put the shop's own file there first: with another key everybody would be somebody else from now on.",
        )
    _require_running(stack)
    _verify(manifest, folder)
    report(f"the backup of {manifest.began_at} is whole: {len(manifest.databases)} databases, {len(manifest.objects):,} objects")
    stores = Stores(store_of(stack), models_of(stack))
    for name in manifest.databases:
        _load(stack, name, folder)
    stack.postgres.create_databases(stack.credentials)  # a new database is open to everybody
    report(f"restored the databases {', '.join(manifest.databases)}")
    strangers = [key for key in stores.all_keys() if key not in manifest.objects]
    for store in (stores.shop, stores.models):
        store.delete(key for key in strangers if stores.of(key) is store)
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="restore") as pool:
        for _ in pool.map(lambda key: stores.of(key).upload(_place(folder, key), key), manifest.objects):
            pass
    report(f"restored {len(manifest.objects):,} objects; {len(strangers):,} that the backup does not have are gone")
    return manifest


def _pseudonyms(stack: Stack) -> str:
    return hashlib.sha256(b"tradewind backup " + stack.credentials.pseudonym_key.encode()).hexdigest()[:16]


def _require_running(stack: Stack) -> None:
    sick = {name: why for name, why in stack.unhealthy().items() if name in BASE}
    if sick:
        told = ", ".join(f"{name} ({why})" for name, why in sick.items())
        raise StackError(f"The shop's services are not healthy: {told}.", advice=f"Start them: make up SHOP={stack.shop}")


def _dump(stack: Stack, name: str, folder: Path) -> str:
    file = folder / f"{name}.dump"
    with file.open("wb") as stream:
        _run(stack, "pg_dump", "--format=custom", "--no-owner", f"--dbname={name}", stdout=stream)
    return sha256_of(file)


def _load(stack: Stack, name: str, folder: Path) -> None:
    """An empty database in the place of what is there, then the dump, as the role that owns it."""
    owner = {"dbname": sql.Identifier(name), "role": sql.Identifier(name)}
    with stack.postgres.connect(stack.credentials) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {dbname} WITH (FORCE)").format(**owner))
        connection.execute(sql.SQL("CREATE DATABASE {dbname} OWNER {role}").format(**owner))
    with (folder / f"{name}.dump").open("rb") as stream:
        _run(stack, "pg_restore", "--no-owner", f"--role={name}", "--exit-on-error", f"--dbname={name}", stdin=stream)


def _run(stack: Stack, program: str, *options: str, **streams: Any) -> None:
    """One of Postgres' own programs, with the administrator's password in its environment; raises StackError with what it said."""
    postgres: Postgres = stack.postgres
    command = [str(postgres.binaries / program), "--host=127.0.0.1", f"--port={postgres.port}", f"--username={ADMIN}", "--no-password"]
    env = {"PATH": os.environ.get("PATH", os.defpath), "PGPASSWORD": stack.credentials.postgres_admin}
    done = subprocess.run([*command, *options], env=env, stderr=subprocess.PIPE, check=False, timeout=DUMP_SECONDS, **streams)
    if done.returncode != 0:
        raise StackError(f"{program} failed: {done.stderr.decode(errors='replace').strip()}", advice="See make logs S=postgres.")


def _fetch(store: Store, key: str, folder: Path) -> tuple[int, str]:
    place = _place(folder, key)
    place.parent.mkdir(parents=True, exist_ok=True)
    store.download(key, place)
    return place.stat().st_size, sha256_of(place)


def _place(folder: Path, key: str) -> Path:
    """Where an object's copy lies; raises StackError for a key that leads out of the folder."""
    home = (folder / "objects").resolve()
    place = (home / key).resolve()
    if key.startswith("/") or not place.is_relative_to(home) or place == home:
        raise StackError(f"The key {key!r} leads out of the backup's folder.", advice="Nobody but an intruder writes such a key.")
    return place


def _verify(manifest: Manifest, folder: Path) -> None:
    wanted = {folder / f"{name}.dump": sha256 for name, sha256 in manifest.databases.items()}
    wanted |= {_place(folder, key): sha256 for key, (_, sha256) in manifest.objects.items()}
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="verify") as pool:
        found = pool.map(lambda file: sha256_of(file) if file.is_file() else "missing", wanted)
        wrong = [str(file.relative_to(folder)) for (file, sha256), is_now in zip(wanted.items(), found, strict=True) if is_now != sha256]
    if wrong:
        shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise StackError(f"The backup {folder} is damaged: {shown}.", advice="Take another one; nothing was changed.")
