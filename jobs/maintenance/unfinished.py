"""What lies outside of the tables and nobody finished: exports and reservations without a release, uploads that were cut off, fits."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from jobs.landing import is_upload_in_flight
from jobs.maintenance.going import Going
from jobs.release.record import ReleaseKey
from jobs.release.releases import committed
from jobs.release.sweep import DAY, leftovers
from jobs.store import Store, StoredObject

PART = "unfinished"
RESERVATIONS = "reservations/"
UPLOADS = ("landing/", "exports/")
FITS = "scratch/als/"
OF_SESSIONS = ("als", "checkpoints")
"""Folders of the scratch place whose folders belong to one fit or one session each."""

FOLDER = "folder"
ABANDONED = "nothing written for a day"


def plan(store: Store, now: datetime, upload_age: timedelta, scratch: Path | None) -> list[Going]:
    """Exports of no release, reservations that can no longer be needed, uploads without an end, arrays of fits that were killed.

    ``scratch`` is the folder that drivers and tasks share, where they share one.
    """
    found = []
    for leftover in leftovers(store, now=now):
        reason = "the release was never committed"
        found.append(Going(PART, f"exports of {leftover.release_id}", "object", leftover.keys, reason, leftover.bytes))
    spent = spent_reservations(store.list(RESERVATIONS), committed(store), now - DAY)
    if spent:
        names, size = tuple(entry.key for entry in spent), sum(entry.size for entry in spent)
        found.append(Going(PART, RESERVATIONS, "object", names, "never committed, and a later number of the day was", size))
    for prefix in UPLOADS:
        cut = [one for one in store.list(prefix) if is_upload_in_flight(one.key) and one.written_at < now - upload_age]
        if cut:
            names, size = tuple(one.key for one in cut), sum(one.size for one in cut)
            found.append(Going(PART, prefix, "object", names, f"uploads without an end for {upload_age.days} days", size))
    return found + abandoned_fits(store.list(FITS), now - DAY) + (abandoned_folders(scratch, now - DAY) if scratch else [])


def abandoned_fits(arrays: Iterable[StoredObject], older_than: datetime) -> list[Going]:
    """Fits below ``FITS`` of which nothing was written since: they were killed, and not tried again."""
    found = []
    for prefix, group in groupby(sorted(arrays, key=lambda one: one.key), key=lambda one: one.key.rpartition("/")[0]):
        kept = list(group)
        if max(one.written_at for one in kept) < older_than:
            names, size = tuple(one.key for one in kept), sum(one.size for one in kept)
            found.append(Going(PART, f"{prefix}/", "object", names, ABANDONED, size))
    return found


def abandoned_folders(scratch: Path, older_than: datetime) -> list[Going]:
    """Folders of fits and of sessions' checkpoints in which nothing was written since."""
    found = []
    for kind in OF_SESSIONS:
        for folder in sorted((scratch / kind).glob("*/")):
            files = list(_files(folder))
            last = max((one.st_mtime for one in (*files, *_own(folder))), default=older_than.timestamp())
            if datetime.fromtimestamp(last, UTC) < older_than:
                found.append(Going(PART, f"{kind}/{folder.name}", FOLDER, (str(folder),), ABANDONED, sum(one.st_size for one in files)))
    return found


def _own(folder: Path) -> list[os.stat_result]:
    """Of the folder itself; nothing where it has gone meanwhile."""
    return [folder.stat()] if folder.exists() else []


def _files(folder: Path) -> Iterator[os.stat_result]:
    """Of every file below; others may be at work, and what goes meanwhile is passed over."""
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield (Path(inside) / name).stat()


def spent_reservations(reserved: Iterable[StoredObject], releases: Sequence[ReleaseKey], older_than: datetime) -> list[StoredObject]:
    """Reservations without a release whose day has a greater one.

    The greatest number of a day stays reserved for ever: without it the next publisher would take a number that a dead one has exported
    under.
    """
    greatest = {key.day: key.sequence for key in sorted(releases)}
    found = []
    for entry in reserved:
        key = ReleaseKey.of_object(entry.key.replace(RESERVATIONS, "releases/", 1))
        if key and key not in releases and key.sequence < greatest.get(key.day, 0) and entry.written_at < older_than:
            found.append(entry)
    return found


def publishing(store: Store, older_than: datetime) -> set[str]:
    """Ids of the numbers that were reserved since ``older_than``: their publishers may be at work."""
    young = set()
    for entry in store.list(RESERVATIONS):
        key = ReleaseKey.of_object(entry.key.replace(RESERVATIONS, "releases/", 1))
        content = store.read(entry.key) if key else None
        if key and content and datetime.fromisoformat(json.loads(content)["created_at"]) >= older_than:
            young.add(key.id)
    return young


def execute(store: Store, plan: Sequence[Going]) -> None:
    """Delete the planned objects and folders; one that is gone already is no error."""
    for going in plan:
        if going.kind == FOLDER:
            for name in going.names:
                shutil.rmtree(name, ignore_errors=True)
        else:
            store.delete(going.names)
